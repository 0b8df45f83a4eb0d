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
)

// kernelTrap handles a trap or an interrupt that the kernel itself took; the
// interrupted thread's state is in its Context, and resume runs kctx next.
//
//loam:trap stack=24576
func kernelTrap(cpu *CPU) {
	c := contextAt(cpu.kctx)
	switch {
	case c.Vector == amd64.VecPage:
		if c.Err&amd64.FaultPresent == 0 && heapFault(c.CR2) {
			return
		}
		if c.Err&amd64.FaultPresent == 0 && isHeap(c.CR2) {
			kernelPanic(cpu, c, "out of memory for the kernel's own heap (-m gives the machine more)")
		}
		kernelPanic(cpu, c, "fault in the kernel")
	case c.Vector >= vectorIRQ:
		serveInterrupt(cpu, uint32(c.Vector))
		wake := cpu.events != 0
		if wake {
			wakeRunner(cpu)
		}
		if wake || cpu.current == idleThread || timerTick {
			timerTick = false
			yield(cpu)
		}
	default:
		kernelPanic(cpu, c, "fault in the kernel")
	}
}

var timerTick bool

// serveInterrupt acknowledges one interrupt and notes what it means.
func serveInterrupt(cpu *CPU, vector uint32) {
	switch vector {
	case vectorTimer:
		timerSet = never
		timerTick = true
		now := Now()
		expire(now)
		if now >= runnerDeadline {
			runnerDeadline = never
			cpu.events |= uint32(EventTimer)
		}
		armTimer()
	case vectorIRQ + irqCOM2:
		if receive() {
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
