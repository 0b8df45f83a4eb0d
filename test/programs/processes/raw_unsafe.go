// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pin keeps the goroutine from being asked to give way, until unpin.
//
//go:linkname pin runtime.procPin
func pin() int

//go:linkname unpin runtime.procUnpin
func unpin()

func addressOf(b *byte) uintptr { return uintptr(unsafe.Pointer(b)) }

func getsid() (int, error) {
	sid, _, e := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(sid), nil
}

// foreground gives the group in the foreground of a terminal.
func foreground(fd int) (int, error) {
	var group int32
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	if e != 0 {
		return 0, e
	}
	return int(group), nil
}

func setForeground(fd, group int) error {
	g := int32(group)
	_, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TIOCSPGRP, uintptr(unsafe.Pointer(&g)))
	if e != 0 {
		return e
	}
	return nil
}

// clonePidfd makes a process that becomes somebody else if it can and ends with 4, and a descriptor of it. Its parent gets a signal then.
func clonePidfd(fd *int32, signal syscall.Signal) (int, error) {
	const clonePidfd = 0x1000
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	pin()
	pid, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, clonePidfd|uintptr(signal), 0, uintptr(unsafe.Pointer(fd)), 0, 0, 0)
	if pid == 0 {
		syscall.RawSyscall(syscall.SYS_SETUID, somebody, 0, 0)
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 4, 0, 0)
		}
	}
	unpin()
	if e != 0 {
		return 0, e
	}
	return int(pid), nil
}

// waitPidfd waits for a process by its descriptor, without taking it away, and gives what has become of it.
func waitPidfd(fd int) [3]int32 {
	const idPidfd, exited, noReap = 3, 4, 0x1000000
	var info [128]byte
	for {
		_, _, e := syscall.Syscall6(syscall.SYS_WAITID, idPidfd, uintptr(fd), uintptr(unsafe.Pointer(&info)), exited|noReap, 0, 0)
		if e == syscall.EINTR {
			continue
		}
		word := func(at int) int32 { return *(*int32)(unsafe.Pointer(&info[at])) }
		return [3]int32{word(0), word(8), word(24)} // signal, code, status
	}
}

// waitUser waits for a process to end, without taking it away, and gives its user.
func waitUser(pid int) uint32 {
	const idPID, exited, noReap = 1, 4, 0x1000000 | 0x40000000 // __WALL
	var info [128]byte
	for {
		_, _, e := syscall.Syscall6(syscall.SYS_WAITID, idPID, uintptr(pid), uintptr(unsafe.Pointer(&info)), exited|noReap, 0, 0)
		if e != syscall.EINTR {
			return *(*uint32)(unsafe.Pointer(&info[20]))
		}
	}
}

// byRange has sharing close the descriptor by close_range(2), which has it not shared any more.
const byRange = ^uintptr(0)

// sharing makes a process that shares what flags say. It closes a descriptor, goes to a directory and sets a umask, and
// ends with what closing came to.
func sharing(flags uintptr, fd int, dir *byte, unshare uintptr) (int, error) {
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	pin()
	pid, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, flags|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		var e syscall.Errno
		if unshare == byRange {
			_, _, e = syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(fd), uintptr(fd), unix.CLOSE_RANGE_UNSHARE)
		} else if _, _, e = syscall.RawSyscall(syscall.SYS_UNSHARE, unshare, 0, 0); e == 0 {
			_, _, e = syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0)
		}
		syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(dir)), 0, 0)
		syscall.RawSyscall(syscall.SYS_UMASK, 0o31, 0, 0)
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(e), 0, 0)
		}
	}
	unpin()
	if e != 0 {
		return 0, e
	}
	return int(pid), nil
}

// forkWithLimit makes a process that ends at once, with another soft limit of processes meanwhile.
func forkWithLimit(now, then *syscall.Rlimit) (int, error) {
	const processes = 6
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	pin()
	set := func(l *syscall.Rlimit) {
		syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, processes, uintptr(unsafe.Pointer(l)), 0, 0, 0)
	}
	set(now)
	pid, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 {
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
	}
	set(then)
	unpin()
	if e != 0 {
		return 0, e
	}
	return int(pid), nil
}

// infoOf gives what lies at the beginning of b.
func infoOf(b []byte) unix.SignalfdSiginfo { return *(*unix.SignalfdSiginfo)(unsafe.Pointer(&b[0])) }

// queue sends this process a signal with a value.
func queue(signal syscall.Signal, value int32) {
	const siQueue = -1
	var info [128]byte
	put := func(at int, v int32) { *(*int32)(unsafe.Pointer(&info[at])) = v }
	put(0, int32(signal))
	put(8, siQueue)
	put(16, int32(syscall.Getpid()))
	put(20, int32(syscall.Getuid()))
	put(24, value)
	syscall.RawSyscall(syscall.SYS_RT_SIGQUEUEINFO, uintptr(syscall.Getpid()), uintptr(signal), uintptr(unsafe.Pointer(&info)))
}
