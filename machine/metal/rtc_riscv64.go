//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// readRTC returns the time of Goldfish's clock as Unix ns, UTC, 0 if there is none
// : reading the low word keeps the high one of then.
func readRTC() int64 {
	if clockAt == 0 {
		return 0
	}
	t := uint64(mmioRead32(clockAt + riscv64.GoldfishTimeLow))
	return int64(t | uint64(mmioRead32(clockAt+riscv64.GoldfishTimeHigh))<<32)
}

var clockAt uintptr // its registers, 0: none
