// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

// call makes a call and gives its result and error number.
func call(nr uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	var a [6]uintptr
	copy(a[:], args)
	v, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return v, e
}

// must is call for what can't fail.
func must(nr uintptr, args ...uintptr) uintptr {
	v, e := call(nr, args...)
	if e != 0 {
		panic(fmt.Sprintf("call %d: %v", nr, e))
	}
	return v
}

// mem is the memory at an address.
func mem(addr uintptr, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), addr)), n)
}

// word is the 8 bytes at an address.
func word(addr uintptr) *uint64 { return (*uint64)(unsafe.Add(unsafe.Pointer(nil), addr)) }

// try (asm_GOARCH.s) calls the code at an address with those registers. If a
// signal interrupts it, handler stores what it saw in caught and try returns.
func try(code uintptr, regs *registers)

// addresses gives those of the signal handler and of what it returns to. A Go
// func value would hold the address of a wrapper.
func addresses() (handler, restorer uintptr)

var handlerAddr, restorerAddr = addresses()

var caught signalled

var faultSignals = []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE, syscall.SIGTRAP, syscall.SIGSYS}

// run calls code and says which signal it took. The runtime's own handlers are
// set aside meanwhile.
func run(code uintptr, regs *registers) signalled {
	ours := newAction(handlerAddr)
	old := make([][4]uint64, len(faultSignals))
	for i, s := range faultSignals {
		must(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&ours)), uintptr(unsafe.Pointer(&old[i])), 8)
	}
	caught = signalled{}
	try(code, regs)
	for i, s := range faultSignals {
		must(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&old[i])), 0, 8)
	}
	return caught
}
