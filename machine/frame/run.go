// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"

	"loam/machine/phys"
)

// AllocN takes n physically contiguous frames and returns the address of the
// first. The address is a multiple of align, a power of two in bytes (0 for
// 4096); the last byte is at or below limit (0 for anywhere). One frame taken
// this way is freed by Free or by FreeN with 1.
func (a *Allocator) AllocN(n, align, limit uint64, o Owner) (uint64, Code) {
	align = max(align, phys.PageSize)
	switch {
	case n == 0 || n > MaxRun || align > MaxRun<<phys.PageShift || align&(align-1) != 0:
		return 0, a.refused(BadSize)
	case !o.valid():
		return 0, a.refused(BadOwner)
	case limit == 0 || limit > MaxAddress:
		limit = MaxAddress
	}
	if n == 1 && align == phys.PageSize && limit >= MaxAddress {
		return a.Alloc(o)
	}
	order := uint8(max(bits.Len64(n-1), bits.TrailingZeros64(align)-phys.PageShift))
	a.lock.Lock()
	pa, ok := a.contiguous(n, limit, order, o)
	if !ok {
		a.drainAll() // what lies in the caches may be what keeps a block apart
		pa, ok = a.contiguous(n, limit, order, o)
	}
	code := OK
	if !ok {
		code = a.fail(NoMemory, 0)
	}
	a.lock.Unlock()
	return pa, code
}

// refused notes an error in the arguments of a request.
func (a *Allocator) refused(code Code) Code {
	a.lock.Lock()
	a.fail(code, 0)
	a.lock.Unlock()
	return code
}

// contiguous takes the first n frames of a block of the order.
func (a *Allocator) contiguous(n, limit uint64, order uint8, o Owner) (uint64, bool) {
	class := o.class()
	if !a.mayTake(n, class) {
		return 0, false
	}
	for k := a.count; k > 0; k-- {
		r := &a.regions[(k-1)%MaxRegions]
		if i, ok := r.take(n, r.below(limit), order, class); ok {
			r.mark(i, n, o)
			a.setFree(a.free - n)
			a.owned[o%16] += n
			return r.start + i<<phys.PageShift, true
		}
	}
	return 0, false
}

// mayTake says whether n frames are free outside of caches, and the class may have them.
func (a *Allocator) mayTake(n uint64, class uint8) bool {
	return n <= a.free && (class == classKernel || a.free-n >= a.reserve)
}

// below returns how many of the region's frames lie at or below an address.
func (r *region) below(limit uint64) uint64 {
	if limit+1 <= r.start {
		return 0
	}
	return min(r.n, (limit+1-r.start)>>phys.PageShift)
}

// FreeN gives back the run of n frames at pa that the owner took, whole.
func (a *Allocator) FreeN(pa, n uint64, o Owner) Code {
	if n == 1 {
		return a.Free(pa, o)
	}
	a.lock.Lock()
	code := a.freeRun(pa, n, o)
	a.lock.Unlock()
	return code
}

func (a *Allocator) freeRun(pa, n uint64, o Owner) Code {
	r, i := a.whole(pa, n, o)
	if r == nil {
		return a.refuse(pa, n, o)
	}
	a.release(r, i, n, o)
	return OK
}

// whole returns where the owner's run, or single frame, of n frames at pa is, if there
// is one that nobody else refers to.
func (a *Allocator) whole(pa, n uint64, o Owner) (*region, uint64) {
	r := a.region(pa)
	if r == nil || pa%phys.PageSize != 0 {
		return nil, 0
	}
	i := (pa - r.start) >> phys.PageShift
	if !r.isReady(i) {
		return nil, 0
	}
	rec := r.rec(i)
	switch rec.get() {
	case newMeta(StateSingle, o, 1):
		if n == 1 {
			return r, i
		}
	case newMeta(StateRun, o, 1):
		if uint64(rec.run) == n {
			return r, i
		}
	}
	return nil, 0
}

// release frees the owner's run, or single frame, of n frames at i.
func (a *Allocator) release(r *region, i, n uint64, o Owner) {
	if checked {
		a.fill(r.start+i<<phys.PageShift, n)
	}
	r.forget(i, 1)
	r.release(i, n, o.class())
	a.setFree(a.free + n)
	a.owned[o%16] -= n
}

// Split turns the run of n frames at pa that the owner took into single frames,
// to be freed one by one.
func (a *Allocator) Split(pa, n uint64, o Owner) Code {
	a.lock.Lock()
	code := OK
	if r, i := a.whole(pa, n, o); r == nil {
		code = a.refuse(pa, n, o)
	} else {
		single := newMeta(StateSingle, o, 1)
		for end := i + n; i < end; i++ {
			if i%recordsPage == 0 { // else it lies on the page of the record before
				r.touch(i)
			}
			r.rec(i).set(single)
		}
	}
	a.lock.Unlock()
	return code
}
