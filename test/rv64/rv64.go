// SPDX-License-Identifier: Apache-2.0

// Package rv64 assembles RISC-V instructions for tests: programs of a few
// instructions, and such as no compiler makes. It runs on any host.
//
// Formats and numbers: The RISC-V Instruction Set Manual, volume I, version 20191213,
// chapters 2 and 24, and volume II, version 20211203, chapter 9.
package rv64

import "encoding/binary"

// Reg is an integer register.
type Reg uint32

// The integer registers, by the names of the calling convention.
const (
	Zero Reg = iota
	RA
	SP
	GP
	TP
	T0
	T1
	T2
	S0
	S1
	A0
	A1
	A2
	A3
	A4
	A5
	A6
	A7
	S2
	S3
	S4
	S5
	S6
	S7
	S8
	S9
	S10
	S11
	T3
	T4
	T5
	T6
)

// Instructions without operands.
const (
	ECall   = 0x00000073
	EBreak  = 0x00100073
	SRet    = 0x10200073
	MRet    = 0x30200073
	URet    = 0x00200073 // of the withdrawn extension N
	WFI     = 0x10500073
	FenceI  = 0x0000100f
	Fence   = 0x0ff0000f
	Illegal = 0xc0001073 // UNIMP: CSRRW to a register that can't be written
	Ret     = 0x00008067
)

