//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/asid"
	classes "loam/machine/heap"
)

// CPU is what belongs to one processor; GS points to it in kernel mode. What is
// not said to be otherwise only its own processor touches, with interrupts off.
// Pointer-free: addresses are uintptr, so that neither the collector nor a write
// barrier has business here.
type CPU struct {
	self      uintptr // address of this structure
	ctx       uintptr // *Context whose GS base the processor has, 0: nobody's
	kctx      uintptr // *Context of the kernel thread that runs
	root      uint64  // page-table root that CR3 holds
	runnerSP  uint64  // where Enter returns to
	runnerBP  uint64
	runnerFS  uint64 // the runner's thread-local storage, constant
	scratch   uint64 // user stack pointer while SYSCALL's entry finds its feet
	machineSP uint64 // top of the machine stack
	machineFS uint64 // FS base of machine code: the fake g lies at FS:-8
	panicSP   uint64
	inMachine uint64 // nonzero while a Go handler runs: a trap then is fatal
	xcr0      uint64 // the state components that XSAVE and XRSTOR move

	id   uint64
	apic uint32 // of its local APIC, constant

	objects classes.Front // its way to the size classes, constant

	events   uint32 // that the runner has not taken yet
	timerSet int64  // what the timer is programmed to
	deadline int64  // what SetDeadline asked for
	tick     bool   // the timer has come since the last switch
	runnerG  uint64 // address of the runner's g, constant

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
	asked       bool   // the runtime has asked the runner to stop
	nudged      bool   // vectorKick is on its way because of a kernel thread
	forgot      uint64 // the last order to forget that it has obeyed (giveback.go)
	online      uint32 // 1 once it has started; atomic

	tls [2]uintptr // tls[0] lies at machineFS-8 and holds &fakeG
	_   [1]uint64
	// fakeG stands for a goroutine while machine code runs: all zero, so its
	// stack guard never triggers.
	fakeG [64]uint64

	tags asid.Tags // whose translations it keeps

	gdt [amd64.GDTEntries]uint64
	tss amd64.TSS
}

// cpus are the CPUs, the boot CPU first; cpuCount of them are there.
var (
	cpus     [MaxCPUs]CPU
	cpuCount uint64 = 1
)

// none is the index that means no kernel thread.
const none = int32(-1)

// prepare gives the structure of a CPU the values that aren't zero.
func (cpu *CPU) prepare(id uint64, apic uint32) {
	cpu.self = uintptr(addr(cpu))
	cpu.id, cpu.apic = id, apic
	cpu.current, cpu.idle, cpu.runner = none, none, none
	cpu.timerSet, cpu.deadline = never, never
	cpu.tls[0] = uintptr(addr(&cpu.fakeG))
	cpu.machineFS = addr(&cpu.tls) + 8
}

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
