// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"

	"loam/test/programs/smp/low"
)

// both runs f on two threads at once, side 0 and side 1.
func both(f func(side uint32) error) error {
	errs := make(chan error, 2)
	for side := range uint32(2) {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			errs <- f(side)
		}()
	}
	first := <-errs
	if second := <-errs; first == nil {
		first = second
	}
	return first
}

// yields has two threads give one CPU to each other.
func yields() error {
	return both(func(uint32) error {
		low.Pin(0)
		defer low.SetAffinity(0, low.Of(low.All()...))
		for range count {
			if _, e := low.Call(syscall.SYS_SCHED_YIELD); e != 0 {
				return e
			}
		}
		return nil
	})
}

var turn uint32 // whose it is

// futexes passes a turn from one thread to another and back.
func futexes() error {
	atomic.StoreUint32(&turn, 0)
	return both(func(side uint32) error {
		for range half {
			for atomic.LoadUint32(&turn) != side {
				low.Futex(&turn, low.FutexWait, uintptr(1-side))
			}
			atomic.StoreUint32(&turn, 1-side)
			low.Futex(&turn, low.FutexWake, 1)
		}
		return nil
	})
}

// pipes passes a byte from one thread to another and back.
func pipes() error {
	var there, back [2]int
	for _, p := range []*[2]int{&there, &back} {
		if err := syscall.Pipe2(p[:], 0); err != nil {
			return err
		}
		defer syscall.Close(p[0])
		defer syscall.Close(p[1])
	}
	return both(func(side uint32) error {
		b := make([]byte, 1)
		in, out := there[0], back[1]
		if side == 0 {
			in, out = back[0], there[1]
			if _, err := syscall.Write(out, b); err != nil {
				return err
			}
		}
		for i := range seldom {
			if _, err := syscall.Read(in, b); err != nil {
				return err
			}
			if last := side == 0 && i == seldom-1; last {
				break
			}
			if _, err := syscall.Write(out, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// signals sends signals to the own thread, which has a handler for them.
func signals() error {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	me := syscall.Gettid()
	for range seldom {
		if e := low.Signal(me, syscall.SIGUSR1); e != 0 {
			return e
		}
	}
	return nil
}

var (
	ender   low.Thread
	nothing = low.Request{Nr: syscall.SYS_GETPPID}
)

// threads makes a thread that makes one call and ends.
func threads() error {
	for range seldom {
		if e := ender.Start(&nothing); e != 0 {
			return e
		}
		ender.Join()
	}
	return nil
}
