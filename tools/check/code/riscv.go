// SPDX-License-Identifier: Apache-2.0

package code

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"golang.org/x/arch/riscv64/riscv64asm"
)

// Registers with a meaning in calls: psABI, "Integer Register Convention".
const (
	rvLink  = 1 // ra: where a function returns to
	rvStack = 2 // sp
)

// Instructions that end a way or make a call of the kernel.
const (
	rvECall         = 0x00000073
	rvEBreak        = 0x00100073
	rvEBreakShort   = 0x9002
	rvUnimplemented = 0xc0001073 // writes a counter that can't be written; so does 0, of two bytes
)

// decodeRISCV reads the instruction at the start of code, which lies at pc.
func decodeRISCV(code []byte, pc uint64) (Insn, error) {
	x, err := riscv64asm.Decode(code)
	if err != nil {
		if in, ok := decodePrivileged(code, pc); ok {
			return in, nil
		}
		return Insn{}, undecodable(code)
	}
	in := Insn{Addr: pc, Len: x.Len}
	in.rvFlow(&x)
	in.rvValue(&x)
	in.rvStack(&x)
	in.FPU = rvTouchesFPU(&x)
	if in.FPU || in.Kind == IndirectCall || in.Kind == IndirectJump {
		in.Text = x.String()
	}
	return in, nil
}

// decodePrivileged knows the instructions that riscv64asm does not: volume II,
// chapter 9, "RISC-V Privileged Instruction Set Listings".
func decodePrivileged(code []byte, pc uint64) (Insn, bool) {
	if len(code) < 4 {
		return Insn{}, false
	}
	in := Insn{Addr: pc, Len: 4}
	switch word := binary.LittleEndian.Uint32(code); word {
	case 0x10200073, 0x30200073: // SRET, MRET
		in.Kind = Return
	case 0x10500073, // WFI
		0x18000073, 0x18100073: // SFENCE.W.INVAL, SFENCE.INVAL.IR
	default:
		const operands = 0x3ff << 15 // rs2, rs1
		word &^= operands
		if word != 0x12000073 && word != 0x16000073 { // SFENCE.VMA, SINVAL.VMA
			return Insn{}, false
		}
	}
	return in, true
}

// rvFlow sets Kind, Target, via and writes.
func (in *Insn) rvFlow(x *riscv64asm.Inst) {
	in.writes = rvWritten(x)
	offset := func(i int) uint64 { return in.Addr + uint64(int64(x.Args[i].(riscv64asm.Simm).Imm)) }
	switch x.Op {
	case riscv64asm.JAL:
		in.Kind, in.Target = Jump, offset(1)
		if x.Len == 2 {
			in.Target = in.Addr + compressedOffset(x.Enc)
		}
		if in.writes != 0 {
			in.Kind = Call
		}
	case riscv64asm.JALR:
		to := x.Args[1].(riscv64asm.RegOffset)
		in.via, in.offset = rvNumber(to.OfsReg), uint64(int64(to.Ofs.Imm))
		switch {
		case in.writes != 0:
			in.Kind = IndirectCall
		case in.via == rvLink && in.offset == 0:
			in.Kind = Return
		default:
			in.Kind = IndirectJump
		}
	case riscv64asm.BEQ, riscv64asm.BNE, riscv64asm.BLT, riscv64asm.BGE, riscv64asm.BLTU, riscv64asm.BGEU:
		in.Kind, in.Target = CondJump, offset(2)
	}
	switch {
	case x.Enc == rvECall:
		in.Kind, in.ecall = Syscall, true
	case x.Enc == rvEBreak:
		in.Kind = Syscall
	case x.Enc == rvEBreakShort, x.Enc == rvUnimplemented, x.Enc == 0:
		in.Kind = Stop
	}
}

// compressedOffset returns how far C.J jumps: volume I, section 16.4. riscv64asm
// v0.32 misplaces bits 1 to 3.
func compressedOffset(enc uint32) uint64 {
	bit := func(from, to uint) uint64 { return uint64(enc>>from&1) << to }
	offset := bit(3, 1) | bit(4, 2) | bit(5, 3) | bit(11, 4) | bit(2, 5) | bit(7, 6) |
		bit(6, 7) | bit(9, 8) | bit(10, 9) | bit(8, 10) | bit(12, 11)
	return uint64(int64(offset<<52) >> 52)
}

