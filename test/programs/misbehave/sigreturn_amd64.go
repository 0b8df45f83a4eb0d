// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"

	"loam/test/programs/cases"
)

// What rt_sigreturn reads at the stack pointer is a ucontext (offsets as in
// asm_amd64.s), with the extended state where it says.

// Offsets in ucontext.
const (
	ucFlags   = 0
	ucR8      = 40
	ucRDI     = 104
	ucRSP     = 160
	ucRIP     = 168
	ucEFlags  = 176
	ucCS      = 184 // CS, GS, FS, SS: 16 bits each
	ucFPState = 224
	ucMask    = 296
)

// Offsets in the extended state (XSAVE's standard format).
const (
	fpControl = 0
	fpMXCSR   = 24
	fpMagic   = 464 // sw_reserved: magic, size, features
	fpHeader  = 512
)

// landed stores RFLAGS where RDI points and stops.
var landed = code(0x9c, 0x58, 0x48, 0x89, 0x07, 0x0f, 0x0b) // PUSHFQ; POP RAX; MOV [RDI],RAX; UD2

func sigreturnCasesHere() []cases.Case {
	return []cases.Case{{Name: "sigreturn: forged flags", Run: forgedFlags}}
}

// frame makes a good frame that goes to landed, and gives the addresses of its
// ucontext and its extended state.
func frame() (uc, fp, result uintptr) {
	base := pages(4, protRW)
	uc, fp, result = base+8, base+page, base+2*page
	*word(uc + ucRIP), *word(uc + ucRSP) = uint64(landed), uint64(base+3*page)
	*word(uc + ucRDI), *word(uc + ucEFlags) = uint64(result), flagInterrupt|2
	*word(uc + ucCS) = 0x002b000000000033
	*word(uc + ucFlags) = 2 | 4
	*word(fp + fpControl) = 0x37f
	*word(fp + fpMXCSR) = 0x1f80
	return uc, fp, result
}

// sigreturnCode: MOV RSP, RDI; MOV EAX, 15; SYSCALL; INT3.
var sigreturnCode = code(0x48, 0x89, 0xfc, 0xb8, 15, 0, 0, 0, 0x0f, 0x05, 0xcc)

func honestFrame() error {
	for _, withState := range []bool{false, true} {
		uc, fp, result := frame()
		if withState {
			*word(uc + ucFPState) = uint64(fp)
		}
		s := run(sigreturnCode, with(uc))
		if s.Signo != ill || s.PC != uint64(landed)+5 || *word(result)&flagInterrupt == 0 {
			return fmt.Errorf("%+v, flags %#x", s, *word(result))
		}
	}
	return nil
}

// state hands in an extended state with one word changed.
func state(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(uc, fp uintptr) {
		*word(uc + ucFPState) = uint64(fp)
		*word(fp + offset) = v
	}
}

// extended hands in a state that claims to be XSAVE's, with its header changed.
func extended(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(uc, fp uintptr) {
		const magic1, magic2, size = 0x46505853, 0x46505845, 832
		*word(uc + ucFlags) |= 1
		*word(uc + ucFPState) = uint64(fp)
		*word(fp + fpMagic) = (size+4)<<32 | magic1
		*word(fp + fpMagic + 8) = 7
		*word(fp + fpMagic + 16) = size
		*word(fp + fpHeader) = 7
		*word(fp + size) = magic2
		*word(fp + offset) = v
	}
}

var landsOrDies = []uint64{ill, segv}

var forgeries = []forged{
	{"instruction pointer in the kernel", put(ucRIP, kernelText), onlySegv},
	{"instruction pointer in the direct map", put(ucRIP, directMap), onlySegv},
	{"instruction pointer not canonical", put(ucRIP, nonCanonical), onlySegv},
	{"instruction pointer not canonical, high", put(ucRIP, 1<<63), onlySegv},
	{"instruction pointer on the last page", put(ucRIP, neverMapped), onlySegv},
	{"instruction pointer nowhere", put(ucRIP, hole), onlySegv},
	{"instruction pointer all bits", put(ucRIP, minusOneWord), onlySegv},
	{"stack pointer in the kernel", put(ucRSP, kernelStack), onlySegv}, // landed pushes
	{"stack pointer not canonical", put(ucRSP, nonCanonical+64), []uint64{bus, segv}},
	{"ring 0's selectors", put(ucCS, 0x0010000000000008), landsOrDies},
	{"null selectors", put(ucCS, 0), landsOrDies},
	{"selectors outside of the table", put(ucCS, minusOneWord), landsOrDies},
	{"state in the kernel", put(ucFPState, directMap), onlySegv},
	{"state not canonical", put(ucFPState, nonCanonical), onlySegv},
	{"state nowhere", put(ucFPState, hole), onlySegv},
	{"state on the last page", put(ucFPState, neverMapped), onlySegv},
	{"state misaligned", func(uc, fp uintptr) { state(8, 0)(uc, fp); *word(uc + ucFPState) += 4 }, landsOrDies},
	{"state all bits of MXCSR", state(fpMXCSR, minusOneWord), landsOrDies},
	{"state all bits of the control word", state(fpControl, minusOneWord), landsOrDies},
	{"extended state, honest", extended(fpHeader, 7), []uint64{ill}},
	{"extended state, unknown features", extended(fpHeader, minusOneWord), landsOrDies},
	{"extended state, compacted", extended(fpHeader+8, 1<<63|7), landsOrDies},
	{"extended state, reserved bytes", extended(fpHeader+16, minusOneWord), landsOrDies},
	{"extended state, huge size", extended(fpMagic+16, 0xffffffff), landsOrDies},
	{"extended state, size 0", extended(fpMagic+16, 0), landsOrDies},
	{"extended state, all features", extended(fpMagic+8, minusOneWord), landsOrDies},
	{"extended state, all bits of MXCSR", extended(fpMXCSR, minusOneWord), landsOrDies},
}

func forgedFlags() error {
	for _, f := range []uint64{0, flagIOPL, flagNested, 1 << 17, 1<<19 | 1<<20, minusOneWord &^ flagTrap, flagDirection | flagAlignment} {
		uc, _, result := frame()
		*word(uc + ucEFlags) = f
		s := run(sigreturnCode, with(uc))
		got := *word(result)
		if s.Signo != ill || got&flagIOPL != 0 || got&flagInterrupt == 0 || got&(1<<17|1<<19|1<<20) != 0 {
			return fmt.Errorf("flags %#x: signal %d, flags then %#x", f, s.Signo, got)
		}
	}
	return nil
}
