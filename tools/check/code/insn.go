// SPDX-License-Identifier: Apache-2.0

package code

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Kind says what an instruction does to the flow of control.
type Kind uint8

// The kinds of instruction.
const (
	Plain        Kind = iota // goes on with the next
	Call                     // to Target, then the next
	Jump                     // to Target
	CondJump                 // to Target or the next
	IndirectCall             // to an address in a register or in memory
	IndirectJump             // likewise, not coming back
	Return                   // RET, IRET, SYSRET, SYSEXIT; JALR x0, (ra), SRET, MRET
	Stop                     // UD2 and INT3, C.EBREAK and UNIMP: traps
	Syscall                  // SYSCALL, SYSENTER, INT n; ECALL, EBREAK
)

// SPEffect says what an instruction does to the stack pointer.
type SPEffect uint8

// The effects on the stack pointer.
const (
	SPKept   SPEffect = iota
	SPMoved           // down by Delta bytes; up if negative
	SPLoaded          // from elsewhere
)

// Insn is one decoded instruction.
type Insn struct {
	Addr   uint64
	Len    int
	Kind   Kind
	Target uint64 // of direct calls and jumps
	SP     SPEffect
	Delta  int    // bytes, for SPMoved
	Ends   bool   // a call that Image.Ends names: nothing comes after it
	FPU    bool   // touches a vector, mask, MMX or x87 register or its control
	Text   string // for people, only set when FPU or indirect
	label  uint64 // an address it forms relative to itself, 0 if none
	base   x86asm.Reg
	into   x86asm.Reg // register that label goes into
	riscv
}

// riscv is what more is to be known of an instruction for RISC-V, where addresses and
// constants take several. Registers are numbers, 0 if there is none.
type riscv struct {
	writes   uint8  // register that it writes
	via      uint8  // register that a jump goes to or an addition begins with, by
	offset   uint64 // from what that holds
	by       uint8  // register that is added to the stack pointer
	adds     bool   // an addition; of words if
	word     bool
	known    bool // what it writes is value
	relative bool // which it has formed relative to itself
	value    uint64
	joined   bool // it goes on with what the instruction before it has made
	local    bool // a call of a subroutine inside of its function
	ecall    bool
}

// decodeAMD64 reads the instruction at the start of code, which lies at pc.
func decodeAMD64(code []byte, pc uint64) (Insn, error) {
	if hasVEX(code) {
		in, ok := decodeVEX(code, pc)
		if !ok {
			return Insn{}, undecodable(code)
		}
		return in, nil
	}
	x, err := x86asm.Decode(code, 64)
	if err != nil || x.Op == 0 { // 0: prefixes only, the rest unknown
		if in, ok := decodeRest(code, pc); ok {
			return in, nil
		}
		return Insn{}, undecodable(code)
	}
	in := Insn{Addr: pc, Len: x.Len}
	next := pc + uint64(x.Len)
	in.flow(&x, next)
	in.stack(&x)
	in.FPU = touchesFPU(&x)
	if in.FPU || in.Kind == IndirectCall || in.Kind == IndirectJump {
		in.Text = x86asm.GoSyntax(x, pc, nil)
	}
	if m, ok := x.Args[1].(x86asm.Mem); ok && x.Op == x86asm.LEA && m.Base == x86asm.RIP {
		in.label = next + uint64(m.Disp)
		in.into, _ = x.Args[0].(x86asm.Reg)
	}
	return in, nil
}

// undecodable is the error for bytes that are no instruction we know.
func undecodable(code []byte) error {
	return fmt.Errorf("can't decode % x", code[:min(len(code), 8)])
}

// flow sets Kind and Target.
func (in *Insn) flow(x *x86asm.Inst, next uint64) {
	rel, direct := x.Args[0].(x86asm.Rel)
	if direct {
		in.Target = next + uint64(int64(rel))
	}
	switch x.Op {
	case x86asm.CALL, x86asm.LCALL:
		in.Kind = IndirectCall
		if direct {
			in.Kind = Call
		}
	case x86asm.JMP, x86asm.LJMP:
		in.Kind = IndirectJump
		if direct {
			in.Kind = Jump
		} else if m, ok := x.Args[0].(x86asm.Mem); ok && m.Scale == 8 && m.Disp == 0 {
			in.base = m.Base // may be a jump table
		}
	case x86asm.RET, x86asm.LRET, x86asm.IRET, x86asm.IRETD, x86asm.IRETQ, x86asm.SYSRET, x86asm.SYSEXIT:
		in.Kind = Return
	case x86asm.UD0, x86asm.UD1, x86asm.UD2:
		in.Kind = Stop
	case x86asm.SYSCALL, x86asm.SYSENTER:
		in.Kind = Syscall
	case x86asm.INT:
		in.Kind = Syscall
		if imm, ok := x.Args[0].(x86asm.Imm); ok && imm == 3 {
			in.Kind = Stop
		}
	default:
		if direct { // Jcc, LOOP, JCXZ, XBEGIN
			in.Kind = CondJump
		}
	}
}

// stack sets SP and Delta.
func (in *Insn) stack(x *x86asm.Inst) {
	move := func(n int) { in.SP, in.Delta = SPMoved, n }
	switch x.Op {
	case x86asm.PUSH, x86asm.PUSHF, x86asm.PUSHFD, x86asm.PUSHFQ:
		move(8)
		return
	case x86asm.POPF, x86asm.POPFD, x86asm.POPFQ:
		move(-8)
		return
	case x86asm.LEAVE, x86asm.ENTER:
		in.SP = SPLoaded
		return
	case x86asm.CMP, x86asm.TEST:
		return
	}
	if x.Op == x86asm.XCHG && isSP(x.Args[1]) {
		in.SP = SPLoaded
		return
	}
	if !isSP(x.Args[0]) {
		if x.Op == x86asm.POP {
			move(-8)
		}
		return
	}
	imm, isImm := x.Args[1].(x86asm.Imm)
	mem, isMem := x.Args[1].(x86asm.Mem)
	switch {
	case x.Op == x86asm.SUB && isImm:
		move(int(imm))
	case x.Op == x86asm.ADD && isImm:
		move(-int(imm))
	case x.Op == x86asm.AND && isImm && imm < 0:
		move(int(-imm - 1)) // rounds down by at most that
	case x.Op == x86asm.LEA && isMem && mem.Base == x86asm.RSP && mem.Index == 0:
		move(-int(mem.Disp))
	default:
		in.SP = SPLoaded
	}
}

// isSP reports whether an operand is the stack pointer.
func isSP(a x86asm.Arg) bool {
	return a == x86asm.RSP || a == x86asm.ESP || a == x86asm.SP
}

// fpuState are the instructions that load vector or floating-point state or
// its control words from memory, and so name no such register. Saving the
// state (FXSAVE, XSAVE and its kin) changes nothing and is allowed.
var fpuState = []string{"LDMXCSR", "EMMS", "XRSTOR", "XRSTOR64", "XRSTORS", "XRSTORS64"}

// touchesFPU reports whether x uses vector, MMX or x87 state.
func touchesFPU(x *x86asm.Inst) bool {
	op := x.Op.String()
	if strings.HasPrefix(op, "F") { // every x87 instruction; FXRSTOR
		return !strings.HasPrefix(op, "FXSAVE")
	}
	for _, a := range x.Args {
		if r, ok := a.(x86asm.Reg); ok && (r >= x86asm.X0 && r <= x86asm.X15 ||
			r >= x86asm.M0 && r <= x86asm.M7 || r >= x86asm.F0 && r <= x86asm.F7) {
			return true
		}
	}
	return slices.Contains(fpuState, op)
}
