// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"loam/machine/frame"
	"loam/machine/phys"
	"loam/machine/spin"
)

// Front is one processor's way into a Heap.
type Front struct{ at uintptr }

// Front returns the front of a processor, below MaxCPUs.
func (h *Heap) Front(cpu uint32) Front { return Front{h.fronts[cpu%MaxCPUs]} }

// park takes the magazine until unpark.
func (m *magazine) park()   { m.parked = m.word.Join() }
func (m *magazine) unpark() { m.word.Part(m.parked) }

// allocSlow goes Alloc's way when the magazine has nothing, was in use, or is none.
// n is the magazine's number if it is the caller's, else spin.Taken.
//
//go:noinline
func (f Front) allocSlow(k Kind, n uint64) (uint64, Code) {
	h := f.heap()
	c := k.class()
	switch {
	case c == 0 || c > runClass:
		return 0, h.refused(BadKind)
	case c > fronted:
		return h.allocLarge(k)
	}
	m := f.magazine(k)
	if n == spin.Taken {
		n = m.word.Take()
	}
	if n == 0 {
		n = h.refill(m, c)
	}
	if n == 0 {
		m.word.Give(0)
		h.Trim() // what lies in other fronts and classes
		if n = m.word.Take(); n == 0 {
			n = h.refill(m, c)
		}
	}
	if n == 0 || n > depth {
		m.word.Give(0)
		return 0, h.refused(NoMemory)
	}
	n--
	pa, state := m.objects[n], m.state(n)
	*state = k.state()
	m.allocs++
	m.word.Give(n)
	return h.hand(k, pa, state)
}

// hand returns the object at pa, which has just been taken for a kind, if nothing
// wrote to it while it was free; else it is never given again.
func (h *Heap) hand(k Kind, pa uint64, state *uint8) (uint64, Code) {
	at, ok := h.clean(pa, k.Size())
	if ok {
		return pa, OK
	}
	*state = stateBad
	h.lock.Lock()
	code := h.fail(Report{Code: Dirty, Addr: at, Object: pa, Size: k.Size(), Asked: k.owner(), Want: k.Size()})
	h.lock.Unlock()
	return 0, code
}

// refill puts up to a batch of objects into the empty magazine and returns their
// number. A slab is made only for the first.
func (h *Heap) refill(m *magazine, c uint64) uint64 {
	h.lock.Lock()
	n := uint64(0)
	for n < batch {
		if h.classes[c].free == 0 && (n > 0 || !h.grow(c)) {
			break
		}
		s, i := h.take(c)
		m.put(n, s.address(i), s, i)
		n++
	}
	h.lock.Unlock()
	return n
}

// flush gives the first k of the n objects of a magazine, those that lie there
// longest, back to their slabs, under the heap lock, and returns how many are left.
func (h *Heap) flush(m *magazine, n, k uint64) uint64 {
	if n > depth || k > n {
		return 0
	}
	for i := range k {
		pa := m.objects[i]
		s := h.slabOf(pa)
		if s == nil || s.granule(pa) >= s.granules {
			h.fail(Report{Code: Corrupt, Addr: pa})
			continue
		}
		h.give(s, s.granule(pa))
	}
	copy(m.objects[:n-k], m.objects[k:n])
	copy(m.states[:n-k], m.states[k:n])
	return n - k
}

// freeSlow goes Free's way when the magazine is full, was in use, or is none, and
// finds out what is wrong when something is. n is the magazine's
// number if it is the caller's, else spin.Taken.
//
//go:noinline
func (f Front) freeSlow(k Kind, pa uint64, n uint64) Code {
	h := f.heap()
	if code := h.refuse(k, pa); code != OK {
		if n != spin.Taken { // another processor was freeing it, too
			f.magazine(k).word.Give(n)
		}
		return code
	}
	s := h.slabOf(pa)
	i := s.granule(pa)
	h.soil(pa, k.Size())
	if k.class() > fronted {
		h.lock.Lock()
		if k.class() == runClass {
			h.dropRun(s)
		} else {
			h.give(s, i)
		}
		h.lock.Unlock()
		return OK
	}
	m := f.magazine(k)
	if n == spin.Taken {
		n = m.word.Take()
	}
	if n >= depth {
		h.lock.Lock()
		n = h.flush(m, depth, batch)
		h.lock.Unlock()
	}
	m.put(n, pa, s, i)
	m.word.Give(n + 1)
	return OK
}

// allocLarge takes an object of a class without magazines, or a run of frames.
func (h *Heap) allocLarge(k Kind) (uint64, Code) {
	s, i := h.takeLarge(k)
	if s == nil {
		h.Trim()
		if s, i = h.takeLarge(k); s == nil {
			return 0, h.refused(NoMemory)
		}
	}
	return h.hand(k, s.address(i), s.state(i))
}

// takeLarge takes an object that is not a front's; nil and 0 if there is none.
func (h *Heap) takeLarge(k Kind) (s *slab, i uint64) {
	h.lock.Lock()
	if c := k.class(); c == runClass {
		s = h.takeRun(k)
	} else if h.classes[c].free > 0 || h.grow(c) {
		s, i = h.take(c)
		h.classes[c].allocs++
	}
	if s != nil {
		*s.state(i) = k.state()
	}
	h.lock.Unlock()
	return s, i
}

// takeRun takes a run of frames: a slab of one object that is in no class.
func (h *Heap) takeRun(k Kind) *slab {
	s := h.newDescriptor()
	if s == nil {
		return nil
	}
	pa, code := h.frames().AllocN(k.frames(), k.align(), 0, frame.Slab)
	if code != frame.OK {
		h.freeDescriptor(s)
		return nil
	}
	*s = slab{base: pa, granules: 1, kind: k.word &^ kindState, rotate: 64 - phys.PageShift,
		list: listNone, frames: uint32(k.frames())}
	if !h.enter(s) {
		h.frames().FreeN(pa, k.frames(), frame.Slab)
		h.freeDescriptor(s)
		return nil
	}
	h.soil(pa, k.Size())
	h.link(s, listFull)
	h.runs.Slabs++
	h.runs.Allocs++
	h.runs.Frames += k.frames()
	h.runs.Most = max(h.runs.Most, h.runs.Slabs)
	return s
}

// dropRun gives a run of frames back.
func (h *Heap) dropRun(s *slab) {
	h.unlink(s)
	h.leave(s)
	h.runs.Slabs--
	h.runs.Frames -= uint64(s.frames)
	h.frames().FreeN(s.base, uint64(s.frames), frame.Slab)
	h.freeDescriptor(s)
}
