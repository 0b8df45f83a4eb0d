// SPDX-License-Identifier: Apache-2.0

package image

import "encoding/binary"

// kind is what an instruction of RV64GC is to the check of machine mode's code.
type kind uint8

const (
	other kind = iota
	auipc      // rd = pc + imm
	lui        // rd = imm
	jal        // rd = return address; to pc + imm
	jalr       // rd = return address; to rs1 + imm
	addi       // rd = rs1 + imm
	addiw      // the same in 32 bits
	add        // rd = rs1 + rs2
	load       // rd = memory at rs1 + imm
	store      // memory at rs1 + imm
	float      // whatever uses floating-point or vector registers
	bad        // none, or of more than 32 bits
)

// insn is an instruction. rd is 0 if it writes no integer register.
type insn struct {
	kind         kind
	size         uint64 // in bytes
	rd, rs1, rs2 uint8
	imm          int64
}

// Registers by number.
const (
	zero = 0
	ra   = 1
	sp   = 2
	temp = 31 // the assembler's and linker's
)

// Major opcodes (unprivileged specification 20191213, table 24.1).
const (
	opLoad, opLoadFP, opFence, opImm, opAUIPC, opImm32 = 0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b
	opStore, opStoreFP, opAMO, opOp, opLUI, opOp32     = 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b
	opMadd, opMsub, opNmsub, opNmadd, opOpFP, opVector = 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x57
	opBranch, opJALR, opJAL, opSystem                  = 0x63, 0x67, 0x6f, 0x73
)

// decode reads the instruction that b begins with.
func decode(b []byte) insn {
	if len(b) < 2 {
		return insn{kind: bad}
	}
	half := binary.LittleEndian.Uint16(b)
	size, ok := instructionSize(half)
	switch {
	case !ok || size > uint64(len(b)) || half == 0:
		return insn{kind: bad}
	case size == 2:
		return decode16(half)
	}
	return decode32(binary.LittleEndian.Uint32(b))
}

func decode32(w uint32) insn {
	signed := int64(int32(w))
	in := insn{size: 4, rd: uint8(w >> 7 & 31), rs1: uint8(w >> 15 & 31), rs2: uint8(w >> 20 & 31), imm: signed >> 20}
	funct3 := w >> 12 & 7
	switch w & 0x7f {
	case opAUIPC, opLUI:
		in.kind, in.imm = auipc, signed&^0xfff
		if w&0x7f == opLUI {
			in.kind = lui
		}
	case opJAL:
		in.kind = jal
		in.imm = signed>>31<<20 | int64(w&0xff000) | int64(w>>20&1)<<11 | int64(w>>21&0x3ff)<<1
	case opJALR:
		in.kind = jalr
	case opLoad:
		in.kind = load
	case opStore:
		in.kind, in.imm, in.rd = store, signed>>25<<5|int64(w>>7&31), 0
	case opBranch:
		in.rd = 0
	case opImm:
		if funct3 == 0 {
			in.kind = addi
		}
	case opImm32:
		if funct3 == 0 {
			in.kind = addiw
		}
	case opOp:
		if funct3 == 0 && w>>25 == 0 {
			in.kind = add
		}
	case opFence, opAMO, opOp32, opSystem:
	case opLoadFP, opStoreFP, opMadd, opMsub, opNmsub, opNmadd, opOpFP, opVector:
		in.kind = float
	default:
		in.kind = bad
	}
	return in
}

// decode16 reads a compressed instruction (chapter 16, tables 16.5 to 16.7).
func decode16(h uint16) insn {
	rd, small := uint8(h>>7&31), uint8(h>>2&7)+8
	rs2 := uint8(h >> 2 & 31)
	imm6 := int64(int16(h<<3))>>15<<5 | int64(rs2) // bit 12, then bits 6 to 2
	in := insn{size: 2}
	switch h&3<<3 | h>>13 {
	case 0: // c.addi4spn
		in.rd = small
	case 0<<3 | 1, 0<<3 | 5, 2<<3 | 1, 2<<3 | 5:
		in.kind = float
	case 0<<3 | 2, 0<<3 | 3: // c.lw, c.ld
		in.kind, in.rd, in.rs1 = load, small, uint8(h>>7&7)+8
	case 0<<3 | 6, 0<<3 | 7: // c.sw, c.sd
		in.kind, in.rs1 = store, uint8(h>>7&7)+8
	case 1 << 3: // c.addi
		in.kind, in.rd, in.rs1, in.imm = addi, rd, rd, imm6
	case 1<<3 | 1: // c.addiw
		in.kind, in.rd, in.rs1, in.imm = addiw, rd, rd, imm6
	case 1<<3 | 2: // c.li
		in.kind, in.rd, in.imm = addi, rd, imm6
	case 1<<3 | 3: // c.lui, c.addi16sp
		in.kind, in.rd, in.imm = lui, rd, imm6<<12
		if rd == sp {
			in.kind, in.rs1 = addi, sp
			in.imm = imm6>>5<<9 | int64(h>>6&1)<<4 | int64(h>>5&1)<<6 | int64(h>>3&3)<<7 | int64(h>>2&1)<<5
		}
	case 1<<3 | 4: // arithmetic on one of x8 to x15
		in.rd = uint8(h>>7&7) + 8
	case 1<<3 | 5: // c.j
		in.kind = jal
		in.imm = int64(int16(h<<3))>>15<<11 | int64(h>>11&1)<<4 | int64(h>>9&3)<<8 | int64(h>>8&1)<<10 |
			int64(h>>7&1)<<6 | int64(h>>6&1)<<7 | int64(h>>3&7)<<1 | int64(h>>2&1)<<5
	case 1<<3 | 6, 1<<3 | 7: // c.beqz, c.bnez
	case 2 << 3: // c.slli
		in.rd = rd
	case 2<<3 | 2, 2<<3 | 3: // c.lwsp, c.ldsp
		in.kind, in.rd, in.rs1 = load, rd, sp
	case 2<<3 | 4:
		return decodeJump(h, rd, rs2)
	case 2<<3 | 6, 2<<3 | 7: // c.swsp, c.sdsp
		in.kind, in.rs1 = store, sp
	default:
		in.kind = bad
	}
	return in
}

// decodeJump reads c.jr, c.jalr, c.mv, c.add and c.ebreak.
func decodeJump(h uint16, rd, rs2 uint8) insn {
	in := insn{size: 2, rd: rd, rs2: rs2}
	link := h>>12&1 == 1
	switch {
	case rs2 == 0 && rd == 0:
		in.rd = 0 // c.ebreak
	case rs2 == 0:
		in = insn{kind: jalr, size: 2, rs1: rd}
		if link {
			in.rd = ra
		}
	case link:
		in.kind, in.rs1 = add, rd
	default:
		in.kind, in.rs1 = add, zero // c.mv
	}
	return in
}
