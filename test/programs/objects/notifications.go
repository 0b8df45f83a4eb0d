// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func notificationCases() []cases.Case {
	return []cases.Case{
		{Name: "bits stay until they are taken", Run: bitsStay},
		{Name: "a wait ends with its bits", Run: waitEnds},
		{Name: "first come, first served", Run: firstCome},
		{Name: "deadlines", Run: deadlines},
		{Name: "a signal that restarts calls", Run: restarted},
		{Name: "notification_wait EINTR", Run: interrupted},
		{Name: "notification_wait ECANCELED", Run: canceled},
		{Name: "notification_wait EBUSY", Run: func() error {
			n := must(object.NewNotification())
			defer n.Close()
			return crowd(abi.CallNotificationWait, abi.Handle(n), func() { ok(n.Signal(abi.NotificationBits)) })
		}},
	}
}

func bitsStay() error {
	n := must(object.NewNotification())
	defer n.Close()
	ok(n.Signal(1))
	ok(n.Signal(1 | 1<<62))
	for _, c := range []struct {
		mask, got uint64
		err       syscall.Errno
	}{{2, 0, syscall.ETIMEDOUT}, {3, 1, 0}, {3, 0, syscall.ETIMEDOUT}, {abi.NotificationBits, 1 << 62, 0}} {
		got, err := n.Wait(c.mask, object.Now)
		if e := want(err, c.err); e != nil || err == nil && got != c.got {
			return fmt.Errorf("mask %#x: %#x %v", c.mask, got, err)
		}
	}
	return nil
}

func waitEnds() error {
	n := must(object.NewNotification())
	defer n.Close()
	go func() {
		time.Sleep(20 * time.Millisecond)
		_ = n.Signal(4) // nobody's
		_ = n.Signal(1)
	}()
	if bits, err := n.Wait(3, soon()); err != nil || bits != 1 {
		return fmt.Errorf("%#x %v", bits, err)
	}
	if bits, err := n.Wait(abi.NotificationBits, object.Now); err != nil || bits != 4 {
		return fmt.Errorf("%#x %v", bits, err)
	}
	return nil
}

// firstCome has three threads wait for any bit and gives them one at a time.
func firstCome() error {
	n := must(object.NewNotification())
	defer n.Close()
	var turn uint64
	var all []waiter
	for range 3 {
		all = append(all, must(startWaiter(abi.CallNotificationWait, abi.Handle(n), &turn)))
		waiting(abi.Handle(n), len(all))
	}
	for i, w := range all {
		ok(n.Signal(1 << i))
		ok(w.thread.Wait(soon()))
		got, done := w.finished()
		if !done || got != 1<<i || w.order.place != uint64(i) {
			return fmt.Errorf("waiter %d: %v %#x, place %d", i, done, got, w.order.place)
		}
		ok(w.thread.Close())
	}
	return nil
}

// waiting returns when so many threads wait for h's object.
func waiting(h abi.Handle, n int) {
	eventually("so many wait", func() bool { return int(must(object.Info(h)).Waiters) == n })
}

func deadlines() error {
	n := must(object.NewNotification())
	defer n.Close()
	for _, ms := range []int64{0, 1, 30} {
		until := sys.Monotonic() + ms*1e6
		_, err := n.Wait(1, until)
		if err := want(err, syscall.ETIMEDOUT); err != nil {
			return err
		}
		if late := sys.Monotonic() - until; late < 0 {
			return fmt.Errorf("%d ns too early", -late)
		}
	}
	return want(call(abi.CallNotificationWait, uint64(n), 1, 1), syscall.ETIMEDOUT) // long ago
}

// disturbed waits for a bit while another thread sends signals to this one, and
// the bit after the last of them.
func disturbed(n object.Notification, until int64) (uint64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := syscall.Gettid()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			time.Sleep(10 * time.Millisecond)
			tgkill(tid, syscall.SIGURG) // which Go's runtime handles and forgets
		}
		_ = n.Signal(1)
	}()
	v, err := sys.ObjectWait(abi.CallNotificationWait, abi.Handle(n), 1, uint64(until))
	<-done
	return v, err
}

func restarted() error {
	n := must(object.NewNotification())
	defer n.Close()
	for _, until := range []int64{soon(), object.Forever} {
		if bits, err := disturbed(n, until); err != nil || bits != 1 {
			return fmt.Errorf("%d %v", bits, err)
		}
	}
	return nil
}

func interrupted() error {
	n := must(object.NewNotification())
	defer n.Close()
	setRestart(syscall.SIGURG, false)
	defer setRestart(syscall.SIGURG, true)
	_, err := disturbed(n, soon())
	if err := want(err, syscall.EINTR); err != nil {
		return err
	}
	bits, err := n.Wait(1, soon()) // which the interrupted wait didn't take
	if bits != 1 {
		return fmt.Errorf("%d %v", bits, err)
	}
	return nil
}

// canceled closes the last handle to what somebody waits for.
func canceled() error {
	n := must(object.NewNotification())
	var turn uint64
	w := must(startWaiter(abi.CallNotificationWait, abi.Handle(n), &turn))
	waiting(abi.Handle(n), 1)
	other := must(object.Duplicate(abi.Handle(n), 0))
	ok(n.Close())
	if err := want(w.thread.Wait(object.After(20*time.Millisecond)), syscall.ETIMEDOUT); err != nil {
		return fmt.Errorf("one of two handles closed: %w", err)
	}
	ok(object.Close(other))
	ok(w.thread.Wait(soon()))
	if got, _ := w.finished(); got != abi.ECANCELED.Result() {
		return fmt.Errorf("the wait answered %#x", got)
	}
	return w.thread.Close()
}

// crowd has as many threads wait as may, tries one more, and lets them go on.
func crowd(nr uint64, h abi.Handle, release func()) error {
	var turn uint64
	var all []waiter
	for range abi.MaxWaiters {
		all = append(all, must(startWaiter(nr, h, &turn)))
	}
	waiting(h, abi.MaxWaiters)
	args := [2]uint64{uint64(soon())}
	if nr == abi.CallNotificationWait {
		args = [2]uint64{abi.NotificationBits, uint64(soon())}
	}
	_, err := sys.ObjectWait(nr, h, args[0], args[1])
	if err := want(err, syscall.EBUSY); err != nil {
		return err
	}
	for range abi.MaxWaiters { // a notification's bits go to one at a time
		release()
	}
	for _, w := range all {
		ok(w.thread.Wait(soon()))
		if got, done := w.finished(); !done || int64(got) < 0 {
			return fmt.Errorf("a waiter: %v %#x", done, got)
		}
		ok(w.thread.Close())
	}
	return nil
}
