// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

// record is a piece of work. Follow has bit n set when argument n is the
// address of what to pass and not the value.
type record struct {
	Op     uint64
	Nr     uint64 // of the call; what the register of that holds for code
	Args   [6]uint64
	Follow uint64
	Result uint64
	More   [5]uint64 // words 3 to 7 of a message; 0 to 2 are the last arguments
	Token  uint64    // of the message that came, if one did
}

// What a record does.
const (
	opCall     = iota // a call
	opCode            // runs the code at Args[0]
	opReturn          // rt_sigreturn with the stack pointer Args[0]
	opDeadline        // stores the time and Args[2] at Args[3], in ns; Args[0] is the clock, Args[1] the address of a timespec
)

const (
	blockSize = 64 << 10
	stackTop  = 32 << 10
	altStack  = 40 << 10 // offset of the alternate stack, to the end
)

// work has the calling thread become the worker of b, for good.
func work(b *block)

func blockAt(addr uint64) *block { return (*block)(at(addr)) }

func at(addr uint64) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), addr) }

// mem is the memory at an address.
func mem(addr uint64, n int) []byte { return unsafe.Slice((*byte)(at(addr)), n) }

// recordsAt is n records at an address.
func recordsAt(addr uint64, n int) []record { return unsafe.Slice((*record)(at(addr)), n) }

func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

const (
	recordSize   = uint64(unsafe.Sizeof(record{}))
	recordResult = uint64(unsafe.Offsetof(record{}.Result))
	recordToken  = uint64(unsafe.Offsetof(record{}.Token))
)

func call(nr uint64, args ...uint64) (uint64, syscall.Errno) {
	var a [6]uintptr
	for i, v := range args {
		a[i] = uintptr(v)
	}
	v, _, e := syscall.RawSyscall6(uintptr(nr), a[0], a[1], a[2], a[3], a[4], a[5])
	return uint64(v), e
}

// must is call for what can't fail.
func must(nr uint64, args ...uint64) uint64 {
	v, e := call(nr, args...)
	if e != 0 {
		panic(fmt.Sprintf("call %d: %v", nr, e))
	}
	return v
}

// mapAt maps fresh memory at an address.
func mapAt(addr, size uint64) {
	const privateAnonymousFixed = 0x32
	must(syscall.SYS_MMAP, addr, size, 3, privateAnonymousFixed, ^uint64(0), 0)
}
