// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/arch/riscv64/riscv64asm"
)

// disassemble returns code as text, by another's decoder.
func disassemble(t *testing.T, code []byte) string {
	t.Helper()
	var lines []string
	for p := 0; p < len(code); p += 4 {
		in, err := riscv64asm.Decode(code[p:])
		if err != nil {
			t.Fatalf("at %#x: %x: %v", p, code[p:p+4], err)
		}
		lines = append(lines, in.String())
	}
	return strings.Join(lines, "; ")
}

func TestEncoders(t *testing.T) {
	for _, c := range []struct {
		want string
		emit func(a *asm)
	}{
		{"ADD x5,x6,x7", func(a *asm) { a.r(iADD, 5, 6, 7) }},
		{"SUBW x31,x1,x30", func(a *asm) { a.r(iSUBW, 31, 1, 30) }},
		{"SRAW x8,x9,x10", func(a *asm) { a.r(iSRAW, 8, 9, 10) }},
		{"SRA x8,x9,x10", func(a *asm) { a.r(iSRA, 8, 9, 10) }},
		{"SRAI x8,x9,0x3f", func(a *asm) { a.i(iSRAI, 8, 9, 63) }},
		{"SRAIW x8,x9,0x1f", func(a *asm) { a.i(iSRAIW, 8, 9, 31) }},
		{"SLLIW x8,x9,0x1", func(a *asm) { a.i(iSLLIW, 8, 9, 1) }},
		{"ADDI x5,x0,-2048", func(a *asm) { a.i(iADDI, 5, 0, -2048) }},
		{"XORI x5,x6,-1", func(a *asm) { a.i(iXORI, 5, 6, -1) }},
		{"SLTIU x5,x6,1", func(a *asm) { a.i(iSLTIU, 5, 6, 1) }},
		{"MULW x5,x6,x7", func(a *asm) { a.r(iMULW, 5, 6, 7) }},
		{"DIVUW x5,x6,x7", func(a *asm) { a.r(iDIVUW, 5, 6, 7) }},
		{"REM x5,x6,x7", func(a *asm) { a.r(iREM, 5, 6, 7) }},
		{"LD x5,-8(x2)", func(a *asm) { a.load(I64, 5, sp, -8) }},
		{"FLW f3,2047(x2)", func(a *asm) { a.load(F32, 35, sp, 2047) }},
		{"SD x31,-2048(x9)", func(a *asm) { a.store(I64, 31, ctxReg, -2048) }},
		{"FSD f31,8(x9)", func(a *asm) { a.store(F64, 63, ctxReg, 8) }},
		{"BGEU x5,x6,-4096", func(a *asm) { a.word(branch(iBGEU, 5, 6, -4096)) }},
		{"BNE x5,x6,4094", func(a *asm) { a.word(branch(iBNE, 5, 6, 4094)) }},
		{"JAL x1,-1048576", func(a *asm) { a.word(jump(1, -1<<20)) }},
		{"JAL x0,1048574", func(a *asm) { a.word(jump(0, 1<<20-2)) }},
		{"JALR x1,-4(x5)", func(a *asm) { a.i(iJALR, 1, 5, -4) }},
		{"FADD.D f1,f2,f3", func(a *asm) { a.r(iFADD|double, 33, 34, 35) }},
		{"FSUB.S f1,f2,f3", func(a *asm) { a.r(iFSUB, 33, 34, 35) }},
		{"FSQRT.D f1,f2", func(a *asm) { a.r(iFSQRT|double, 33, 34, 0) }},
		{"FMIN.S f1,f2,f3", func(a *asm) { a.r(iFMIN, 33, 34, 35) }},
		{"FSGNJX.D f1,f2,f3", func(a *asm) { a.r(iFSGNJX|double, 33, 34, 35) }},
		{"FSGNJN.S f1,f2,f3", func(a *asm) { a.r(iFSGNJN, 33, 34, 35) }},
		{"FLE.D x5,f2,f3", func(a *asm) { a.r(iFLE|double, 5, 34, 35) }},
		{"FCVT.W.S x5,f2", func(a *asm) { a.r(iFCVTtoI|roundRZ, 5, 34, 0) }},
		{"FCVT.WU.D x5,f2", func(a *asm) { a.r(iFCVTtoI|unsign|double|roundRZ, 5, 34, 0) }},
		{"FCVT.LU.D x5,f2", func(a *asm) { a.r(iFCVTtoI|unsign|toLong|double, 5, 34, 0) }},
		{"FCVT.S.L f5,x2", func(a *asm) { a.r(iFCVTfromI|toLong, 37, 2, 0) }},
		{"FCVT.D.WU f5,x2", func(a *asm) { a.r(iFCVTfromI|unsign|double, 37, 2, 0) }},
		{"FCVT.S.D f5,f2", func(a *asm) { a.r(iFCVTSD, 37, 34, 0) }},
		{"FCVT.D.S f5,f2", func(a *asm) { a.r(iFCVTDS, 37, 34, 0) }},
		{"FMV.X.D x5,f2", func(a *asm) { a.r(iFMVtoX|double, 5, 34, 0) }},
		{"FMV.W.X f5,x2", func(a *asm) { a.r(iFMVfromX, 37, 2, 0) }},
		{"ADD.UW x5,x6,x7", func(a *asm) { a.r(iADDUW, 5, 6, 7) }},
		{"SH3ADD x5,x6,x7", func(a *asm) { a.r(iSH3ADD, 5, 6, 7) }},
		{"CLZ x5,x6", func(a *asm) { a.r(iCLZ, 5, 6, 0) }},
		{"CTZW x5,x6", func(a *asm) { a.r(iCTZ|8, 5, 6, 0) }},
		{"CPOPW x5,x6", func(a *asm) { a.r(iCPOP|8, 5, 6, 0) }},
		{"SEXT.B x5,x6", func(a *asm) { a.r(iSEXTB, 5, 6, 0) }},
		{"SEXT.H x5,x6", func(a *asm) { a.r(iSEXTH, 5, 6, 0) }},
		{"ROLW x5,x6,x7", func(a *asm) { a.r(iROLW, 5, 6, 7) }},
		{"ROR x5,x6,x7", func(a *asm) { a.r(iROR, 5, 6, 7) }},
		{"RORIW x5,x6,0x1f", func(a *asm) { a.i(iRORIW, 5, 6, 31) }},
		{"ADDI x5,x6,0", func(a *asm) { a.move(5, 6, I64) }},
		{"FSGNJ.D f5,f6,f6", func(a *asm) { a.move(37, 38, F64) }},
		{"", func(a *asm) { a.move(5, 5, I64) }},
	} {
		a := &asm{}
		c.emit(a)
		if got := disassemble(t, a.b); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// evaluate executes what li makes: LUI, ADDI, ADDIW and SLLI of one register.
func evaluate(t *testing.T, code []byte) (v int64) {
	a := &asm{code}
	for p := 0; p < len(code); p += 4 {
		w := a.at(p)
		imm := int64(int32(w)) >> 20
		if from := w >> 15 & 31; w&0x7f != iLUI && from == 0 {
			v = 0
		}
		switch w & 0x707f {
		case iADDI:
			v += imm
		case iADDIW:
			v = int64(int32(v + imm))
		case iSLLI:
			v <<= imm & 63
		default:
			if w&0x7f != iLUI {
				t.Fatalf("li made %#x", w)
			}
			v = int64(int32(w & 0xfffff000))
		}
	}
	return v
}

func TestLoadImmediate(t *testing.T) {
	list := []int64{0, 1, -1, 2047, 2048, -2048, -2049, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 0x7ffff800, 0x7fffffff_fffff800}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		list = append(list, int64(random.Uint64())>>random.IntN(64)<<random.IntN(40))
	}
	for _, v := range list {
		a := &asm{}
		a.li(t0, v)
		if got := evaluate(t, a.b); got != v || len(a.b) > 32 {
			t.Errorf("li %#x made %#x in %d bytes", v, got, len(a.b))
		}
	}
}

// TestUpper takes numbers apart as AUIPC with a signed lower part has them.
func TestUpper(t *testing.T) {
	for _, v := range []int64{0, 1, 2047, 2048, -2048, -2049, 0x12345fff, -0x12345801} {
		hi, lo := upper(v)
		if hi&0xfff != 0 || !fits12(lo) || int64(int32(hi))+lo != v {
			t.Errorf("%#x: %#x, %d", v, hi, lo)
		}
	}
}
