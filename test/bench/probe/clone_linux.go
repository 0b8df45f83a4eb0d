// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"sync/atomic"
	"syscall"
	"time"
)

// cloneExit makes a thread that ends at once, by clone(2) with these flags,
// stack, and word for the thread's id. The result is its id or, made negative,
// an error number.
//
//go:noescape
func cloneExit(flags, stack, word uintptr) (tid uintptr)

var (
	threadWord  uint32 // id of the thread, 0 when it has ended
	threadStack [4096]byte
)

// threadRaw makes a thread and waits for its end, by calls alone: what is left
// of threadCreate without Go's runtime.
func threadRaw(n int) (time.Duration, error) {
	const flags = syscall.CLONE_VM | syscall.CLONE_FS | syscall.CLONE_FILES | syscall.CLONE_SIGHAND | syscall.CLONE_THREAD |
		syscall.CLONE_SYSVSEM | syscall.CLONE_PARENT_SETTID | syscall.CLONE_CHILD_CLEARTID
	const wait = 0 // FUTEX_WAIT; the kernel's wake-up at the end isn't private
	word := address(&threadWord)
	stack := address(&threadStack) + uintptr(len(threadStack))&^15
	start := time.Now()
	for range n {
		if tid := cloneExit(flags, stack, word); int(tid) < 0 {
			return 0, syscall.Errno(-tid)
		}
		for {
			tid := atomic.LoadUint32(&threadWord)
			if tid == 0 {
				break
			}
			syscall.RawSyscall6(syscall.SYS_FUTEX, word, wait, uintptr(tid), 0, 0, 0)
		}
	}
	return time.Since(start), nil
}
