// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
)

// withProcs runs f on that many of Go's processors and with the collector off:
// it would wait for a thread that is blocked in a raw call.
func withProcs(procs int, f func() error) (time.Duration, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	start := time.Now()
	err := f()
	return time.Since(start), err
}

var turn uint32 // whose turn it is: 0 or 1

// futexThreads passes a turn to another thread and back: two wake-ups, two
// waits, two switches.
func futexThreads(n int) (time.Duration, error) {
	return withProcs(4, func() error {
		atomic.StoreUint32(&turn, 0)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			takeTurns(n, 1)
			close(done)
		}()
		takeTurns(n, 0)
		<-done
		return nil
	})
}

// takeTurns waits n times for the turn of side me and passes it on.
func takeTurns(n int, me uint32) {
	const wait, wake = 0 | 128, 1 | 128 // FUTEX_WAIT, FUTEX_WAKE, private
	at, other := address(&turn), 1-me
	for range n {
		for atomic.LoadUint32(&turn) != me {
			syscall.RawSyscall6(syscall.SYS_FUTEX, at, wait, uintptr(other), 0, 0, 0)
		}
		atomic.StoreUint32(&turn, other)
		syscall.RawSyscall6(syscall.SYS_FUTEX, at, wake, 1, 0, 0, 0)
	}
}

// chanGoroutines is a round trip over two unbuffered channels on one of Go's
// processors: no kernel in it.
func chanGoroutines(n int) (time.Duration, error) {
	return withProcs(1, func() error { return pingPong(n, false) })
}

// chanThreads is the same between two threads: Go's scheduler has the kernel
// hand over.
func chanThreads(n int) (time.Duration, error) {
	return withProcs(2, func() error { return pingPong(n, true) })
}

func pingPong(n int, threads bool) error {
	there, back := make(chan int), make(chan int)
	lock, unlock := func() {}, func() {}
	if threads {
		lock, unlock = runtime.LockOSThread, runtime.UnlockOSThread
	}
	go func() {
		lock()
		defer unlock()
		for v := range there {
			back <- v
		}
		close(back)
	}()
	lock()
	defer unlock()
	for i := range n {
		there <- i
		if <-back != i {
			return errors.New("a wrong value came back")
		}
	}
	close(there)
	<-back
	return nil
}

// threadCreate makes a thread and ends it: one whose goroutine ends while it is
// locked to it ends with it.
func threadCreate(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(done)
		}()
		<-done
	}
	return time.Since(start), nil
}

// pipeThreads sends a byte to another thread through a pipe and gets one back
// through another, by blocking calls.
func pipeThreads(n int) (time.Duration, error) {
	var there, back [2]int
	if err := errors.Join(syscall.Pipe2(there[:], 0), syscall.Pipe2(back[:], 0)); err != nil {
		return 0, err
	}
	defer func() {
		for _, fd := range []int{there[0], there[1], back[0], back[1]} {
			_ = syscall.Close(fd)
		}
	}()
	return withProcs(4, func() error {
		failure := make(chan error, 1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			failure <- passBytes(n, there[0], back[1], false)
		}()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := passBytes(n, back[0], there[1], true)
		if err != nil {
			return err
		}
		return <-failure
	})
}

var pipeByte [2][1]byte

// passBytes reads and writes n bytes, one at a time; first writes before it
// reads.
func passBytes(n, from, to int, first bool) error {
	b := &pipeByte[0]
	if first {
		b = &pipeByte[1]
	}
	at := address(b)
	move := func(call uintptr, fd int) error {
		for {
			got, _, e := syscall.RawSyscall(call, uintptr(fd), at, 1)
			switch {
			case e == syscall.EINTR: // Go's preemption signal
			case e != 0:
				return e
			case got != 1:
				return io.ErrUnexpectedEOF
			default:
				return nil
			}
		}
	}
	calls, fds := [2]uintptr{syscall.SYS_READ, syscall.SYS_WRITE}, [2]int{from, to}
	if first {
		calls, fds = [2]uintptr{syscall.SYS_WRITE, syscall.SYS_READ}, [2]int{to, from}
	}
	for range n {
		for i := range 2 {
			if err := move(calls[i], fds[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// signalSelf sends a signal to the calling thread, which Go's handler takes and
// drops: sending, the frame, the handler and the way back.
func signalSelf(n int) (time.Duration, error) {
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, syscall.SIGUSR1)
	defer signal.Stop(arrived)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, tid := uintptr(syscall.Getpid()), uintptr(syscall.Gettid())
	start := time.Now()
	for range n {
		if _, _, e := syscall.RawSyscall(syscall.SYS_TGKILL, pid, tid, uintptr(syscall.SIGUSR1)); e != 0 {
			return 0, e
		}
	}
	return time.Since(start), nil
}
