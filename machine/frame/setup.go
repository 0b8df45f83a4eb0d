// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// span is a range of physical addresses, page-aligned, end exclusive.
type span struct {
	start, end uint64
	owner      Owner
}

// Reserve says that start up to end (exclusive), rounded outwards to frames,
// is in use by the owner. Call it before the AddRegion that covers the range,
// which then records those frames as a taken run; [Allocator.Release] gives
// them back, whole or in part.
func (a *Allocator) Reserve(start, end uint64, o Owner) Code {
	switch {
	case start >= end || end > MaxAddress+1:
		return a.answer(BadSize, start)
	case !o.valid():
		return a.answer(BadOwner, start)
	case a.spans == MaxReserved:
		return a.answer(TooMany, start)
	}
	start &^= phys.PageSize - 1
	end = (end + phys.PageSize - 1) &^ (phys.PageSize - 1)
	if a.overlaps(start, end) {
		return a.answer(Overlap, start)
	}
	at := a.spans
	for k := range a.spans {
		s := &a.reserved[k]
		if start < s.end && s.start < end {
			return a.answer(Overlap, start)
		}
		if s.start > start && at == a.spans {
			at = k
		}
	}
	copy(a.reserved[at+1:], a.reserved[at:a.spans])
	a.reserved[at] = span{start, end, o}
	a.spans++
	return OK
}

// overlaps says whether a region has a frame in start up to end.
func (a *Allocator) overlaps(start, end uint64) bool {
	for k := range a.count {
		r := &a.regions[k]
		if start < r.start+r.n<<phys.PageShift && r.start < end {
			return true
		}
	}
	return false
}

// AddRegion registers the RAM from start up to end (exclusive), rounded
// inwards to frames. Frame 0 is left out, so that address 0 can stand for no
// frame. What Reserve named stays taken, the records are carved
// from the first frames that hold them, and the rest is free. The range may
// not overlap a registered one. Its cost hardly depends on its size: 3 bytes
// are cleared for each 2 MiB. A range that a zone limit cuts is registered in
// pieces; pieces too small for their own records are left out, and TooSmall
// is returned when nothing was registered.
func (a *Allocator) AddRegion(start, end uint64) Code {
	if start > end || end > MaxAddress+1 {
		return a.answer(BadSize, start)
	}
	start = max((start+phys.PageSize-1)&^(phys.PageSize-1), phys.PageSize)
	end &^= phys.PageSize - 1
	if start >= end {
		return a.answer(TooSmall, start)
	}
	if a.overlaps(start, end) {
		return a.answer(Overlap, start)
	}
	var cuts uint64
	for _, zone := range zones {
		if start < zone && zone < end {
			cuts++
		}
	}
	if a.count+cuts+1 > MaxRegions {
		return a.answer(TooMany, start)
	}
	code := TooSmall
	for lo := start; lo < end; {
		hi := end
		for _, zone := range zones {
			if lo < zone && zone < hi {
				hi = zone
			}
		}
		if a.add(lo, hi) {
			code = OK
		}
		lo = hi
	}
	if code != OK {
		return a.answer(code, start)
	}
	return OK
}

// zones are the addresses at which regions are cut.
var zones = [...]uint64{zoneDMA, zone32}

// add registers one piece within a zone. It reports false when the records
// find no room.
func (a *Allocator) add(start, end uint64) bool {
	n := (end - start) >> phys.PageShift
	pages := (n + recordsPage - 1) / recordsPage // of records
	base := start >> phys.PageShift
	plan := region{start: start, base: base, n: n, skew: base % lineBits, shelf: base / lineBits % lineBits, mem: a.mem}
	_, size := plan.layOut(0)
	maps := (uint64(size) + phys.PageSize - 1) / phys.PageSize // of bits and trees
	meta := span{owner: Records}
	meta.start = a.hole(start, (maps+pages)<<phys.PageShift)
	meta.end = meta.start + (maps+pages)<<phys.PageShift
	if meta.end > end {
		return false
	}
	r := a.insert(start)
	*r = plan
	r.about, r.paged = meta.start, meta.start+maps<<phys.PageShift
	r.reach(a.mem)
	r.wipe()
	a.tile(r, meta)
	a.total += n
	return true
}

