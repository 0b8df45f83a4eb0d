// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"loam/abi"
)

const sharedSize = 4096

const (
	futexWait = 0 // FUTEX_WAIT, not private
	futexWake = 1
)

// mapShared maps the page in the parent.
func mapShared() ([]byte, error) {
	const readWrite, fixed = syscall.PROT_READ | syscall.PROT_WRITE, syscall.MAP_ANON | syscall.MAP_PRIVATE | syscall.MAP_FIXED
	if _, _, e := syscall.RawSyscall6(syscall.SYS_MMAP, sharedAt, sharedSize, readWrite, fixed, ^uintptr(0), 0); e != 0 {
		return nil, e
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(shared())), sharedSize), nil
}

// shared is the word that turns are passed with.
func shared() *uint32 {
	at := uintptr(sharedAt)
	// SAFETY: mapped for the life of the process, by mapShared or by the parent.
	return *(**uint32)(unsafe.Pointer(&at))
}

func futex(word *uint32, op, val uint32) {
	syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), uintptr(op), uintptr(val), 0, 0, 0)
}

// spawn is abi.CallSpawn.
func spawn(name string, args []string, memory []byte) (pid int, err error) {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(a)
		b.WriteByte(0)
	}
	argv := b.String()
	n, _, e := syscall.RawSyscall6(abi.CallSpawn,
		uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(len(name)),
		uintptr(unsafe.Pointer(unsafe.StringData(argv))), uintptr(len(argv)),
		uintptr(unsafe.Pointer(unsafe.SliceData(memory))), uintptr(len(memory)))
	runtime.KeepAlive(name)
	runtime.KeepAlive(argv)
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