// rvValue sets what is known of the value that the instruction computes, alone or
// from a register: the parts of constants and addresses.
func (in *Insn) rvValue(x *riscv64asm.Inst) {
	if in.writes == 0 {
		return
	}
	switch x.Op {
	case riscv64asm.LUI, riscv64asm.AUIPC:
		in.known = true
		in.value = uint64(int64(int32(x.Args[1].(riscv64asm.Uimm).Imm << 12)))
		if x.Op == riscv64asm.AUIPC {
			in.value += in.Addr
			in.relative = true
		}
	case riscv64asm.ADDI, riscv64asm.ADDIW:
		in.adds, in.word = true, x.Op == riscv64asm.ADDIW
		in.via = rvNumber(x.Args[1].(riscv64asm.Reg))
		in.offset = uint64(int64(x.Args[2].(riscv64asm.Simm).Imm))
		if in.via == 0 {
			in.adds, in.known, in.value = false, true, in.offset
		}
	}
}

// rvStack sets SP and Delta.
func (in *Insn) rvStack(x *riscv64asm.Inst) {
	if in.writes != rvStack {
		return
	}
	in.SP = SPLoaded
	switch from, _ := x.Args[1].(riscv64asm.Reg); {
	case from != riscv64asm.X2: // another register, or none
	case x.Op == riscv64asm.ADDI:
		in.SP, in.Delta = SPMoved, -int(int64(in.offset))
	case x.Op == riscv64asm.ANDI:
		if mask := x.Args[2].(riscv64asm.Simm).Imm; mask < 0 {
			in.SP, in.Delta = SPMoved, int(-mask-1) // rounds down by at most that
		}
	case x.Op == riscv64asm.ADD:
		in.by = rvNumber(x.Args[2].(riscv64asm.Reg))
	}
	if from, _ := x.Args[2].(riscv64asm.Reg); x.Op == riscv64asm.ADD && x.Args[1] == riscv64asm.X0 && from == riscv64asm.X2 {
		in.SP = SPKept // a move of the register to itself
	}
}

// rvNumber returns the number of an integer register.
func rvNumber(r riscv64asm.Reg) uint8 { return uint8(r - riscv64asm.X0) }

// rvWritten returns the number of the integer register that x writes, 0 if none. What
// is no store or branch is taken to write its first operand; riscv64asm has those of
// vector instructions in another order.
func rvWritten(x *riscv64asm.Inst) uint8 {
	// Opcodes of volume I, chapter 24.
	const loadFP, storeFP, store, branch, opV = 0x07, 0x27, 0x23, 0x63, 0x57
	const sets, moves = 7, 2 // funct3: VSETVL and kin; with funct6 0x10 VMV.X.S, VCPOP.M, VFIRST.M
	if x.Len == 4 {
		switch rd, funct3 := uint8(x.Enc>>7&31), x.Enc>>12&7; x.Enc & 0x7f {
		case loadFP, storeFP, store, branch:
			return 0
		case opV:
			if funct3 == sets || funct3 == moves && x.Enc>>26 == 0x10 {
				return rd
			}
			return 0
		}
	}
	switch x.Op {
	case riscv64asm.SW, riscv64asm.SD, riscv64asm.BEQ, riscv64asm.BNE: // compressed
		return 0
	}
	if r, ok := x.Args[0].(riscv64asm.Reg); ok && r >= riscv64asm.X0 && r <= riscv64asm.X31 {
		return rvNumber(r)
	}
	return 0
}

// rvTouchesFPU reports whether x uses floating-point or vector registers or their
// control. Storing them is allowed, as is reading the control registers: that saves
// them.
func rvTouchesFPU(x *riscv64asm.Inst) bool {
	const storeFP = 0x27 // floating-point and vector stores: volume I, chapter 24
	switch {
	case x.Len == 4 && x.Enc&0x7f == storeFP, x.Op == riscv64asm.FSD, x.Op == riscv64asm.FSW:
		return false
	case strings.HasPrefix(x.Op.String(), "V"):
		return true
	}
	for _, a := range x.Args {
		switch a := a.(type) {
		case riscv64asm.Reg:
			if a > riscv64asm.X31 {
				return true
			}
		case riscv64asm.CSR:
			return rvStateCSR(a) && (x.Op == riscv64asm.CSRRW || x.Args[2] != riscv64asm.X0)
		}
	}
	return false
}

