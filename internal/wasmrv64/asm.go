// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import "encoding/binary"

// reg is a register: 0 to 31 are x0 to x31, 32 to 63 are f0 to f31.
type reg uint8

// Registers with a fixed role. x4 (tp), x3 (gp) and x27 (Go's g) are never
// touched: a signal finds Go's state where Go left it.
const (
	zero    reg = 0
	ra      reg = 1
	sp      reg = 2
	t0      reg = 5 // scratch within an instruction
	t1      reg = 6 // likewise
	addrReg reg = 7 // host address of the linear memory access before
	ctxReg  reg = 9
	memBase reg = 18
	memEnd  reg = 19
	a0      reg = 10
	f0      reg = 32 // f0 to f7 are scratch
	fa0     reg = 42
)

func (r reg) float() bool { return r >= 32 }

// Instructions, as their encodings with registers and immediates zero (The
// RISC-V Instruction Set Manual, Volume I, 20191213, chapter 24).
const (
	iLUI   = 0x37
	iAUIPC = 0x17
	iJAL   = 0x6f
	iJALR  = 0x67

	iBEQ, iBNE   = 0x0063, 0x1063
	iBLT, iBGE   = 0x4063, 0x5063
	iBLTU, iBGEU = 0x6063, 0x7063

	iLB, iLH, iLW, iLD = 0x0003, 0x1003, 0x2003, 0x3003
	iLBU, iLHU, iLWU   = 0x4003, 0x5003, 0x6003
	iSB, iSH, iSW, iSD = 0x0023, 0x1023, 0x2023, 0x3023
	iFLW, iFLD         = 0x2007, 0x3007
	iFSW, iFSD         = 0x2027, 0x3027

	iADDI, iSLTI, iSLTIU  = 0x0013, 0x2013, 0x3013
	iXORI, iORI, iANDI    = 0x4013, 0x6013, 0x7013
	iSLLI, iSRLI, iSRAI   = 0x1013, 0x5013, 0x40005013
	iADDIW                = 0x001b
	iSLLIW, iSRLIW, iSRAW = 0x101b, 0x501b, 0x4000503b
	iSRAIW                = 0x4000501b

	iADD, iSUB, iSLL = 0x0033, 0x40000033, 0x1033
	iSLT, iSLTU      = 0x2033, 0x3033
	iXOR, iOR, iAND  = 0x4033, 0x6033, 0x7033
	iSRL, iSRA       = 0x5033, 0x40005033
	iADDW, iSUBW     = 0x003b, 0x4000003b
	iSLLW, iSRLW     = 0x103b, 0x503b

	iMUL, iMULHU         = 0x02000033, 0x02003033
	iDIV, iDIVU          = 0x02004033, 0x02005033
	iREM, iREMU          = 0x02006033, 0x02007033
	iMULW                = 0x0200003b
	iDIVW, iDIVUW        = 0x0200403b, 0x0200503b
	iREMW, iREMUW        = 0x0200603b, 0x0200703b
	iFADD, iFSUB         = 0x00000053, 0x08000053
	iFMUL, iFDIV         = 0x10000053, 0x18000053
	iFSQRT               = 0x58000053
	iFSGNJ, iFSGNJN      = 0x20000053, 0x20001053
	iFSGNJX              = 0x20002053
	iFMIN, iFMAX         = 0x28000053, 0x28001053
	iFLE, iFLT, iFEQ     = 0xa0000053, 0xa0001053, 0xa0002053
	iFCVTtoI, iFCVTfromI = 0xc0000053, 0xd0000053
	iFMVtoX, iFMVfromX   = 0xe0000053, 0xf0000053
	iFCVTSD, iFCVTDS     = 0x40100053, 0x42000053
)

// Of the extensions Zba and Zbb (RISC-V Bit-Manipulation ISA-extensions, 1.0.0).
const (
	iADDUW, iSH3ADD      = 0x0800003b, 0x20006033
	iCLZ, iCTZ, iCPOP    = 0x60001013, 0x60101013, 0x60201013
	iSEXTB, iSEXTH       = 0x60401013, 0x60501013
	iROL, iROR, iRORI    = 0x60001033, 0x60005033, 0x60005013
	iROLW, iRORW, iRORIW = 0x6000103b, 0x6000503b, 0x6000501b
)

// CPU is a set of extensions beyond RV64GC that code may use.
type CPU uint32

// The extensions.
const (
	Zba CPU = 1 << iota // shifts with additions, zero extension in an addition
	Zbb                 // counting bits, rotation, sign extension
)

