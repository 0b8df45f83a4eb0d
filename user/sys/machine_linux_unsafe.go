// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"loam/abi"
)

// MachineInfo copies a part of a description of the machine to b, and gives how long
// the whole is.
func MachineInfo(h abi.Handle, which, offset uint64, b []byte) (uint64, error) {
	v, _, e := syscall.RawSyscall6(abi.CallMachineInfo, uintptr(h), uintptr(which), uintptr(offset),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0)
	runtime.KeepAlive(b)
	return valueOr(v, e)
}

// MachineLog takes what nobody has seen of the kernel's log to b, and says that bits of
// a notification (0: none) are to be signalled when there is something again.
func MachineLog(h abi.Handle, b []byte, n abi.Handle, bits uint64) (uint64, error) {
	v, _, e := syscall.RawSyscall6(abi.CallMachineLog, uintptr(h),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(n), uintptr(bits), 0)
	runtime.KeepAlive(b)
	return valueOr(v, e)
}

// HostReceive takes a request of the host's to b, and says that bits of a notification
// (0: none) are to be signalled when there is another one.
func HostReceive(h abi.Handle, b []byte, n abi.Handle, bits uint64) (uint64, error) {
	v, _, e := syscall.RawSyscall6(abi.CallHostReceive, uintptr(h),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(n), uintptr(bits), 0)
	runtime.KeepAlive(b)
	return valueOr(v, e)
}

// HostSend answers the request that HostReceive has taken last.
func HostSend(h abi.Handle, b []byte) error {
	_, _, e := syscall.RawSyscall(abi.CallHostSend, uintptr(h), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	runtime.KeepAlive(b)
	if e != 0 {
		return e
	}
	return nil
}
