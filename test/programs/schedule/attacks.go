//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/smp/low"
	"loam/user/object"
	"loam/user/sys"
)

// What a program may try to get more of the CPU, or to keep it from others.

// attack is role for those.
func attack(name string) {
	switch name {
	case "lift": // its own quota
		if err := object.Process(abi.HandleProcess).SetQuota(0, 0); err != syscall.EPERM {
			os.Exit(3)
		}
		role("spin")
	case "robust": // each entry and each lock in a page of its own
		for range 4 {
			list := robustList()
			go endRobust(list)
			for start := time.Now(); list[locks(1)] != ownerDied || list[locks(robustLength)] != ownerDied; {
				if time.Since(start) > time.Second {
					os.Exit(4)
				}
				time.Sleep(time.Millisecond)
			}
		}
		os.Exit(0)
	case "timers": // as many as it may have, as often as they may come
		n, err := object.NewNotification()
		if err != nil {
			os.Exit(3)
		}
		for {
			t, err := object.NewTimer()
			if err != nil {
				break
			}
			if err := t.Set(n, 1, 0, abi.MinTimerPeriod); err != nil {
				os.Exit(3)
			}
		}
		_, _ = n.Wait(2, object.Forever) // which nobody sets
	}
}

// lifts: a process that computes can't do away with the quota that it was given.
func lifts() error {
	c, err := (&object.Program{File: "program", Args: []string{"schedule", "role", "lift"}, Held: true}).Start()
	if err != nil {
		return err
	}
	if err := c.Process.SetQuota(2*time.Millisecond, 10*time.Millisecond); err != nil {
		return err
	}
	if err := c.Thread.Resume(); err != nil {
		return err
	}
	const length = 200 * time.Millisecond
	time.Sleep(length)
	got, err := used(c)
	if err == nil && (got < length/10 || got > length/4) {
		err = fmt.Errorf("%v of %v, a fifth is %v", got, length, length/5)
	}
	return errors.Join(err, end(c))
}

// stalls: a caller whose quota is used up waits, but the server that works for it doesn't:
// others would wait for it, too.
func stalls() error {
	e, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return err
	}
	server, err := child("worker", 0, abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightWait})
	if err != nil {
		return err
	}
	call := abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightWrite}
	slow, err := child("caller", 0, call)
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Millisecond) // now the server works for it
	if err := slow.Process.SetQuota(100*time.Microsecond, 10*time.Second); err != nil {
		return err
	}
	time.Sleep(2 * time.Millisecond)
	m, start := sys.Message{To: e}, time.Now()
	if r := sys.MessageCall(abi.CallEndpointCall, &m); r != 0 {
		return fmt.Errorf("call: %#x", r)
	}
	if d := time.Since(start); d > 50*time.Millisecond {
		err = fmt.Errorf("another caller waited %v", d)
	}
	return errors.Join(err, end(slow, server), object.Close(abi.Handle(e)))
}

// manyTimers: however many timers a program has, others get on.
func manyTimers() error {
	c, err := child("timers", 0)
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	start := time.Now()
	work()
	d := time.Since(start)
	if d > 50*time.Millisecond {
		err = fmt.Errorf("what takes 5ms took %v", d)
	}
	return errors.Join(err, end(c))
}

const (
	robustLength = 2048 // of a list that the kernel looks at
	pageWords    = abi.PageSize / 8
	ownerDied    = 1 << 30
)

// locks is where the lock of an entry is, the first being 1.
func locks(entry int) int { return (robustLength + entry) * pageWords }

// endRobust ends a thread that has the first and the last lock of a list.
func endRobust(list []uint64) {
	runtime.LockOSThread()
	_, _, e := syscall.RawSyscall(abi.SYS_SET_ROBUST_LIST, uintptr(sys.AddressOfWords(list)), 24, 0)
	if e != 0 {
		os.Exit(3)
	}
	tid := uint64(syscall.Gettid())
	list[locks(1)], list[locks(robustLength)] = tid, tid
}

// robustList makes as long a list of robust futexes as is looked at.
func robustList() []uint64 {
	list := make([]uint64, locks(robustLength)+pageWords)
	at := sys.AddressOfWords(list)
	for i := range uint64(robustLength) { // the head is in the first page
		list[i*pageWords] = at + (i+1)*abi.PageSize
	}
	list[1] = robustLength * abi.PageSize // from an entry to its lock
	return list
}

// robust: a thread that ends with as many locks as are looked at doesn't hold others up.
func robust() error {
	if err := object.Thread(abi.HandleThread).Schedule(2, 0); err != nil {
		return err
	}
	defer func() { _ = object.Thread(abi.HandleThread).Schedule(0, 0) }()
	c, err := child("robust", 0)
	if err != nil {
		return err
	}
	worst := time.Duration(0)
	for range 300 {
		start := time.Now()
		low.Sleep(200 * time.Microsecond)
		worst = max(worst, time.Since(start)-200*time.Microsecond)
	}
	if worst > time.Millisecond {
		return errors.Join(fmt.Errorf("a thread of a fixed priority was %v late", worst), end(c))
	}
	status, err := c.Process.Wait(object.After(10 * time.Second))
	if err == nil && status != (abi.ExitStatus{}) {
		err = fmt.Errorf("the child: %v", status)
	}
	return errors.Join(err, c.Close())
}
