// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is the kernel's struct sigaction, but for what the architectures have behind its flags.
type action struct {
	handler, flags uint64
	rest           [6]uint64
}

// setRestart changes SA_RESTART alone of a signal's action, which is the one of Go's runtime.
func setRestart(s unix.Signal, on bool) error {
	const restart, setSize = 0x10000000, 8
	var a action
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&a)), setSize, 0, 0)
	if e != 0 {
		return e
	}
	a.flags &^= restart
	if on {
		a.flags |= restart
	}
	if _, _, e = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, setSize, 0, 0); e != 0 {
		return e
	}
	return nil
}

// raw makes a call that Go's packages don't make as it is: they wrap it, or do without.
func raw(nr uintptr, args ...uintptr) (int, error) {
	var a [6]uintptr
	copy(a[:], args)
	n, _, e := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return -1, e
	}
	return int(n), nil
}

// addr is what raw takes for a pointer. What that leads to stays where it is for good: nobody else knows that the kernel has it.
func addr[T any](p *T) uintptr {
	kept.Lock()
	defer kept.Unlock()
	kept.all = append(kept.all, unsafe.Pointer(p))
	return uintptr(unsafe.Pointer(p))
}

var kept struct {
	sync.Mutex
	all []unsafe.Pointer
}