// hole returns the lowest address from start on at which size bytes are not
// reserved.
func (a *Allocator) hole(start, size uint64) uint64 {
	for k := range a.spans {
		s := &a.reserved[k]
		if start < s.end && s.start < start+size {
			start = s.end
		}
	}
	return start
}

// insert makes room for a region at start in the sorted array.
func (a *Allocator) insert(start uint64) *region {
	at := a.count
	for at > 0 && a.regions[at-1].start > start {
		a.regions[at] = a.regions[at-1]
		at--
	}
	a.count++
	return &a.regions[at]
}

// tile lays the first blocks of a region: reserved runs, records, free rest.
func (a *Allocator) tile(r *region, meta span) {
	end := r.start + r.n<<phys.PageShift
	for at := r.start; at < end; {
		next := span{end, end, Nobody} // the first taken span from here on
		if meta.start >= at {
			next = meta
		}
		for k := range a.spans {
			s := a.reserved[k]
			s.start = max(s.start, at)
			s.end = min(s.end, end)
			if s.start < s.end && s.start < next.start {
				next = s
			}
		}
		lo := (next.start - r.start) >> phys.PageShift
		hi := (next.end - r.start) >> phys.PageShift
		from := (at - r.start) >> phys.PageShift
		r.release(from, lo-from, classKernel)
		a.setFree(a.free + lo - from)
		if lo < hi {
			r.mark(lo, hi-lo, next.owner)
			a.owned[next.owner%16] += hi - lo
		}
		at = next.end
	}
}

// Release frees the frames from start up to end (exclusive), rounded inwards,
// that the owner holds by Reserve or as a part of a run of AllocN. What is left
// of the run on either side stays taken, as runs of their own. It counts what
// regions cover; there the range must lie in one run, and be nobody else's.
func (a *Allocator) Release(start, end uint64, o Owner) Code {
	if start > end || end > MaxAddress+1 {
		return a.fail(BadSize, start)
	}
	start = (start + phys.PageSize - 1) &^ (phys.PageSize - 1)
	end &^= phys.PageSize - 1
	code := BadAddress
	for k := range a.count {
		r := &a.regions[k]
		if lo, hi := r.clip(start, end); lo < hi {
			if code = a.removable(r, lo, hi, o); code != OK {
				return code
			}
		}
	}
	if code != OK {
		return a.fail(code, start)
	}
	for k := range a.count {
		r := &a.regions[k]
		if lo, hi := r.clip(start, end); lo < hi {
			r.remove(lo, hi, o)
			a.setFree(a.free + hi - lo)
			a.owned[o%16] -= hi - lo
		}
	}
	return OK
}

// clip returns the part of an address range that is the region's, in frames.
func (r *region) clip(start, end uint64) (lo, hi uint64) {
	start = max(start, r.start)
	end = min(end, r.start+r.n<<phys.PageShift)
	if start >= end {
		return 0, 0
	}
	return (start - r.start) >> phys.PageShift, (end - r.start) >> phys.PageShift
}

// removable returns whether frames lo to hi are a part of one run of the
// owner, and of nobody else.
func (a *Allocator) removable(r *region, lo, hi uint64, o Owner) Code {
	pa := r.start + lo<<phys.PageShift
	f := a.frame(pa)
	switch {
	case f.State != StateSingle && f.State != StateRun:
		return a.fail(NotTaken, pa)
	case f.Owner != o || o == Records:
		return a.fail(WrongOwner, pa)
	case f.Count != 1:
		return a.fail(Shared, pa)
	case f.Head+f.Run<<phys.PageShift < r.start+hi<<phys.PageShift:
		return a.fail(WrongCount, pa)
	}
	return OK
}

// remove frees frames lo to hi of the run that holds them.
func (r *region) remove(lo, hi uint64, o Owner) {
	first, _ := r.head(lo)
	end := first + 1
	if rec := r.rec(first); metaState(rec.get()) == StateRun {
		end = first + uint64(rec.run)
	}
	r.forget(first, 1)
	if first < lo {
		r.mark(first, lo-first, o)
	}
	if hi < end {
		r.mark(hi, end-hi, o)
	}
	r.release(lo, hi-lo, o.class())
}
