// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package native

import (
	"errors"
	"syscall"
	"unsafe"

	"loam/internal/wasmrv64"
)

// Offsets in the context, for enter.
const (
	ctxGoSP  = 8 * wasmrv64.CtxGoSP
	ctxGoRA  = 8 * wasmrv64.CtxGoRA
	ctxEnter = 8 * wasmrv64.CtxEnter
)

// enter goes to the address in the context at CtxEnter and returns when code
// leaves. All registers are lost but those of Go's runtime.
//
//go:noescape
func enter(context *uint64)

// fence makes this CPU see code that was written.
func fence()

// sysFlushICache is riscv_flush_icache (Linux, arch/riscv/include/uapi/asm/unistd.h).
const sysFlushICache = 259

var errNoRoom = errors.New("not enough memory for its code")

// mapCode puts the code where it can run, and makes a stack.
func (i *Instance) mapCode() (err error) {
	const private = syscall.MAP_ANON | syscall.MAP_PRIVATE
	const writable = syscall.PROT_READ | syscall.PROT_WRITE
	if i.code, err = syscall.Mmap(-1, 0, len(i.image.Code)+1, writable, private); err != nil {
		return errNoRoom
	}
	copy(i.code, i.image.Code)
	if err := syscall.Mprotect(i.code, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		return err
	}
	at := uintptr(addressOf(i.code))
	// All CPUs: the goroutine may move. Should the call be unknown, this one's.
	_, _, _ = syscall.RawSyscall(sysFlushICache, at, at+uintptr(len(i.code)), 0)
	fence()
	if i.stack, err = syscall.Mmap(-1, 0, stackSize, writable, private|syscall.MAP_NORESERVE); err != nil {
		return errNoRoom
	}
	return nil
}

// Close ends the instance; nothing of it may be used after.
func (i *Instance) Close() {
	for _, m := range [][]byte{i.code, i.stack} {
		if m != nil {
			_ = syscall.Munmap(m)
		}
	}
	i.code, i.stack = nil, nil
}

// addressOf is where bytes are, in memory that does not move: a mapping.
func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// addressOfWords is where a slice of the heap is. Who keeps the address keeps
// the slice, too.
func addressOfWords(b []uint64) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// bytes returns a range of the linear memory.
func (i *Instance) bytes(at, n uint64) []byte {
	if n == 0 {
		return nil
	}
	first, _ := i.memory.Read(0, 1)
	// SAFETY: the caller has checked that the range lies in the memory, which
	// begins at first and is longer than what Read can return of it.
	return unsafe.Slice(unsafe.SliceData(first), at+n)[at:]
}

// word returns a word of the stack.
func (i *Instance) word(at uint64) (uint64, bool) {
	offset := at - addressOf(i.stack)
	if offset > stackSize-8 || offset&7 != 0 {
		return 0, false
	}
	// SAFETY: the word lies in the mapping and is aligned.
	return *(*uint64)(unsafe.Pointer(&i.stack[offset])), true
}
