// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sys

import (
	"syscall"

	"loam/abi"
)

// MachineInfo returns syscall.ENOSYS.
func MachineInfo(h abi.Handle, which, offset uint64, b []byte) (uint64, error) {
	return 0, syscall.ENOSYS
}

// MachineLog returns syscall.ENOSYS.
func MachineLog(h abi.Handle, b []byte, n abi.Handle, bits uint64) (uint64, error) {
	return 0, syscall.ENOSYS
}

// HostReceive returns syscall.ENOSYS.
func HostReceive(h abi.Handle, b []byte, n abi.Handle, bits uint64) (uint64, error) {
	return 0, syscall.ENOSYS
}

// HostSend returns syscall.ENOSYS.
func HostSend(h abi.Handle, b []byte) error { return syscall.ENOSYS }
