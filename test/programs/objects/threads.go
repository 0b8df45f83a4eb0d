// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func threadCases() []cases.Case {
	return []cases.Case{
		{Name: "a thread starts, stops, goes on, ends", Run: threadLife},
		{Name: "a thread that never starts", Run: neverStarted},
		{Name: "a stopped thread's wait goes on", Run: stoppedWaiter},
		{Name: "stopped before the start", Run: stoppedBefore},
		{Name: "thread_wait EBUSY", Run: func() error {
			t := must(object.Self.NewThread())
			defer t.Close()
			return crowd(abi.CallThreadWait, abi.Handle(t), func() { _ = t.End() })
		}},
		{Name: "thread_wait EINTR", Run: func() error {
			t := must(object.Self.NewThread())
			defer t.Close()
			defer t.End()
			return interruptedWait(abi.CallThreadWait, abi.Handle(t))
		}},
	}
}

// counts reports whether a counter moves on.
func counts(n *uint64) bool {
	from := atomic.LoadUint64(n)
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if atomic.LoadUint64(n) != from {
			return true
		}
	}
	return false
}

// counter starts a thread that counts.
func counter() (object.Thread, *uint64) {
	n := &order{}
	orders = append(orders, n)
	t := must(object.Self.NewThread())
	ok(t.Start(object.Registers{Entry: codeOfCounter(), Args: [2]uint64{addressOf(n)}}))
	return t, &n.nr
}

func threadLife() error {
	before := must(object.Self.Info()).Threads
	t, n := counter()
	eventually("the thread counts", func() bool { return counts(n) })
	if now := must(object.Self.Info()).Threads; now <= before-1 {
		return fmt.Errorf("%d threads, before %d", now, before)
	}
	for range 3 {
		ok(t.Stop())
		ok(t.Stop())
		if counts(n) {
			return fmt.Errorf("a stopped thread counts")
		}
		ok(t.Resume())
		ok(t.Resume())
		eventually("the thread counts", func() bool { return counts(n) })
	}
	if err := want(t.Wait(object.After(time.Millisecond)), syscall.ETIMEDOUT); err != nil {
		return err
	}
	ok(t.End())
	ok(t.Wait(soon()))
	if counts(n) {
		return fmt.Errorf("an ended thread counts")
	}
	ok(t.Wait(object.Now))
	if i := must(object.Info(abi.Handle(t))); i.Kind != abi.KindThread || i.References != 1 {
		return fmt.Errorf("an ended thread: %+v", i)
	}
	return t.Close()
}

// neverStarted: what never ran can be ended and forgotten; signals go to others.
func neverStarted() error {
	t := must(object.Self.NewThread())
	setRestart(syscall.SIGURG, true)
	for range 10 {
		ok(syscall.Kill(syscall.Getpid(), syscall.SIGURG))
	}
	if err := want(t.Wait(object.Now), syscall.ETIMEDOUT); err != nil {
		return err
	}
	ok(t.End())
	ok(t.Wait(object.Now))
	return t.Close()
}

// stoppedWaiter: what a stopped thread waits for can happen, but it doesn't run.
func stoppedWaiter() error {
	n := must(object.NewNotification())
	defer n.Close()
	var turn uint64
	w := must(startWaiter(abi.CallNotificationWait, abi.Handle(n), &turn))
	defer w.thread.Close()
	waiting(abi.Handle(n), 1)
	ok(w.thread.Stop())
	ok(n.Signal(1))
	if _, err := n.Wait(1, object.Now); want(err, syscall.ETIMEDOUT) != nil {
		return fmt.Errorf("the waiter didn't get its bit: %v", err)
	}
	if err := want(w.thread.Wait(object.After(30*time.Millisecond)), syscall.ETIMEDOUT); err != nil {
		return fmt.Errorf("it ran: %w", err)
	}
	ok(w.thread.Resume())
	return w.thread.Wait(soon())
}

func stoppedBefore() error {
	n := &order{}
	orders = append(orders, n)
	t := must(object.Self.NewThread())
	defer t.Close()
	ok(t.Stop())
	ok(t.Start(object.Registers{Entry: codeOfCounter(), Args: [2]uint64{addressOf(n)}}))
	if counts(&n.nr) {
		return fmt.Errorf("it runs")
	}
	ok(t.Resume())
	eventually("the thread counts", func() bool { return counts(&n.nr) })
	ok(t.End())
	return t.Wait(soon())
}

// interruptedWait waits for an end that doesn't come, and takes a signal.
func interruptedWait(nr uint64, h abi.Handle) error {
	setRestart(syscall.SIGURG, false)
	defer setRestart(syscall.SIGURG, true)
	done := make(chan error)
	tids := make(chan int)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tids <- syscall.Gettid()
		_, err := sys.ObjectWait(nr, h, uint64(soon()), 0)
		done <- err
	}()
	tid := <-tids
	for {
		select {
		case err := <-done:
			return want(err, syscall.EINTR)
		case <-time.After(20 * time.Millisecond):
			tgkill(tid, syscall.SIGURG)
		}
	}
}
