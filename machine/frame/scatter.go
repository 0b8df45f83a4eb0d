// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"

	"loam/machine/phys"
)

// Extent is a run of physically contiguous frames.
type Extent struct {
	Addr   uint64 // physical address of the first
	Frames uint64
}

// AllocScattered takes n frames wherever they are, in as few extents as it finds,
// the largest first, and stores them in list. They may lie in several regions; all
// end at or below limit (0 for anywhere). It returns how many entries of the list
// it used. Each extent is a run like AllocN's, and may be freed on its own. All or
// nothing: with an error the list's entries mean nothing. NoMemory: there aren't
// n frames, or for a user owner not beside the reserve; Scattered: not in as few
// pieces as the list has entries; BadSize: n is 0.
func (a *Allocator) AllocScattered(n, limit uint64, o Owner, list []Extent) (used int, code Code) {
	switch {
	case n == 0:
		return 0, a.refused(BadSize)
	case !o.valid():
		return 0, a.refused(BadOwner)
	case limit == 0 || limit > MaxAddress:
		limit = MaxAddress
	}
	a.lock.Lock()
	used, code = a.scattered(n, limit, o, list)
	if code != OK {
		a.drainAll() // what lies in the caches keeps blocks apart
		if used, code = a.scattered(n, limit, o, list); code != OK {
			a.fail(code, 0)
		}
	}
	a.lock.Unlock()
	return used, code
}

// scattered takes one extent after the other, and gives all back if they don't
// suffice.
func (a *Allocator) scattered(n, limit uint64, o Owner, list []Extent) (used int, code Code) {
	if !a.mayTake(n, o.class()) {
		return 0, NoMemory
	}
	for left := n; left > 0; used++ {
		if used == len(list) {
			a.undo(list[:used], o)
			return 0, Scattered
		}
		x, ok := a.largest(left, limit, o)
		if !ok { // all that is free lies beyond the limit
			a.undo(list[:used], o)
			return 0, NoMemory
		}
		list[used] = x
		left -= x.Frames
	}
	return used, OK
}

// largest takes n frames in one piece, or else the largest piece there is.
func (a *Allocator) largest(n, limit uint64, o Owner) (Extent, bool) {
	most := uint8(min(bits.Len64(n-1), MaxOrder))
	for order := int(most); order >= 0; order-- {
		size := min(n, 1<<order)
		if pa, ok := a.contiguous(size, limit, uint8(order), o); ok {
			return Extent{pa, size}, true
		}
	}
	return Extent{}, false
}

// undo frees what scattered has taken.
func (a *Allocator) undo(list []Extent, o Owner) {
	for _, x := range list {
		if r := a.region(x.Addr); r != nil {
			a.release(r, (x.Addr-r.start)>>phys.PageShift, x.Frames, o)
		}
	}
}

// FreeScattered gives the extents of a list back, each of which must be a whole
// run of the owner's. An error means that none was freed; Last names the first one
// that could not be.
func (a *Allocator) FreeScattered(list []Extent, o Owner) Code {
	a.lock.Lock()
	code := a.freeScattered(list, o)
	a.lock.Unlock()
	return code
}

// claimed is set in the record of an extent that is about to be freed, so that the
// same one is not met twice.
const claimed = 1 << 31

func (a *Allocator) freeScattered(list []Extent, o Owner) Code {
	for k, x := range list {
		rec := a.extent(x, o)
		if rec == nil {
			a.unclaim(list[:k])
			if a.extent(x, o) != nil { // it is there twice: the second is free by then
				return a.fail(NotTaken, x.Addr)
			}
			return a.refuse(x.Addr, x.Frames, o)
		}
		rec.set(rec.get() | claimed)
	}
	a.unclaim(list)
	a.undo(list, o)
	return OK
}

// unclaim takes back what freeScattered has set.
func (a *Allocator) unclaim(list []Extent) {
	for _, x := range list {
		if rec := a.taken(x.Addr); rec != nil {
			rec.set(rec.get() &^ claimed)
		}
	}
}

// extent returns the record of the owner's run, or single frame, x, or nil.
func (a *Allocator) extent(x Extent, o Owner) *record {
	r, i := a.whole(x.Addr, x.Frames, o)
	if r == nil {
		return nil
	}
	return r.rec(i)
}
