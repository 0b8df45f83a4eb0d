// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func timerCases() []cases.Case {
	return []cases.Case{
		{Name: "timer fires once", Run: timerOnce},
		{Name: "timer fires each period", Run: timerPeriod},
		{Name: "timer leaves out what it missed", Run: timerMissed},
		{Name: "timer is set anew and stopped", Run: timerAnew},
		{Name: "timer is closed", Run: timerClosed},
		{Name: "timers many", Run: timersMany},
		{Name: "timer errors", Run: timerErrors},
	}
}

// withTimer runs f with a timer and a notification, and wants no reference to the
// latter to be left.
func withTimer(f func(t object.Timer, n object.Notification) error) error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	t, err := object.NewTimer()
	if err != nil {
		return err
	}
	err = f(t, n)
	if err := t.Close(); err != nil && !errors.Is(err, syscall.EBADF) {
		return err
	}
	if i, e := object.Info(object.Handle(n)); err == nil && (e != nil || i.References != 1) {
		err = fmt.Errorf("%d references at the end, %v", i.References, e)
	}
	return err
}

// expect wants bits, and soon.
func expect(n object.Notification, bits uint64) error { return expectAt(n, bits, 0) }

// expectAt wants bits, and not before a time.
func expectAt(n object.Notification, bits uint64, at int64) error {
	got, err := n.Wait(abi.NotificationBits, object.After(long))
	if now := sys.Monotonic(); err != nil || got != bits || now < at {
		return fmt.Errorf("bits %#x, %d us early: %v; want %#x", got, (at-now)/1000, err, bits)
	}
	return nil
}

// silence wants no bits for a while.
func silence(n object.Notification, d time.Duration) error {
	if got, err := n.Wait(abi.NotificationBits, object.After(d)); err != syscall.ETIMEDOUT {
		return fmt.Errorf("bits %#x, %v: want none", got, err)
	}
	return nil
}

const long = 20 * time.Second // more than anything takes

func timerOnce() error {
	return withTimer(func(t object.Timer, n object.Notification) error {
		at := object.After(20 * time.Millisecond)
		return first(
			t.Set(n, 6, at, 0),
			expectAt(n, 6, at),
			silence(n, 50*time.Millisecond),
			t.Set(n, 1, 0, 0), // a time that has passed
			expect(n, 1),
			t.Set(n, 1<<62, object.After(time.Millisecond), 0),
			expect(n, 1<<62),
		)
	})
}

func timerPeriod() error {
	return withTimer(func(t object.Timer, n object.Notification) error {
		begin := sys.Monotonic()
		if err := t.Set(n, 1, begin+10e6, 5*time.Millisecond); err != nil {
			return err
		}
		for i := range int64(10) {
			if err := expect(n, 1); err != nil {
				return err
			}
			if now := sys.Monotonic(); now < begin+10e6+i*5e6 {
				return fmt.Errorf("the time %d came after %d us", i, (now-begin)/1000)
			}
		}
		if err := t.Stop(); err != nil {
			return err
		}
		n.Wait(1, object.Now) // what came meanwhile
		return silence(n, 30*time.Millisecond)
	})
}

// timerMissed sets one whose first times have passed: it fires at once, and then at
// the next multiple.
func timerMissed() error {
	return withTimer(func(t object.Timer, n object.Notification) error {
		const period = 400e6
		for sys.Monotonic()%period > period/2 { // not just before one
			time.Sleep(10 * time.Millisecond)
		}
		begin := sys.Monotonic()
		if err := first(t.Set(n, 1, 0, period), expect(n, 1), expect(n, 1)); err != nil {
			return err
		}
		if now := sys.Monotonic(); now < begin/period*period+period {
			return fmt.Errorf("from %d to %d us", begin/1000, now/1000)
		}
		return t.Stop()
	})
}

func timerAnew() error {
	return withTimer(func(t object.Timer, n object.Notification) error {
		other, err := object.NewNotification()
		if err != nil {
			return err
		}
		defer other.Close()
		at := object.After(30 * time.Millisecond)
		return first(
			t.Set(n, 1, at+1e9, time.Millisecond),
			t.Set(other, 2, at, 0),
			expectAt(other, 2, at),
			silence(n, 30*time.Millisecond),
			t.Set(other, 2, object.After(time.Second), 0),
			t.Stop(),
			silence(other, 1100*time.Millisecond),
			t.Stop(),
		)
	})
}

