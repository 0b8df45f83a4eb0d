// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"sync/atomic"
	"syscall"

	"loam/test/programs/smp/low"
)

// Memory as the calls and the processor see it, outside of Go's heap. Calls may fail
// here for want of memory, which those of package low may not.

const page = low.Page

// call makes a call and gives its error only.
func call(nr uintptr, args ...uintptr) error {
	if _, e := low.Call(nr, args...); e != 0 {
		return e
	}
	return nil
}

const anonymous = syscall.MAP_PRIVATE | syscall.MAP_ANON

// mapAt maps zeroed memory in place of whatever is there.
func mapAt(at, size uintptr) error {
	return call(syscall.SYS_MMAP, at, size, low.ReadWrite, anonymous|syscall.MAP_FIXED, ^uintptr(0), 0)
}

func mapAnywhere(size uintptr) (uintptr, error) {
	at, e := low.Call(syscall.SYS_MMAP, 0, size, low.ReadWrite, anonymous, ^uintptr(0), 0)
	if e != 0 {
		return 0, e
	}
	return at, nil
}

func unmap(at, size uintptr) error { return call(syscall.SYS_MUNMAP, at, size) }

func protect(at, size, prot uintptr) error { return call(syscall.SYS_MPROTECT, at, size, prot) }

func forget(at, size uintptr) error {
	return call(syscall.SYS_MADVISE, at, size, syscall.MADV_DONTNEED)
}

func move(from, to, size uintptr) error {
	const mayMove, fixed = 1, 2
	return call(syscall.SYS_MREMAP, from, size, size, mayMove|fixed, to)
}

func load(at uintptr) uint64     { return atomic.LoadUint64(low.Word(at)) }
func store(at uintptr, v uint64) { atomic.StoreUint64(low.Word(at), v) }
func add(at uintptr, v uint64)   { atomic.AddUint64(low.Word(at), v) }
