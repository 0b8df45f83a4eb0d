// SPDX-License-Identifier: Apache-2.0

package vdso

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/arch/riscv64/riscv64asm"

	"loam/abi"
)

// hart executes the few instructions of the image, as golang.org/x/arch decodes
// them, with the data page at address 0x1000 and the text page behind it.
type hart struct {
	t      *testing.T
	data   [PageSize]byte
	text   *[PageSize]byte
	time   uint64
	x      [32]uint64
	stored map[uint64]uint64
	called bool // ended by a call
}

const dataBase = 0x1000

// run executes from an address in the text page up to a call or a return.
func (h *hart) run(at uint64) {
	const returnTo = 0xdead0
	h.x[1] = returnTo
	h.stored, h.called = map[uint64]uint64{}, false
	pc := uint64(dataBase + PageSize + at)
	for range 100 {
		in, err := riscv64asm.Decode(h.text[pc-dataBase-PageSize:])
		if err != nil {
			h.t.Fatalf("at %#x: %v", pc, err)
		}
		if pc = h.step(pc, in); h.called || pc == returnTo {
			return
		}
		h.x[0] = 0
	}
	h.t.Fatal("no end")
}

// step executes one instruction and gives the next one's address.
func (h *hart) step(pc uint64, in riscv64asm.Inst) uint64 {
	reg := func(i int) uint64 { return h.x[in.Args[i].(riscv64asm.Reg)] }
	imm := func(i int) uint64 { return uint64(int64(in.Args[i].(riscv64asm.Simm).Imm)) }
	upper := func() uint64 { return uint64(int64(int32(in.Args[1].(riscv64asm.Uimm).Imm << 12))) }
	address := func(i int) uint64 {
		o := in.Args[i].(riscv64asm.RegOffset)
		return h.x[o.OfsReg] + uint64(int64(o.Ofs.Imm))
	}
	set := func(v uint64) { h.x[in.Args[0].(riscv64asm.Reg)] = v }
	taken := false
	switch in.Op {
	case riscv64asm.ADDI:
		set(reg(1) + imm(2))
	case riscv64asm.ADDIW:
		set(uint64(int64(int32(reg(1) + imm(2)))))
	case riscv64asm.LUI:
		set(upper())
	case riscv64asm.AUIPC:
		set(pc + upper())
	case riscv64asm.CSRRS:
		if in.Args[1].(riscv64asm.CSR) != riscv64asm.TIME || in.Args[2].(riscv64asm.Reg) != riscv64asm.X0 {
			h.t.Fatalf("%v", in)
		}
		set(h.time)
	case riscv64asm.LD:
		set(binary.LittleEndian.Uint64(h.data[address(1)-dataBase:]))
	case riscv64asm.SD:
		h.stored[address(1)] = reg(0)
	case riscv64asm.MUL:
		set(reg(1) * reg(2))
	case riscv64asm.MULHU:
		high, _ := bits.Mul64(reg(1), reg(2))
		set(high)
	case riscv64asm.DIVU:
		set(reg(1) / reg(2))
	case riscv64asm.REMU:
		set(reg(1) % reg(2))
	case riscv64asm.ADD:
		set(reg(1) + reg(2))
	case riscv64asm.OR:
		set(reg(1) | reg(2))
	case riscv64asm.SLLI:
		set(reg(1) << in.Args[2].(riscv64asm.Uimm).Imm)
	case riscv64asm.SRLI:
		set(reg(1) >> in.Args[2].(riscv64asm.Uimm).Imm)
	case riscv64asm.BLTU:
		taken = reg(0) < reg(1)
	case riscv64asm.BNE:
		taken = reg(0) != reg(1)
	case riscv64asm.JALR:
		return address(1)
	case riscv64asm.ECALL:
		h.called = true
	default:
		h.t.Fatalf("at %#x: %v", pc, in)
	}
	if taken {
		return pc + imm(2)
	}
	return pc + uint64(in.Len)
}

// TestClockRISCV64 executes clock_gettime and compares with whole numbers.
func TestClockRISCV64(t *testing.T) {
	h := hart{t: t, text: build(t, BuildRISCV64)}
	at, _ := lookup(t, h.text, "LINUX_4.15", "__vdso_clock_gettime")
	r := rand.New(rand.NewPCG(1, 12))
	for range 2000 {
		d := Data{Scale: 100 << 32, Wall: 1_800_000_000_123_456_789} // 10 MHz: 100 ns a tick
		if r.IntN(2) == 0 {
			d.Scale = r.Uint64N(1000 << 32)
		}
		d.Put(&h.data)
		h.time = r.Uint64() >> (8 + r.IntN(56))
		clock := uint64(r.IntN(2))
		const tp = 0x5000
		h.x[10], h.x[11], h.x[2], h.x[8] = clock, tp, 0x7777, 0x8888
		h.run(at)
		ns := new(big.Int).Mul(new(big.Int).SetUint64(h.time), new(big.Int).SetUint64(d.Scale))
		ns.Rsh(ns, 32).And(ns, new(big.Int).SetUint64(1<<64-1))
		if clock == 0 {
			ns.Add(ns, big.NewInt(d.Wall)).And(ns, new(big.Int).SetUint64(1<<64-1))
		}
		sec, nsec := new(big.Int).QuoRem(ns, big.NewInt(1e9), new(big.Int))
		if h.called || h.x[10] != 0 || len(h.stored) != 2 || h.stored[tp] != sec.Uint64() || h.stored[tp+8] != nsec.Uint64() {
			t.Fatalf("clock %d at time %d, %+v: %v, want %v %v", clock, h.time, d, h.stored, sec, nsec)
		}
		if h.x[2] != 0x7777 || h.x[8] != 0x8888 {
			t.Fatal("a register of the caller changed")
		}
	}
	for _, other := range []uint64{2, 7, 1 << 20, ^uint64(0), 1 << 63} {
		h.x[10], h.x[11] = other, 0x5000
		if h.run(at); !h.called || h.x[17] != 113 || h.x[10] != other || h.x[11] != 0x5000 || len(h.stored) != 0 {
			t.Errorf("clock %d: %+v", int64(other), h.x)
		}
	}
}

// TestCallsRISCV64: the other functions make the call of their name, with their
// arguments where they were.
func TestCallsRISCV64(t *testing.T) {
	h := hart{t: t, text: build(t, BuildRISCV64)}
	for _, c := range callsRISCV64 {
		at, size := lookup(t, h.text, "LINUX_4.15", c.name)
		for i := range h.x {
			h.x[i] = uint64(i) << 8
		}
		h.run(at)
		want := strings.TrimPrefix(c.name, "__vdso_")
		if got := abi.Name(abi.RISCV64, h.x[17]); !h.called || strings.TrimPrefix(got, "riscv_") != strings.TrimPrefix(want, "riscv_") {
			t.Errorf("%s makes the call %s", c.name, got)
		}
		for i := range 16 {
			if i > 1 && h.x[i] != uint64(i)<<8 {
				t.Errorf("%s changes x%d", c.name, i)
			}
		}
		if last := binary.LittleEndian.Uint32(h.text[at+size-4:]); last != 0x8067 { // ret
			t.Errorf("%s ends with %#x", c.name, last)
		}
	}
	// libgcc's and gdb's unwinders look for these two words.
	at, _ := lookup(t, h.text, "LINUX_4.15", "__vdso_rt_sigreturn")
	if at != SigreturnRISCV64 || binary.LittleEndian.Uint64(h.text[at:]) != 0x00000073_08b00893 {
		t.Errorf("rt_sigreturn at %d: % x", at, h.text[at:at+8])
	}
}
