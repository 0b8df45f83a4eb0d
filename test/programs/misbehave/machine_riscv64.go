// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"syscall"

	"loam/abi"
	rv "loam/test/rv64"
)

const (
	// Addresses by Loam's map, where the kernel's parts may begin; on a Linux with
	// three levels of tables those from nonCanonical on belong to nobody or the kernel,
	// too.
	lastPage      = abi.UserLimit - page // the last that a program may have
	neverMapped   = abi.UserLimit        // the first that it may not: the kernel's heap
	nonCanonical  = 0x4000000000
	directMap     = 0xffffffc000000000
	kernelHeap    = neverMapped + 1<<20
	kernelStack   = 0xffffffe000000000
	kernelText    = 0xffffffff80202000
	veryLast      = 0xfffffffffffff000
	kernelDevices = 0xffffffd010000000

	nonCanonicalInfo = mapErr
)

// Machine code that takes its address in A0.
var (
	readCode   = assemble(rv.LD(rv.A1, rv.A0, 0))
	writeCode  = assemble(rv.SD(rv.A1, rv.A0, 0))
	addCode    = assemble(rv.AMOADD(rv.A1, rv.A2, rv.A0))
	jumpCode   = assemble(rv.JR(rv.A0))
	callCode   = assemble(rv.JALR(rv.RA, rv.A0, 0))
	returnCode = assemble(rv.MV(rv.RA, rv.A0), rv.Ret)
	pushCode   = assemble(rv.MV(rv.S0, rv.SP), rv.MV(rv.SP, rv.A0), rv.SD(rv.A1, rv.SP, -8), rv.MV(rv.SP, rv.S0))

	stackCall  = assemble(rv.MV(rv.S0, rv.SP), rv.MV(rv.SP, rv.A0), rv.ECall, rv.MV(rv.SP, rv.S0))
	stackFault = assemble(rv.MV(rv.SP, rv.A0), rv.Illegal)
	stackSpin  = assemble(rv.MV(rv.S0, rv.SP), rv.MV(rv.SP, rv.A0), rv.LUI(rv.T0, 64<<20>>12), rv.ADDI(rv.T0, rv.T0, -1), rv.BNE(rv.T0, rv.Zero, -4), rv.MV(rv.SP, rv.S0))
	// interrupts come meanwhile
)

var (
	codeEnd         = rv.Code(rv.Ret)
	callInstruction = rv.Code(rv.ECall)
)

// assemble is code of instructions.
func assemble(words ...uint32) uintptr { return code(rv.Code(words...)...) }

// flushCode has code be seen that has been written.
func flushCode() { must(abi.SYS_RISCV_FLUSH_ICACHE, 0, 0, 0) }

// registers are loaded before, and stored after, a piece of code, by number: all but
// X0, the return address X1, the stack pointer X2, Go's g in X27, and X31.
type registers struct{ X [32]uint64 }

// Those that the code below uses by name.
const (
	regGP = 3
	regTP = 4
	regS1 = 9
	regA0 = 10
	regA7 = 17
)

// with has some arguments in registers, from A0 on.
func with(args ...uintptr) *registers { return calling(0, args...) }

// calling has a call's number and arguments in registers.
func calling(nr uintptr, args ...uintptr) *registers {
	r := &registers{}
	r.X[regA7] = uint64(nr)
	for i, v := range args {
		r.X[regA0+i] = uint64(v)
	}
	return r
}

// result is what a call has given.
func (r *registers) result() uint64 { return r.X[regA0] }

// signalled is what the handler saw: the signal, si_code and si_addr, and the
// interrupted program counter. Signo is 0 if no signal came.
type signalled struct {
	Signo, Code, Addr, PC uint64
}

// contextSize is the size in bytes of Linux's ucontext up to the end of the
// floating-point state.
const contextSize = 960

// context is a copy of the last that the handler got.
var context [contextSize / 8]uint64

// Where recovered goes on.
//
//lint:ignore U1000 asm_riscv64.s alone uses them
var recoverSP, recoverRA, recoverG uintptr

// goG is this thread's g.
func goG() uintptr

// newAction is a struct sigaction, with all signals let through; what is behind it is
// nobody's.
func newAction(handler uintptr) [4]uint64 {
	const siginfo, onstack, nodefer = 4, 0x08000000, 0x40000000
	return [4]uint64{uint64(handler), siginfo | onstack | nodefer}
}

// set changes one register.
func (r *registers) set(n int, v uint64) *registers {
	r.X[n] = v
	return r
}

const sysYield = syscall.SYS_SCHED_YIELD
