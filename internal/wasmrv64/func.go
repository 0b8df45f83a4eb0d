// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Registers of local variables, which a function saves before it uses them,
// and of operands, which it does not.
var (
	localInts   = []reg{8, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31}
	localFloats = []reg{40, 41, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63}
)

const (
	operands    = 8 // of each kind, from a0 and fa0
	operandMask = 0xff<<a0 | 0xff<<fa0
)

// local is a local variable.
type local struct {
	typ    Type
	reg    reg   // 0: it lives in the frame
	off    int64 // from the stack pointer, if so
	param  bool
	weight int
}

// target says what an instruction that is patched when all code is laid out
// refers to.
type target uint8

const (
	toFunc target = iota
	toExit
	toTrap
	toStub // a subroutine
)

// reloc is such an instruction: AUIPC and JALR, through the register that the
// JALR has.
type reloc struct {
	pos   int
	what  target
	index uint32
}

// jumpTo is a jump to be patched.
type jumpTo struct {
	pos  int
	trap Trap
}

// fn compiles one function.
type fn struct {
	asm
	cpu    CPU
	m      *Module
	lay    Layout
	code   reader
	typ    FuncType
	locals []local
	saved  []reg // of local variables, that it uses

	stack     []operand
	used      uint64 // registers that operands are in
	held      uint64 // registers that the present instruction reads or has allocated
	slots     int64  // offset of the first operand's slot
	maxStack  int
	wide      bool // jumps may be longer than a JAL's
	ctl       []control
	dead      bool
	cond      condition // of the branch that is next, if it is set
	addrLocal int       // whose address is in addrReg, negative: none
	checked   uint64    // bytes after that address that are known to be in memory

	relocs []reloc
	trapTo []jumpTo
	raOff  int64
	frame  int64
}

func unsupported(op byte) error { return fmt.Errorf("%w: instruction %#x", ErrUnsupported, op) }

// errNarrow asks for the function to be compiled again as a wide one.
var errNarrow = errors.New("wasmrv64: a jump of more than 1 MiB")

// compile compiles the function's body.
func (f *fn) compile(body []byte) {
	f.code = reader{b: body}
	f.declare()
	f.assign()
	f.addrLocal = -1
	f.ctl = []control{{op: opBlock, results: f.typ.Results, outer: true}}
	for len(f.ctl) > 0 {
		f.release()
		f.instruction(f.code.byte())
	}
	f.epilogue()
	body = f.b
	shift := f.prologue()
	f.b = append(f.b, body...)
	for i := range f.relocs {
		if f.relocs[i].pos >= 0 {
			f.relocs[i].pos += shift
		} else {
			f.relocs[i].pos = -1 - f.relocs[i].pos
		}
	}
}

// declare reads the local variables' declarations.
func (f *fn) declare() {
	for _, t := range f.typ.Params {
		f.locals = append(f.locals, local{typ: t, param: true})
	}
	for n := f.code.u32(); n > 0; n-- {
		for k, t := f.code.u32(), f.code.valueType(); k > 0; k-- {
			f.locals = append(f.locals, local{typ: t})
		}
	}
}

// assign chooses places for the local variables and lays the frame out: local
// variables, saved registers, return address, operands.
func (f *fn) assign() {
	f.weigh(f.code)
	order := make([]int, len(f.locals))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(f.locals[b].weight, f.locals[a].weight) })
	ints, floats := localInts, localFloats
	for _, i := range order {
		l := &f.locals[i]
		free := &ints
		if l.typ.float() {
			free = &floats
		}
		if l.weight > 2 && len(*free) > 0 {
			l.reg, *free = (*free)[0], (*free)[1:]
			f.saved = append(f.saved, l.reg)
		} else {
			l.off = f.slots
			f.slots += 8
		}
	}
	f.raOff = f.slots + 8*int64(len(f.saved))
	f.slots = f.raOff + 8
}

// weigh counts the uses of local variables, those in loops more.
func (f *fn) weigh(r reader) {
	loops := []bool{false}
	weight := 1
	for len(loops) > 0 {
		switch op := r.byte(); op {
		case opLocalGet, opLocalSet, opLocalTee:
			if l := &f.locals[r.u32()]; l.weight < 1<<30 {
				l.weight += weight
			}
		case opBlock, opLoop, opIf:
			r.skip(op)
			loops = append(loops, op == opLoop)
			if op == opLoop && weight < 1<<12 {
				weight <<= 2
			} else {
				loops[len(loops)-1] = false
			}
		case opEnd:
			if loops[len(loops)-1] {
				weight >>= 2
			}
			loops = loops[:len(loops)-1]
		default:
			r.skip(op)
		}
	}
}

