// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"fmt"
	"math/bits"
)

// control is a block that is open.
type control struct {
	op      byte
	outer   bool // the function's own
	height  int  // of the operand stack below its parameters
	params  []Type
	results []Type
	loop    int   // where a loop begins
	fixups  []int // jumps to its end
	orElse  int   // jump to an if's else, 0: none
}

// condition is a comparison of registers that decides a branch.
type condition struct {
	set  bool
	op   uint32
	a, b reg
}

// invert makes the condition its opposite.
func (c *condition) invert() { c.op ^= iBEQ ^ iBNE }

// blockType reads a block's type.
func (f *fn) blockType() (params, results []Type) {
	switch c := f.code.b[f.code.pos]; {
	case c == 0x40:
		f.code.pos++
		return nil, nil
	case c&0xc0 == 0x40:
		return nil, []Type{f.code.valueType()}
	}
	t := f.m.Types[f.code.signed()]
	return t.Params, t.Results
}

// block opens a block, a loop or an if.
func (f *fn) block(op byte) {
	c := control{op: op}
	c.params, c.results = f.blockType()
	var cond condition
	if op == opIf {
		cond = f.popCond()
	}
	f.flush(len(c.params))
	c.height = len(f.stack) - len(c.params)
	switch op {
	case opLoop:
		c.loop = f.pos()
		f.addrLocal = -1
	case opIf:
		cond.invert()
		c.orElse = f.jumpIf(cond)
	}
	f.ctl = append(f.ctl, c)
}

// popCond takes the condition of a branch: the comparison before, or an i32
// that is not 0.
func (f *fn) popCond() condition {
	c := f.cond
	f.cond.set = false
	if !c.set {
		c = condition{op: iBNE, a: f.popReg(), b: zero}
	}
	return c
}

// jumpIf makes a jump that is taken on a condition, to be patched.
func (f *fn) jumpIf(c condition) (at int) {
	c.invert()
	f.word(branch(c.op, c.a, c.b, 4+f.jumpSize()))
	return f.jump()
}

// jump makes a jump to be patched: JAL, or in a wide function AUIPC and JALR
// through t0.
func (f *fn) jump() (at int) {
	f.b = append(f.b, make([]byte, f.jumpSize())...)
	return f.pos() - f.jumpSize()
}

func (f *fn) jumpSize() int {
	if f.wide {
		return 8
	}
	return 4
}

// jumpTo patches the jump at a position.
func (f *fn) jumpTo(pos, to int) {
	if f.wide {
		hi, lo := upper(int64(to - pos))
		f.set(pos, iAUIPC|rd(t0)|hi)
		f.set(pos+4, iJALR|rs1(t0)|uint32(lo)<<20)
		return
	}
	if to-pos >= 1<<20 || to-pos < -1<<20 {
		panic(errNarrow)
	}
	f.set(pos, jump(zero, to-pos))
}

// trapIf makes a trap that happens on a condition.
func (f *fn) trapIf(op uint32, a, b reg, why Trap) {
	f.trapTo = append(f.trapTo, jumpTo{f.jumpIf(condition{op: op, a: a, b: b}), why})
}

// trap makes a trap.
func (f *fn) trap(why Trap) { f.trapTo = append(f.trapTo, jumpTo{f.jump(), why}) }

// label returns the block that a branch of the given depth leaves or repeats.
func (f *fn) label(depth uint32) *control { return &f.ctl[len(f.ctl)-1-int(depth)] }

// arity returns the types of what a branch to the block carries.
func (c *control) arity() []Type {
	if c.op == opLoop {
		return c.params
	}
	return c.results
}

// carry brings the operands on top to where a branch to the block wants them.
// The stack stays as it is.
func (f *fn) carry(c *control) {
	types := c.arity()
	first := len(f.stack) - len(types)
	if c.op != opLoop && len(types) == 1 {
		o := f.stack[first]
		to := resultReg(types[0])
		f.move(to, f.fetch(o, first, to), o.typ)
		if o.dirty {
			f.i(iADDIW, to, to, 0)
		}
		return
	}
	for i, t := range types {
		scratch := t1
		if t.float() {
			scratch = f0
		}
		o := f.stack[first+i]
		base, off := sp, f.slot(c.height+i)
		if c.outer {
			base, off = ctxReg, f.area(i)
		}
		if o.in == inSlot && base == sp && first == c.height {
			continue
		}
		f.store(t, f.fetch(o, first+i, scratch), base, off)
	}
}

// moves reports whether carry does anything.
func (f *fn) moves(c *control) bool { return len(c.arity()) > 0 }

// resultReg is where a block's or function's only result is.
func resultReg(t Type) reg {
	if t.float() {
		return fa0
	}
	return a0
}

