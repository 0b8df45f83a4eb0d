// SPDX-License-Identifier: Apache-2.0

package wasmrv64

// compareOp is a comparison of integers: the branch that is taken when it
// holds, with the operands swapped or not.
type compareOp struct {
	op   uint32
	swap bool
}

// In the order eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u.
var comparisons = [...]compareOp{
	{iBEQ, false}, {iBNE, false}, {iBLT, false}, {iBLTU, false}, {iBLT, true}, {iBLTU, true},
	{iBGE, true}, {iBGEU, true}, {iBGE, false}, {iBGEU, false},
}

// compare is a comparison of integers.
func (f *fn) compare(op byte) {
	b, a := f.popReg(), f.popReg()
	c := comparisons[op]
	if c.swap {
		a, b = b, a
	}
	f.decide(condition{true, c.op, a, b})
}

// eqz compares with zero.
func (f *fn) eqz() { f.decide(condition{true, iBEQ, f.popReg(), zero}) }

// decide takes a comparison to the branch or select that follows, or pushes its
// result.
func (f *fn) decide(c condition) {
	for f.code.b[f.code.pos] == opI32Eqz {
		f.code.pos++
		c.invert()
	}
	switch f.code.b[f.code.pos] {
	case opBrIf, opIf, opSelect, opSelectTyped:
		f.cond = c
		return
	}
	d := f.result(I32)
	switch c.op {
	case iBEQ, iBNE:
		f.r(iXOR, t0, c.a, c.b)
		if c.op == iBEQ {
			f.i(iSLTIU, d, t0, 1)
		} else {
			f.r(iSLTU, d, zero, t0)
		}
	case iBLT, iBLTU:
		f.r(less(c.op), d, c.a, c.b)
	default:
		f.r(less(c.op), t0, c.a, c.b)
		f.i(iXORI, d, t0, 1)
	}
	f.pushReg(I32, d)
}

// less is the comparison for the branch.
func less(op uint32) uint32 {
	if op == iBLTU || op == iBGEU {
		return iSLTU
	}
	return iSLT
}

// binaryOp is an instruction of two integers. imm is the form with an immediate
// operand, if there is one; loose says that only the lower half of i32s counts.
type binaryOp struct {
	op, imm uint32
	typ     Type
	loose   bool
	negate  bool // the immediate
}

// By instruction. Division, rotation and counting of bits are elsewhere.
var binaries = map[byte]binaryOp{
	0x6a: {iADDW, iADDIW, I32, true, false}, 0x6b: {iSUBW, iADDIW, I32, true, true}, 0x6c: {op: iMULW, loose: true},
	0x71: {iAND, iANDI, I32, false, false}, 0x72: {iOR, iORI, I32, false, false}, 0x73: {iXOR, iXORI, I32, false, false},
	0x74: {iSLLW, iSLLIW, I32, true, false}, 0x75: {iSRAW, iSRAIW, I32, true, false}, 0x76: {iSRLW, iSRLIW, I32, true, false},
	0x7c: {iADD, iADDI, I64, false, false}, 0x7d: {iSUB, iADDI, I64, false, true}, 0x7e: {op: iMUL, typ: I64},
	0x83: {iAND, iANDI, I64, false, false}, 0x84: {iOR, iORI, I64, false, false}, 0x85: {iXOR, iXORI, I64, false, false},
	0x86: {iSLL, iSLLI, I64, false, false}, 0x87: {iSRA, iSRAI, I64, false, false}, 0x88: {iSRL, iSRLI, I64, false, false},
}

// arithmetic is an instruction in binaries.
func (f *fn) arithmetic(b binaryOp) {
	pop := f.popReg
	if b.loose {
		pop = f.popLoose
	}
	if o := f.top(); o.in == inConst && b.imm != 0 {
		if v, ok := b.immediate(o.val); ok {
			f.pop()
			a := pop()
			d := f.result(b.typ)
			f.i(b.imm, d, a, v)
			f.pushReg(b.typ, d)
			return
		}
	}
	y, x := pop(), pop()
	d := f.result(b.typ)
	f.r(b.op, d, x, y)
	f.pushReg(b.typ, d)
}

// immediate returns the immediate for a constant operand, if it fits.
func (b *binaryOp) immediate(v int64) (int64, bool) {
	switch b.imm {
	case iSLLIW, iSRAIW, iSRLIW:
		return v & 31, true
	case iSLLI, iSRAI, iSRLI:
		return v & 63, true
	}
	if b.negate {
		v = -v
	}
	return v, fits12(v)
}

