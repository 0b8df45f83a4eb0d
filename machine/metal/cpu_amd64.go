//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// CPU is what belongs to one processor; GS points to it in kernel mode. What is
// not said to be otherwise only its own processor touches, with interrupts off.
// Pointer-free: addresses are uintptr, so that neither the collector nor a write
// barrier has business here.
type CPU struct {
	self      uintptr // address of this structure
	ctx       uintptr // *Context whose GS base the processor has, 0: nobody's
	kctx      uintptr // *Context of the kernel thread that runs
	runnerSP  uint64  // where Enter returns to
	runnerBP  uint64
	runnerFS  uint64 // the runner's thread-local storage, constant
	scratch   uint64 // user stack pointer while SYSCALL's entry finds its feet
	machineSP uint64 // top of the machine stack
	machineFS uint64 // FS base of machine code: the fake g lies at FS:-8
	panicSP   uint64
	inMachine uint64 // nonzero while a Go handler runs: a trap then is fatal
	haltSP    uint64 // the runner's stack while it has the CPU halted, else 0
	woken     uint64 // the vector of the interrupt that ended that
	xcr0      uint64 // the state components that XSAVE and XRSTOR move
	id        uint64

	apic uint32 // of its local APIC, constant

	shared

	tls [2]uintptr // tls[0] lies at machineFS-8 and holds &fakeG
	_   [1]uint64
	// fakeG stands for a goroutine while machine code runs: all zero, so its
	// stack guard never triggers.
	fakeG [64]uint64

	gdt [amd64.GDTEntries]uint64
	tss amd64.TSS
}

// prepare gives the structure of a CPU the values that aren't zero.
func (cpu *CPU) prepare(id uint64) {
	cpu.self = uintptr(addr(cpu))
	cpu.id = id
	cpu.prepareShared()
	cpu.tls[0] = uintptr(addr(&cpu.fakeG))
	cpu.machineFS = addr(&cpu.tls) + 8
}

// setRunner makes the kernel thread of c the CPU's runner.
func (cpu *CPU) setRunner(c *Context) {
	cpu.runnerFS, cpu.runnerG = c.FSBase, c.goroutine()
}

// fakeGoroutine is the g that machine code runs with on this CPU.
func fakeGoroutine() *[64]uint64 { return &thisCPU().fakeG }
