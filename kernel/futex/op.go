// SPDX-License-Identifier: Apache-2.0

package futex

import "loam/abi"

// Op is the last argument of FUTEX_WAKE_OP, taken apart: how the second word
// changes, and the test of its old value that decides on a second wake-up.
type Op struct {
	op, cmp     uint8
	arg, cmpArg int32
}

// Operations and comparisons of Op, from linux/futex.h.
const (
	opSet = iota
	opAdd
	opOr
	opAndn
	opXor
	opEnd

	opShift = 8 // the operand is 1<<arg
)

const (
	cmpEq = iota
	cmpNe
	cmpLt
	cmpLe
	cmpGt
	cmpGe
	cmpEnd
)

// DecodeOp takes apart the encoded operation; the error is ENOSYS for one that
// doesn't exist.
func DecodeOp(code uint32) (Op, abi.Errno) {
	o := Op{
		op:     uint8(code >> 28 & 0xf),
		cmp:    uint8(code >> 24 & 0xf),
		arg:    int32(code<<8) >> 20,
		cmpArg: int32(code<<20) >> 20,
	}
	if o.op&opShift != 0 {
		o.op &^= opShift
		o.arg = int32(uint32(1) << uint(o.arg&31)) // as Linux does with a shift too far
	}
	if o.op >= opEnd || o.cmp >= cmpEnd {
		return Op{}, abi.ENOSYS
	}
	return o, 0
}

// Apply gives the second word's new value and whether its waiters are to be
// woken too.
func (o Op) Apply(old uint32) (value uint32, wake bool) {
	arg := uint32(o.arg)
	switch o.op {
	case opSet:
		value = arg
	case opAdd:
		value = old + arg
	case opOr:
		value = old | arg
	case opAndn:
		value = old &^ arg
	case opXor:
		value = old ^ arg
	}
	v, c := int32(old), o.cmpArg
	switch o.cmp {
	case cmpEq:
		wake = v == c
	case cmpNe:
		wake = v != c
	case cmpLt:
		wake = v < c
	case cmpLe:
		wake = v <= c
	case cmpGt:
		wake = v > c
	case cmpGe:
		wake = v >= c
	}
	return value, wake
}
