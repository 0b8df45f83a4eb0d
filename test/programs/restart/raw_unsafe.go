// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"
	"unsafe"
)

// The calls themselves, without anybody who would repeat them after EINTR.

func read(fd int) (int, syscall.Errno) {
	var b [1]byte
	n, _, e := syscall.Syscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), 1)
	return int(n), e
}

func sleep(ns int64) {
	t := syscall.Timespec{Nsec: ns}
	_, _, _ = syscall.Syscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}

// setTimer has SIGALRM sent every us microseconds, never for 0.
func setTimer(us int64) {
	v := [4]int64{0, us, 0, us}
	_, _, _ = syscall.Syscall(syscall.SYS_SETITIMER, 0, uintptr(unsafe.Pointer(&v)), 0)
}
