// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"reflect"
	"syscall"
	"time"
)

// nullCall is the least a call can be: gettid, which nothing in user mode
// remembers.
func nullCall(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		if _, _, e := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0); e != 0 {
			return 0, e
		}
	}
	return time.Since(start), nil
}

var timespec syscall.Timespec

// address is where a global lies.
func address(pointer any) uintptr { return reflect.ValueOf(pointer).Pointer() }

// clockCall reads the monotonic clock by a call, not by the vDSO that some
// systems have.
func clockCall(n int) (time.Duration, error) {
	const monotonic = 1
	to := address(&timespec)
	start := time.Now()
	for range n {
		if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, monotonic, to, 0); e != 0 {
			return 0, e
		}
	}
	return time.Since(start), nil
}

// timeNow reads the clock as Go programs do.
func timeNow(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		//lint:ignore SA4017 the reading is what is measured
		time.Now()
	}
	return time.Since(start), nil
}

// schedYield gives the processor away with nobody to take it.
func schedYield(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
	return time.Since(start), nil
}

const (
	readWrite = syscall.PROT_READ | syscall.PROT_WRITE
	anonymous = syscall.MAP_ANON | syscall.MAP_PRIVATE
)

// mmapMunmap maps and unmaps 64 KiB that nobody touches.
func mmapMunmap(n int) (time.Duration, error) {
	const size = 64 << 10
	start := time.Now()
	for range n {
		p, _, e := syscall.RawSyscall6(syscall.SYS_MMAP, 0, size, readWrite, anonymous, ^uintptr(0), 0)
		if e != 0 {
			return 0, e
		}
		if _, _, e := syscall.RawSyscall(syscall.SYS_MUNMAP, p, size, 0); e != 0 {
			return 0, e
		}
	}
	return time.Since(start), nil
}

// pageFault is the life of a page of anonymous memory: n pages are mapped, each
// is touched, all are unmapped. Where a system has huge pages, none are wanted.
func pageFault(n int) (time.Duration, error) {
	const noHugePages = 15 // MADV_NOHUGEPAGE
	return pageLives(n, noHugePages)
}

// faultLarge is the same where huge pages are asked for.
func faultLarge(n int) (time.Duration, error) {
	const hugePages = 14 // MADV_HUGEPAGE
	return pageLives(n, hugePages)
}

func pageLives(n, advice int) (time.Duration, error) {
	const page = 4096
	start := time.Now()
	b, err := syscall.Mmap(-1, 0, n*page, readWrite, anonymous)
	if err != nil {
		return 0, err
	}
	_ = syscall.Madvise(b, advice)
	for i := 0; i < len(b); i += page {
		b[i] = 1
	}
	err = syscall.Munmap(b)
	return time.Since(start), err
}
