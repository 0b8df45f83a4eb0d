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

// quiet is the mask of all calls: the signal that Go's runtime sends threads ends none of them.
func quiet() unix.Sigset_t { return *sigset(unix.SIGURG) }

// maskedCalls are those with a mask, which lets the tests' signal through.
var maskedCalls = []maskedCall{
	{"ppoll", func(fd, _ int, limit *unix.Timespec) (int, syscall.Errno) {
		only := quiet()
		fds := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
		n, _, e := syscall.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), 1, uintptr(unsafe.Pointer(copied(limit))), uintptr(unsafe.Pointer(&only)), 8, 0)
		return int(n), e
	}},
	{"pselect6", func(fd, _ int, limit *unix.Timespec) (int, syscall.Errno) {
		only := quiet()
		var fds unix.FdSet
		fds.Set(fd)
		mask := struct {
			at   *unix.Sigset_t
			size uint64
		}{&only, 8}
		n, _, e := syscall.Syscall6(unix.SYS_PSELECT6, uintptr(fd+1), uintptr(unsafe.Pointer(&fds)), 0, 0, uintptr(unsafe.Pointer(copied(limit))), uintptr(unsafe.Pointer(&mask)))
		return int(n), e
	}},
	{"epoll_pwait", func(_, epoll int, limit *unix.Timespec) (int, syscall.Errno) {
		only := quiet()
		ms := -1
		if limit != nil {
			ms = int(limit.Nsec / 1_000_000)
		}
		var events [4]unix.EpollEvent
		n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events)), 4, uintptr(ms), uintptr(unsafe.Pointer(&only)), 8)
		return int(n), e
	}},
	{"epoll_pwait2", func(_, epoll int, limit *unix.Timespec) (int, syscall.Errno) {
		only := quiet()
		var events [4]unix.EpollEvent
		n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(&events)), 4, uintptr(unsafe.Pointer(copied(limit))), uintptr(unsafe.Pointer(&only)), 8)
		return int(n), e
	}},
}
