// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package sys

import (
	"syscall"
	"unsafe"

	"loam/abi"
)

// sysHwprobe is riscv_hwprobe (Linux, arch/riscv/include/uapi/asm/unistd.h).
const sysHwprobe = 258

// Extensions returns the set of extensions that all CPUs have and programs may
// use, as bits RISCV_HWPROBE_EXT_* of package abi; 0 on architectures other than
// riscv64 and under a kernel that does not know the call.
//
// (golang.org/x/sys/cpu reads /proc/self/auxv first, and asks only if it could.)
func Extensions() uint64 {
	pair := abi.Hwprobe{Key: abi.RISCV_HWPROBE_KEY_IMA_EXT_0}
	var b [abi.HwprobeSize]byte
	pair.Put(b[:])
	_, _, e := syscall.RawSyscall6(sysHwprobe, uintptr(unsafe.Pointer(&b)), 1, 0, 0, 0, 0)
	if pair = abi.GetHwprobe(b[:]); e != 0 || pair.Key != abi.RISCV_HWPROBE_KEY_IMA_EXT_0 {
		return 0
	}
	return pair.Value
}
