// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"sync/atomic"

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
	f := a.frame(pa)
	f.Code = code
	a.record(&f)
	return code
}

// answer is fail for a memory map, which nobody here is to blame for.
func (a *Allocator) answer(code Code, pa uint64) Code {
	a.last = a.frame(pa)
	a.last.Code = code
	return code
}

// record notes a failure; one that its caller is to blame for with the callers.
//
//go:noinline
func (a *Allocator) record(f *Report) {
	if f.Code.Mistake() {
		callers(&f.Callers)
		a.mistake = *f
		atomic.StoreUint64(&a.mistakes, a.mistakes+1)
	}
	a.last = *f
	if f.Code.Mistake() {
		tell(*f)
	}
}

// Mistakes returns the number of mistakes of callers so far: see Code.Mistake.
func (a *Allocator) Mistakes() uint64 { return atomic.LoadUint64(&a.mistakes) }

// Mistake returns what the last mistake was about.
func (a *Allocator) Mistake() Report {
	a.lock.Lock()
	f := a.mistake
	a.lock.Unlock()
	return f
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
	a.record(&f)
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
	f.Zone = zoneOf(r.start)
	i := (pa - r.start) >> phys.PageShift
	if h, order, ok := r.block(i); ok {
		f.State, f.Order, f.Run = StateFree, order, 1<<order
		f.Head = r.start + h<<phys.PageShift
		return f
	}
	h, ok := r.head(i)
	if !ok {
		return f
	}
	m := r.rec(h).get()
	f.Run = 1
	if metaState(m) == StateRun {
		f.Run = uint64(r.rec(h).run)
	}
	if i-h >= f.Run {
		f.Run = 0
		return f
	}
	f.State, f.Owner, f.Count = metaState(m), metaOwner(m), metaCount(m)
	f.Head = r.start + h<<phys.PageShift
	return f
}

// Stats returns the allocator's figures, of one moment.
func (a *Allocator) Stats() Stats {
	var held [2 * MaxCPUs]uint64
	a.still(&held)
	s := Stats{Total: a.total, Free: a.free, Reserve: a.reserve, Regions: int(a.count)}
	for _, n := range held {
		s.Cached += n
	}
	s.Free += s.Cached
	for o := range s.Owned {
		s.Owned[o] = a.sum(Owner(o))
	}
	if s.Cached > 0 {
		s.Largest = 1
	}
	for k := range a.count {
		r := &a.regions[k%MaxRegions]
		s.Largest = max(s.Largest, r.largest())
	}
	a.goOn(&held)
	return s
}

// sum adds up what an owner holds; nothing moves.
func (a *Allocator) sum(o Owner) uint64 {
	n := a.owned[o%16]
	for c := range a.used {
		n += a.caches[c%MaxCPUs].fronts[o.class()].owned[o%16]
	}
	return n
}

// Owned returns the number of frames that the owner holds. The difference of
// two calls tells what an operation in between has cost it.
func (a *Allocator) Owned(o Owner) uint64 {
	var held [2 * MaxCPUs]uint64
	a.still(&held)
	n := a.sum(o)
	a.goOn(&held)
	return n
}
