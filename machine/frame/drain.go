// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"sync/atomic"

	"loam/machine/phys"
)

// drain moves count of the n frames of a front, from its top, back to the region,
// and returns how many are left. Frames that were freed by rising address, as an
// exiting program's are, go back as blocks.
//
//go:noinline
func (a *Allocator) drain(f *front, n, count uint64, class uint8) uint64 {
	var r *region
	for count = min(count, n); count > 0 && n-1 < CacheFrames; {
		pa := f.frame(n - 1)
		if r == nil || pa-r.start >= r.n<<phys.PageShift {
			if r = a.region(pa); r == nil {
				return n
			}
		}
		run := uint64(1)
		for run < count && pa > r.start && f.frame(n-1-run) == pa-phys.PageSize {
			pa -= phys.PageSize
			run++
		}
		i := (pa - r.start) >> phys.PageShift
		r.forget(i, run)
		r.release(i, run, class)
		a.setFree(a.free + run)
		n -= run
		count -= run
	}
	return n
}

// frame returns the physical address of entry n of the stack.
func (f *front) frame(n uint64) uint64 { return f.stack[n%CacheFrames] }

// Drain makes all cached frames parts of free blocks again.
func (a *Allocator) Drain() {
	a.lock.Lock()
	a.drainAll()
	a.lock.Unlock()
}

func (a *Allocator) drainAll() {
	for c := range a.used {
		for class := range a.caches[c%MaxCPUs].fronts {
			f := &a.caches[c%MaxCPUs].fronts[class]
			if f.word.Peek() == 0 {
				continue
			}
			n := f.word.Take()
			f.word.Give(a.drain(f, n, n, uint8(class)))
		}
	}
}

// Low reports whether no more is free than the reserve: what a program can
// cause the kernel to take for it should be refused then.
func (a *Allocator) Low() bool {
	return atomic.LoadUint64(&a.free) <= a.reserve && a.lacks(a.reserve+1)
}

// Scarce reports whether half of the reserve is gone, or will be with the page
// tables of one more page. What a program needs tables for without memory of its
// own, which the reserve is closed to, stops there: the other half is the kernel's.
func (a *Allocator) Scarce() bool {
	const tables = 3 // a page's own, and two above it
	n := a.reserve/2 + tables
	return atomic.LoadUint64(&a.free) < n && a.lacks(n)
}

// lacks reports whether fewer than n frames are free when none is in a cache.
//
//go:noinline
func (a *Allocator) lacks(n uint64) bool {
	a.lock.Lock()
	a.drainAll()
	free := a.free
	a.lock.Unlock()
	return free < n
}

// still takes the lock and every front's word, so that nothing moves, and returns
// what the fronts hold, by number; goOn lets all go on.
func (a *Allocator) still(held *[2 * MaxCPUs]uint64) {
	a.lock.Lock()
	for c := range a.used {
		for class := range a.caches[c%MaxCPUs].fronts {
			held[(2*c+uint64(class))%(2*MaxCPUs)] = a.caches[c%MaxCPUs].fronts[class].word.Join()
		}
	}
}

func (a *Allocator) goOn(held *[2 * MaxCPUs]uint64) {
	for c := range a.used {
		for class := range a.caches[c%MaxCPUs].fronts {
			a.caches[c%MaxCPUs].fronts[class].word.Part(held[(2*c+uint64(class))%(2*MaxCPUs)])
		}
	}
	a.lock.Unlock()
}
