// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

const (
	// Addresses by Loam's map, where the kernel's parts may begin; on Linux they belong
	// to the kernel, too.
	lastPage      = 0x7fffffffe000 // the last that a program may have
	neverMapped   = 0x7ffffffff000 // the last page of the lower half
	nonCanonical  = 0x800000000000
	directMap     = 0xffff800000000000
	kernelHeap    = 0xfffff00000000000
	kernelStack   = 0xffffd00000000000
	kernelText    = 0xffffffff80202000
	veryLast      = 0xfffffffffffff000
	kernelDevices = 0xffffff00fee00000 // on Loam, the local APIC

	nonCanonicalInfo = noAddress // the processor doesn't say which
)

// Machine code that takes its address in RDI.
var (
	readCode   = code(0x48, 0x8b, 0x07)       // MOV RAX, [RDI]
	writeCode  = code(0x48, 0x89, 0x07)       // MOV [RDI], RAX
	addCode    = code(0xf0, 0x48, 0xff, 0x07) // LOCK INC [RDI]
	jumpCode   = code(0xff, 0xe7)             // JMP RDI
	callCode   = code(0xff, 0xd7)             // CALL RDI
	returnCode = code(0x57, 0xc3)             // PUSH RDI; RET
	pushCode   = code(0x48, 0x89, 0xe3, 0x48, 0x89, 0xfc, 0x50, 0x48, 0x89, 0xdc)
	// MOV RBX, RSP; MOV RSP, RDI; PUSH RAX; MOV RSP, RBX

	stackCall  = code(0x48, 0x89, 0xe3, 0x48, 0x89, 0xfc, 0x0f, 0x05, 0x48, 0x89, 0xdc) // MOV RBX,RSP; MOV RSP,RDI; SYSCALL; MOV RSP,RBX
	stackFault = code(0x48, 0x89, 0xfc, 0x0f, 0x0b)                                     // MOV RSP,RDI; UD2
	stackSpin  = code(0x48, 0x89, 0xe3, 0x48, 0x89, 0xfc, 0xb9, 0, 0, 0, 4, 0xff, 0xc9, 0x75, 0xfc, 0x48, 0x89, 0xdc)
	// MOV RBX,RSP; MOV RSP,RDI; MOV ECX,64M; DEC ECX; JNZ; MOV RSP,RBX: interrupts come
)

var (
	codeEnd         = []byte{0xc3}       // RET
	callInstruction = []byte{0x0f, 0x05} // SYSCALL
)

// flushCode has code be seen that has been written.
func flushCode() {}

// registers are loaded before, and stored after, a piece of code.
type registers struct {
	RAX, RDI, RSI, RDX, R10, R8, R9, RBX, Flags uint64
}

// with has one or two arguments in registers.
func with(args ...uintptr) *registers { return calling(0, args...) }

// calling has a call's number and up to three arguments in registers.
func calling(nr uintptr, args ...uintptr) *registers {
	var a [3]uintptr
	copy(a[:], args)
	return &registers{RAX: uint64(nr), RDI: uint64(a[0]), RSI: uint64(a[1]), RDX: uint64(a[2])}
}

// result is what a call has given.
func (r *registers) result() uint64 { return r.RAX }

// signalled is what the handler saw: the signal, si_code and si_addr, and of
// the interrupted state the instruction pointer, error code, trap number and
// flags. Signo is 0 if no signal came.
type signalled struct {
	Signo, Code, Addr, PC, Err, Trapno, Flags uint64
}

// Where recovered goes on.
//
//lint:ignore U1000 asm_amd64.s alone uses them
var recoverSP, recoverBP uintptr

// newAction is a struct sigaction, with all signals let through.
func newAction(handler uintptr) [4]uint64 {
	const siginfo, onstack, hasRestorer, nodefer = 4, 0x08000000, 0x04000000, 0x40000000
	return [4]uint64{uint64(handler), siginfo | onstack | hasRestorer | nodefer, uint64(restorerAddr), 0}
}
