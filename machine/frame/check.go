// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Check walks everything and returns Corrupt, with the frame in Last, unless
// every invariant holds: blocks tile each region without gap or overlap, every
// free block is maximal and on the list of its order and class exactly once,
// runs are whole, no record inside a block says anything, and all counts agree.
// Its cost is linear in the records ever written.
func (a *Allocator) Check() Code {
	var held [2 * MaxCPUs]uint64
	a.still(&held)
	code := a.check(&held)
	a.goOn(&held)
	return code
}

func (a *Allocator) check(held *[2 * MaxCPUs]uint64) Code {
	var free, cached, total uint64
	var owned [16]uint64
	for k := range a.count {
		r := &a.regions[k]
		if k > 0 && a.regions[k-1].start+a.regions[k-1].n<<phys.PageShift > r.start {
			return a.fail(Corrupt, r.start)
		}
		blocks := [classes][MaxOrder + 1]uint64{}
		for i := uint64(0); i < r.n; {
			size, ok := r.checkBlock(i, &owned)
			if !ok {
				return a.fail(Corrupt, r.start+i<<phys.PageShift)
			}
			switch m := r.rec(i).get(); metaState(m) {
			case StateFree:
				free += size
				blocks[metaClass(m)%classes][metaOrder(m)]++
			case StateCached:
				cached++
			}
			i += size
		}
		if i, ok := r.checkLists(&blocks); !ok {
			return a.fail(Corrupt, r.start+i<<phys.PageShift)
		}
		total += r.n
	}
	for o := range owned {
		if owned[o] != a.sum(Owner(o)) {
			return a.fail(Corrupt, 0)
		}
	}
	if free != a.free || total != a.total || !a.checkCaches(held, cached) {
		return a.fail(Corrupt, 0)
	}
	return OK
}

// checkBlock checks the block or taken run at i, adds taken frames to owned,
// and returns the number of frames to skip.
func (r *region) checkBlock(i uint64, owned *[16]uint64) (uint64, bool) {
	if !r.isReady(i) {
		return 0, false
	}
	rec := r.rec(i)
	order, size := metaOrder(rec.get()), uint64(1)<<metaOrder(rec.get())
	if order > MaxOrder || (r.base+i)%size != 0 || i+size > r.n || !r.silent(i, size) {
		return 0, false
	}
	switch metaState(rec.get()) {
	case StateFree:
		b := ((r.base + i) ^ size) - r.base
		mergeable := order < MaxOrder && b < r.n && r.isReady(b) &&
			r.rec(b).get()&^classMask == freeMeta(order, 0)
		return size, !mergeable && metaClass(rec.get()) == bucket(order, metaClass(rec.get())) &&
			metaClass(rec.get()) < classes
	case StateCached:
		return 1, order == 0 && metaCount(rec.get()) == 0
	case StateSingle:
		owned[metaOwner(rec.get())%16]++
		return 1, order == 0 && metaOwner(rec.get()).valid() && metaCount(rec.get()) > 0
	case StateRun:
		owned[metaOwner(rec.get())%16] += uint64(rec.next)
		return uint64(rec.next), r.checkRun(i, rec) && metaCount(rec.get()) > 0
	}
	return 0, false
}

// silent checks that no frame of the block at i but the first says anything.
func (r *region) silent(i, size uint64) bool {
	for j := i + 1; j < i+size; j++ {
		if !r.isReady(j) {
			j |= recordsPage - 1 // nor is the rest of its page
		} else if r.rec(j).get() != 0 {
			return false
		}
	}
	return true
}

// checkRun checks that the parts of the run at i tile it.
func (r *region) checkRun(i uint64, head *record) bool {
	n := uint64(head.next)
	if n < 2 || i+n > r.n || !metaOwner(head.get()).valid() {
		return false
	}
	at := uint64(1) << metaOrder(head.get())
	for at < n {
		if !r.isReady(i + at) {
			return false
		}
		rec := r.rec(i + at)
		if rec.get() != newMeta(StatePart, metaOrder(rec.get()), metaOwner(head.get()), 0) ||
			uint64(rec.prev) != i {
			return false
		}
		size := uint64(1) << metaOrder(rec.get())
		if (r.base+i+at)%size != 0 || i+at+size > r.n || !r.silent(i+at, size) {
			return false
		}
		at += size
	}
	return at == n
}

// checkLists checks that each list holds its number of blocks, all of its
// order and class, linked both ways.
func (r *region) checkLists(blocks *[classes][MaxOrder + 1]uint64) (uint64, bool) {
	for set := range r.lists {
		for order := range r.lists[set] {
			at, prev, n := r.lists[set][order], uint32(none), uint64(0)
			if (at != none) != (r.mask[set]>>order&1 != 0) {
				return 0, false
			}
			for ; at != none; n++ {
				if uint64(at) >= r.n || n > blocks[set][order] {
					return uint64(at), false
				}
				rec := r.rec(uint64(at))
				if rec.get() != freeMeta(uint8(order), uint8(set)) || rec.prev != prev {
					return uint64(at), false
				}
				at, prev = rec.next, at
			}
			if n != blocks[set][order] {
				return 0, false
			}
		}
	}
	return 0, true
}

// checkCaches checks that the fronts hold n frames, each recorded as cached and
// none twice, that the caches that nobody uses are empty, and that each window is
// what it says.
func (a *Allocator) checkCaches(held *[2 * MaxCPUs]uint64, n uint64) bool {
	ok, seen := true, uint64(0)
	for c := range a.caches {
		for class := range a.caches[c].fronts {
			f := &a.caches[c].fronts[class]
			if uint64(c) >= a.used && *f != (front{head: head{word: f.word}}) || !a.checkWindow(f) ||
				held[2*c+class] > CacheFrames {
				return false
			}
			for k := range held[2*c+class] {
				r := a.region(f.frame(k))
				if r == nil || r.rec((f.frame(k)-r.start)>>phys.PageShift) != f.recordOf(f.stack[k]) {
					return false
				}
				seen++
			}
		}
	}
	// Each gets a reference for the time being.
	for mark := range uint64(2) {
		for c := range a.used {
			for class := range a.caches[c%MaxCPUs].fronts {
				f := &a.caches[c%MaxCPUs].fronts[class]
				for _, pa := range f.stack[:held[2*c+uint64(class)]] {
					m := f.recordOf(pa).get()
					if m&^reference == metaCached || m&^reference == metaFreed {
						ok = ok && m>>32 == mark
						f.recordOf(pa).set(m&^reference | (1-mark)*reference)
					} else {
						ok = false
					}
				}
			}
		}
	}
	return ok && seen == n
}

// checkWindow checks that the window of a front is a part of the region that it is
// for, and that all records in it may be read.
func (a *Allocator) checkWindow(f *front) bool {
	if f.size == 0 {
		return true
	}
	r := a.region(-f.origin)
	if r == nil || f.shift != r.shift() {
		return false
	}
	lo := (-f.origin - r.start) >> phys.PageShift
	for i := lo; i < lo+f.size; i++ {
		if i >= r.n || !r.isReady(i) {
			return false
		}
	}
	return f.records == r.recordOf(lo)
}
