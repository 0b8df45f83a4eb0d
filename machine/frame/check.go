// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Check walks everything and returns Corrupt, with the frame in Last, unless every
// invariant holds: each frame is free, or the first of what was taken or in a front, or
// a further one of a taken run, and nothing else; groups are where they belong; trees
// say what lines do; and all counts agree. (That each free block is maximal follows
// from what a free block is.) Its cost is linear in the number of frames.
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
		for i := uint64(0); i < r.n; {
			size, state := r.checkAt(i, &owned)
			switch state {
			case StateNone:
				return a.fail(Corrupt, r.start+i<<phys.PageShift)
			case StateFree:
				free += size
			case StateCached:
				cached++
			}
			i += size
		}
		if g, ok := r.checkGroups(); !ok {
			return a.fail(Corrupt, r.start+(g*lineBits-min(r.skew, g*lineBits))<<phys.PageShift)
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

// checkAt checks what begins at frame i, adds taken frames to owned, and returns what
// it is and the number of frames to skip; StateNone if something is wrong.
func (r *region) checkAt(i uint64, owned *[16]uint64) (size uint64, state State) {
	if first, order, ok := r.block(i); ok {
		size = 1 << order
		if first != i || i+size > r.n || !r.silent(i, size) {
			return 0, StateNone
		}
		return size, StateFree
	}
	if !r.isReady(i) {
		return 0, StateNone
	}
	rec := r.rec(i)
	m := rec.get()
	o, count := metaOwner(m), metaCount(m)
	switch metaState(m) {
	case StateCached:
		if count == 0 && o == Nobody {
			return 1, StateCached
		}
	case StateSingle:
		if m == newMeta(StateSingle, o, count) && o.valid() && count > 0 {
			owned[o%16]++
			return 1, StateSingle
		}
	case StateRun:
		n := uint64(rec.run)
		if m == newMeta(StateRun, o, count) && o.valid() && count > 0 && n > 1 && i+n <= r.n &&
			r.silent(i+1, n-1) && r.taken(i+1, n-1) {
			owned[o%16] += n
			return n, StateRun
		}
	}
	return 0, StateNone
}

// silent checks that no frame from i up to i+n has a record.
func (r *region) silent(i, n uint64) bool {
	for end := i + n; i < end; i++ {
		if !r.isReady(i) {
			i |= recordsPage - 1 // nor is the rest of its page
		} else if r.rec(i).get() != 0 {
			return false
		}
	}
	return true
}

// taken checks that no frame from i up to i+n is free.
func (r *region) taken(i, n uint64) bool {
	for end := i + n; i < end; i++ {
		if _, _, ok := r.block(i); ok {
			return false
		}
	}
	return true
}

// checkGroups checks that each group is in one tree at most, that the trees say what
// lines do, and that nothing outside of the region is free. It returns the first group
// that is wrong.
func (r *region) checkGroups() (uint64, bool) {
	groups := (r.skew + r.n + lineBits - 1) / lineBits
	for g := range groups {
		kernel, user := r.parts[classKernel].get(g), r.parts[classUser].get(g)
		j, p := (r.shelf+g)/lineBits, (r.shelf+g)%lineBits
		whole := r.large.get(j) != 0 && r.gib(j).all(p, p+1)
		switch begun := kernel | user; {
		case begun == 0 && !whole:
			continue
		case kernel != 0 && user != 0 || begun != 0 && whole:
			return g, false
		case whole:
			if g == 0 && r.skew != 0 || (g+1)*lineBits > r.skew+r.n {
				return g, false
			}
		case begun > lineOrder || begun != r.group(g).largest() || g == 0 && r.group(0).any(0, r.skew) ||
			g == groups-1 && r.group(g).any((r.skew+r.n-1)%lineBits+1, lineBits):
			return g, false
		}
	}
	lines := (r.shelf + groups + lineBits - 1) / lineBits
	for j := range lines {
		if had := r.large.get(j); had != 0 && had != r.gib(j).largest() {
			return min(j*lineBits-min(r.shelf, j*lineBits), groups-1), false
		}
	}
	ok := r.gib(0).outside(r.large.get(0), 0, r.shelf) &&
		r.gib(lines-1).outside(r.large.get(lines-1), (r.shelf+groups-1)%lineBits+1, lineBits)
	return 0, ok && r.parts[classKernel].good(groups) && r.parts[classUser].good(groups) && r.large.good(lines)
}

// any says whether any of places lo up to hi (exclusive) is free.
func (l *line) any(lo, hi uint64) bool {
	for ; lo < hi; lo++ {
		if l.all(lo, lo+1) {
			return true
		}
	}
	return false
}

// outside checks that none of places lo up to hi is free if the line counts.
func (l *line) outside(counts uint8, lo, hi uint64) bool { return counts == 0 || !l.any(lo, hi) }

// good checks the bytes of a tree for n lines over others, and those behind the last.
func (t *tree) good(n uint64) bool {
	for k := uint64(0); ; k++ {
		words := (n + 7) / 8
		for w := range words {
			word := *wordAt(t.levels[k%treeLevels] + uintptr(w)*8)
			if n < w*8+8 && word>>(n%8*8) != 0 {
				return false
			}
			if k < t.top && *byteAt(t.levels[(k+1)%treeLevels] + uintptr(w)) != largestByte(word) {
				return false
			}
		}
		if k == t.top {
			return words == 1
		}
		n = words
	}
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
