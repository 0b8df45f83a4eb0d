//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"loam/machine/bootinfo"
	"loam/machine/frame"
	"loam/machine/metal"
)

// The kernel's own heap gives its frames back: after each peak as many are in use as
// before the first, and what is used again reads zero on whatever CPU.

const (
	peak  = 32 << 20
	slack = 2 << 20 / 4096 // frames: what a peak leaves of the runtime's own records
)

// giveback lets the heap reach a peak, drops it, and looks at what is left, as often
// as rounds= on the command line says. Other CPUs have runners meanwhile.
func giveback() error {
	rounds, code := bootinfo.Uint(metal.CommandLine(), "rounds")
	if code != bootinfo.OK {
		rounds = 5
	}
	for i := 1; i < metal.CPUs(); i++ {
		go bystander(metal.CPUAt(i), i%2 == 0)
	}
	if err := climb(); err != nil { // the runtime's own records grow with the first
		return err
	}
	debug.FreeOSMemory()
	start := metal.Frames().Owned(frame.Heap)
	most, left := uint64(0), uint64(0)
	for round := range rounds {
		if err := climb(); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		most = max(most, metal.Frames().Owned(frame.Heap))
		everybody(fill)
		debug.FreeOSMemory()
		everybody(look)
		if cpu := broken.Load(); cpu != 0 {
			return fmt.Errorf("round %d: CPU %d still sees what was given back", round, cpu-1)
		}
		left = metal.Frames().Owned(frame.Heap)
		if left > start+slack {
			return fmt.Errorf("round %d: %d frames are behind the heap, %d at the start", round, left, start)
		}
	}
	if most < start+peak/4096 {
		return fmt.Errorf("the peak was at %d frames only", most)
	}
	say("heap: %d frames at the start, %d at the peak, %d at the end", start, most, left)
	return nil
}

// climb takes memory until the peak, by goroutines side by side, and leaves it full
// of ones.
func climb() error {
	const workers, piece = 8, 64 << 10
	errs := make([]error, workers)
	var wg sync.WaitGroup
	var all [workers][][]uint64
	for w := range workers {
		wg.Go(func() {
			for size := 0; size < peak/workers; size += piece {
				p := make([]uint64, piece/8)
				if i := firstSet(p); i >= 0 {
					errs[w] = fmt.Errorf("fresh memory has %#x at %d", p[i], i)
					return
				}
				for i := range p {
					p[i] = ^uint64(0)
				}
				all[w] = append(all[w], p)
			}
		})
	}
	wg.Wait()
	for w := range workers {
		if errs[w] != nil {
			return errs[w]
		}
		for _, p := range all[w] {
			for _, x := range p {
				if x != ^uint64(0) {
					return fmt.Errorf("memory in use has %#x", x)
				}
			}
		}
	}
	return nil
}

// firstSet is the index of the first word that isn't zero, or -1.
func firstSet(p []uint64) int {
	for i, x := range p {
		if x != 0 {
			return i
		}
	}
	return -1
}

// What bystanders are asked for: an order's number has its kind in the lowest bit.
const (
	fill = iota // memory, and drop it
	look        // at the same place again
)

var (
	order  atomic.Uint32 // the last one that was given
	done   atomic.Uint32 // bystanders that have done it
	broken atomic.Int64  // number of a CPU that saw old memory, plus 1
)

// everybody has all bystanders do something, and returns when they have.
func everybody(kind uint32) {
	done.Store(0)
	order.Store((order.Load() | 1) + 1 + kind)
	for done.Load() != uint32(metal.CPUs()-1) {
		time.Sleep(50 * time.Microsecond)
	}
}

// bystander is a CPU's runner. It idles until it is asked for something; a busy one
// works with interrupts off instead and never lets another thread have the CPU, which
// so has to be told what to forget.
func bystander(cpu *metal.CPU, busy bool) {
	metal.RunOn(cpu)
	place := uintptr(0)
	for seen := uint32(0); ; {
		until := metal.Now() + int64(100*time.Microsecond)
		if busy {
			for metal.Now() < until {
			}
			cpu.Breathe()
		} else {
			cpu.SetDeadline(until)
			cpu.Idle()
		}
		now := order.Load()
		if now == seen {
			continue
		}
		if seen = now; now&1 == fill {
			place = filled()
		} else if *at(place) != 0 {
			broken.Store(int64(cpu.ID()) + 1)
		}
		done.Add(1)
	}
}

// filled returns the address of memory that isn't zero and that nobody uses any more.
//
//go:noinline
func filled() uintptr {
	p := make([]byte, 64<<10)
	for i := range p {
		p[i] = 0x55
	}
	return address(p)
}
