// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"

	"loam/machine/phys"
)

// Last returns what the last failed operation found.
func (a *Allocator) Last() Report {
	a.lock.Lock()
	last := a.last
	a.lock.Unlock()
	return last
}

// fail records a failure at pa and returns its code.
//
//go:noinline
func (a *Allocator) fail(code Code, pa uint64) Code {
	a.last = a.frame(pa)
	a.last.Code = code
	return code
}

// refuse finds out why the owner can't free n frames at pa.
//
//go:noinline
func (a *Allocator) refuse(pa, n uint64, o Owner) Code {
	f := a.frame(pa)
	code := Corrupt
	switch {
	case f.State == StateNone || pa%phys.PageSize != 0:
		code = BadAddress
	case !o.valid():
		code = BadOwner
	case f.State == StateFree || f.State == StateCached:
		code = NotTaken
	case f.Head != pa:
		code = NotHead
	case f.Owner != o:
		code = WrongOwner
	case f.Run != n:
		code = WrongCount
	case f.Count != 1:
		code = Shared
	}
	f.Code = code
	a.last = f
	return code
}

// Frame describes the frame that holds physical address pa. A zero State says
// that it is in no region.
func (a *Allocator) Frame(pa uint64) Report {
	a.lock.Lock()
	f := a.frame(pa)
	a.lock.Unlock()
	return f
}

func (a *Allocator) frame(pa uint64) Report {
	f := Report{Addr: pa}
	r := a.region(pa)
	if r == nil {
		return f
	}
	h, ok := r.head((pa - r.start) >> phys.PageShift)
	if !ok {
		return f
	}
	m := r.rec(h).meta
	f.State, f.Owner, f.Order = metaState(m), metaOwner(m), metaOrder(m)
	f.Run = 1 << f.Order
	if f.State == StatePart {
		h = uint64(r.rec(h).prev)
		m = r.rec(h).meta
	}
	if metaState(m) == StateRun {
		f.Run = uint64(r.rec(h).next)
	}
	f.Count = uint32(m)
	f.Head = r.start + h<<phys.PageShift
	return f
}

// Stats returns the allocator's figures.
func (a *Allocator) Stats() Stats {
	a.lock.Lock()
	s := a.stats()
	a.lock.Unlock()
	return s
}

func (a *Allocator) stats() Stats {
	s := Stats{Total: a.total, Reserve: a.reserve, Regions: int(a.count)}
	for c := range a.caches {
		s.Cached += a.caches[c].stacks[0].n + a.caches[c].stacks[1].n
	}
	s.Free = a.free + s.Cached
	copy(s.Owned[:], a.owned[:])
	if s.Cached > 0 {
		s.Largest = 1
	}
	for k := range a.count {
		r := &a.regions[k]
		if m := r.mask[0] | r.mask[1] | r.mask[2]; m != 0 {
			s.Largest = max(s.Largest, 1<<(bits.Len32(m)-1))
		}
	}
	return s
}
