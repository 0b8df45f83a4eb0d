//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"encoding/binary"

	"loam/machine/bootinfo"
	"loam/machine/chacha"
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

// Random fills p with random bytes. What is given out is kept nowhere.
func Random(p []byte) {
	for len(p) > 0 {
		if randomLeft == 0 {
			nextRandom()
		}
		next := randomBuffer[len(randomBuffer)-randomLeft:]
		n := copy(p, next)
		clear(next[:n])
		p = p[n:]
		randomLeft -= n
	}
}

func nextRandom() {
	var in, out [16]uint32
	chacha.Start(&in, &randomKey)
	chacha.Block(&out, &in)
	copy(randomKey[:], out[:8])
	for i, w := range out[8:] {
		binary.LittleEndian.PutUint32(randomBuffer[4*i:], w)
	}
	randomLeft = len(randomBuffer)
}
