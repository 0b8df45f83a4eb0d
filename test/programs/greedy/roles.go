// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"loam/abi"
	"loam/user/object"
)

// child is a process in a role. It says that it is ready, and is told to go on,
// by notifications.
type child struct {
	object.Child
	ready, proceed object.Notification
}

// start makes one. Its pages are limited to limit, if that is not 0.
func start(essential bool, limit int, role ...string) child {
	c := child{ready: must(object.NewNotification()), proceed: must(object.NewNotification())}
	l := abi.DefaultLimits()
	if limit != 0 {
		l[abi.LimitPages] = uint32(limit)
	}
	c.Child = must((&object.Program{File: "program", Args: append([]string{role[0], "role"}, role...), Limits: &l, Essential: essential,
		Handles: []abi.HandOn{
			{Handle: abi.Handle(c.ready), Rights: abi.RightWrite},
			{Handle: abi.Handle(c.proceed), Rights: abi.RightWait},
		}}).Start())
	return c
}

// isReady waits until the child is, or has ended.
func (c *child) isReady() {
	for {
		_, err := c.ready.Wait(1, object.After(1e7))
		if err == nil {
			return
		}
		if err != syscall.ETIMEDOUT {
			panic(err)
		}
		if must(c.Process.Info()).State != abi.ProcessRunning {
			return
		}
	}
}

// goOn lets the child go on.
func (c *child) goOn() { ok(c.proceed.Signal(1)) }

// end waits for the child's end, which has to be this one.
func (c *child) end(want abi.ExitStatus) error {
	if status := c.wait(); status != want {
		return fmt.Errorf("it ended with %v, want %v", status, want)
	}
	return nil
}

// wait waits for the child's end and closes all that there is of it.
func (c *child) wait() abi.ExitStatus {
	status := must(c.Process.Wait(soon()))
	ok(c.Close())
	ok(c.ready.Close())
	ok(c.proceed.Close())
	return status
}

// play is what a child does. It ends with status 0 if all was as it should be.
func play(role []string) {
	arg := func(i int) int { return must(strconv.Atoi(role[i])) }
	var err error
	switch role[0] {
	case "work":
		err = work(arg(1), arg(2))
	case "fill":
		err = fill(role[1])
	case "eat":
		sayReady()
		for {
			touch(anonymous(mib), 1)
		}
	case "signals":
		err = signals(arg(1))
	case "hoard":
		err = hoarding(role[1])
	case "recover":
		err = recovers()
	case "calls":
		err = callsAtLimit()
	case "parent":
		err = parent(arg(1))
	case "overrun":
		warmUp()
		touch(anonymous(arg(1)*mib), 1)
	default:
		err = fmt.Errorf("no such role")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role, err)
		os.Exit(1)
	}
}

func sayReady() { ok(object.Notification(object.Given(0)).Signal(1)) }

func waitToGoOn() { must(object.Notification(object.Given(1)).Wait(1, object.Forever)) }

// work has some memory, and more when it is told to, and finds in it what it has
// written.
func work(before, after int) error {
	b := anonymous((before + after) * mib)
	touch(b[:before*mib], 7)
	sayReady()
	waitToGoOn()
	touch(b[before*mib:], 9)
	if !touched(b[:before*mib], 7) || !touched(b[before*mib:], 9) {
		return fmt.Errorf("its memory isn't what it was")
	}
	return nil
}

// signals has n threads that have never run a handler, and sends each a signal
// that Go's runtime has one for. It comes through if all threads go on afterwards.
func signals(n int) error {
	threads, done := make(chan int), make(chan error)
	var hold [2]int
	ok(syscall.Pipe(hold[:]))
	for range n {
		go func() {
			runtime.LockOSThread()
			threads <- syscall.Gettid()
			var b [1]byte
			for {
				if _, err := syscall.Read(hold[0], b[:]); err != syscall.EINTR {
					done <- err
					return
				}
			}
		}()
	}
	ids := make([]int, n)
	for i := range ids {
		ids[i] = <-threads
	}
	sayReady()
	waitToGoOn()
	for _, id := range ids {
		if _, _, e := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(id), uintptr(syscall.SIGURG)); e != 0 {
			return e
		}
	}
	for range n {
		if _, err := syscall.Write(hold[1], []byte{1}); err != nil {
			return err
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// fill takes all memory there is, by calls, which end nobody; and then does
// something for ever.
func fill(state string) error {
	var striped []byte
	if state == "calling" {
		striped = stripes(2000)
	}
	if err := takeAll(); err != nil {
		return err
	}
	sayReady()
	switch state {
	case "waiting":
		waitToGoOn()
	case "calling":
		for { // it goes in pieces, and never fails
			ok(syscall.Madvise(striped, syscall.MADV_DONTNEED))
		}
	case "running":
		//lint:ignore SA5002 the point is that it spins
		for {
		}
	}
	return fmt.Errorf("it goes on")
}

// stripes gives memory of n areas of a page each.
func stripes(n int) []byte {
	b := anonymous(n * page)
	for i := 0; i < len(b); i += 2 * page {
		ok(syscall.Mprotect(b[i:i+page], syscall.PROT_READ))
	}
	return b
}

// takeAll has the kernel write to fresh pages until it answers ENOMEM.
func takeAll() error {
	for {
		at, err := mapped(0, mib, syscall.PROT_READ|syscall.PROT_WRITE, 0)
		if err != nil {
			return err
		}
		for end := at + mib; at < end; at += page {
			if e := copyIn(at); e == syscall.ENOMEM {
				return nil
			} else if e != 0 {
				return e
			}
		}
	}
}

// copyIn has the kernel write a 1 to the address.
func copyIn(at uintptr) syscall.Errno {
	p := pipe()
	if _, e := raw(syscall.SYS_WRITE, p.write, p.one, 1); e != 0 {
		return e
	}
	_, e := raw(syscall.SYS_READ, p.read, at, 1)
	return e
}

// pipe gives what copyIn needs: the ends of a pipe, and the address of a 1.
var pipe = sync.OnceValue(func() (p struct{ read, write, one uintptr }) {
	var ends [2]int
	ok(syscall.Pipe(ends[:]))
	p.read, p.write = uintptr(ends[0]), uintptr(ends[1])
	p.one = must(mapped(0, page, syscall.PROT_READ|syscall.PROT_WRITE, 0))
	object.Bytes(uint64(p.one), 1)[0] = 1
	return p
})
