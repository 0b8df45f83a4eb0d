//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/machine/bootinfo"
	"loam/machine/frame"
	"loam/machine/metal"
)

// The kernel's own heap gives its frames back: after each peak as many are in use as
// before the first, and what is used again reads zero on whatever CPU (giveback); no
// CPU sees a frame any more that was given back (forget).

const (
	peak  = 32 << 20
	slack = 2 << 20 / 4096 // frames: what a peak leaves of the runtime's own records
)

// rounds is how often something is tried: rounds= of the command line.
func rounds(otherwise uint64) uint64 {
	if n, code := bootinfo.Uint(metal.CommandLine(), "rounds"); code == bootinfo.OK {
		return n
	}
	return otherwise
}

// giveback lets the heap reach a peak, drops it, and looks at what is left. Other CPUs
// have runners meanwhile.
func giveback() error {
	go counter()
	for i := 1; i < metal.CPUs(); i++ {
		go bystander(metal.CPUAt(i), i == 1)
	}
	if err := climb(); err != nil { // the runtime's own records grow with the first
		return err
	}
	debug.FreeOSMemory()
	start := behindHeap()
	most, left := uint64(0), uint64(0)
	for round := range rounds(5) {
		if err := climb(); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		most = max(most, behindHeap())
		debug.FreeOSMemory()
		left = behindHeap()
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

// counting is what the first CPU's runner is asked for: frames belong to runners alone, since locks of the allocator are
// taken with interrupts off. Else an interrupt waits for another CPU, which waits for that lock.
var counting struct {
	asked, answered atomic.Uint32
	frames          atomic.Uint64
}

// behindHeap is how many frames are behind the heap.
func behindHeap() uint64 {
	n := counting.asked.Add(1)
	for counting.answered.Load() != n {
		time.Sleep(50 * time.Microsecond)
	}
	return counting.frames.Load()
}

// counter is the first CPU's runner.
func counter() {
	cpu := metal.CPUAt(0)
	metal.RunOn(cpu)
	for {
		if n := counting.asked.Load(); n != counting.answered.Load() {
			counting.frames.Store(metal.Frames().Owned(frame.Heap))
			counting.answered.Store(n)
		}
		cpu.SetDeadline(metal.Now() + int64(100*time.Microsecond))
		cpu.Idle()
	}
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

// forget gives pages back under the eyes of other CPUs, which have filled them, one
// idle and one not.
func forget() error {
	const size = area * metal.MaxCPUs
	at, _, errno := syscall.RawSyscall6(syscall.SYS_MMAP, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	if errno != 0 {
		return errno
	}
	place = at
	go counter()
	for i := 1; i < metal.CPUs(); i++ {
		go bystander(metal.CPUAt(i), i == 1)
	}
	start := behindHeap()
	for round := range rounds(20) {
		everybody(fill)
		if n := behindHeap(); metal.CPUs() > 1 && n < start+area/4096 {
			return fmt.Errorf("round %d: only %d frames are behind the heap, %d before", round, n, start)
		}
		for from := at; from < at+size; { // in parts of any length, some of them empty
			length := min(uintptr(round%7+1)*3*4096+uintptr(round%2)*size, at+size-from)
			if _, _, errno := syscall.RawSyscall(syscall.SYS_MADVISE, from, length, syscall.MADV_DONTNEED); errno != 0 {
				return errno
			}
			from += length
		}
		if n := behindHeap(); n > start+slack {
			return fmt.Errorf("round %d: %d frames are behind the heap, %d before", round, n, start)
		}
		everybody(look)
		if cpu := broken.Load(); cpu != 0 {
			return fmt.Errorf("round %d: CPU %d still sees what was given back, or lost what was not", round, cpu-1)
		}
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_MADVISE, at+1, 4096, syscall.MADV_DONTNEED); errno != syscall.EINVAL {
		return fmt.Errorf("half a page: %v", errno)
	}
	return nil
}

// What bystanders are asked for: an order's number has its kind in the lowest bit.
const (
	fill = iota // the CPU's area
	look        // whether it is zero
)

const area = 40 * 4096 // of each CPU, from place on: bytes

var (
	place  uintptr
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

// bystander is a CPU's runner. It idles until it is asked for something. A busy one
// works with interrupts off instead and never lets another thread have the CPU, which
// so does nothing that would make it forget by the way.
func bystander(cpu *metal.CPU, busy bool) {
	metal.RunOn(cpu)
	mine := place + uintptr(cpu.ID())*area
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
		if now := order.Load(); now != seen {
			seen = now
			if !obey(mine, now&1) {
				broken.Store(int64(cpu.ID()) + 1)
			}
			done.Add(1)
		}
	}
}

// obey does what a bystander is asked for, with the area at p. A runner that gives a
// page back itself reads zero there too.
func obey(p uintptr, kind uint32) bool {
	for off := uintptr(100); off < area; off += 4096 {
		switch {
		case kind == fill:
			*at(p + off) = 0x55
		case *at(p + off) != 0:
			return false
		}
	}
	if kind == fill {
		const last = area - 4096
		_, _, errno := syscall.RawSyscall(syscall.SYS_MADVISE, p+last, 4096, syscall.MADV_DONTNEED)
		return errno == 0 && *at(p + last + 100) == 0 && *at(p + last - 100) == 0 && *at(p + 100) == 0x55
	}
	return true
}
