//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// hardwareSeed takes the seed from the devicetree: who loaded the kernel has put random
// bytes there (rng-seed). They are overwritten.
func hardwareSeed(seed *[32]byte) {
	b := tree.Seed.Of(blob())
	if len(b) < len(seed) {
		machineFatal("no source of random numbers: the devicetree has no rng-seed of 32 bytes, and the command line has no seed=")
	}
	copy(seed[:], b)
	clear(b)
}
