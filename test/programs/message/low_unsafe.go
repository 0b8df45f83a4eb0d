// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"loam/abi"
)

// codeOfActor gives the address of an actor's code (asm_GOARCH.s).
func codeOfActor() uint64

// actorCode is more than that code is long.
const actorCode = 2048

// Steps that are no calls. The last word of each is the third argument.
const (
	ownFill  = 1<<32 + iota // gives the floating-point registers multiples of it
	ownCheck                // wants them to have those
	ownSpin                 // has all registers of calls have it, and looks at them as often as the first argument says
)

// step is one call that an actor makes. The assembly knows its layout. Addresses are the
// actor's.
type step struct {
	nr      uint64
	to      uint64 // the first two arguments
	options uint64
	in      uint64 // where an input is
	out     uint64 // where the output is to go
	next    uint64 // the next step, 0: the thread ends
	begun   uint64 // how often it was begun
	done    uint64 // and done
	input   input
	output  output
	failed  uint64 // the next step when the call answers an error
	_       [2]uint64
}

// input is the third argument and those behind it.
type input struct {
	token uint64
	words [8]uint64
}

// output is what is in a message's registers afterwards. Its end is an input.
type output struct {
	result uint64
	badge  uint64
	came   uint64
	token  uint64
	words  [8]uint64
}

const (
	stepSize     = 256
	inputOffset  = 64
	outputOffset = 136
	againOffset  = outputOffset + 24 // the output's token and words
)

var (
	_ [unsafe.Sizeof(step{}) - stepSize]struct{}
	_ [unsafe.Offsetof(step{}.output) - outputOffset]struct{}
	_ [232 - unsafe.Offsetof(step{}.failed)]struct{}
)

// stepAt gives the step in b, which is at an address that 8 divides.
func stepAt(b []byte) *step { return (*step)(unsafe.Pointer(&b[0])) }

func (s *step) finished() uint64 { return atomic.LoadUint64(&s.done) }
func (s *step) started() uint64  { return atomic.LoadUint64(&s.begun) }

func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// sigaction has room for struct sigaction of rt_sigaction(2), whose end is not the
// same on all architectures.
type sigaction struct{ handler, flags, _, _ uint64 }

const restartFlag = 0x10000000 // SA_RESTART

// setRestart has the handler of a signal begin interrupted calls again, or not.
func setRestart(s syscall.Signal, on bool) {
	var a sigaction
	if _, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&a)), 8, 0, 0); e != 0 {
		panic(e)
	}
	a.flags |= restartFlag
	if !on {
		a.flags &^= restartFlag
	}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0); e != 0 {
		panic(e)
	}
}

// tgkill sends a signal to a thread of this process.
func tgkill(tid int, s syscall.Signal) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(tid), uintptr(s))
}

// maskedEpoll makes epoll_pwait(2) with a mask, for a server that answers as told, and gives the result.
func maskedEpoll(due uintptr, answer uint64, mask *unix.Sigset_t) uint64 {
	r, _, e := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, answered, due, uintptr(answer), 0, uintptr(unsafe.Pointer(mask)), 8)
	if e != 0 {
		return abi.Errno(e).Result()
	}
	return uint64(r)
}

// setAffinity has the calling thread stay on a CPU.
func setAffinity(cpu int) {
	mask := uint64(1) << cpu
	if _, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, 8, uintptr(unsafe.Pointer(&mask))); e != 0 {
		panic(e)
	}
}
