//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// hardwareSeed takes the seed from RDRAND.
func hardwareSeed(seed *[32]byte) {
	if !hasRDRAND {
		machineFatal("no source of random numbers: this processor lacks RDRAND (2012), and the command line has no seed=")
	}
	for i := 0; i < len(seed); i += 8 {
		v := randomWord()
		for k := range 8 {
			seed[i+k] = byte(v >> (8 * k))
		}
	}
}

// randomWord asks RDRAND as often as Intel's guide says before giving up
// (Digital Random Number Generator guide, 5.2.1: 10 times).
func randomWord() uint64 {
	for range 10 {
		if v, ok := rdrand(); ok {
			return v
		}
	}
	machineFatal("RDRAND gives no random numbers")
	return 0
}
