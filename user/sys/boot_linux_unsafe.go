// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"loam/abi"
)

// BootFile maps the named file of the boot archive read-only and returns its
// content. The mapping lives until the process ends; writing to it faults.
// The error is a syscall.Errno: ENOENT when the archive has no such file,
// ENOSYS when the kernel is not Loam's.
func BootFile(name string) ([]byte, error) {
	var f abi.BootFile
	p := unsafe.StringData(name)
	_, _, e := syscall.RawSyscall6(abi.CallBootFile,
		uintptr(unsafe.Pointer(p)), uintptr(len(name)), uintptr(unsafe.Pointer(&f)), 0, 0, 0)
	runtime.KeepAlive(name)
	if e != 0 {
		return nil, e
	}
	if f.Size == 0 {
		return []byte{}, nil
	}
	// SAFETY: the kernel mapped Size bytes at Addr for the life of the process,
	// outside the Go heap.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&f.Addr)), int(f.Size)), nil
}
