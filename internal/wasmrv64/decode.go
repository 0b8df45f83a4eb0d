// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of Decode and Compile.
var (
	ErrUnsupported = errors.New("wasmrv64: the module uses what this compiler does not know")
	ErrMalformed   = errors.New("wasmrv64: malformed module")
)

// Type is the type of a value.
type Type uint8

// The types of WebAssembly 2.0 but vectors.
const (
	I32 Type = iota
	I64
	F32
	F64
	FuncRef
	ExternRef
)

func (t Type) float() bool { return t == F32 || t == F64 }

// String returns the name of the text format.
func (t Type) String() string {
	return [...]string{"i32", "i64", "f32", "f64", "funcref", "externref"}[t]
}

// reader is a cursor over a module. Reads beyond the end panic, which Decode
// and Compile turn into ErrMalformed.
type reader struct {
	b   []byte
	pos int
}

func (r *reader) more() bool { return r.pos < len(r.b) }

func (r *reader) byte() byte {
	r.pos++
	return r.b[r.pos-1]
}

func (r *reader) bytes(n uint32) []byte {
	r.pos += int(n)
	return r.b[r.pos-int(n) : r.pos]
}

func (r *reader) name() string { return string(r.bytes(r.u32())) }

func (r *reader) u32() uint32 {
	v, n := binary.Uvarint(r.b[r.pos:])
	if n <= 0 {
		panic(ErrMalformed)
	}
	r.pos += n
	return uint32(v)
}

// signed reads a signed LEB128 number.
func (r *reader) signed() (v int64) {
	for shift := uint(0); shift < 64; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if shift < 57 && c&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	panic(ErrMalformed)
}

func (r *reader) valueType() Type {
	switch c := r.byte(); c {
	case 0x7f, 0x7e, 0x7d, 0x7c:
		return Type(0x7f - c)
	case 0x70:
		return FuncRef
	case 0x6f:
		return ExternRef
	default:
		panic(fmt.Errorf("%w: values of type %#x", ErrUnsupported, c))
	}
}

func (r *reader) types() (list []Type) {
	for n := r.u32(); n > 0; n-- {
		list = append(list, r.valueType())
	}
	return list
}

// Limits are those of a table or a memory.
type Limits struct {
	Min, Max uint32
	HasMax   bool
}

func (r *reader) limits() (l Limits) {
	flags := r.byte()
	if flags > 1 {
		panic(fmt.Errorf("%w: limits of kind %d", ErrUnsupported, flags))
	}
	l.Min, l.HasMax = r.u32(), flags == 1
	if l.HasMax {
		l.Max = r.u32()
	}
	return l
}

// Expr is a constant expression.
type Expr struct {
	Type  Type
	Kind  ExprKind
	Value uint64 // the number's bits, or the index of the function or global
}

// ExprKind says what an expression's value is.
type ExprKind uint8

// The kinds of constant expressions.
const (
	ExprNumber ExprKind = iota // also null: 0
	ExprFunc
	ExprGlobal
)

func (r *reader) expr() (e Expr) {
	switch op := r.byte(); op {
	case opI32Const:
		e = Expr{Type: I32, Value: uint64(uint32(r.signed()))}
	case opI64Const:
		e = Expr{Type: I64, Value: uint64(r.signed())}
	case opF32Const:
		e = Expr{Type: F32, Value: uint64(binary.LittleEndian.Uint32(r.bytes(4)))}
	case opF64Const:
		e = Expr{Type: F64, Value: binary.LittleEndian.Uint64(r.bytes(8))}
	case opRefNull:
		e = Expr{Type: r.valueType()}
	case opRefFunc:
		e = Expr{Type: FuncRef, Kind: ExprFunc, Value: uint64(r.u32())}
	case opGlobalGet:
		e = Expr{Kind: ExprGlobal, Value: uint64(r.u32())}
	default:
		panic(fmt.Errorf("%w: constant instruction %#x", ErrUnsupported, op))
	}
	if r.byte() != opEnd {
		panic(fmt.Errorf("%w: a constant of several instructions", ErrUnsupported))
	}
	return e
}
