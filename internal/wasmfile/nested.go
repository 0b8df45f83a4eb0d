// SPDX-License-Identifier: Apache-2.0

package wasmfile

// types checks the type section's function types, the only kind there is in
// WebAssembly 2.0. Another kind ends the walk: the engine refuses it by name.
func types(r *reader) {
	for n := r.count(maxVector, "types"); n > 0 && r.err == nil; n-- {
		if r.byte() != 0x60 {
			return
		}
		for range 2 { // parameters, results
			for k := r.count(maxParams, "parameters or results"); k > 0 && r.err == nil; k-- {
				r.valueType()
			}
		}
	}
}

// segments checks that each data segment's content is there.
func segments(r *reader) {
	for n := r.count(maxVector, "data segments"); n > 0 && r.err == nil; n-- {
		switch r.u32() {
		case 0:
			r.expression()
		case 2:
			r.u32()
			r.expression()
		}
		r.bytes()
	}
}

// elements checks each element segment's vector. Bit 0 of the flags says
// passive or declarative, bit 1 an explicit table (or declarative), bit 2
// expressions in place of function numbers (specification, section 5.5.12).
func elements(r *reader) {
	for n := r.count(maxVector, "element segments"); n > 0 && r.err == nil; n-- {
		flags := r.u32()
		if flags > 7 {
			r.fail(ErrMalformed, "element segment with flags %#x", flags)
			return
		}
		if flags&1 == 0 {
			if flags&2 != 0 {
				r.u32()
			}
			r.expression()
		}
		if flags&3 != 0 {
			if flags&4 != 0 {
				r.valueType()
			} else {
				r.byte()
			}
		}
		for k := r.count(MaxTable, "elements"); k > 0 && r.err == nil; k-- {
			if flags&4 != 0 {
				r.expression()
			} else {
				r.u32()
			}
		}
	}
}

// expression skips a constant expression and its end.
func (r *reader) expression() {
	for r.err == nil {
		switch op := r.byte(); op {
		case 0x0b: // end
			return
		case 0x41, 0x42, 0x23, 0xd0, 0xd2: // consts, global.get, ref.null, ref.func
			r.skipLEB()
		case 0x43: // f32.const
			r.skip(4)
		case 0x44: // f64.const
			r.skip(8)
		case 0xfd: // v128.const
			r.skipLEB()
			r.skip(16)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul of i32 and i64
		default:
			r.fail(ErrMalformed, "instruction %#x in a constant expression", op)
		}
	}
}

func (r *reader) skip(n int) {
	if n > r.rest() {
		r.fail(ErrMalformed, "unexpected end")
		return
	}
	r.pos += n
}

// skipLEB skips one number of either sign, up to 64 bits.
func (r *reader) skipLEB() {
	for range 10 {
		if r.byte() < 0x80 {
			return
		}
	}
	r.fail(ErrMalformed, "number too long")
}
