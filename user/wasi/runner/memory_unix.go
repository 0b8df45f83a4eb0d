// SPDX-License-Identifier: Apache-2.0

//go:build unix

package runner

import (
	"syscall"

	"github.com/tetratelabs/wazero/experimental"

	"loam/internal/wasmfile"
)

// Reserve reserves linear memory as address space without access and opens it
// as it grows, so that it never moves and costs what the module touches. When
// not even address space is to be had, the memory's limit is what is.
var Reserve experimental.MemoryAllocatorFunc = func(_, most uint64) experimental.LinearMemory {
	for size := most; size >= wasmfile.PageSize; size /= 2 {
		b, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE|mapNoReserve)
		if err == nil {
			return &linear{reserved: b}
		}
	}
	return &linear{}
}

// linear is one linear memory; reserved[:open] is readable and writable.
type linear struct {
	reserved []byte
	open     int
}

// Reallocate implements experimental.LinearMemory; it returns nil, changing
// nothing, when the memory can't have the size.
func (l *linear) Reallocate(size uint64) []byte {
	if size > uint64(len(l.reserved)) {
		return nil
	}
	if n := int(size); n > l.open {
		if syscall.Mprotect(l.reserved[l.open:n], syscall.PROT_READ|syscall.PROT_WRITE) != nil {
			return nil
		}
		l.open = n
	}
	if size == 0 {
		return []byte{}
	}
	return l.reserved[:size:size]
}

// Free implements experimental.LinearMemory.
func (l *linear) Free() {
	if l.reserved != nil {
		_ = syscall.Munmap(l.reserved)
		*l = linear{}
	}
}

// shared makes a memory that threads share: open up to its limit, so that it can grow without its allocator, and never given
// back, for a thread may be using it still. What isn't touched costs nothing.
var shared experimental.MemoryAllocatorFunc = func(_, most uint64) experimental.LinearMemory {
	if most == 0 {
		return whole{}
	}
	b, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|mapNoReserve)
	if err != nil {
		panic("the memory that threads share: " + err.Error())
	}
	return whole(b)
}

// whole is one of these.
type whole []byte

// Reallocate implements experimental.LinearMemory.
func (w whole) Reallocate(size uint64) []byte { return w[:size] }

// Free implements experimental.LinearMemory.
func (w whole) Free() {}