// divide is a division or remainder: n counts div_s div_u rem_s rem_u.
func (f *fn) divide(t Type, n byte) {
	op := [...]uint32{iDIV, iDIVU, iREM, iREMU}[n]
	least := int64(-1 << 63)
	if t == I32 {
		op |= iMULW ^ iMUL
		least = -1 << 31
	}
	divisor := *f.top()
	b, a := f.popReg(), f.popReg()
	known := divisor.in == inConst
	if !known || divisor.val == 0 {
		f.trapIf(iBEQ, b, zero, TrapDivideByZero)
	}
	if n == 0 && (!known || divisor.val == -1) {
		f.i(iADDI, t0, b, 1)
		skip := f.pos()
		f.word(0)
		f.li(t1, least)
		f.trapIf(iBEQ, a, t1, TrapOverflow)
		f.set(skip, branch(iBNE, t0, zero, f.pos()-skip))
	}
	d := f.result(t)
	f.r(op, d, a, b)
	f.pushReg(t, d)
}

// rotate is rotl, or rotr.
func (f *fn) rotate(t Type, right bool) {
	if f.cpu&Zbb != 0 {
		f.rotateZbb(t, right)
		return
	}
	there, back, width := uint32(iSLL), uint32(iSRL), int64(64)
	thereI, backI := uint32(iSLLI), uint32(iSRLI)
	if t == I32 {
		there, back, width, thereI, backI = iSLLW, iSRLW, 32, iSLLIW, iSRLIW
	}
	if right {
		there, back, thereI, backI = back, there, backI, thereI
	}
	if o := f.top(); o.in == inConst {
		n := f.pop().val & (width - 1)
		a := f.popReg()
		f.i(thereI, t0, a, n)
		f.i(backI, t1, a, -n&(width-1))
		f.merge(t, n == 0, a)
		return
	}
	b, a := f.popReg(), f.popReg()
	f.r(there, t0, a, b)
	f.r(iSUB, t1, zero, b)
	f.r(back, t1, a, t1)
	f.merge(t, false, a)
}

// rotateZbb is rotate where the machine has it.
func (f *fn) rotateZbb(t Type, right bool) {
	left, rightward, immediate, width := uint32(iROL), uint32(iROR), uint32(iRORI), int64(64)
	if t == I32 {
		left, rightward, immediate, width = iROLW, iRORW, iRORIW, 32
	}
	o := f.pop()
	if o.in == inConst {
		if !right {
			o.val = -o.val
		}
		a := f.popReg()
		d := f.result(t)
		f.i(immediate, d, a, o.val&(width-1))
		f.pushReg(t, d)
		return
	}
	b, a := f.reading(o), f.popReg()
	if right {
		left = rightward
	}
	d := f.result(t)
	f.r(left, d, a, b)
	f.pushReg(t, d)
}

// merge pushes the two halves of a rotation, or what is rotated by nothing.
func (f *fn) merge(t Type, whole bool, a reg) {
	d := f.result(t)
	if whole {
		f.move(d, a, t)
	} else {
		f.r(iOR, d, t0, t1)
	}
	f.pushReg(t, d)
}

// count is clz, ctz or popcnt.
func (f *fn) count(t Type, which byte) {
	a := f.popReg()
	if f.cpu&Zbb != 0 {
		op := [...]uint32{iCLZ, iCTZ, iCPOP}[which]
		if t == I32 {
			op |= iSLLIW ^ iSLLI
		}
		d := f.result(t)
		f.r(op, d, a, zero)
		f.pushReg(t, d)
		return
	}
	index := uint32(stubBits + which)
	if t == I32 {
		index += 3
	}
	f.move(t0, a, t)
	f.far(ra, toStub, index)
	f.addrLocal = -1
	d := f.result(t)
	f.move(d, t0, t)
	f.pushReg(t, d)
}

// extend sign-extends the lower bits.
func (f *fn) extend(t Type, width int64) {
	a := f.popLoose()
	d := f.result(t)
	switch {
	case width == 32:
		f.i(iADDIW, d, a, 0)
	case f.cpu&Zbb != 0:
		f.r([...]uint32{8: iSEXTB, 16: iSEXTH}[width], d, a, zero)
	default:
		f.i(iSLLI, t0, a, 64-width)
		f.i(iSRAI, d, t0, 64-width)
	}
	f.pushReg(t, d)
}

// extendU zero-extends an i32.
func (f *fn) extendU() {
	a := f.popLoose()
	d := f.result(I64)
	if f.cpu&Zba != 0 {
		f.r(iADDUW, d, a, zero)
		f.pushReg(I64, d)
		return
	}
	f.i(iSLLI, t0, a, 32)
	f.i(iSRLI, d, t0, 32)
	f.pushReg(I64, d)
}

// extendS makes an i64 of an i32, which is sign-extended where it is.
func (f *fn) extendS() {
	if o := f.top(); o.dirty || o.in == inSlot || o.in == inLocal && f.locals[o.local].reg == 0 {
		f.extend(I64, 32)
		return
	}
	f.top().typ = I64
}

// wrap makes an i32 of an i64: its lower half, wherever it is.
func (f *fn) wrap() {
	o := f.top()
	o.typ = I32
	if o.in == inConst {
		o.val = int64(int32(o.val))
	} else {
		o.dirty = o.in != inSlot
	}
}