// timerClosed closes the notification, then the timer, while the timer is set.
func timerClosed() error {
	before, err := object.Self.Info()
	if err != nil {
		return err
	}
	for range 100 {
		n, err1 := object.NewNotification()
		t, err2 := object.NewTimer()
		if err := first(err1, err2, t.Set(n, 1, object.After(time.Hour), time.Millisecond), n.Close(), t.Close()); err != nil {
			return err
		}
	}
	after, err := object.Self.Info()
	if err != nil || before.Used.Of(abi.KindTimer) != after.Used.Of(abi.KindTimer) || before.Used.Of(abi.KindNotification) != after.Used.Of(abi.KindNotification) {
		return fmt.Errorf("used %v, then %v, %v", before.Used, after.Used, err)
	}
	return nil
}

func timersMany() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	const count = 60
	var timers [count]object.Timer
	now := object.After(20 * time.Millisecond)
	for i := range timers {
		if timers[i], err = object.NewTimer(); err != nil {
			return err
		}
		defer timers[i].Close()
		if err := timers[i].Set(n, 1<<i, now+int64(i*7919%count)*1e6, 0); err != nil {
			return err
		}
	}
	for got := uint64(0); got != 1<<count-1; {
		bits, err := n.Wait(abi.NotificationBits, object.After(long))
		if err != nil || bits&got != 0 {
			return fmt.Errorf("%#x and %#x, %v", got, bits, err)
		}
		got |= bits
	}
	return nil
}

func timerErrors() error {
	return withTimer(func(t object.Timer, n object.Notification) error {
		set := func(t, n, bits, at, period uint64) error {
			return second(sys.ObjectCall(abi.CallTimerSet, t, n, bits, at, period))
		}
		weak, err1 := object.Duplicate(object.Handle(t), abi.RightTransfer)
		deaf, err2 := object.Duplicate(object.Handle(n), abi.RightWait)
		badge, err3 := object.Duplicate(object.Handle(n), abi.RightsOf(abi.KindNotification))
		if err := first(err1, err2, err3); err != nil {
			return err
		}
		defer object.Close(weak)
		defer object.Close(deaf)
		defer object.Close(badge)
		minted, err := sys.ObjectCall(abi.CallHandleMint, uint64(n), uint64(abi.RightWrite), 6)
		if err != nil {
			return err
		}
		defer object.Close(object.Handle(minted))
		T, N := uint64(t), uint64(n)
		err = first(
			t.Set(n, 1, object.After(50*time.Millisecond), 0),
			want("no timer", syscall.EBADF, set(0, N, 1, 0, 0)),
			want("no notification", syscall.EBADF, set(T, 0, 1, 0, 0)),
			want("another kind", syscall.ENOTSUP, set(N, N, 1, 0, 0)),
			want("another kind", syscall.ENOTSUP, set(T, T, 1, 0, 0)),
			want("no right", syscall.EACCES, set(uint64(weak), N, 1, 0, 0)),
			want("no right to signal", syscall.EACCES, set(T, uint64(deaf), 1, 0, 0)),
			want("another's bits", syscall.EACCES, set(T, minted, 1, 0, 0)),
			want("no bits", syscall.EINVAL, set(T, N, 0, 0, 0)),
			want("a bit that is none", syscall.EINVAL, set(T, N, 1<<63, 0, 0)),
			want("a time before all", syscall.EINVAL, set(T, N, 1, 1<<63, 0)),
			want("a short period", syscall.EINVAL, set(T, N, 1, 0, abi.MinTimerPeriod-1)),
			want("a negative period", syscall.EINVAL, set(T, N, 1, 0, 1<<63)),
			expect(n, 1), // what was set before all that
			set(T, minted, 4, 0, 0),
			expect(n, 4),
			want("to stop, with what isn't looked at", 0, set(T, 0, 0, abi.WaitForever, 1)),
		)
		return err
	})
}
