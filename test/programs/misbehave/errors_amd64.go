// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import "syscall"

const (
	epollWait = syscall.SYS_EPOLL_WAIT
	reserved  = 1 << 38 // bytes, of which there is room for many
)

// absent are some of Linux's calls that Loam answers with ENOSYS.
var absent = []uintptr{
	syscall.SYS_FORK, syscall.SYS_VFORK, syscall.SYS_EXECVE, syscall.SYS_SOCKET, syscall.SYS_BIND, syscall.SYS_CONNECT,
	syscall.SYS_PTRACE, syscall.SYS_MOUNT, syscall.SYS_REBOOT, syscall.SYS_IOPL, syscall.SYS_IOPERM, syscall.SYS_INIT_MODULE,
	syscall.SYS_MODIFY_LDT, syscall.SYS_UNSHARE, syscall.SYS_CHROOT, syscall.SYS_PERSONALITY, 321, 425, 435,
}

// threadErrorsHere are those of thread-local storage. flags make a thread with one.
func threadErrorsHere(at, flags uintptr) []errorCase {
	const setFS, setGS = 0x1002, 0x1001
	clone, prctl := uintptr(syscall.SYS_CLONE), uintptr(syscall.SYS_ARCH_PRCTL)
	return []errorCase{
		{"clone, storage in the kernel", syscall.EPERM, clone, []uintptr{flags, at, 0, 0, kernelText}},
		{"clone, storage not canonical", syscall.EPERM, clone, []uintptr{flags, at, 0, 0, nonCanonical}},
		{"arch_prctl, FS in the kernel", syscall.EPERM, prctl, []uintptr{setFS, kernelText}},
		{"arch_prctl, FS not canonical", syscall.EPERM, prctl, []uintptr{setFS, nonCanonical}},
		{"arch_prctl, GS in the kernel", syscall.EPERM, prctl, []uintptr{setGS, directMap}},
		{"arch_prctl, GS not canonical", syscall.EPERM, prctl, []uintptr{setGS, minusOne >> 1}},
		{"arch_prctl, unknown", einval, prctl, []uintptr{0x7777, 0}},
	}
}

// descriptorErrorsHere are those of the calls that later ones have replaced.
func descriptorErrorsHere(r, at uintptr) []errorCase {
	out := []errorCase{
		{"dup2 to -1", ebadf, syscall.SYS_DUP2, []uintptr{r, minusOne}},
		{"dup2 to a huge one", ebadf, syscall.SYS_DUP2, []uintptr{r, 1 << 30}},
		{"poll of very many", einval, syscall.SYS_POLL, []uintptr{at, 1 << 31, 0}},
		{"epoll_create of 0", einval, syscall.SYS_EPOLL_CREATE, []uintptr{0}},
	}
	for _, fd := range badDescriptors {
		out = append(out, errorCase{"dup2 of it", ebadf, syscall.SYS_DUP2, []uintptr{fd, 20}})
	}
	return out
}

// pointersHere are those of the calls that are here only.
func (w *world) pointersHere() []pointerCase {
	return []pointerCase{
		{name: "time", nr: syscall.SYS_TIME, args: func(p uintptr) []uintptr { return []uintptr{p} }},
		{name: "arch_prctl", nr: syscall.SYS_ARCH_PRCTL, args: func(p uintptr) []uintptr { return []uintptr{0x1003, p} }},
		{name: "poll", nr: syscall.SYS_POLL, args: func(p uintptr) []uintptr { return []uintptr{p, 1, 0} }},
	}
}
