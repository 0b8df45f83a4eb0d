// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sys

import (
	"syscall"

	"loam/abi"
)

// ObjectCall returns syscall.ENOSYS: only Loam's kernel has objects.
func ObjectCall(nr uint64, args ...uint64) (uint64, error) { return 0, syscall.ENOSYS }

// ObjectWait returns syscall.ENOSYS.
func ObjectWait(nr uint64, h abi.Handle, a, b uint64) (uint64, error) { return 0, syscall.ENOSYS }

// MemoryCreate returns syscall.ENOSYS.
func MemoryCreate(size uint64, name string) (uint64, error) { return 0, syscall.ENOSYS }

// MemoryCreatePaged returns syscall.ENOSYS.
func MemoryCreatePaged(size uint64, endpoint abi.Handle, key uint64, name string) (uint64, error) {
	return 0, syscall.ENOSYS
}

// MemorySupply returns syscall.ENOSYS.
func MemorySupply(m abi.Handle, offset uint64, b []byte) error { return syscall.ENOSYS }

// MemoryClone returns syscall.ENOSYS.
func MemoryClone(m abi.Handle, offset, length uint64, name string) (uint64, error) {
	return 0, syscall.ENOSYS
}

// ObjectInfo returns syscall.ENOSYS.
func ObjectInfo(nr uint64, h abi.Handle, b []byte) error { return syscall.ENOSYS }

// ObjectBytes returns syscall.ENOSYS.
func ObjectBytes(nr uint64, at int, b []byte, args ...uint64) (uint64, error) {
	return 0, syscall.ENOSYS
}

// ProcessReplace returns syscall.ENOSYS.
func ProcessReplace(token uint64, q *abi.ProcessReplace) (abi.ProcessReplaced, error) {
	return abi.ProcessReplaced{}, syscall.ENOSYS
}

// ProcessCreate returns syscall.ENOSYS.
func ProcessCreate(request []byte) (abi.Created, error) { return abi.Created{}, syscall.ENOSYS }

// Monotonic returns 0: no call here has a deadline.
func Monotonic() int64 { return 0 }

// Memory returns nil: nothing can be mapped.
func Memory(addr, size uint64) []byte { return nil }
