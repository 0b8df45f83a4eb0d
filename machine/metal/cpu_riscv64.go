//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// CPU is what belongs to one hart; tp points to it in kernel mode. What is not said
// to be otherwise only its own hart touches, with interrupts off. Pointer-free:
// addresses are uintptr, so that neither the collector nor a write barrier has
// business here.
type CPU struct {
	scratch   uint64  // X5 while the trap path finds its feet
	scratch6  uint64  // X6 while missed does
	absent    uint64  // the address of the last fault that machine code took, see missed
	ctx       uintptr // *Context that was entered last, 0: none
	kctx      uintptr // *Context of the kernel thread that runs
	stateOf   uintptr // *Context whose floating-point and vector registers the hart has, 0: the kernel's
	runnerSP  uint64  // where Enter returns to
	runnerRA  uint64
	runnerGo  uint64 // the runner's g, constant
	machineSP uint64 // top of the machine stack
	panicSP   uint64
	inMachine uint64 // nonzero while a Go handler runs: a trap then is fatal
	id        uint64
	hart      uint64 // mhartid, constant once it runs
	ticket    uint64 // the hart that may take this structure plus 1, 0: none

	// fakeG stands for a goroutine while machine code runs: all zero, so its
	// stack guard never triggers.
	fakeG [64]uint64

	plic plicContext // its registers of the interrupt controller

	shared
}

// prepare gives the structure of a CPU the values that aren't zero.
func (cpu *CPU) prepare(id uint64) {
	cpu.id = id
	cpu.prepareShared()
}

// setRunner makes the kernel thread of c the CPU's runner.
func (cpu *CPU) setRunner(c *Context) {
	cpu.runnerG = c.goroutine()
	cpu.runnerGo = cpu.runnerG
}

// fakeGoroutine is the g that machine code runs with on this CPU.
func fakeGoroutine() *[64]uint64 { return &thisCPU().fakeG }
