//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"math/bits"

	"loam/machine/bootinfo"
)

// The kernel's random source: ChaCha20 (RFC 8439) as a generator with fast key
// erasure: the first 32 bytes of each block become the next key, the other 32
// are given out. Seeded by hardware, or by seed= for repeatable runs, never by
// the time alone.
//
// Rejected: math/rand/v2's ChaCha8, of the same construction: it is not on
// this floor's list of imports, and Go's own runtime needs random bytes before
// its packages are initialised.
var (
	randomKey    [8]uint32
	randomBuffer [32]byte
	randomLeft   int
)

func seedRandom() {
	var seed [32]byte
	if _, given := bootinfo.Lookup(CommandLine(), "seed"); !given {
		hardwareSeed(&seed)
	} else if bootinfo.Hex(CommandLine(), "seed", seed[:]) != bootinfo.OK {
		machineFatal("seed= on the command line is not 64 hexadecimal digits")
	}
	for i := range randomKey {
		randomKey[i] = uint32(seed[4*i]) | uint32(seed[4*i+1])<<8 | uint32(seed[4*i+2])<<16 | uint32(seed[4*i+3])<<24
	}
	randomLeft = 0
}

// Random fills p with random bytes.
func Random(p []byte) {
	for i := range p {
		if randomLeft == 0 {
			nextRandom()
		}
		randomLeft--
		p[i] = randomBuffer[randomLeft]
		randomBuffer[randomLeft] = 0
	}
}

func nextRandom() {
	var in, out [16]uint32
	in = [16]uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}
	copy(in[4:12], randomKey[:])
	chacha20(&out, &in)
	copy(randomKey[:], out[:8])
	for i, w := range out[8:] {
		for k := range 4 {
			randomBuffer[4*i+k] = byte(w >> (8 * k))
		}
	}
	randomLeft = len(randomBuffer)
}

func chacha20(out, in *[16]uint32) {
	*out = *in
	for range 10 {
		quarter(out, 0, 4, 8, 12)
		quarter(out, 1, 5, 9, 13)
		quarter(out, 2, 6, 10, 14)
		quarter(out, 3, 7, 11, 15)
		quarter(out, 0, 5, 10, 15)
		quarter(out, 1, 6, 11, 12)
		quarter(out, 2, 7, 8, 13)
		quarter(out, 3, 4, 9, 14)
	}
	for i := range out {
		out[i] += in[i]
	}
}

func quarter(x *[16]uint32, a, b, c, d int) {
	x[a] += x[b]
	x[d] = bits.RotateLeft32(x[d]^x[a], 16)
	x[c] += x[d]
	x[b] = bits.RotateLeft32(x[b]^x[c], 12)
	x[a] += x[b]
	x[d] = bits.RotateLeft32(x[d]^x[a], 8)
	x[c] += x[d]
	x[b] = bits.RotateLeft32(x[b]^x[c], 7)
}