// Parts that are ORed into floating-point instructions.
const (
	double  = 1 << 25 // operands of 64 bits
	toLong  = 2 << 20 // conversions: the integer has 64 bits
	unsign  = 1 << 20 // conversions: the integer is unsigned
	roundRZ = 1 << 12 // rounding towards zero; else to nearest, ties to even
	roundDN = 2 << 12
	roundUP = 3 << 12
)

// asm collects code.
type asm struct{ b []byte }

func (a *asm) pos() int      { return len(a.b) }
func (a *asm) word(w uint32) { a.b = binary.LittleEndian.AppendUint32(a.b, w) }

// at returns, and set replaces, the instruction at a position.
func (a *asm) at(p int) uint32     { return binary.LittleEndian.Uint32(a.b[p:]) }
func (a *asm) set(p int, w uint32) { binary.LittleEndian.PutUint32(a.b[p:], w) }

func rd(r reg) uint32  { return uint32(r&31) << 7 }
func rs1(r reg) uint32 { return uint32(r&31) << 15 }
func rs2(r reg) uint32 { return uint32(r&31) << 20 }

// r is an instruction of three registers, or of two with s2 zero.
func (a *asm) r(op uint32, d, s1, s2 reg) { a.word(op | rd(d) | rs1(s1) | rs2(s2)) }

// i is an instruction with an immediate of 12 bits, or with a shift amount.
func (a *asm) i(op uint32, d, s1 reg, imm int64) { a.word(op | rd(d) | rs1(s1) | uint32(imm)<<20) }

// s is a store of v at imm(base).
func (a *asm) s(op uint32, v, base reg, imm int64) {
	u := uint32(imm)
	a.word(op | rs2(v) | rs1(base) | u>>5&0x7f<<25 | u&0x1f<<7)
}

// branch is the encoding of a conditional branch over a distance in bytes.
func branch(op uint32, s1, s2 reg, distance int) uint32 {
	u := uint32(distance)
	return op | rs1(s1) | rs2(s2) | u>>12&1<<31 | u>>5&0x3f<<25 | u>>1&0xf<<8 | u>>11&1<<7
}

// jump is the encoding of JAL over a distance in bytes.
func jump(d reg, distance int) uint32 {
	u := uint32(distance)
	return iJAL | rd(d) | u>>20&1<<31 | u>>1&0x3ff<<21 | u>>11&1<<20 | u>>12&0xff<<12
}

// upper returns the parts of AUIPC or LUI and of a following signed 12-bit
// immediate that make up v.
func upper(v int64) (hi uint32, lo int64) {
	lo = v << 52 >> 52
	return uint32(v-lo) & 0xfffff000, lo
}

func fits12(v int64) bool { return v >= -2048 && v < 2048 }
func fits32(v int64) bool { return v == int64(int32(v)) }

// move copies a register to another of the same file.
func (a *asm) move(d, s reg, t Type) {
	switch {
	case d == s:
	case !d.float():
		a.i(iADDI, d, s, 0)
	case t == F32:
		a.r(iFSGNJ, d, s, s)
	default:
		a.r(iFSGNJ|double, d, s, s)
	}
}

// li loads a number into an integer register, without any other.
func (a *asm) li(d reg, v int64) {
	if fits12(v) {
		a.i(iADDI, d, zero, v)
		return
	}
	if fits32(v) {
		hi, lo := upper(v)
		a.word(iLUI | rd(d) | hi)
		if lo != 0 {
			a.i(iADDIW, d, d, lo)
		}
		return
	}
	lo := v << 52 >> 52
	rest, shift := (v-lo)>>12, int64(12)
	for rest&1 == 0 {
		rest >>= 1
		shift++
	}
	a.li(d, rest)
	a.i(iSLLI, d, d, shift)
	if lo != 0 {
		a.i(iADDI, d, d, lo)
	}
}

// load and store access a value of a type at any offset from a base register.
// They use t0 for offsets beyond 12 bits.
func (a *asm) load(t Type, d, base reg, off int64) {
	base, off = a.reach(base, off)
	a.i([...]uint32{I32: iLW, I64: iLD, F32: iFLW, F64: iFLD, FuncRef: iLD, ExternRef: iLD}[t], d, base, off)
}

func (a *asm) store(t Type, v, base reg, off int64) {
	base, off = a.reach(base, off)
	a.s([...]uint32{I32: iSW, I64: iSD, F32: iFSW, F64: iFSD, FuncRef: iSD, ExternRef: iSD}[t], v, base, off)
}

func (a *asm) reach(base reg, off int64) (reg, int64) {
	if fits12(off) {
		return base, off
	}
	hi, lo := upper(off)
	a.word(iLUI | rd(t0) | hi)
	a.r(iADD, t0, t0, base)
	return t0, lo
}
