// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sys

import (
	"syscall"
	"unsafe"
)

// QuickRead is read(2) of what never waits long, such as a file: Go's scheduler isn't told of the call, as of others, which
// would cost 200 instructions. Where it does wait, goroutines wait with it. It returns less than 0 after an error.
func QuickRead(fd int, p []byte) int {
	n, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if e != 0 {
		return -1
	}
	return int(n)
}

// QuickWrite is write(2), likewise.
func QuickWrite(fd int, p []byte) int {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if e != 0 {
		return -1
	}
	return int(n)
}
