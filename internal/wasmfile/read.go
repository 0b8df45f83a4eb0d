// SPDX-License-Identifier: Apache-2.0

package wasmfile

import (
	"fmt"
	"unicode/utf8"
)

// reader is a cursor over one section. The first error sticks, reads after it
// return zero, and the cursor never leaves the section.
type reader struct {
	b   []byte
	pos int
	err error
}

// fail records the first error at the cursor.
func (r *reader) fail(kind error, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
		r.pos = len(r.b)
	}
}

// rest returns how many bytes are left.
func (r *reader) rest() int { return len(r.b) - r.pos }

func (r *reader) byte() byte {
	if r.rest() < 1 {
		r.fail(ErrMalformed, "unexpected end")
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// u64 reads an unsigned LEB128 number of at most the given number of bits.
func (r *reader) u64(bits uint) uint64 {
	var v uint64
	for shift := uint(0); shift < bits; shift += 7 {
		c := r.byte()
		if left := bits - shift; left < 7 && c>>left != 0 {
			break
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(ErrMalformed, "number too long")
	return 0
}

func (r *reader) u32() uint32 { return uint32(r.u64(32)) }

// bytes reads a vector of bytes, and aliases the module.
func (r *reader) bytes() []byte {
	n := int64(r.u32())
	if n > int64(r.rest()) {
		r.fail(ErrMalformed, "unexpected end")
		return nil
	}
	r.pos += int(n)
	return r.b[r.pos-int(n) : r.pos]
}

func (r *reader) name() string {
	b := r.bytes()
	if !utf8.Valid(b) {
		r.fail(ErrMalformed, "name is not UTF-8")
		return ""
	}
	return string(b)
}

// count reads the length of a vector whose items take at least one byte each.
func (r *reader) count(limit uint32, what string) uint32 {
	n := r.u32()
	if int64(n) > int64(r.rest()) {
		r.fail(ErrMalformed, "%d %s in %d bytes", n, what, r.rest())
		return 0
	}
	if n > limit {
		r.fail(ErrLimit, "%d %s, the most is %d", n, what, limit)
		return 0
	}
	return n
}

// limits reads the limits of a table or a memory and returns the minimum.
func (r *reader) limits() uint64 { return r.memory().Least }

// memory reads the limits of a memory, of which those of a table are a part.
func (r *reader) memory() (m MemoryType) {
	flags := r.byte()
	if flags > 7 {
		r.fail(ErrMalformed, "limits with flags %#x", flags)
		return m
	}
	bits := uint(32)
	if flags&4 != 0 {
		bits = 64
	}
	m.Least, m.Shared = r.u64(bits), flags&2 != 0
	if flags&1 != 0 {
		m.Most, m.HasMost = r.u64(bits), true
	}
	return m
}

// valueType skips a value type: one byte, or a reference with a heap type.
func (r *reader) valueType() {
	if c := r.byte(); c == 0x63 || c == 0x64 {
		for r.byte() >= 0x80 && r.err == nil { // signed LEB128, 33 bits
		}
	}
}