// goTo jumps to where a branch to the block goes.
func (f *fn) goTo(c *control) {
	at := f.jump()
	if c.op == opLoop {
		f.jumpTo(at, c.loop)
	} else {
		c.fixups = append(c.fixups, at)
	}
}

// br is an unconditional branch.
func (f *fn) br(depth uint32) {
	c := f.label(depth)
	f.carry(c)
	f.goTo(c)
	f.skipDead()
}

// brIf is a conditional branch.
func (f *fn) brIf(depth uint32) {
	cond, c := f.popCond(), f.label(depth)
	if near := c.loop - f.pos(); c.op == opLoop && !f.moves(c) && near >= -4096 {
		f.word(branch(cond.op, cond.a, cond.b, near))
		return
	}
	cond.invert()
	skip := f.pos()
	f.word(0)
	if f.moves(c) {
		f.carry(c)
	}
	f.goTo(c)
	if f.pos()-skip >= 1<<12 {
		panic(fmt.Errorf("%w: a branch that carries too much", ErrUnsupported))
	}
	f.set(skip, branch(cond.op, cond.a, cond.b, f.pos()-skip))
}

// brTable is a branch by index: a table of jumps, some to the code that carries
// operands to where that label wants them.
func (f *fn) brTable() {
	var depths []uint32
	for n := f.code.u32() + 1; n > 0; n-- {
		depths = append(depths, f.code.u32())
	}
	last := int64(len(depths) - 1)
	index := f.popReg()
	f.li(t0, last)
	f.word(branch(iBLTU, t0, index, 8)) // beyond the table: the last
	f.move(t0, index, I32)
	f.i(iSLLI, t0, t0, int64(bits.TrailingZeros(uint(f.jumpSize()))))
	f.word(iAUIPC | rd(t1))
	f.r(iADD, t0, t0, t1)
	f.i(iJALR, zero, t0, 12)
	table := f.pos()
	for range depths {
		f.jump()
	}
	carried := map[uint32]int{}
	for i, d := range depths {
		c, at := f.label(d), table+i*f.jumpSize()
		switch {
		case f.moves(c):
			if carried[d] == 0 {
				carried[d] = f.pos()
				f.carry(c)
				f.goTo(c)
			}
			f.jumpTo(at, carried[d])
		case c.op == opLoop:
			f.jumpTo(at, c.loop)
		default:
			c.fixups = append(c.fixups, at)
		}
	}
	f.skipDead()
}

// skipDead skips code that is never reached, to the end or else of the block.
func (f *fn) skipDead() {
	f.dead = true
	for depth := 0; ; {
		at := f.code.pos
		switch op := f.code.byte(); op {
		case opBlock, opLoop, opIf:
			depth++
			f.code.skip(op)
		case opElse, opEnd:
			if depth == 0 {
				f.code.pos = at
				return
			}
			if op == opEnd {
				depth--
			}
		default:
			f.code.skip(op)
		}
	}
}

// reset makes the stack what it is where paths meet in or behind the block:
// operands of the given types on top of those below.
func (f *fn) reset(c *control, types []Type, single bool) {
	f.stack, f.used, f.addrLocal = f.stack[:c.height], 0, -1
	for _, t := range types {
		f.push(operand{typ: t})
	}
	if single && len(types) == 1 {
		f.pop()
		f.pushReg(types[0], resultReg(types[0]))
	}
}

// orElse ends an if's first half.
func (f *fn) orElse() {
	c := f.label(0)
	if !f.dead {
		f.carry(c)
		c.fixups = append(c.fixups, f.jump())
	}
	f.jumpTo(c.orElse, f.pos())
	c.orElse, f.dead = 0, false
	f.reset(c, c.params, false)
}

// end closes a block.
func (f *fn) end() {
	c := f.label(0)
	if c.orElse != 0 && len(c.results) > 0 {
		f.orElse()
	}
	if !f.dead && len(c.results) > 0 {
		f.forward(c)
	}
	reached := !f.dead || len(c.fixups) > 0 || c.orElse != 0
	for _, at := range c.fixups {
		f.jumpTo(at, f.pos())
	}
	if c.orElse != 0 {
		f.jumpTo(c.orElse, f.pos())
	}
	f.ctl = f.ctl[:len(f.ctl)-1]
	if c.outer {
		return
	}
	f.dead = false
	keep, local := f.addrLocal, len(c.fixups) == 0 && c.orElse == 0 && c.op != opIf
	f.reset(c, c.results, c.op != opLoop)
	if local {
		f.addrLocal = keep
	}
	if !reached {
		f.skipDead()
	}
}

// forward brings the results of a block that ends to where they are after it.
// A loop's, which no branch carries, go to slots.
func (f *fn) forward(c *control) {
	if c.op == opLoop {
		f.flush(len(c.results))
		return
	}
	f.carry(c)
}
