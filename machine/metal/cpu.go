//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// CPU is what belongs to one processor; GS points to it in kernel mode.
// Only its own processor touches it. Pointer-free: addresses are uintptr, so
// that neither the collector nor a write barrier has business here.
type CPU struct {
	self      uintptr // address of this structure
	ctx       uintptr // *Context of the user thread that Enter runs or ran last
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
	trap      uint64 // why Enter returned: a Trap
	xcr0      uint64 // the state components that XSAVE and XRSTOR move

	id      uint64
	current int32 // index of the running kernel thread
	events  uint32

	tls [2]uintptr // tls[0] lies at machineFS-8 and holds &fakeG
	_   [1]uint64
	// fakeG stands for a goroutine while machine code runs: all zero, so its
	// stack guard never triggers.
	fakeG [64]uint64

	gdt [amd64.GDTEntries]uint64
	tss amd64.TSS
}

var cpus [MaxCPUs]CPU
