// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Memory as the calls and the processor see it, outside of Go's heap.

const (
	none      uintptr = syscall.PROT_NONE
	readOnly  uintptr = syscall.PROT_READ
	readWrite uintptr = syscall.PROT_READ | syscall.PROT_WRITE
)

func errnoOf(e syscall.Errno) error {
	if e != 0 {
		return e
	}
	return nil
}

const anonymous = syscall.MAP_PRIVATE | syscall.MAP_ANON

// mapAt maps zeroed memory in place of whatever is there.
func mapAt(at, size, prot uintptr) error {
	_, _, e := syscall.RawSyscall6(syscall.SYS_MMAP, at, size, prot, anonymous|syscall.MAP_FIXED, ^uintptr(0), 0)
	return errnoOf(e)
}

func mapAnywhere(size, prot uintptr) (uintptr, error) {
	at, _, e := syscall.RawSyscall6(syscall.SYS_MMAP, 0, size, prot, anonymous, ^uintptr(0), 0)
	return at, errnoOf(e)
}

func unmap(at, size uintptr) error {
	_, _, e := syscall.RawSyscall(syscall.SYS_MUNMAP, at, size, 0)
	return errnoOf(e)
}

func protect(at, size, prot uintptr) error {
	_, _, e := syscall.RawSyscall(syscall.SYS_MPROTECT, at, size, prot)
	return errnoOf(e)
}

func forget(at, size uintptr) error {
	_, _, e := syscall.RawSyscall(syscall.SYS_MADVISE, at, size, syscall.MADV_DONTNEED)
	return errnoOf(e)
}

func move(from, to, size uintptr) error {
	const mayMove, fixed = 1, 2
	_, _, e := syscall.RawSyscall6(syscall.SYS_MREMAP, from, size, size, mayMove|fixed, to, 0)
	return errnoOf(e)
}

func word(at uintptr) *uint64 { return *(**uint64)(unsafe.Pointer(&at)) }

func load(at uintptr) uint64     { return atomic.LoadUint64(word(at)) }
func store(at uintptr, v uint64) { atomic.StoreUint64(word(at), v) }
func add(at uintptr, v uint64)   { atomic.AddUint64(word(at), v) }
