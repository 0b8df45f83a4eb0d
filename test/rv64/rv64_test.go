// SPDX-License-Identifier: Apache-2.0

package rv64

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/arch/riscv64/riscv64asm"
)

// Each instruction as another program's decoder reads it.
func TestEncoding(t *testing.T) {
	for want, w := range map[string]uint32{
		"addi x10,x11,-5":        ADDI(A0, A1, -5),
		"slli x8,x9,0x3f":        SLLI(S0, S1, 63),
		"add x5,x6,x7":           ADD(T0, T1, T2),
		"div x5,x6,x7":           DIV(T0, T1, T2),
		"lui x10,0xfffff":        LUI(A0, 0xfffff),
		"auipc x3,0x1":           AUIPC(GP, 1),
		"ld x10,-8(x2)":          LD(A0, SP, -8),
		"lw x10,8(x2)":           LW(A0, SP, 8),
		"lbu x10,2047(x2)":       LBU(A0, SP, 2047),
		"sd x4,-2048(x3)":        SD(TP, GP, -2048),
		"sw x31,4(x30)":          SW(T6, T5, 4),
		"sb x31,33(x30)":         SB(T6, T5, 33),
		"amoadd.d x10,x11,(x12)": AMOADD(A0, A1, A2),
		"lr.d x10,(x12)":         LR(A0, A2),
		"sc.d x10,x11,(x12)":     SC(A0, A1, A2),
		"jalr x1,16(x5)":         JALR(RA, T0, 16),
		"jal x1,-1048576":        JAL(RA, -1<<20),
		"jal x0,2046":            JAL(Zero, 2046),
		"bne x10,x11,-4096":      BNE(A0, A1, -4096),
		"bne x10,x11,2054":       BNE(A0, A1, 2054),
		"csrrw x10,fcsr,x11":     CSRRW(A0, 3, A1),
		"csrrs x10,time,x0":      CSRRS(A0, 0xc01, Zero),
		"csrrc x10,sstatus,x1":   CSRRC(A0, 0x100, RA),
		"csrrwi x10,frm,4":       CSRRWI(A0, 2, 4),
		"csrrsi x0,fflags,31":    CSRRSI(Zero, 1, 31),
		"fld f31,8(x2)":          FLD(31, SP, 8),
		"fsd f31,-8(x2)":         FSD(31, SP, -8),
		"fmv.x.d x10,f3":         FMVXD(A0, 3),
		"fmv.d.x f3,x10":         FMVDX(3, A0),
		"fdiv.d f1,f2,f3":        FDIV(1, 2, 3),
		"ecall":                  ECall,
		"ebreak":                 EBreak,
		"fence.i":                FenceI,
		"fence iorw,iorw":        Fence,
		"jalr x0,0(x1)":          Ret,
	} {
		i, err := riscv64asm.Decode(Code(w))
		if err != nil {
			t.Errorf("%s is %#x: %v", want, w, err)
		} else if got := strings.ToLower(i.String()); got != want {
			t.Errorf("%q is %q", want, got)
		}
	}
}

// LI makes what it is asked for: a machine that knows its four instructions says so.
func TestLI(t *testing.T) {
	check := func(v uint64) {
		var x uint64
		for _, w := range LI(A0, v) {
			imm := int64(int32(w)) >> 20
			switch w & 0x707f {
			case 0x13:
				if w>>15&31 == 0 {
					x = 0
				}
				x += uint64(imm)
			case 0x1013:
				x <<= w >> 20 & 63
			case 0x1b:
				x = uint64(int32(x + uint64(imm)))
			default:
				if w&0x7f != 0x37 {
					t.Fatalf("%#x: %#x", v, w)
				}
				x = uint64(int32(w &^ 0xfff))
			}
		}
		if x != v {
			t.Errorf("%#x became %#x", v, x)
		}
	}
	for n := range 64 {
		for d := range uint64(5) {
			check(1<<n + d - 2)
			check(-(1 << n) + d - 2)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		check(r.Uint64() >> r.IntN(64))
	}
	if got := binary.LittleEndian.Uint32(Join(Loop(Call(93, 7)))[12:]); got != JAL(Zero, -12) {
		t.Errorf("a loop ends with %#x", got)
	}
}
