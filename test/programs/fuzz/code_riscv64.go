// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"

	rv "loam/test/rv64"
)

// What stands behind a piece of code: C.EBREAK, which may be met at any half-word.
var breakpoint = []byte{0x02, 0x90}

// poke is the first piece: it stores A2 at A1, where an address or a number is when a
// piece starts.
var poke = rv.Code(rv.SD(rv.A2, rv.A1, 0))

// majors are the lowest seven bits of instructions of four bytes.
var majors = []uint32{0x03, 0x07, 0x0b, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27, 0x2f, 0x33, 0x37, 0x3b,
	0x43, 0x47, 0x4b, 0x4f, 0x53, 0x57, 0x63, 0x67, 0x6f, 0x73, 0x77}

// traps are instructions that a program may not execute, or that enter the kernel.
var traps = []uint32{rv.ECall, rv.EBreak, rv.SRet, rv.MRet, rv.URet, rv.WFI, rv.FenceI, rv.Fence, rv.Illegal, 0, 0xffffffff,
	rv.SFenceVMA(0, 0), rv.SFenceVMA(rv.A1, rv.A2), rv.SInvalVMA(0, 0), rv.HFenceGVMA(0, 0), rv.CBOZero(rv.A1), rv.CBOInval(rv.A1),
	0x7b200073, 0x18000073, 0x18100073, 0x0000100f, 0x0100000f, 0x6c0540f3, 0x00d00073, 0x01d00073}

func (g *gen) reg() rv.Reg { return rv.Reg(g.IntN(32)) }

func (g *gen) trap() uint32 { return traps[g.IntN(len(traps))] }

// instructions gives some of those that a program may not or should not execute.
func (g *gen) instructions() []byte {
	switch g.IntN(20) {
	case 0: // anything
		return rv.Code(g.Uint32())
	case 1: // anything of two bytes
		return binary.LittleEndian.AppendUint16(nil, uint16(g.Uint32()))
	case 2, 3: // anything of four
		return rv.Code(g.Uint32()&^0x7f | majors[g.IntN(len(majors))])
	case 4:
		return rv.Code(g.trap())
	case 5: // control and status registers
		return rv.Code(g.csr())
	case 6: // the stack pointer, and what then traps
		return rv.Join(rv.LI(rv.SP, g.value()), []uint32{g.trap()})
	case 7: // those that mean something to the kernel
		return rv.Join(rv.LI(rv.TP, g.value()), rv.LI(rv.GP, g.value()), []uint32{g.trap()})
	case 8: // jumps
		return rv.Join(rv.LI(rv.T0, g.value()), []uint32{rv.JALR(g.reg(), rv.T0, int32(g.IntN(8)))})
	case 9: // memory
		w := g.Uint32()&^(0x7f|31<<15) | uint32(rv.T0)<<15
		return rv.Join(rv.LI(rv.T0, g.value()), []uint32{w | uint32(g.of(0x03, 0x07, 0x23, 0x27, 0x2f))})
	case 10: // memory that is there
		w := g.Uint32()&^(0x7f|31<<15) | uint32(rv.A1)<<15
		return rv.Code(w | uint32(g.of(0x03, 0x07, 0x23, 0x27)))
	case 11: // atomics
		w := g.Uint32()&^(0xfff|31<<15) | uint32(rv.A1)<<15
		return rv.Code(rv.LR(rv.T0, rv.A1), w&^0x7000|0x3000|0x2f, rv.SC(rv.T1, rv.T0, rv.A1))
	case 12: // floating point in any mode
		return rv.Code(rv.CSRRWI(0, 2, g.Uint32()&7), g.Uint32()&^0x7f|0x53, g.trap())
	case 13: // a call of any number
		return rv.Join(rv.LI(rv.A7, g.value()), []uint32{rv.ECall})
	case 14: // calls of no harm
		return rv.Join(rv.Call(g.of(124, 172, 139, 259, 258)))
	case 15: // vectors
		return rv.Code(0x57|7<<12|g.Uint32()<<20&^(1<<31)|uint32(g.reg())<<7, g.Uint32()&^0x7f|0x57, 0x02056007|g.Uint32()&0xf80)
	case 16: // for ever, or over and over
		return rv.Code(g.trap(), rv.JAL(0, int32(g.of(0, 0, 4))-4))
	case 17: // an instruction that is changed
		return rv.Code(rv.AUIPC(rv.T0, 0), rv.SW(rv.T1, rv.T0, 8), rv.FenceI)
	case 18: // its own end
		return rv.Code(g.Uint32()&0xfffff000|uint32(rv.T0)<<7|0x17, rv.LD(rv.T0, rv.T0, 0), rv.JR(rv.T0))
	}
	return rv.Join(rv.LI(g.reg(), g.value()), []uint32{g.Uint32()&^0x7f | majors[g.IntN(len(majors))]})
}

// csr reads or writes a control and status register, of a program's level more often.
func (g *gen) csr() uint32 {
	n := g.Uint32() & 0xfff
	if g.IntN(2) == 0 {
		n = uint32(g.of(1, 2, 3, 8, 9, 10, 15, 0xc00, 0xc01, 0xc02, 0xc20, 0xc21, 0xc22, 0x100, 0x105, 0x140, 0x180))
	}
	return n<<20 | uint32(g.reg())<<15 | (1+g.Uint32()%7)<<12 | uint32(g.reg())<<7 | 0x73
}
