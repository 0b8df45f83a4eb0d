// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"loam/abi"
	"loam/user/object"
)

// codeOfCounter and codeOfWaiter give addresses of code (asm_GOARCH.s).
func codeOfCounter() uint64
func codeOfWaiter() uint64

// order is what a waiter thread reads and writes; the assembly knows its layout.
type order struct {
	nr     uint64
	handle uint64
	result uint64
	turn   *uint64 // counts those that have been woken
	place  uint64  // how many were before this one
	done   uint64
}

// waiter is a thread that makes one call that waits.
type waiter struct {
	thread object.Thread
	order  *order
}

// orders keeps what threads write to from the collector.
var orders []*order

// startWaiter starts one. turn may be shared by many.
func startWaiter(nr uint64, h abi.Handle, turn *uint64) (waiter, error) {
	t, err := object.Self.NewThread()
	if err != nil {
		return waiter{}, err
	}
	o := &order{nr: nr, handle: uint64(h), turn: turn}
	orders = append(orders, o)
	return waiter{t, o}, t.Start(object.Registers{Entry: codeOfWaiter(), Args: [2]uint64{addressOf(o)}})
}

// finished reports whether its call has returned, and what.
func (w waiter) finished() (result uint64, done bool) {
	return atomic.LoadUint64(&w.order.result), atomic.LoadUint64(&w.order.done) != 0
}

// word gives the word at the start of b, for several threads.
func word(b []byte) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&b[0])) }

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
