// SPDX-License-Identifier: Apache-2.0

//go:build linux

package low

// HoldVectors loads pattern+n into every lane of vector register n (YMM0 to YMM15:
// the CPU must have AVX2), counts down from spins, and returns a set of the
// registers that changed.
func HoldVectors(pattern uint64, spins int64) uint64
