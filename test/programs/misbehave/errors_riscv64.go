// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"syscall"

	"loam/abi"
)

const (
	epollWait = syscall.SYS_EPOLL_PWAIT // the only one
	reserved  = 1 << 30                 // bytes, of which there is room for many
)

// absent are some of Linux's calls that Loam answers with ENOSYS.
var absent = []uintptr{
	syscall.SYS_EXECVE, syscall.SYS_SOCKET, syscall.SYS_BIND, syscall.SYS_CONNECT, syscall.SYS_PTRACE, syscall.SYS_MOUNT,
	syscall.SYS_REBOOT, syscall.SYS_INIT_MODULE, syscall.SYS_UNSHARE, syscall.SYS_CHROOT, syscall.SYS_PERSONALITY,
	280, 425, 435, // bpf, io_uring_setup, clone3
	244, 257, // no calls here: the first and one of those that each architecture may have
}

// threadErrorsHere: thread-local storage is a register that may hold anything.
func threadErrorsHere(at, flags uintptr) []errorCase { return nil }

// descriptorErrorsHere are those of this architecture's own calls.
func descriptorErrorsHere(_, at uintptr) []errorCase {
	const hwprobe, flush = uintptr(abi.SYS_RISCV_HWPROBE), uintptr(abi.SYS_RISCV_FLUSH_ICACHE)
	return []errorCase{
		{"riscv_hwprobe, nothing asked", 0, hwprobe, []uintptr{at, 0, 0, 0, 0}},
		{"riscv_hwprobe, unknown flag", einval, hwprobe, []uintptr{at, 1, 0, 0, 2}},
		{"riscv_hwprobe, CPUs without a set", efault, hwprobe, []uintptr{at, 1, 8, 0, 0}},
		{"riscv_hwprobe, pairs in the kernel", efault, hwprobe, []uintptr{directMap, 1, 0, 0, 0}},
		{"riscv_flush_icache, unknown flag", einval, flush, []uintptr{0, 0, 2}},
		{"riscv_flush_icache, all threads", 0, flush, []uintptr{0, minusOne, 0}},
		{"riscv_flush_icache, this thread", 0, flush, []uintptr{0, minusOne, 1}},
	}
}

// pointersHere are those of the calls that are here only.
func (w *world) pointersHere() []pointerCase {
	return []pointerCase{
		{name: "riscv_hwprobe, pairs", nr: abi.SYS_RISCV_HWPROBE, args: func(p uintptr) []uintptr { return []uintptr{p, 1, 0, 0, 0} }},
		{name: "riscv_hwprobe, CPUs", nr: abi.SYS_RISCV_HWPROBE, args: func(p uintptr) []uintptr { return []uintptr{w.good, 1, 8, p, 0} }},
	}
}
