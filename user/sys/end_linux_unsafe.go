// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"loam/abi"
)

// MachineEnd ends the machine with a status and a reason. It returns only with an
// error, or to a process that is not the first.
func MachineEnd(h abi.Handle, status abi.ExitStatus, reason string) error {
	_, _, e := syscall.RawSyscall6(abi.CallMachineEnd, uintptr(h), uintptr(status.Kind), uintptr(status.Value),
		uintptr(unsafe.Pointer(unsafe.StringData(reason))), uintptr(len(reason)), 0)
	runtime.KeepAlive(reason)
	if e != 0 {
		return e
	}
	return nil
}
