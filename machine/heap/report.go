// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"loam/machine/frame"
	"loam/machine/phys"
)

// Last returns what the last failed operation found.
func (h *Heap) Last() Report {
	h.lock.Lock()
	last := h.last
	h.lock.Unlock()
	return last
}

// fail notes a failure and returns its code.
func (h *Heap) fail(r Report) Code {
	h.last = r
	return r.Code
}

// refused notes a failure that concerns no object.
func (h *Heap) refused(code Code) Code {
	h.lock.Lock()
	h.fail(Report{Code: code})
	h.lock.Unlock()
	return code
}

// refuse finds out why the object at pa can't be freed by a kind. OK: it can.
func (h *Heap) refuse(k Kind, pa uint64) Code {
	if s := h.slabOf(pa); s != nil {
		if i := s.granule(pa); i < s.granules && uint64(*s.state(i)) == s.kind^k.word {
			return OK
		}
	}
	r := h.Object(pa)
	r.Asked, r.Want = k.owner(), k.Size()
	switch {
	case k.class() == 0 || k.class() > runClass:
		r.Code = BadKind
	case r.Object == 0:
		r.Code = NotGiven
	case r.Object != pa:
		r.Code = Interior
	case !r.Taken:
		r.Code = NotTaken
	case r.Owner != k.owner():
		r.Code = WrongOwner
	default:
		r.Code = WrongSize
	}
	h.lock.Lock()
	code := h.fail(r)
	h.lock.Unlock()
	return code
}

// Object describes the object that holds physical address pa.
func (h *Heap) Object(pa uint64) Report {
	r := Report{Addr: pa}
	s := h.slabOf(pa)
	if s == nil { // a later page of an object that is a slab of its own, perhaps
		f := h.frames().Frame(pa)
		if f.Owner != frame.Slab {
			return r
		}
		if s = h.slabOf(f.Head); s == nil {
			return r
		}
	}
	n := (pa - s.base) / s.size()
	if n*s.per() >= s.granules {
		return r // the slab's end, its descriptor
	}
	r.Object, r.Size = s.base+n*s.size(), s.size()
	if state := *s.state(n * s.per()); state < stateTaken {
		r.Taken, r.Owner = true, Owner(state&kindOwner)
	}
	return r
}

// stop takes all magazines, so that no object changes hands, and the lock. There is
// one order of the magazines, and nobody else takes two.
func (h *Heap) stop() {
	for cpu := range h.used {
		if f := h.ownFront(cpu); f != nil {
			for c := range f.all {
				f.all[c].park()
			}
		}
	}
	h.lock.Lock()
}

// start ends stop.
func (h *Heap) start() {
	h.lock.Unlock()
	for cpu := range h.used {
		if f := h.ownFront(cpu); f != nil {
			for c := range f.all {
				f.all[c].unpark()
			}
		}
	}
}

// Stats computes the heap's figures into *t.
func (h *Heap) Stats(t *Stats) {
	h.stop()
	*t = Stats{Frames: h.total()}
	for c := uint64(1); c <= Classes; c++ {
		k, l, s := &h.classes[c], layoutOf(c), &t.Class[c]
		*s = ClassStats{Size: sizeOf(c), Slabs: k.slabs, Frames: k.slabs * uint64(l.frames),
			Objects: k.slabs * uint64(l.objects), Free: k.free, Most: k.most, Allocs: k.allocs}
	}
	for cpu := range h.used {
		f := h.ownFront(cpu)
		if f == nil {
			continue
		}
		for c := range f.all {
			m := &f.all[c]
			t.Class[c+1].Cached += uint64(m.parked)
			t.Class[c+1].Allocs += m.allocs
		}
	}
	for c := range t.Class {
		s := &t.Class[c]
		t.Slack += s.Frames<<phys.PageShift - s.Used()*s.Size
	}
	t.Class[0] = h.runs
	t.Class[0].Objects = h.runs.Slabs
	h.start()
}

// Owned computes what an owner has into *u. It walks all slabs.
func (h *Heap) Owned(o Owner, u *Usage) {
	h.stop()
	*u = Usage{}
	for c := uint64(1); c <= runClass; c++ {
		if c <= Classes && h.classes[c].slabs == 0 {
			continue
		}
		for list := range h.classes[c].lists {
			for at := h.classes[c].lists[list]; at != 0; at = slabAt(at).next {
				s := slabAt(at)
				n := s.owned(o)
				u.Objects += n
				u.Bytes += n * s.size()
				u.Class[c%runClass] += n
			}
		}
	}
	h.start()
}

// owned is the number of objects of a slab that an owner has.
func (s *slab) owned(o Owner) (n uint64) {
	if s.list == listEmpty {
		return 0
	}
	per := s.per()
	for i := uint64(0); i < s.granules; i += per {
		if state := *s.state(i); state < stateTaken && Owner(state&kindOwner) == o {
			n++
		}
	}
	return n
}
