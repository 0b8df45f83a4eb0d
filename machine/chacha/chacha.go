// SPDX-License-Identifier: Apache-2.0

// Package chacha is the block function of ChaCha20, for the kernel's random source.
//
// It allocates nothing and calls nothing, so that it may run below Go's runtime. The
// state is in variables, not in an array, which is half of the instructions.
//
// Source: RFC 8439, section 2.3. Rejected: golang.org/x/crypto, which the kernel sees
// nothing of, for the sake of 30 lines.
package chacha

import "math/bits"

// Start makes in the state for a key, with counter and nonce 0.
func Start(in *[16]uint32, key *[8]uint32) {
	*in = [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}
	copy(in[4:12], key[:])
}

// Block makes the block of the key stream that belongs to the state in.
func Block(out, in *[16]uint32) {
	x0, x1, x2, x3 := in[0], in[1], in[2], in[3]
	x4, x5, x6, x7 := in[4], in[5], in[6], in[7]
	x8, x9, x10, x11 := in[8], in[9], in[10], in[11]
	x12, x13, x14, x15 := in[12], in[13], in[14], in[15]
	for range 10 {
		x0, x4, x8, x12 = quarter(x0, x4, x8, x12)
		x1, x5, x9, x13 = quarter(x1, x5, x9, x13)
		x2, x6, x10, x14 = quarter(x2, x6, x10, x14)
		x3, x7, x11, x15 = quarter(x3, x7, x11, x15)
		x0, x5, x10, x15 = quarter(x0, x5, x10, x15)
		x1, x6, x11, x12 = quarter(x1, x6, x11, x12)
		x2, x7, x8, x13 = quarter(x2, x7, x8, x13)
		x3, x4, x9, x14 = quarter(x3, x4, x9, x14)
	}
	*out = [16]uint32{x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15}
	for i := range out {
		out[i] += in[i]
	}
}

func quarter(a, b, c, d uint32) (w, x, y, z uint32) { // small enough to be inlined
	a += b
	d = bits.RotateLeft32(d^a, 16)
	c += d
	b = bits.RotateLeft32(b^c, 12)
	a += b
	d = bits.RotateLeft32(d^a, 8)
	c += d
	b = bits.RotateLeft32(b^c, 7)
	return a, b, c, d
}
