//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/asid"
	classes "loam/machine/heap"
)

// shared is the part of CPU that both architectures have.
type shared struct {
	root uint64 // page-table root that is loaded

	objects classes.Front // its way to the size classes, constant

	events   uint32 // that the runner has not taken yet
	lines    uint64 // that have fired, and that it has not taken yet
	timerSet int64  // what the timer is programmed to
	deadline int64  // what SetDeadline asked for
	came     int64  // when the timer came that ended Idle, 0: something else did
	unset    bool   // the timer has come, and wasn't programmed since
	tick     bool   // the timer has come since the last switch
	runnerG  uint64 // address of the runner's g, constant

	access         access // to a register, of a program's call
	registersKnown uint64 // registerChanges, when it last forgot what it knew of the window

	// Of checked builds only.
	held       uint32 // ranks of the locks that it holds
	offSince   int64  // when interrupts went off
	offLongest int64  // ns
	offNow     uint64 // what they are off for: see LongestOff
	offCall    uint64 // of offLongest

	// The machine lock guards these, for other CPUs look at them.
	current     int32  // the running kernel thread
	idle        int32  // its idle thread
	runner      int32  // its runner, or none
	runnerReady bool   // the runner waits for the CPU
	turns       int32  // threads that go before it, for it has called Turn
	halted      bool   // the runner has halted the CPU (Idle), or is about to
	asked       bool   // the runtime has asked the runner to stop
	nudged      bool   // an interrupt is on its way because of a kernel thread
	soonest     int64  // the first deadline of the kernel threads that its timer is for
	forgot      uint64 // the last order to forget that it has obeyed (giveback.go)
	online      uint32 // 1 once it has started; atomic

	tags asid.Tags // whose translations it keeps
}

func (s *shared) prepareShared() {
	s.current, s.idle, s.runner = none, none, none
	s.timerSet, s.deadline, s.soonest = never, never, never
}

// cpus are the CPUs, the boot CPU first; cpuCount of them are there.
var (
	cpus     [MaxCPUs]CPU
	cpuCount uint64 = 1
)

// none is the index that means no kernel thread.
const none = int32(-1)

// heldHere is where the calling CPU notes the locks that it holds.
func heldHere() *uint32 { return &thisCPU().held }

// ID is the number of the CPU, 0 for the one that booted.
func (cpu *CPU) ID() int { return int(cpu.id) }

// here is the number of the calling CPU, whose cache of frames it goes through.
func here() uint32 { return uint32(thisCPU().id) }

// CPUs is the number of CPUs that have started.
func CPUs() int { return int(cpuCount) }

// CPUAt gives the CPU with a number below CPUs.
func CPUAt(i int) *CPU { return &cpus[i] }
