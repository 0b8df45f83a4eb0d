// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package low

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// Call makes a call that Go's scheduler isn't told of, and gives its result
// and its error number, 0 for none.
func Call(nr uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	v, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return v, e
}

// Wait makes a call that may block: other goroutines go on meanwhile.
func Wait(nr uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	v, _, e := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return v, e
}

// Sleep is time.Sleep of this thread alone: it keeps its goroutine, and needs no timer of Go's,
// which other threads look after.
func Sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

// Must is Call for what can't fail.
func Must(nr uintptr, args ...uintptr) uintptr {
	v, e := Call(nr, args...)
	if e != 0 {
		panic(fmt.Sprintf("call %d %#x: %v", nr, args, e))
	}
	return v
}

// Address is where p points to, for what doesn't move: globals, and memory
// that Map gave.
func Address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// Word is the word at an address.
func Word(addr uintptr) *uint64 { return (*uint64)(unsafe.Add(unsafe.Pointer(nil), addr)) }

// Words are n words at an address.
func Words(addr uintptr, n int) []uint64 { return unsafe.Slice(Word(addr), n) }

// Bytes are n bytes at an address.
func Bytes(addr uintptr, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), addr)), n)
}

// Load reads a word, by one instruction of this function.
//
//go:noinline
func Load(addr uintptr) uint64 { return *Word(addr) }

// Store writes a word, by one plain instruction of this function.
//
//go:noinline
func Store(addr uintptr, v uint64) { *Word(addr) = v }

// Ask calls nr with an argument and a structure that is written by the kernel.
func Ask[T any](nr, arg uintptr, p *T) syscall.Errno {
	_, _, e := syscall.RawSyscall6(nr, arg, uintptr(unsafe.Pointer(p)), 0, 0, 0, 0)
	return e
}
