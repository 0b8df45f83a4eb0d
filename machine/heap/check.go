// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math/bits"

	"loam/machine/frame"
	"loam/machine/phys"
)

// tally is what Check finds.
type tally struct {
	slabs, free, empty, cached [Classes + 1]uint64
	runs, frames               uint64
	descriptors                uint64 // objects taken for descriptors
	needed                     uint64 // descriptors that slabs have in objects
}

// Check walks everything and returns Corrupt, with an address in Last, unless every
// invariant holds: the frames of each slab are the heap's, in one run; its state bytes,
// bitmap and counts agree; it is on the list where it belongs, and so is every slab on
// the lists; the fronts hold objects that are so recorded, each once; and all counts
// agree. Its cost is linear in the memory that the heap has.
func (h *Heap) Check() Code {
	h.stop()
	code := h.check()
	h.start()
	return code
}

func (h *Heap) check() Code {
	var t tally
	for s := h.nextSlab(0); s != nil; s = h.nextSlab(s.base + uint64(s.frames)<<phys.PageShift) {
		if !h.checkSlab(s, &t) {
			return h.fail(Report{Code: Corrupt, Addr: s.base})
		}
	}
	if at, ok := h.checkFronts(&t); !ok {
		return h.fail(Report{Code: Corrupt, Addr: at})
	}
	for c := uint64(1); c <= Classes; c++ {
		k := &h.classes[c]
		if k.slabs != t.slabs[c] || k.free != t.free[c] || k.empty != t.empty[c] || t.cached[c] != 0 || !h.checkLists(c, k.slabs) {
			return h.fail(Report{Code: Corrupt, Size: sizeOf(c)})
		}
	}
	if t.runs != h.runs.Slabs || t.frames != h.runs.Frames || t.descriptors != t.needed ||
		!h.checkLists(runClass, h.runs.Slabs) || !h.checkPages() {
		return h.fail(Report{Code: Corrupt})
	}
	return OK
}

// checkSlab checks one slab and adds it to t. Its cached objects are counted; the
// fronts' are subtracted later.
func (h *Heap) checkSlab(s *slab, t *tally) bool {
	f := h.frames().Frame(s.base)
	if f.Owner != frame.Slab || f.Head != s.base || f.Run != uint64(s.frames) {
		return false
	}
	if s.frames > 1 || s.class() == runClass {
		t.needed++
	}
	c := s.class()
	if c == runClass {
		t.runs++
		t.frames += uint64(s.frames)
		kind := uint64(s.frames)<<kindFrames | runClass<<kindClass // with any alignment
		return s.granules == 1 && s.rotate == 64-phys.PageShift && s.list == listFull && s.kind&^(0xff<<kindAlign) == kind &&
			(*s.state(0) < stateTaken && uint64(*s.state(0))>>3 == 0 || *s.state(0) == stateBad)
	}
	l := layoutOf(c)
	if c == 0 || c > Classes || s.kind != c<<kindClass || uint64(s.frames) != uint64(l.frames) || s.granules != granules(c) ||
		int(s.rotate) != 64-bits.TrailingZeros64(sizeOf(c)) {
		return false
	}
	free := uint64(bits.OnesCount64(s.free[0]) + bits.OnesCount64(s.free[1]))
	if free != uint64(s.left) || free > uint64(l.objects) || !s.checkStates(c, t) {
		return false
	}
	t.slabs[c]++
	t.free[c] += free
	if s.list == listEmpty {
		t.empty[c]++
	}
	return s.list == listOf(s)
}

func (s *slab) checkStates(c uint64, t *tally) bool {
	for i := range s.granules {
		state := *s.state(i)
		if i%s.per() != 0 {
			if state != stateInside {
				return false
			}
			continue
		}
		n := s.object(i)
		if (state == stateFree) != (s.free[n/64%2]>>(n%64)&1 != 0) {
			return false
		}
		switch {
		case state == stateCached:
			t.cached[c]++
		case state == stateHeap && c == descriptors:
			t.descriptors++
		case (state >= stateTaken || uint64(state)>>3 != slot(c)) && state != stateFree && state != stateBad:
			return false
		}
	}
	return true
}

// checkFronts checks the fronts' objects and takes them off the count of those that
// slabs say are cached: as each is marked when it is met, a second time is noticed.
func (h *Heap) checkFronts(t *tally) (uint64, bool) {
	for cpu := range h.used {
		f := h.ownFront(cpu)
		if f == nil {
			continue
		}
		for c := range f.all {
			m := &f.all[c]
			if m.parked > depth {
				return cpu, false
			}
			for k := range m.parked {
				pa := m.objects[k%depth]
				s := h.slabOf(pa)
				if s == nil || s.granule(pa) >= s.granules || m.state(k) != s.state(s.granule(pa)) ||
					s.class() != uint64(c)+1 || *s.state(s.granule(pa)) != stateCached || m.twice(k) {
					return pa, false
				}
				t.cached[c+1]--
			}
		}
	}
	return 0, true
}

// twice reports whether object k of a magazine is also an earlier one. In two
// magazines it would be missed here, and make the count of cached objects wrong.
func (m *magazine) twice(k uint64) bool {
	for i := range k {
		if m.objects[i%depth] == m.objects[k%depth] {
			return true
		}
	}
	return false
}

// checkLists checks that the lists of class c have its slabs, linked both ways. That
// each slab says the right list was checked before.
func (h *Heap) checkLists(c, slabs uint64) bool {
	k := &h.classes[c]
	n := uint64(0)
	for list, at := range k.lists {
		prev := uintptr(0)
		for ; at != 0; n++ {
			s := slabAt(at)
			if n >= slabs || s.list != uint8(list) || s.prev != prev || s.class() != c || h.slabOf(s.base) != s {
				return false
			}
			at, prev = s.next, at
		}
	}
	return n == slabs
}

// checkPages checks that the page map has nothing but the pages of slabs.
func (h *Heap) checkPages() bool {
	for chunk := range h.chunks {
		n := uint64(0)
		for i := range uint64(chunkPages) {
			pa := chunk<<chunkShift + i<<phys.PageShift
			s := h.slabOf(pa)
			if s == nil {
				continue
			}
			if at := (pa - s.base) >> phys.PageShift; pa < s.base || at >= s.pages() {
				return false
			}
			n++
		}
		if n != *h.leafCount(chunk << chunkShift) {
			return false
		}
	}
	return true
}
