// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sys

import (
	"syscall"
	"unsafe"
)

// Random fills p from the kernel's random source by getrandom(2). It blocks
// until that source is seeded, and needs no file.
func Random(p []byte) error {
	for len(p) > 0 {
		n, _, e := syscall.RawSyscall(sysGetrandom, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0)
		switch {
		case e == syscall.EINTR:
		case e != 0:
			return e
		case n == 0 || n > uintptr(len(p)):
			return syscall.EIO // a kernel that says so would loop or overrun us
		default:
			p = p[n:]
		}
	}
	return nil
}