// rvStateCSR reports whether a control register belongs to floating point or vectors:
// fflags, frm and fcsr; vstart, vxsat, vxrm and vcsr.
func rvStateCSR(csr riscv64asm.CSR) bool {
	return csr >= 0x001 && csr <= 0x003 || csr >= 0x008 && csr <= 0x00a || csr == 0x00f
}

// rvJoin completes an instruction by the one before it, from which control falls into
// it, if both of them make one constant or address. It reports whether they do.
func (in *Insn) rvJoin(before *Insn) bool {
	if !before.known || before.writes == 0 {
		return false
	}
	switch through := before.writes; {
	case in.adds && in.via == through && through == rvStack && before.joined:
		return false // a frame on a stack whose address the two before have made
	case in.adds && in.via == through:
		in.known, in.value, in.relative = true, before.value+in.offset, before.relative
		if in.word {
			in.value = uint64(int64(int32(in.value)))
		}
		if in.relative {
			in.label = in.value
		}
		if in.writes == rvStack {
			in.SP, in.Delta = SPLoaded, 0
		}
	case in.Kind == IndirectCall && in.via == through && before.relative:
		in.Kind, in.Target = Call, before.value+in.offset
	case in.Kind == IndirectJump && in.via == through && before.relative:
		in.Kind, in.Target = Jump, before.value+in.offset
	case in.by != 0 && in.by == through && !before.relative:
		in.SP, in.Delta = SPMoved, -int(int64(before.value))
	default:
		return false
	}
	in.joined = true
	return true
}

// join joins each of the instructions found to the one before it, and returns where
// control goes by that.
func (b *Body) join(im *Image, found map[uint64]Insn) []uint64 {
	var more []uint64
	for _, pc := range slices.Sorted(maps.Keys(found)) {
		in := found[pc]
		before, ok := found[pc-4]
		if !ok || before.Len != 4 {
			before, ok = found[pc-2]
		}
		if in.joined || !ok || before.Addr+uint64(before.Len) != pc || !in.rvJoin(&before) {
			continue
		}
		b.classify(im, &in)
		found[pc] = in
		more = append(append(more, b.next(&in)...), in.label)
	}
	return more
}

// torn returns an instruction that counts on the ones before it although control
// reaches it, or one of those, from elsewhere; nil if there is none.
func (b *Body) torn() *Insn {
	entered := make([]bool, len(b.Insns)) // from elsewhere
	for i := range b.Insns {
		for _, j := range b.succ[i] {
			entered[j] = entered[j] || j != i+1
		}
	}
	for i := range b.Insns {
		in := &b.Insns[i]
		entered[i] = in.joined && (entered[i] || i > 0 && entered[i-1] && b.Insns[i-1].joined)
		if entered[i] && !in.adds {
			return in
		}
	}
	return nil
}

// rvCallers are the packages whose ECALLs the image step makes calls of the kernel
// (build/image, calls.go). Elsewhere an ECALL calls the firmware, which has a stack of
// its own.
var rvCallers = []string{"runtime.", "syscall.", "internal/runtime/", "internal/syscall/"}

// rvFirmware reports whether in, of a function with this symbol, calls the firmware.
func (in *Insn) rvFirmware(symbol string) bool {
	for _, prefix := range rvCallers {
		if strings.HasPrefix(symbol, prefix) {
			return false
		}
	}
	return in.ecall
}

// localReturns finds the jumps that end a subroutine inside of the function, through
// a register that JALs to places inside have set and nothing else: they go to behind
// these JALs. It returns where control goes by that, if it has found more.
func (b *Body) localReturns(found map[uint64]Insn) []uint64 {
	after := map[uint8][]uint64{}
	other := map[uint8]bool{}
	for pc, in := range found {
		if in.Kind == IndirectCall || b.Calls(&in) && !in.Ends {
			return nil // which may write the register
		}
		if in.local {
			after[in.writes] = append(after[in.writes], pc+uint64(in.Len))
		} else {
			other[in.writes] = true
		}
	}
	var more []uint64
	for pc, in := range found {
		if in.Kind != IndirectJump || in.offset != 0 || other[in.via] {
			continue
		}
		if to := after[in.via]; len(to) > len(b.table[pc]) {
			b.table[pc] = to
			more = append(more, to...)
		}
	}
	return more
}
