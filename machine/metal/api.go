//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
	"loam/machine/phys"
)

// What the kernel floor calls. All of it on the runner only (BecomeRunner).

// Frames is the frame allocator.
func Frames() *frame.Allocator { return &frames }

// Phys is the window through which the kernel reaches physical memory.
func Phys() phys.Memory { return memory }

// Format is the format of this architecture's page tables.
func Format() *paging.Format { return &amd64.Format }

// NewContext returns a Context for a user thread: its registers zero but for
// the segments and flags, its FPU in the architectural initial state. It is
// nil when there is no memory.
func NewContext() *Context {
	pa, code := frames.Alloc(frame.Context)
	if code != frame.OK {
		return nil
	}
	memory.Zero(pa)
	c := contextAt(memory.Virtual(pa))
	c.CS, c.SS, c.RFLAGS, c.Full = amd64.UserCode, amd64.UserData, amd64.UserFlags(0), 1
	c.setInitial()
	return c
}

// FreeContext gives a Context back. It must not be used any more.
func FreeContext(c *Context) {
	cpu := thisCPU()
	if cpu.ctx == addressOf(c) {
		cpu.ctx = 0
	}
	frames.Free(uint64(addressOf(c)-directMap), frame.Context)
}

// Enter runs the user thread of c until its next trap and says which. The
// state is then in *c: for a system call its number in RAX and OrigRAX, RIP
// behind the SYSCALL.
func Enter(c *Context) Trap {
	enter(c)
	return Trap(cpus[0].trap)
}

// Interrupt serves the interrupt that Enter returned with.
func Interrupt(t Trap) Event {
	cpu := &cpus[0]
	serveInterrupt(cpu, uint32(t))
	timerTick = false
	e := cpu.events
	cpu.events = 0
	return Event(e)
}

// Idle gives the CPU to the other kernel threads until an event, halting it
// when they have nothing to do either.
func Idle() Event {
	preemptionPoint()
	return Event(kernelCall(callIdle, 0, 0))
}

// TurnDue reports whether other kernel threads want the CPU.
func TurnDue() bool { return readyHead >= 0 }

// Turn lets the other kernel threads, and the collector, have the CPU once.
func Turn() {
	preemptionPoint()
	kernelCall(callTurn, 0, 0)
}

// SetDeadline asks for EventTimer at the time at, on the clock of Now, or
// soon after; math.MaxInt64: no more.
func SetDeadline(at int64) {
	if at == runnerDeadline {
		return
	}
	runnerDeadline = at
	armTimer()
}

// FlushPage forgets the translation of one page of the loaded address space.
func FlushPage(va uint64) { invlpg(va) }

// FlushAll forgets every translation of the loaded user half.
func FlushAll() { writeCR3(readCR3()) }

// LoadedRoot is the root that the CPU has loaded.
func LoadedRoot() uint64 { return cpus[0].root }

// StartConsoleInput turns the keys of the consoles on (EventKey).
func StartConsoleInput() { startKeys() }

// Info describes the machine, for the log.
type Info struct {
	MemoryBytes uint64 // usable at boot
	FreeBytes   uint64
	HeapBytes   uint64 // that back the kernel's own Go heap now
	SMEP, SMAP  bool
}

// Machine returns a description of the machine.
func Machine() Info {
	return Info{
		MemoryBytes: usable.Total(), FreeBytes: frames.Stats().Free * pageSize,
		HeapBytes: heapFrames * pageSize, SMEP: hasSMEP, SMAP: hasSMAP,
	}
}
