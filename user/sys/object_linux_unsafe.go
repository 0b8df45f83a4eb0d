// SPDX-License-Identifier: Apache-2.0

//go:build linux

package sys

import (
	"runtime"
	"syscall"
	"unsafe"

	"loam/abi"
)

// The calls about objects, as package abi describes them. Package user/object
// is what programs use.

// ObjectCall makes one of them that takes numbers and doesn't wait. The error is
// a syscall.Errno: ENOSYS when the kernel is not Loam's.
func ObjectCall(nr uint64, args ...uint64) (uint64, error) {
	var a [6]uintptr
	for i, v := range args {
		a[i] = uintptr(v)
	}
	v, _, e := syscall.RawSyscall6(uintptr(nr), a[0], a[1], a[2], a[3], a[4], a[5])
	return valueOr(v, e)
}

// ObjectWait makes one that may wait: h is what for, and a and b follow it. Other
// goroutines have the CPU meanwhile. A signal can end it with EINTR.
func ObjectWait(nr uint64, h abi.Handle, a, b uint64) (uint64, error) {
	return valueOrErr(syscall.Syscall(uintptr(nr), uintptr(h), uintptr(a), uintptr(b)))
}

func valueOrErr(v, _ uintptr, e syscall.Errno) (uint64, error) { return valueOr(v, e) }

func valueOr(v uintptr, e syscall.Errno) (uint64, error) {
	if e != 0 {
		return 0, e
	}
	return uint64(v), nil
}

// MemoryCreate makes a memory object of that many bytes.
func MemoryCreate(size uint64, name string) (uint64, error) {
	v, _, e := syscall.RawSyscall(abi.CallMemoryCreate, uintptr(size),
		uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(len(name)))
	runtime.KeepAlive(name)
	return valueOr(v, e)
}

// MemoryCreatePaged makes a memory object whose pages come from who receives at
// an endpoint.
func MemoryCreatePaged(size uint64, endpoint abi.Handle, key uint64, name string) (uint64, error) {
	v, _, e := syscall.RawSyscall6(abi.CallMemoryCreatePaged, uintptr(size), uintptr(endpoint), uintptr(key),
		uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(len(name)), 0)
	runtime.KeepAlive(name)
	return valueOr(v, e)
}

// MemorySupply fills absent pages of the memory object m from an offset on with b.
func MemorySupply(m abi.Handle, offset uint64, b []byte) error {
	_, _, e := syscall.Syscall6(abi.CallMemorySupply, uintptr(m), uintptr(offset),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	runtime.KeepAlive(b)
	if e != 0 {
		return e
	}
	return nil
}

// MemoryClone makes a clone of a part of the memory object m.
func MemoryClone(m abi.Handle, offset, length uint64, name string) (uint64, error) {
	v, _, e := syscall.RawSyscall6(abi.CallMemoryClone, uintptr(m), uintptr(offset), uintptr(length),
		uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(len(name)), 0)
	runtime.KeepAlive(name)
	return valueOr(v, e)
}

// ObjectInfo makes a call that fills b, which has the size that the call wants:
// CallHandleInfo or CallProcessInfo.
func ObjectInfo(nr uint64, h abi.Handle, b []byte) error {
	_, _, e := syscall.RawSyscall(uintptr(nr), uintptr(h), uintptr(unsafe.Pointer(unsafe.SliceData(b))), 0)
	runtime.KeepAlive(b)
	if e != 0 {
		return e
	}
	return nil
}

// ObjectBytes is ObjectCall with the address of bytes in the place of one argument.
func ObjectBytes(nr uint64, at int, b []byte, args ...uint64) (uint64, error) {
	var a [6]uintptr
	for i, v := range args {
		a[i] = uintptr(v)
	}
	a[at] = uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	v, _, e := syscall.RawSyscall6(uintptr(nr), a[0], a[1], a[2], a[3], a[4], a[5])
	runtime.KeepAlive(b)
	return valueOr(v, e)
}

// ProcessReplace makes CallProcessReplace.
func ProcessReplace(token uint64, q *abi.ProcessReplace) (abi.ProcessReplaced, error) {
	var in [abi.ProcessReplaceSize]byte
	var out [abi.ProcessReplacedSize]byte
	q.Put(in[:])
	_, _, e := syscall.RawSyscall(abi.CallProcessReplace, uintptr(token), uintptr(unsafe.Pointer(&in)), uintptr(unsafe.Pointer(&out)))
	if e != 0 {
		return abi.ProcessReplaced{}, e
	}
	return abi.GetProcessReplaced(out[:]), nil
}

// ProcessCreate makes a process of a request (abi.ProcessCreate and what follows
// it).
func ProcessCreate(request []byte) (abi.Created, error) {
	var b [abi.CreatedSize]byte
	_, _, e := syscall.RawSyscall(abi.CallProcessCreate,
		uintptr(unsafe.Pointer(unsafe.SliceData(request))), uintptr(len(request)), uintptr(unsafe.Pointer(&b)))
	runtime.KeepAlive(request)
	if e != 0 {
		return abi.Created{}, e
	}
	return abi.GetCreated(b[:]), nil
}

// Monotonic reads the clock of the calls' deadlines, in ns: CLOCK_MONOTONIC, without a call where the kernel's vDSO has it.
func Monotonic() int64 { return nanotime() }

// nanotime is one of the runtime's functions that keep their names for other packages, as those in message_linux_unsafe.go.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64

// Memory gives what is mapped at an address, which the kernel chose or accepted.
// It is valid until it is unmapped.
func Memory(addr, size uint64) []byte {
	// SAFETY: outside the Go heap; what is not mapped faults.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), int(size))
}