// Join puts instructions, one word each, into memory's order.
func Join(words ...[]uint32) []byte {
	var b []byte
	for _, part := range words {
		for _, w := range part {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
	}
	return b
}

// Code is Join of single words.
func Code(words ...uint32) []byte { return Join(words) }

func r(op, f3, f7 uint32, d, s, t Reg) uint32 {
	return op | uint32(d)<<7 | f3<<12 | uint32(s)<<15 | uint32(t)<<20 | f7<<25
}

func i(op, f3 uint32, d, s Reg, imm int32) uint32 {
	return op | uint32(d)<<7 | f3<<12 | uint32(s)<<15 | uint32(imm)<<20
}

func store(f3 uint32, t, s Reg, offset int32) uint32 {
	o := uint32(offset)
	return 0x23 | o&31<<7 | f3<<12 | uint32(s)<<15 | uint32(t)<<20 | o>>5<<25
}

// ADDI is d = s + imm, of 12 bits.
func ADDI(d, s Reg, imm int32) uint32 { return i(0x13, 0, d, s, imm) }

// MV is d = s.
func MV(d, s Reg) uint32 { return ADDI(d, s, 0) }

// SLLI is d = s << n.
func SLLI(d, s Reg, n int32) uint32 { return i(0x13, 1, d, s, n) }

// ADD is d = s + t.
func ADD(d, s, t Reg) uint32 { return r(0x33, 0, 0, d, s, t) }

// DIV is d = s / t.
func DIV(d, s, t Reg) uint32 { return r(0x33, 4, 1, d, s, t) }

// LUI is d = imm << 12, imm of 20 bits, sign-extended.
func LUI(d Reg, imm uint32) uint32 { return 0x37 | uint32(d)<<7 | imm<<12 }

// AUIPC is d = the instruction's address + imm << 12.
func AUIPC(d Reg, imm uint32) uint32 { return 0x17 | uint32(d)<<7 | imm<<12 }

// LD loads 8 bytes.
func LD(d, s Reg, offset int32) uint32 { return i(0x03, 3, d, s, offset) }

// LW loads 4 bytes, sign-extended.
func LW(d, s Reg, offset int32) uint32 { return i(0x03, 2, d, s, offset) }

// LBU loads a byte, zero-extended.
func LBU(d, s Reg, offset int32) uint32 { return i(0x03, 4, d, s, offset) }

// SD stores 8 bytes of t.
func SD(t, s Reg, offset int32) uint32 { return store(3, t, s, offset) }

// SW stores 4 bytes of t.
func SW(t, s Reg, offset int32) uint32 { return store(2, t, s, offset) }

// SB stores a byte of t.
func SB(t, s Reg, offset int32) uint32 { return store(0, t, s, offset) }

// AMOADD is d = the 8 bytes at s, which become that + t.
func AMOADD(d, t, s Reg) uint32 { return r(0x2f, 3, 0, d, s, t) }

// LR loads 8 bytes and reserves them.
func LR(d, s Reg) uint32 { return r(0x2f, 3, 0x08, d, s, 0) }

// SC stores t if the reservation holds, and leaves in d whether not.
func SC(d, t, s Reg) uint32 { return r(0x2f, 3, 0x0c, d, s, t) }

// JALR jumps to s + imm and leaves the address behind it in d.
func JALR(d, s Reg, imm int32) uint32 { return i(0x67, 0, d, s, imm) }

// JR jumps to s.
func JR(s Reg) uint32 { return JALR(Zero, s, 0) }

// JAL jumps by offset bytes, even, and leaves the address behind it in d.
func JAL(d Reg, offset int32) uint32 {
	o := uint32(offset)
	return 0x6f | uint32(d)<<7 | o&(0xff<<12) | o>>11&1<<20 | o>>1&0x3ff<<21 | o>>20&1<<31
}

// BNE branches by offset bytes, even, if s and t differ.
func BNE(s, t Reg, offset int32) uint32 {
	o := uint32(offset)
	return 0x63 | 1<<12 | uint32(s)<<15 | uint32(t)<<20 | o>>11&1<<7 | o>>1&15<<8 | o>>5&63<<25 | o>>12&1<<31
}

// CSRRW swaps a control and status register and s: what it was goes to d.
func CSRRW(d Reg, csr uint32, s Reg) uint32 { return i(0x73, 1, d, s, int32(csr)) }

// CSRRS sets the bits of s in a control and status register.
func CSRRS(d Reg, csr uint32, s Reg) uint32 { return i(0x73, 2, d, s, int32(csr)) }

// CSRRC clears the bits of s in a control and status register.
func CSRRC(d Reg, csr uint32, s Reg) uint32 { return i(0x73, 3, d, s, int32(csr)) }

// CSRRWI is CSRRW with a number of 5 bits.
func CSRRWI(d Reg, csr, n uint32) uint32 { return i(0x73, 5, d, Reg(n), int32(csr)) }

// CSRRSI is CSRRS with a number of 5 bits.
func CSRRSI(d Reg, csr, n uint32) uint32 { return i(0x73, 6, d, Reg(n), int32(csr)) }

// FLD loads floating-point register f.
func FLD(f uint32, s Reg, offset int32) uint32 { return i(0x07, 3, Reg(f), s, offset) }

// FSD stores floating-point register f.
func FSD(f uint32, s Reg, offset int32) uint32 { return store27(f, s, offset) }

// FMVXD is d = the bits of f.
func FMVXD(d Reg, f uint32) uint32 { return r(0x53, 0, 0x71, d, Reg(f), 0) }

// FMVDX sets the bits of f.
func FMVDX(f uint32, s Reg) uint32 { return r(0x53, 0, 0x79, Reg(f), s, 0) }

func store27(f uint32, s Reg, offset int32) uint32 {
	return store(3, Reg(f), s, offset) | 0x27&^0x23
}

// FDIV is d = s / t in floating-point registers, rounded as FCSR says.
func FDIV(d, s, t uint32) uint32 { return r(0x53, 7, 0x0d, Reg(d), Reg(s), Reg(t)) }

// SFenceVMA orders translations: address s, space t.
func SFenceVMA(s, t Reg) uint32 { return r(0x73, 0, 0x09, 0, s, t) }

// SInvalVMA is SFenceVMA without the order (Svinval).
func SInvalVMA(s, t Reg) uint32 { return r(0x73, 0, 0x0b, 0, s, t) }

// HFenceGVMA is that of a guest's memory (H).
func HFenceGVMA(s, t Reg) uint32 { return r(0x73, 0, 0x31, 0, s, t) }

// CBOZero clears the cache block at s (Zicboz).
func CBOZero(s Reg) uint32 { return i(0x0f, 2, 0, s, 4) }

// CBOInval drops the cache block at s (Zicbom).
func CBOInval(s Reg) uint32 { return i(0x0f, 2, 0, s, 0) }

// LI is d = v, in as many instructions as that takes.
func LI(d Reg, v uint64) []uint32 {
	if n := int64(v); n >= -2048 && n < 2048 {
		return []uint32{ADDI(d, Zero, int32(n))}
	}
	low := int64(v<<52) >> 52
	high := v - uint64(low)
	if v == uint64(int32(v)) {
		out := []uint32{LUI(d, uint32(high)>>12)}
		if low != 0 {
			out = append(out, 0x1b|uint32(d)<<7|uint32(d)<<15|uint32(low)<<20) // ADDIW
		}
		return out
	}
	n := int32(12)
	for high>>n&1 == 0 {
		n++
	}
	out := append(LI(d, uint64(int64(high)>>n)), SLLI(d, d, n))
	if low != 0 {
		out = append(out, ADDI(d, d, int32(low)))
	}
	return out
}

// Call makes a system call with those arguments in A0 and on.
func Call(nr uint64, args ...uint64) []uint32 {
	var out []uint32
	for n, v := range args {
		out = append(out, LI(A0+Reg(n), v)...)
	}
	return append(append(out, LI(A7, nr)...), ECall)
}

// Loop repeats a body for ever.
func Loop(body ...[]uint32) []uint32 {
	var out []uint32
	for _, part := range body {
		out = append(out, part...)
	}
	return append(out, JAL(Zero, int32(-4*len(out))))
}
