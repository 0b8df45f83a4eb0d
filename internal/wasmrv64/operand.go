// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"fmt"
	"math/bits"
)

// maxOperands bounds a function's operand stack, and with wasmfile.MaxLocals its
// frame: the check for stack overflow subtracts the frame from an address, which
// must be larger (native maps no stack below 16 MiB).
const maxOperands = 50_000

// place says where an operand is.
type place uint8

const (
	inSlot  place = iota // its own, by its position on the stack
	inReg                // a temporary register that is its alone
	inLocal              // a local variable, unchanged since
	inConst
)

// operand is one entry of the operand stack.
type operand struct {
	typ   Type
	in    place
	dirty bool  // an i32 that is the lower half of what is there, not sign-extended
	reg   reg   // inReg
	local int   // inLocal
	val   int64 // inConst: sign-extended, or a float's bits
}

func (r reg) bit() uint64 { return 1 << r }

// release ends an instruction: nothing is held but what a branch that is next
// reads.
func (f *fn) release() {
	f.held = 0
	if f.cond.set {
		f.held = f.cond.a.bit() | f.cond.b.bit()
	}
}

// alloc returns a free temporary register and holds it. When there is none, the
// deepest operand in one goes to its slot.
func (f *fn) alloc(t Type) reg {
	mask := uint64(operandMask) & (1<<32 - 1)
	if t.float() {
		mask = operandMask &^ (1<<32 - 1)
	}
	free := mask &^ (f.used | f.held)
	for i := 0; free == 0; i++ {
		if o := &f.stack[i]; o.in == inReg && o.reg.bit()&mask != 0 {
			free = o.reg.bit()
			f.spill(i)
		}
	}
	r := reg(bits.TrailingZeros64(free))
	f.held |= r.bit()
	return r
}

// slot is the offset of the slot of the operand at a position of the stack.
func (f *fn) slot(i int) int64 { return f.slots + 8*int64(i) }

// spill brings the operand at a position of the stack to its slot.
func (f *fn) spill(i int) {
	o := &f.stack[i]
	switch o.in {
	case inSlot:
		return
	case inReg:
		f.store(o.typ, o.reg, sp, f.slot(i))
		f.used &^= o.reg.bit()
	default:
		r := t1
		if o.typ.float() {
			r = f0
		}
		r = f.fetch(*o, i, r)
		f.store(o.typ, r, sp, f.slot(i))
	}
	*o = operand{typ: o.typ}
}

// fetch brings an operand to a register, which may be a scratch register; it
// returns another one if the operand is in a register already. It changes
// nothing that the compiler knows.
func (f *fn) fetch(o operand, i int, to reg) reg {
	switch o.in {
	case inReg:
		return o.reg
	case inSlot:
		f.load(o.typ, to, sp, f.slot(i))
	case inLocal:
		l := &f.locals[o.local]
		if l.reg != 0 {
			return l.reg
		}
		f.load(o.typ, to, sp, l.off)
	case inConst:
		f.constant(o, to)
	}
	return to
}

// constant loads a constant. A float goes through t0.
func (f *fn) constant(o operand, to reg) {
	if !o.typ.float() {
		f.li(to, o.val)
		return
	}
	from := zero
	if o.val != 0 {
		f.li(t0, o.val)
		from = t0
	}
	f.r(iFMVfromX|format(o.typ), to, from, zero)
}

// format is what to OR into a floating-point instruction for a type.
func format(t Type) uint32 {
	if t == F64 {
		return double
	}
	return 0
}

// push puts an operand on the stack.
func (f *fn) push(o operand) {
	if len(f.stack) == maxOperands {
		panic(fmt.Errorf("%w: a function with more than %d operands", ErrUnsupported, maxOperands))
	}
	f.stack = append(f.stack, o)
	f.maxStack = max(f.maxStack, len(f.stack))
	if o.in == inReg {
		f.used |= o.reg.bit()
	}
}

func (f *fn) pushReg(t Type, r reg) { f.push(operand{typ: t, in: inReg, reg: r}) }

// top is the operand on top of the stack.
func (f *fn) top() *operand { return &f.stack[len(f.stack)-1] }

// pop takes the operand from the stack; a register that it is in stays held.
func (f *fn) pop() operand {
	o := *f.top()
	f.stack = f.stack[:len(f.stack)-1]
	if o.in == inReg {
		f.used &^= o.reg.bit()
		f.held |= o.reg.bit()
	}
	return o
}

// popReg takes the operand from the stack and returns a register to read it
// from, which must not be written.
func (f *fn) popReg() reg {
	o := f.pop()
	if o.in == inLocal && o.dirty && f.locals[o.local].reg == 0 {
		o.dirty = false // loading 32 bits extends
	}
	r := f.reading(o)
	if o.dirty {
		d := f.alloc(I32)
		f.i(iADDIW, d, r, 0)
		return d
	}
	return r
}

// popLoose is popReg for who looks at the lower 32 bits only.
func (f *fn) popLoose() reg { return f.reading(f.pop()) }

// reading returns a register that an operand that was on top is in.
func (f *fn) reading(o operand) reg {
	switch {
	case o.in == inReg:
		return o.reg
	case o.in == inConst && o.val == 0 && !o.typ.float():
		return zero
	case o.in == inLocal && f.locals[o.local].reg != 0:
		return f.locals[o.local].reg
	}
	return f.fetch(o, len(f.stack), f.alloc(o.typ))
}

// result returns a register for the instruction's result: that of the local
// variable that the next instruction sets to it, or a temporary one. It must be
// written last, when nothing else is read any more.
func (f *fn) result(t Type) reg {
	next := f.code
	if op := next.byte(); op == opLocalSet || op == opLocalTee {
		i := int(next.u32())
		if r := f.locals[i].reg; r != 0 && !f.aliased(i) {
			return r
		}
	}
	return f.alloc(t)
}

// aliased reports whether an operand is the local variable as it is.
func (f *fn) aliased(i int) bool {
	for _, o := range f.stack {
		if o.in == inLocal && o.local == i {
			return true
		}
	}
	return false
}

// localGet pushes a local variable.
func (f *fn) localGet(i int) { f.push(operand{typ: f.locals[i].typ, in: inLocal, local: i}) }

// localSet sets a local variable to the operand on top.
func (f *fn) localSet(i int, tee bool) {
	o, l := f.pop(), &f.locals[i]
	if o.in == inLocal && o.local == i && !o.dirty {
		if tee {
			f.push(o)
		}
		return
	}
	for k := range f.stack {
		if s := &f.stack[k]; s.in == inLocal && s.local == i {
			f.spill(k)
		}
	}
	switch {
	case l.reg == 0:
		f.store(l.typ, f.reading(o), sp, l.off)
	case o.dirty:
		f.i(iADDIW, l.reg, f.reading(o), 0)
	default:
		f.move(l.reg, f.fetch(o, len(f.stack), l.reg), l.typ)
	}
	if f.addrLocal == i {
		f.addrLocal = -1
	}
	switch {
	case tee && o.in == inConst:
		f.push(o)
	case tee:
		f.localGet(i)
	}
}

// flush brings all operands to their slots but for constants below the given
// number of operands on top.
func (f *fn) flush(top int) {
	for i := range f.stack {
		if f.stack[i].in != inConst || i >= len(f.stack)-top {
			f.spill(i)
		}
	}
}
