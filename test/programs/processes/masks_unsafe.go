// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// isPending reports whether the signal is blocked and waits.
func isPending() bool {
	var set unix.Sigset_t
	syscall.RawSyscall(unix.SYS_RT_SIGPENDING, uintptr(unsafe.Pointer(&set)), 8, 0)
	return set.Val[0]>>(unix.SIGUSR1-1)&1 != 0
}

// copied gives another place for a limit, of which Linux writes what is left.
func copied(limit *unix.Timespec) *unix.Timespec {
	if limit == nil {
		return nil
	}
	t := *limit
	return &t
}

// maskedCalls are those with a mask, which is empty here.
var maskedCalls = []maskedCall{
	{"ppoll", func(fd, _ int, limit *unix.Timespec) (int, syscall.Errno) {
		var none unix.Sigset_t
		fds := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, _, e := syscall.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), 1, uintptr(unsafe.Pointer(copied(limit))), uintptr(unsafe.Pointer(&none)), 8, 0)
		return int(n), e
	}},
	{"pselect6", func(fd, _ int, limit *unix.Timespec) (int, syscall.Errno) {
		var none unix.Sigset_t
		var fds unix.FdSet
		fds.Set(fd)
		mask := struct {
			at   *unix.Sigset_t
			size uint64
		}{&none, 8}
		n, _, e := syscall.Syscall6(unix.SYS_PSELECT6, uintptr(fd+1), uintptr(unsafe.Pointer(&fds)), 0, 0, uintptr(unsafe.Pointer(copied(limit))), uintptr(unsafe.Pointer(&mask)))
		return int(n), e
	}},
	{"epoll_pwait", func(_, epoll int, limit *unix.Timespec) (int, syscall.Errno) {
		var none unix.Sigset_t
		ms := -1
		if limit != nil {
			ms = int(limit.Nsec / 1_000_000)
		}
		var events [4]unix.EpollEvent
		n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events)), 4, uintptr(ms), uintptr(unsafe.Pointer(&none)), 8)
		return int(n), e
	}},
	{"epoll_pwait2", func(_, epoll int, limit *unix.Timespec) (int, syscall.Errno) {
		var none unix.Sigset_t
		var events [4]unix.EpollEvent
		n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(&events)), 4, uintptr(unsafe.Pointer(copied(limit))), uintptr(unsafe.Pointer(&none)), 8)
		return int(n), e
	}},
}
