// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package low

import (
	"math/bits"
	"syscall"
	"unsafe"

	"loam/abi"
)

// Set is a set of CPUs as Linux's calls have it: bit n for CPU n.
type Set [16]uint64

// SetSize is a Set's size in bytes.
const SetSize = unsafe.Sizeof(Set{})

// Of is the set of those CPUs.
func Of(cpus ...int) Set {
	var s Set
	for _, n := range cpus {
		s[n/64] |= 1 << (n % 64)
	}
	return s
}

// List gives the CPUs in s, in order.
func (s *Set) List() []int {
	var l []int
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			l = append(l, 64*i+bits.TrailingZeros64(w))
		}
	}
	return l
}

// Affinity asks on which CPUs a thread may run; tid 0 is the caller.
func Affinity(tid int) (Set, syscall.Errno) {
	var s Set
	_, _, e := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, uintptr(tid), SetSize, uintptr(unsafe.Pointer(&s)))
	return s, e
}

// SetAffinity says on which CPUs a thread may run; tid 0 is the caller.
func SetAffinity(tid int, s Set) syscall.Errno {
	_, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(tid), SetSize, uintptr(unsafe.Pointer(&s)))
	return e
}

// Pin moves the caller's thread, to which the goroutine must be locked, to a
// CPU.
func Pin(cpu int) {
	if e := SetAffinity(0, Of(cpu)); e != 0 {
		panic("sched_setaffinity: " + e.Error())
	}
}

// All gives the CPUs that the program was started with.
func All() []int { return all.List() }

var all = func() Set {
	s, e := Affinity(0)
	if e != 0 {
		panic("sched_getaffinity: " + e.Error())
	}
	return s
}()

// CPU is the number of the CPU that the caller is on.
func CPU() int {
	var n uint32
	if _, _, e := syscall.RawSyscall(abi.SYS_GETCPU, uintptr(unsafe.Pointer(&n)), 0, 0); e != 0 {
		panic("getcpu: " + e.Error())
	}
	return int(n)
}

// Clock reads a clock by a call, in ns.
func Clock(id uintptr) int64 {
	var t syscall.Timespec
	if e := Ask(syscall.SYS_CLOCK_GETTIME, id, &t); e != 0 {
		panic("clock_gettime: " + e.Error())
	}
	return t.Nano()
}

// Signal sends a signal to a thread of this process.
func Signal(tid int, s syscall.Signal) syscall.Errno {
	_, e := Call(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(tid), uintptr(s))
	return e
}

// SetMask sets the caller's thread's signal mask and gives the old one.
func SetMask(mask uint64) (old uint64) {
	const setmask = 2
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setmask,
		uintptr(unsafe.Pointer(&mask)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	if e != 0 {
		panic("rt_sigprocmask: " + e.Error())
	}
	return old
}

// Futex operations, private.
const (
	FutexWait = 0 | 128
	FutexWake = 1 | 128
)

// Futex waits while *word is val, or wakes val waiters.
func Futex(word *uint32, op, val uintptr) syscall.Errno {
	_, _, e := syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), op, val, 0, 0, 0)
	return e
}

// FutexTimed waits while *word is val, at most for d.
func FutexTimed(word *uint32, val uint32, d *syscall.Timespec) syscall.Errno {
	_, _, e := syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), FutexWait, uintptr(val), uintptr(unsafe.Pointer(d)), 0, 0)
	return e
}
