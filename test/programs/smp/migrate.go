// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"loam/test/programs/smp/low"
)

// Registers of a thread, held in migrate_GOARCH.s while others move it about.
// Each function fills them, spins, and returns a set of those that changed.

// holdGeneral has pattern+n in general register n, but for those that Go's runtime
// must find as they were whenever a signal comes.
func holdGeneral(pattern uint64, spins int64) uint64

// migrate has threads hold registers while they, and others for them, choose
// other CPUs all the time.
func migrate() error {
	cpus := low.All()
	n := min(2*len(cpus), 8)
	var m mover
	var stop atomic.Bool
	var moving, wg sync.WaitGroup
	moving.Go(func() {
		for !stop.Load() {
			m.move(cpus)
			low.Must(syscall.SYS_SCHED_YIELD)
		}
	})
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			errs[i] = pinned(func() error {
				defer m.add(syscall.Gettid())()
				return hold(uint64(i), cpus)
			})
		})
	}
	wg.Wait()
	stop.Store(true)
	moving.Wait()
	return errors.Join(errs...)
}

// mover moves threads to CPUs that they have not chosen.
type mover struct {
	mu  sync.Mutex
	ids []int // none of a thread that may have ended
}

// add has a thread be moved until remove is called.
func (m *mover) add(tid int) (remove func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids = append(m.ids, tid)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.ids = slices.DeleteFunc(m.ids, func(id int) bool { return id == tid })
	}
}

// move pins a random thread to a random CPU.
func (m *mover) move(cpus []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ids) == 0 {
		return
	}
	if e := low.SetAffinity(m.ids[rand.IntN(len(m.ids))], low.Of(cpus[rand.IntN(len(cpus))])); e != 0 {
		panic(e)
	}
}

// hold is one thread of migrate.
func hold(me uint64, cpus []int) error {
	const spins = 100_000
	o := newOthers(me)
	defer o.free()
	for round := range 40 * rounds {
		pattern := me*0x0101010101010101 + uint64(round)<<8
		low.Pin(cpus[rand.IntN(len(cpus))])
		if bad := low.HoldVectors(pattern, spins); bad != 0 {
			return fmt.Errorf("round %d: vector registers %#x changed", round, bad)
		}
		if bad := holdGeneral(pattern, spins); bad != 0 {
			return fmt.Errorf("round %d: general registers %#x changed", round, bad)
		}
		if err := o.hold(pattern, spins); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

// migrateGoroutines computes in ordinary goroutines whose threads are moved, and
// has the collector stop them.
func migrateGoroutines() error {
	cpus := low.All()
	data := bytes.Repeat([]byte("loam"), 2048)
	want := sha256.Sum256(data)
	errs := make([]error, 2*len(cpus))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for round := range 20 * rounds {
				if got := sha256.Sum256(append([]byte(nil), data...)); got != want {
					errs[i] = fmt.Errorf("round %d: wrong hash", round)
				}
				runtime.LockOSThread()
				low.Pin(cpus[rand.IntN(len(cpus))])
				if got := sha256.Sum256(append([]byte(nil), data...)); got != want {
					errs[i] = fmt.Errorf("round %d: wrong hash on a thread that has moved", round)
				}
				_ = low.SetAffinity(0, low.Of(cpus...))
				runtime.UnlockOSThread()
				if round%10 == i%10 {
					runtime.GC()
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
