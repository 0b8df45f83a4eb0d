// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import "math"

// Rounding modes of nearest, ceil, floor and trunc.
const roundNE = 0

// compareFloat is eq ne lt gt le ge, in this order.
func (f *fn) compareFloat(t Type, n byte) {
	b, a := f.popReg(), f.popReg()
	if n == 3 || n == 5 {
		a, b = b, a
	}
	d := f.alloc(I32)
	f.r([...]uint32{iFEQ, iFEQ, iFLT, iFLT, iFLE, iFLE}[n]|format(t), d, a, b)
	c := condition{true, iBNE, d, zero}
	switch next := f.code.b[f.code.pos]; {
	case n == 1:
		c.invert()
	case next != opBrIf && next != opIf && next != opI32Eqz && next != opSelect && next != opSelectTyped:
		f.pushReg(I32, d) // as it is
		return
	}
	f.decide(c)
}

// floatOp is abs neg ceil floor trunc nearest sqrt add sub mul div min max
// copysign, in this order.
func (f *fn) floatOp(t Type, n byte) {
	if n < 7 {
		a := f.popReg()
		f.unary(t, n, a)
		return
	}
	b, a := f.popReg(), f.popReg()
	switch op := [...]uint32{iFADD, iFSUB, iFMUL, iFDIV, iFMIN, iFMAX, iFSGNJ}[n-7] | format(t); n {
	case 11, 12:
		f.extremum(t, op, a, b)
	default:
		d := f.result(t)
		f.r(op, d, a, b)
		f.pushReg(t, d)
	}
}

// extremum is min or max, which are NaN if an operand is: the machine's are the
// other operand.
func (f *fn) extremum(t Type, op uint32, a, b reg) {
	f.r(iFEQ|format(t), t0, a, a)
	f.r(iFEQ|format(t), t1, b, b)
	f.r(iAND, t0, t0, t1)
	f.r(op, f0, a, b)
	f.word(branch(iBNE, t0, zero, 8))
	f.r(iFADD|format(t), f0, a, b)
	d := f.result(t)
	f.move(d, f0, t)
	f.pushReg(t, d)
}

func (f *fn) unary(t Type, n byte, a reg) {
	if n >= 2 && n <= 5 {
		f.round(t, [...]uint32{roundUP, roundDN, roundRZ, roundNE}[n-2], a)
		return
	}
	d := f.result(t)
	switch n {
	case 0:
		f.r(iFSGNJX|format(t), d, a, a)
	case 1:
		f.r(iFSGNJN|format(t), d, a, a)
	case 6:
		f.r(iFSQRT|format(t), d, a, zero)
	}
	f.pushReg(t, d)
}

// round rounds to an integer: through one, if the number is small enough to
// have a fraction. The minimum of a number and itself is itself, or a quiet NaN.
func (f *fn) round(t Type, mode uint32, a reg) {
	whole := operand{typ: t, in: inConst, val: int64(math.Float64bits(1 << 52))}
	if t == F32 {
		whole.val = int64(math.Float32bits(1 << 23))
	}
	magnitude, limit, fmt := f0, f0+1, format(t)
	f.r(iFSGNJX|fmt, magnitude, a, a)
	f.constant(whole, limit)
	f.r(iFLT|fmt, t0, magnitude, limit)
	f.r(iFMIN|fmt, f0, a, a)
	f.word(branch(iBEQ, t0, zero, 16))
	f.r(iFCVTtoI|fmt|toLong|mode, t0, a, zero)
	f.r(iFCVTfromI|fmt|toLong, f0, t0, zero)
	f.r(iFSGNJ|fmt, f0, f0, a)
	d := f.result(t)
	f.move(d, f0, t)
	f.pushReg(t, d)
}

// bound is the range of floats that a conversion to integers accepts.
type bound struct {
	low, high float64
	open      bool // low is not in the range
}

// bounds returns the range for a conversion.
func bounds(from, to Type, unsigned bool) bound {
	switch {
	case to == I32 && unsigned:
		return bound{-1, 1 << 32, true}
	case to == I32 && from == F64:
		return bound{-1<<31 - 1, 1 << 31, true}
	case to == I32:
		return bound{-1 << 31, 1 << 31, false}
	case unsigned:
		return bound{-1, 1 << 64, true}
	}
	return bound{-1 << 63, 1 << 63, false}
}

// truncate converts a float to an integer, and traps or saturates if it can't.
func (f *fn) truncate(from, to Type, unsigned, saturate bool) {
	op := iFCVTtoI | format(from) | roundRZ
	if to == I64 {
		op |= toLong
	}
	if unsigned {
		op |= unsign
	}
	a := f.popReg()
	f.r(iFEQ|format(from), t0, a, a)
	if saturate { // the machine does, but for NaN, which is 0 here
		f.r(uint32(op), t1, a, zero)
		f.r(iSUB, t0, zero, t0)
		d := f.result(to)
		f.r(iAND, d, t0, t1)
		f.pushReg(to, d)
		return
	}
	f.trapIf(iBEQ, t0, zero, TrapConversion)
	b := bounds(from, to, unsigned)
	f.number(from, b.low, f0)
	f.number(from, b.high, f0+1)
	low := uint32(iFLE)
	if b.open {
		low = iFLT
	}
	f.r(low|format(from), t0, f0, a)
	f.r(iFLT|format(from), t1, a, f0+1)
	f.r(iAND, t0, t0, t1)
	f.trapIf(iBEQ, t0, zero, TrapOverflow)
	d := f.result(to)
	f.r(uint32(op), d, a, zero)
	f.pushReg(to, d)
}

// number loads a number as a float of the type.
func (f *fn) number(t Type, v float64, d reg) {
	o := operand{typ: t, in: inConst, val: int64(math.Float64bits(v))}
	if t == F32 {
		o.val = int64(int32(math.Float32bits(float32(v))))
	}
	f.constant(o, d)
}

// convert makes a float of an integer.
func (f *fn) convert(from, to Type, unsigned bool) {
	op := uint32(iFCVTfromI) | format(to)
	if from == I64 {
		op |= toLong
	}
	if unsigned {
		op |= unsign
	}
	a := f.popReg()
	d := f.result(to)
	f.r(op, d, a, zero)
	f.pushReg(to, d)
}

// move1 is an instruction of one operand that a single machine instruction does.
func (f *fn) move1(op uint32, to Type) {
	a := f.popReg()
	d := f.result(to)
	f.r(op, d, a, zero)
	f.pushReg(to, d)
}

// conversion is one of the instructions from 0xa8 to 0xbf.
func (f *fn) conversion(op byte) {
	switch {
	case op == 0xac:
		f.extendS()
	case op == 0xad:
		f.extendU()
	case op <= 0xab:
		f.truncate(F32+Type((op-0xa8)>>1&1), I32, op&1 == 1, false)
	case op <= 0xb1:
		f.truncate(F32+Type((op-0xae)>>1&1), I64, op&1 == 1, false)
	case op == 0xb6:
		f.move1(iFCVTSD, F32)
	case op == 0xbb:
		f.move1(iFCVTDS, F64)
	case op < 0xb6:
		f.convert(Type((op-0xb2)>>1), F32, op&1 == 1)
	case op < 0xbb:
		f.convert(Type((op-0xb7)>>1), F64, op&1 == 0)
	case op == opReinterpret:
		f.move1(iFMVtoX, I32)
	case op == opReinterpret+1:
		f.move1(iFMVtoX|double, I64)
	case op == opReinterpret+2:
		f.move1(iFMVfromX, F32)
	default:
		f.move1(iFMVfromX|double, F64)
	}
}
