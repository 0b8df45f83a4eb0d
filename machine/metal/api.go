//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/frame"
	"loam/machine/phys"
)

// What the kernel floor calls. The methods of CPU are for its own runner (RunOn)
// alone, but for Kick; the functions for whoever holds the kernel lock.

// Frames is the frame allocator. Interrupts are off in who uses it: one that came while its lock is held could wait for
// another CPU that waits for that lock.
func Frames() *frame.Allocator { return &frames }

// Phys is the window through which the kernel reaches physical memory.
func Phys() phys.Memory { return memory }

// NewContext returns a Context for a user thread: its registers zero but for
// those that make it one, its FPU in the architectural initial state. It is
// nil when there is no memory.
func NewContext() *Context { return newContext(contextKind) }

// FreeContext gives a Context back, which no CPU has entered last (Leave).
func FreeContext(c *Context) {
	freeObject(contextKind, uint64(addressOf(c)-memory.Virtual(0)))
}

// Enter runs the user thread of c, whose root the CPU has (UseRoot), until its
// next trap and says which. The state is then in *c.
func Enter(c *Context) Trap {
	leaveOff()
	enter(c)
	beginOff(c)
	return Trap(c.Vector)
}

// Interrupt serves the interrupt that Enter returned with. Before the next Enter comes
// Rearm.
func (cpu *CPU) Interrupt(t Trap) Event {
	serveInterrupt(cpu, t)
	cpu.tick = false
	return cpu.Pending()
}

// Pending takes the events that came while other kernel threads had their turn,
// when nobody waited in Idle for them.
func (cpu *CPU) Pending() Event {
	e := cpu.events
	cpu.events = 0
	return Event(e)
}

// TurnDue reports whether other kernel threads, or the collector, want the CPU.
func (cpu *CPU) TurnDue() bool { return readyHead >= 0 || cpu.asked }

// Turn lets the other kernel threads, and the collector, have the CPU once.
func (cpu *CPU) Turn() {
	cpu.on()
	cpu.asked = false
	cpu.preemptionPoint()
	kernelCall(callTurn, 0, 0)
	if cpu.asked { // by who just had its turn
		cpu.asked = false
		cpu.preemptionPoint()
	}
	cpu.off()
}

// Breathe lets the interrupts come that wait, and the collector have the runner if
// it asked for it.
func (cpu *CPU) Breathe() {
	cpu.on()
	cpu.preemptionPoint()
	cpu.off()
}

// SetDeadline asks for EventTimer at the time at, on the clock of Now, or
// soon after; a later one than asked for last is not sooner for that.
// math.MaxInt64: no more.
func (cpu *CPU) SetDeadline(at int64) {
	cpu.deadline = at
	if cpu.unset || at < cpu.timerSet {
		armTimer(cpu)
	}
}

// Rearm sets the timer, if it has come and isn't set again: an interrupt leaves that to
// the runner, which mostly has another deadline after it.
func (cpu *CPU) Rearm() {
	if cpu.unset {
		armTimer(cpu)
	}
}

// Kick interrupts the CPU, which must be another than the caller's: it gets
// EventKick.
func (cpu *CPU) Kick() { sendKick(cpu) }

// Root is the root that the CPU has loaded.
func (cpu *CPU) Root() uint64 { return cpu.root }

// UseRoot loads a root.
func (cpu *CPU) UseRoot(root uint64) {
	if cpu.root != root {
		cpu.root = root
		loadRoot(root)
	}
}

// KernelRoot is the root with nothing in its user half.
func KernelRoot() uint64 { return kernelRoot }

// Info describes the machine, for the log.
type Info struct {
	MemoryBytes uint64 // usable at boot
	FreeBytes   uint64
	HeapBytes   uint64 // that back the kernel's own Go heap now
	TableBytes  uint64 // that back the kernel's tables now
	ObjectBytes uint64 // of contexts of threads, buffers and the like now
	LeastFree   uint64 // how few bytes were free when heap or tables took a page
	CPUs        int
}

// Machine returns a description of the machine.
func Machine() Info {
	return Info{
		MemoryBytes: usable.Total(), FreeBytes: frames.Stats().Free * pageSize,
		HeapBytes: heap.frames * pageSize, TableBytes: tables.frames * pageSize, ObjectBytes: objectBytes(),
		LeastFree: leastLeft * pageSize, CPUs: CPUs(),
	}
}
