// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package low

import (
	"syscall"
	"unsafe"

	"loam/abi"
)

// HoldVectors loads pattern+n into floating-point register n and, if the CPU has the V
// extension, pattern+32+n into every lane of vector register n, counts down from spins,
// and returns a set of the registers that changed: bits 0 to 31 for F0 to F31, bits 32
// to 63 for V0 to V31.
func HoldVectors(pattern uint64, spins int64) uint64 {
	return holdVectors(pattern, spins, HasVectors)
}

func holdVectors(pattern uint64, spins int64, vectors bool) uint64

// HasVectors says whether programs may use the V extension, by riscv_hwprobe.
var HasVectors = func() bool {
	const ext0, v = 4, 1 << 2 // RISCV_HWPROBE_KEY_IMA_EXT_0, RISCV_HWPROBE_IMA_V
	pair := struct {
		key   int64
		value uint64
	}{key: ext0}
	_, _, e := syscall.RawSyscall6(abi.SYS_RISCV_HWPROBE, uintptr(unsafe.Pointer(&pair)), 1, 0, 0, 0, 0)
	return e == 0 && pair.key == ext0 && pair.value&v != 0
}()