// prologue makes the code before the body, and returns its size.
func (f *fn) prologue() int {
	f.frame = (f.slots + 8*int64(f.maxStack) + 15) &^ 15
	f.b = nil
	if fits12(-f.frame) {
		f.i(iADDI, t0, sp, -f.frame)
	} else {
		f.li(t1, -f.frame)
		f.r(iADD, t0, sp, t1)
	}
	f.load(I64, t1, ctxReg, 8*CtxStackLimit)
	f.word(branch(iBGEU, t0, t1, 20))
	f.r(iADDI, t1, ra, zero)
	f.li(t0, int64(ExitTrap)+int64(TrapStack))
	f.relocs = append(f.relocs, reloc{-1 - f.pos(), toTrap, 0})
	f.word(iAUIPC | rd(addrReg))
	f.i(iJALR, zero, addrReg, 0)
	f.move(sp, t0, I64)
	f.store(I64, ra, sp, f.raOff)
	for i, r := range f.saved {
		f.store(f.word64(r), r, sp, f.raOff-8*int64(i+1))
	}
	f.params()
	for _, l := range f.locals {
		switch {
		case l.param:
		case l.reg == 0:
			f.store(I64, zero, sp, l.off)
		case l.typ == F32:
			f.r(iFMVfromX, l.reg, zero, zero)
		case l.typ == F64:
			f.r(iFMVfromX|double, l.reg, zero, zero)
		default:
			f.i(iADDI, l.reg, zero, 0)
		}
	}
	return f.pos()
}

// word64 is a type that moves all of a register.
func (f *fn) word64(r reg) Type {
	if r.float() {
		return F64
	}
	return I64
}

// params brings the parameters to where they live.
func (f *fn) params() {
	for i, r := range argRegs(f.typ.Params) {
		l := f.locals[i]
		switch {
		case r != 0 && l.reg != 0:
			f.move(l.reg, r, l.typ)
		case r != 0:
			f.store(l.typ, r, sp, l.off)
		case l.reg != 0:
			f.load(l.typ, l.reg, ctxReg, f.area(i))
		default:
			f.load(l.typ, t1, ctxReg, f.area(i)) // a float goes through f6
		}
		if r == 0 && l.reg == 0 {
			f.store(l.typ, t1, sp, l.off)
		}
	}
}

// area is the offset of a word of the area in the context.
func (f *fn) area(i int) int64 { return 8 * int64(f.lay.Area+i) }

// argRegs returns the registers of parameters, 0 for those in the area.
func argRegs(params []Type) []reg {
	regs := make([]reg, len(params))
	ints, floats := a0, fa0
	for i, t := range params {
		switch {
		case t.float() && floats < fa0+operands:
			regs[i] = floats
			floats++
		case !t.float() && ints < a0+operands:
			regs[i] = ints
			ints++
		}
	}
	return regs
}

// epilogue makes the code behind the body: the way back, and the traps.
func (f *fn) epilogue() {
	f.load(I64, ra, sp, f.raOff)
	for i, r := range f.saved {
		f.load(f.word64(r), r, sp, f.raOff-8*int64(i+1))
	}
	frame := (f.slots + 8*int64(f.maxStack) + 15) &^ 15
	if fits12(frame) {
		f.i(iADDI, sp, sp, frame)
	} else {
		f.li(t0, frame)
		f.r(iADD, sp, sp, t0)
	}
	f.i(iJALR, zero, ra, 0)
	var at [traps]int
	for _, j := range f.trapTo {
		if at[j.trap] == 0 {
			at[j.trap] = f.pos()
			f.word(iAUIPC | rd(t1))
			f.li(t0, int64(ExitTrap)+int64(j.trap))
			f.far(addrReg, toTrap, 0)
		}
		f.jumpTo(j.pos, at[j.trap])
	}
}

// far makes a jump through a register to something outside of the function. It
// is a call if the register is ra.
func (f *fn) far(through reg, what target, index uint32) {
	f.relocs = append(f.relocs, reloc{f.pos(), what, index})
	link := zero
	if through == ra {
		link = ra
	}
	f.word(iAUIPC | rd(through))
	f.i(iJALR, link, through, 0)
}
