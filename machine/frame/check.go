// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Check walks everything and returns Corrupt, with the frame in Last, unless
// every invariant holds: blocks tile each region without gap or overlap, every
// free block is maximal and on the list of its order and class exactly once,
// runs are whole, no record inside a block says anything, and all counts agree.
// Its cost is linear in the records ever written.
func (a *Allocator) Check() Code {
	a.lock.Lock()
	code := a.check()
	a.lock.Unlock()
	return code
}

func (a *Allocator) check() Code {
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
			switch m := r.rec(i).meta; metaState(m) {
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
	if free != a.free || total != a.total || owned != a.owned || !a.checkCaches(cached) {
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
	order, size := metaOrder(rec.meta), uint64(1)<<metaOrder(rec.meta)
	if order > MaxOrder || (r.base+i)%size != 0 || i+size > r.n || !r.silent(i, size) {
		return 0, false
	}
	switch metaState(rec.meta) {
	case StateFree:
		b := ((r.base + i) ^ size) - r.base
		mergeable := order < MaxOrder && b < r.n && r.isReady(b) &&
			r.rec(b).meta&^classMask == freeMeta(order, 0)
		return size, !mergeable && metaClass(rec.meta) == bucket(order, metaClass(rec.meta)) &&
			metaClass(rec.meta) < classes
	case StateCached:
		return 1, order == 0 && uint32(rec.meta) == 0
	case StateSingle:
		owned[metaOwner(rec.meta)%16]++
		return 1, order == 0 && metaOwner(rec.meta).valid() && uint32(rec.meta) > 0
	case StateRun:
		owned[metaOwner(rec.meta)%16] += uint64(rec.next)
		return uint64(rec.next), r.checkRun(i, rec) && uint32(rec.meta) > 0
	}
	return 0, false
}

// silent checks that no frame of the block at i but the first says anything.
func (r *region) silent(i, size uint64) bool {
	for j := i + 1; j < i+size; j++ {
		if !r.isReady(j) {
			j |= recordsPage - 1 // nor is the rest of its page
		} else if r.rec(j).meta != 0 {
			return false
		}
	}
	return true
}

// checkRun checks that the parts of the run at i tile it.
func (r *region) checkRun(i uint64, head *record) bool {
	n := uint64(head.next)
	if n < 2 || i+n > r.n || !metaOwner(head.meta).valid() {
		return false
	}
	at := uint64(1) << metaOrder(head.meta)
	for at < n {
		if !r.isReady(i + at) {
			return false
		}
		rec := r.rec(i + at)
		if rec.meta != newMeta(StatePart, metaOrder(rec.meta), metaOwner(head.meta), 0) ||
			uint64(rec.prev) != i {
			return false
		}
		size := uint64(1) << metaOrder(rec.meta)
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
				if rec.meta != freeMeta(uint8(order), uint8(set)) || rec.prev != prev {
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

// checkCaches checks that the caches hold n frames, each recorded as cached.
func (a *Allocator) checkCaches(n uint64) bool {
	for c := range a.caches {
		for class := range a.caches[c].stacks {
			s := &a.caches[c].stacks[class]
			if s.n > CacheFrames {
				return false
			}
			for _, pa := range s.frames[:s.n] {
				r := a.region(pa)
				if r == nil || n == 0 ||
					r.rec((pa-r.start)>>phys.PageShift).meta != newMeta(StateCached, 0, Nobody, 0) {
					return false
				}
				n--
			}
		}
	}
	return n == 0
}
