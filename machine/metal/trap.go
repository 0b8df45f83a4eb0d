//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// Trap says why user code stopped: 0..31 a CPU exception, 32..63 an interrupt,
// TrapSyscall a system call.
type Trap uint64

// TrapSyscall is the Trap of a system call.
const TrapSyscall = 256

// Event is a set of things that happened, for the runner.
type Event uint32

const (
	// EventTimer: the deadline of SetDeadline has passed.
	EventTimer Event = 1 << iota
	// EventInput: there is standard input to read, or its end.
	EventInput
	// EventKey: the console has a byte for ConsoleRead.
	EventKey
	// EventKick: another CPU called Kick, or Go's runtime wants the runner.
	EventKick
)

// kernelTrap handles a trap or an interrupt that the kernel itself took; the
// interrupted thread's state is in its Context, and resume runs kctx next.
//
//loam:trap stack=24576
func kernelTrap(cpu *CPU) {
	c := contextAt(cpu.kctx)
	switch {
	case c.Vector == amd64.VecPage:
		if c.Err&amd64.FaultPresent == 0 && rangeTrap(c.CR2) {
			return
		}
		if c.Err&amd64.FaultPresent == 0 && rangeOf(c.CR2) != nil {
			kernelPanic(cpu, c, noKernelMemory)
		}
		kernelPanic(cpu, c, "fault in the kernel")
	case c.Vector >= vectorIRQ:
		serveInterrupt(cpu, uint32(c.Vector))
		machineLock.Lock()
		wake := cpu.events != 0
		if wake {
			wakeRunner(cpu)
		}
		if wake || cpu.current == cpu.idle || cpu.tick || cpu.runnerReady && cpu.turns == 0 {
			cpu.tick = false
			yield(cpu)
		}
		machineLock.Unlock()
	default:
		kernelPanic(cpu, c, "fault in the kernel")
	}
}

const noKernelMemory = "out of memory for the kernel's own heap and tables (-m gives the machine more)"

// rangeTrap backs the page of a kernel range at va after a fault.
func rangeTrap(va uint64) bool {
	machineLock.Lock()
	ok := rangeFault(va)
	machineLock.Unlock()
	return ok
}

// serveInterrupt acknowledges one interrupt and notes what it means.
func serveInterrupt(cpu *CPU, vector uint32) {
	switch vector {
	case vectorTimer:
		timerInterrupt(cpu)
	case vectorKick:
		machineLock.Lock()
		cpu.nudged = false
		cpu.obey()
		machineLock.Unlock()
		cpu.events |= uint32(EventKick)
	case vectorIRQ + irqCOM2:
		if receiveAll() {
			cpu.events |= uint32(EventInput)
		}
	case vectorIRQ + irqCOM1, vectorIRQ + irqKeyboard:
		if receiveKeys(vector) {
			cpu.events |= uint32(EventKey)
		}
	case vectorSpurious:
		return // no EOI: SDM vol. 3A, 10.9
	}
	endOfInterrupt()
}

func timerInterrupt(cpu *CPU) {
	machineLock.Lock()
	cpu.timerSet = never
	cpu.tick = true
	now := Now()
	expire(cpu, now)
	if now >= cpu.deadline {
		cpu.deadline = never
		cpu.events |= uint32(EventTimer)
	}
	armTimer(cpu)
	machineLock.Unlock()
}
