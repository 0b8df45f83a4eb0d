// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/test/programs/smp/low"
	rv "loam/test/rv64"
)

// What rt_sigreturn reads at the stack pointer is a siginfo and a ucontext
// (arch/riscv/include/uapi/asm/ucontext.h and sigcontext.h): the registers by number,
// the program counter in the place of X0, the floating-point state, and the header of
// the first record of further state.

// Offsets in ucontext.
const (
	ucX     = 176
	ucPC    = ucX
	ucSP    = ucX + 8*2
	ucA0    = ucX + 8*regA0
	ucFloat = 432
)

// Offsets in the floating-point state, and in what is behind it.
const (
	fpFCSR     = 256
	fpReserved = 512 // the upper half of this word; the lower belongs to no state
	fpHeader   = 520 // magic, and the record's size
	fpRecord   = 528
)

// landed stores FCSR and F9 where A0 points, writes below the stack pointer, and stops.
var landed = assemble(rv.CSRRS(rv.T0, 3, rv.Zero), rv.SD(rv.T0, rv.A0, 0), rv.FSD(9, rv.A0, 8), rv.SD(rv.Zero, rv.SP, -8), rv.Illegal)

const landedStop = 16 // bytes to the end of it

// sigreturnCode makes the call with a frame whose ucontext is at A0.
var sigreturnCode = assemble(rv.ADDI(rv.SP, rv.A0, -128), rv.ADDI(rv.A7, rv.Zero, abi.SYS_RT_SIGRETURN), rv.ECall, rv.EBreak)

func sigreturnCasesHere() []cases.Case {
	return []cases.Case{{Name: "sigreturn: all registers", Run: allRegisters}}
}

// frame makes a good frame that goes to landed, and gives the addresses of its
// ucontext and its floating-point state.
func frame() (uc, fp, result uintptr) {
	base := pages(4, protRW)
	uc, result = base+256, base+2*page
	fp = uc + ucFloat
	*word(uc + ucPC), *word(uc + ucSP) = uint64(landed), uint64(base+3*page)
	*word(uc + ucA0), *word(uc + ucX + 8*27) = uint64(result), uint64(goG())
	*word(fp + 8*9), *word(fp + fpFCSR) = 0x999, 0x73
	return uc, fp, result
}

func honestFrame() error {
	uc, _, result := frame()
	s := run(sigreturnCode, with(uc))
	if s.Signo != ill || s.PC != uint64(landed)+landedStop || *word(result) != 0x73 || *word(result + 8) != 0x999 {
		return fmt.Errorf("%+v, FCSR %#x, F9 %#x", s, *word(result), *word(result + 8))
	}
	return nil
}

// record has a record of further state behind the floating-point state.
func record(magic, size uint64) func(uc, fp uintptr) {
	return func(_, fp uintptr) { *word(fp + fpHeader) = magic | size<<32 }
}

const vectorMagic = 0x53465457

// vectorRecord is a record of vector state of the right size, with one word changed.
func vectorRecord(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(_, fp uintptr) {
		var length uint64 // of a vector in bytes
		if low.HasVectors {
			r := with()
			run(assemble(rv.CSRRS(rv.A0, 0xc22, rv.Zero)), r)
			length = r.result()
		}
		*word(fp + fpHeader) = vectorMagic | (vectorState+32*length)<<32
		*word(fp + fpRecord + vectorLength) = length
		*word(fp + fpRecord + vectorPointer) = uint64(fp + fpHeader + vectorState)
		*word(fp + fpRecord + offset) = v
	}
}

// Offsets in a record of vector state, behind its header, and its size with that, but
// without the registers, which follow.
const (
	vectorVL      = 8
	vectorType    = 16
	vectorLength  = 32
	vectorPointer = 40
	vectorState   = 56
)

// refusedRecord is what becomes of a record that no kernel has written.
var refusedRecord = onlySegv

var forgeries = []forged{
	{"program counter in the kernel", put(ucPC, kernelText), onlySegv},
	{"program counter in the direct map", put(ucPC, directMap), onlySegv},
	{"program counter in the kernel's heap", put(ucPC, kernelHeap), onlySegv},
	{"program counter not canonical", put(ucPC, nonCanonical), onlySegv},
	{"program counter not canonical, high", put(ucPC, 1<<63), onlySegv},
	{"program counter behind the last page", put(ucPC, neverMapped), onlySegv},
	{"program counter nowhere", put(ucPC, hole), onlySegv},
	{"program counter all bits", put(ucPC, minusOneWord), onlySegv},
	// Its lowest bit is always 0 (volume II, 4.1.7), but not on QEMU before 10.
	{"program counter odd", func(uc, _ uintptr) { *word(uc + ucPC) |= 1 }, []uint64{ill, segv, trap}},
	{"stack pointer in the kernel", put(ucSP, kernelStack), onlySegv}, // landed pushes
	{"stack pointer not canonical", put(ucSP, nonCanonical+64), onlySegv},
	{"FCSR of all bits", func(_, fp uintptr) { *word(fp + fpFCSR) = minusOneWord }, []uint64{ill}},
	{"reserved word", func(_, fp uintptr) { *word(fp + fpReserved) = 1 << 32 }, refusedRecord},
	{"unknown record", record(0x12345678, 16), refusedRecord},
	{"unknown record of no size", record(0x12345678, 0), refusedRecord},
	{"unknown record of all bits", record(minusOneWord>>32, minusOneWord>>32), refusedRecord},
	{"end with a size", record(0, 8), refusedRecord},
	{"vectors of no size", record(vectorMagic, 0), refusedRecord},
	{"vectors of a huge size", record(vectorMagic, 1<<31), refusedRecord},
	{"vectors in the kernel", vectorRecord(vectorPointer, directMap), refusedRecord},
	{"vectors not canonical", vectorRecord(vectorPointer, nonCanonical), refusedRecord},
	{"vectors nowhere", vectorRecord(vectorPointer, hole), refusedRecord},
	{"vectors of another length", vectorRecord(vectorLength, 1<<20), []uint64{segv, ill}},
	{"vectors of a type of all bits", vectorRecord(vectorType, minusOneWord), []uint64{segv, ill}},
	{"vectors of too many elements", vectorRecord(vectorVL, minusOneWord), []uint64{segv, ill}},
}

// allRegisters: each register comes from the frame, and goes to the next one.
func allRegisters() error {
	for round := range uint64(3) {
		uc, _, result := frame()
		for i := uintptr(1); i < 32; i++ {
			if i != 2 && i != regA0 && i != 27 {
				*word(uc + ucX + 8*i) = round<<32 | uint64(i)<<8 | 0xa5
			}
		}
		if s := run(sigreturnCode, with(uc)); s.Signo != ill {
			return fmt.Errorf("%+v", s)
		}
		for i := uintptr(1); i < 32; i++ {
			want := *word(uc + ucX + 8*i)
			if i == 5 { // landed has FCSR in T0
				want = *word(result)
			}
			if got := context[ucX/8+i]; got != want {
				return fmt.Errorf("x%d is %#x, want %#x", i, got, want)
			}
		}
	}
	return nil
}
