// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/smp/low"
)

// onAll runs f on threads pinned to the CPUs by turns, at least two threads.
func onAll(f func(i int) error) error {
	cpus := low.All()
	errs := make([]error, max(2, len(cpus)))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = pinned(func() error {
				low.Pin(cpus[i%len(cpus)])
				return f(i)
			})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// counters: no atomic change is lost.
func counters() error {
	const each = 20_000
	var added, swapped, mutexed uint64
	var mu sync.Mutex
	n := uint64(0)
	err := onAll(func(int) error {
		atomic.AddUint64(&n, 1)
		for range each * rounds {
			atomic.AddUint64(&added, 1)
			for {
				old := atomic.LoadUint64(&swapped)
				if atomic.CompareAndSwapUint64(&swapped, old, old+1) {
					break
				}
			}
		}
		for range each / 10 {
			mu.Lock()
			mutexed++
			mu.Unlock()
		}
		return nil
	})
	want := n * each * uint64(rounds)
	if added != want || swapped != want || mutexed != n*each/10 {
		return fmt.Errorf("%d, %d and %d counted, want %d, %d and %d", added, swapped, mutexed, want, want, n*each/10)
	}
	return err
}

// Shared words, on cache lines of their own.
var shared struct {
	x, _, _, _, _, _, _, _ uint64
	y, _, _, _, _, _, _, _ uint64
	turn                   atomic.Int64
}

// meet waits until both sides have come here n times. It gives the CPU away
// only if that takes long.
func meet(n int64) error {
	shared.turn.Add(1)
	deadline := time.Now().Add(late)
	for i := 1; shared.turn.Load() < 2*n; i++ {
		if i%200 == 0 {
			low.Must(syscall.SYS_SCHED_YIELD)
		}
		if i%10_000 == 0 && time.Now().After(deadline) {
			return errors.New("the other side does not come")
		}
	}
	return nil
}

// messagePassing: who sees the flag sees what was written before it, with no more
// between the instructions than the architecture asks for.
func messagePassing() error {
	shared.turn.Store(0)
	x, y := low.Address(&shared.x), low.Address(&shared.y)
	n := uint64(20_000 * rounds)
	return onAll(func(i int) error {
		switch i {
		case 0:
			for v := uint64(1); v <= n; v++ {
				send(x, y, v)
			}
		case 1:
			for seen := uint64(0); seen < n; {
				var got uint64
				if seen, got = receive(x, y); got < seen {
					return fmt.Errorf("saw message %d, and its content was %d", seen, got)
				}
			}
			low.Store(x, 0)
			low.Store(y, 0)
		}
		return nil
	})
}

// storeLoad (litmus_GOARCH.s) writes 1 to one word and then reads another, with
// nothing in between that would order the two.
func storeLoad(write, read *uint64) uint64

// storeBuffering: two sides write a word each and then read the other's. Both
// can't have missed the other's write if both have an atomic instruction in
// between, or if one has nothing and the other membarrier(2).
func storeBuffering(locked bool) error {
	const expedited, register = 1 << 3, 1 << 4
	membarrier := func(command uintptr) error {
		_, e := low.Call(abi.SYS_MEMBARRIER, command, 0)
		if e != 0 {
			return fmt.Errorf("membarrier(%d): %w", command, e)
		}
		return nil
	}
	if !locked {
		if err := membarrier(register); err != nil {
			return err
		}
	}
	shared.turn.Store(0)
	var saw [2]uint64
	return onAll(func(i int) error {
		if i > 1 {
			return nil
		}
		for n := int64(0); n < int64(1500*rounds); n++ {
			if i == 0 {
				shared.x, shared.y = 0, 0
			}
			if err := meet(3*n + 1); err != nil {
				return err
			}
			for range rand.IntN(30) {
				_ = low.Load(low.Address(&saw))
			}
			var err error
			switch {
			case locked && i == 0:
				atomic.StoreUint64(&shared.x, 1)
				saw[0] = atomic.LoadUint64(&shared.y)
			case locked:
				atomic.StoreUint64(&shared.y, 1)
				saw[1] = atomic.LoadUint64(&shared.x)
			case i == 0:
				saw[0] = storeLoad(&shared.x, &shared.y)
			default:
				low.Store(low.Address(&shared.y), 1)
				err = membarrier(expedited)
				saw[1] = low.Load(low.Address(&shared.x))
			}
			if err := errors.Join(err, meet(3*n+2)); err != nil {
				return err
			}
			if saw == [2]uint64{} {
				return fmt.Errorf("round %d: neither side saw the other's write", n)
			}
			if err := meet(3*n + 3); err != nil { // before the next round's writes
				return err
			}
		}
		return nil
	})
}

// oneClock: time does not go back from one CPU to another, whether it is read
// by a call or without one.
func oneClock() error {
	const realtime, monotonic = 0, 1
	start := time.Now()
	// The runtime's monotonic clock counts from another moment than the call's:
	// it is compared with itself, and so is each of the others.
	clocks := []struct {
		name string
		now  func() int64
	}{
		{"time.Since", func() int64 { return int64(time.Since(start)) }},
		{"CLOCK_MONOTONIC by a call", func() int64 { return low.Clock(monotonic) }},
		{"time.Now", func() int64 { return time.Now().UnixNano() }},
		{"CLOCK_REALTIME by a call", func() int64 { return low.Clock(realtime) }},
	}
	last := make([]atomic.Int64, len(clocks))
	return onAll(func(int) error {
		for n := range 10_000 * rounds {
			c := n % len(clocks)
			before := last[c].Load()
			now := clocks[c].now()
			if now < before {
				return fmt.Errorf("%s: %d ns after %d (%d ns back)", clocks[c].name, now, before, before-now)
			}
			for before < now && !last[c].CompareAndSwap(before, now) {
				before = last[c].Load()
			}
		}
		return nil
	})
}
