//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"runtime/debug"
	"slices"
	"syscall"
	"unsafe"

	"loam/machine/bootinfo"
	"loam/machine/metal"
)

// What must end in a report and a stopped machine. Each returns an error if
// it lived.

var errAlive = errors.New("the kernel lived")

func at(addr uintptr) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(nil), addr)) }

func nilDereference() error {
	var p *[4096]byte
	_ = p[sink]
	return errAlive
}

var sink = 64

func pageZero() error {
	sink = int(*at(0))
	return errAlive
}

func writeText() error {
	*at(bootinfo.ImageBase + 0x201000 + 64) = 0x90
	return errAlive
}

// executeData jumps into the kernel's heap.
func executeData() error {
	code := slices.Clone(returns)
	p := unsafe.Pointer(&code)
	f := *(*func())(unsafe.Pointer(&p))
	f()
	return errAlive
}

func stackOverflow() error {
	debug.SetMaxStack(512 << 10) // as the kernel does
	sink = recurse(1 << 40)
	return errAlive
}

func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return recurse(n-1) + n
}

func divide() error {
	zero := sink - 64
	sink = 1 / zero
	return errAlive
}

func goPanic() error { panic("on purpose") }

// guard writes below a CPU's first stack.
func guard() error {
	*at(uintptr(metal.Places().Stacks)) = 1
	return errAlive
}

func throw() error {
	m := map[int]int{}
	for range 2 {
		go func() {
			for i := 0; ; i++ {
				m[i] = i
			}
		}()
	}
	select {}
}

// machineFault makes the machine floor dereference what it should not: the
// address comes from Go's runtime, which it trusts.
func machineFault() error {
	syscall.RawSyscall(syscall.SYS_WRITE, 2, 0x1000, 8)
	return errAlive
}

func addressOf(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }
