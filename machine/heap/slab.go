// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math/bits"

	"loam/machine/frame"
	"loam/machine/phys"
)

// Slabs, under the heap lock. A slab of one frame has its descriptor at the frame's
// end; that of a larger one is an object of class descriptors, whose slabs are of
// one frame. So making or giving back a slab needs one other at most.

// descriptors is the class that descriptors are taken from: 128 bytes.
const (
	descriptors    = 5
	descriptorSize = 4 * Smallest
)

// object returns the number of the object whose first granule is i.
func (s *slab) object(i uint64) uint64 {
	if s.per() == 1 {
		return i
	}
	return i / 3
}

// per is the number of granules of an object.
func (s *slab) per() uint64 {
	if c := s.class(); c%2 != 0 || c > Classes {
		return 1
	}
	return 3
}

func (s *slab) class() uint64 { return Kind{s.kind}.class() }

// size is the number of bytes of an object.
func (s *slab) size() uint64 { return Kind{s.kind}.Size() }

// address returns the physical address of granule i.
func (s *slab) address(i uint64) uint64 { return s.base + i<<(64-s.rotate) }

// granule returns the state byte's number of an address in the slab; one that is
// at least s.granules if no granule begins there.
func (s *slab) granule(pa uint64) uint64 {
	return bits.RotateLeft64(pa-s.base, int(s.rotate))
}

// take takes an object of class c, which has free ones, and returns its slab and
// granule: from a slab that is in use, so that others get empty.
func (h *Heap) take(c uint64) (*slab, uint64) {
	k := &h.classes[c]
	at := k.lists[listPartial]
	if at == 0 {
		at = k.lists[listEmpty]
	}
	s := slabAt(at)
	n := uint64(bits.TrailingZeros64(s.free[0]))
	if s.free[0] == 0 {
		n = 64 + uint64(bits.TrailingZeros64(s.free[1]))
	}
	s.free[n/64%2] &^= 1 << (n % 64)
	s.left--
	k.free--
	k.most = max(k.most, k.slabs*uint64(layoutOf(c).objects)-k.free)
	h.sort(s)
	return s, n * s.per()
}

// give makes the object with granule i free, which is the slab's own no longer, and
// gives the slab back if its class has enough without.
func (h *Heap) give(s *slab, i uint64) {
	h.put(s, i)
	if c := s.class(); s.list == listEmpty && h.spare(c, keep(s)) {
		h.drop(s)
	}
}

// keep is how many empty slabs as large as s a class keeps.
func keep(s *slab) uint64 {
	if s.frames <= retained>>phys.PageShift {
		return 1
	}
	return 0
}

// put makes the object with granule i free.
func (h *Heap) put(s *slab, i uint64) {
	n := s.object(i)
	*s.state(i) = stateFree
	s.free[n/64%2] |= 1 << (n % 64)
	s.left++
	h.classes[s.class()].free++
	h.sort(s)
}

// spare reports whether class c can give back one of its empty slabs and keep so
// many of them, and what it has promised.
func (h *Heap) spare(c, keep uint64) bool {
	k := &h.classes[c]
	return k.empty > keep && k.free-uint64(layoutOf(c).objects) >= k.promise
}

// sort puts a slab on the list where it belongs.
func (h *Heap) sort(s *slab) {
	if list := listOf(s); list != s.list {
		h.unlink(s)
		h.link(s, list)
	}
}

func listOf(s *slab) uint8 {
	switch s.left {
	case 0:
		return listFull
	case layoutOf(s.class()).objects:
		return listEmpty
	}
	return listPartial
}

func (h *Heap) link(s *slab, list uint8) {
	s.list = list
	k := &h.classes[s.class()]
	head := &k.lists[list%listNone]
	s.next, s.prev = *head, 0
	if *head != 0 {
		slabAt(*head).prev = s.at()
	}
	*head = s.at()
	if list == listEmpty {
		k.empty++
	}
}

func (h *Heap) unlink(s *slab) {
	if s.list >= listNone {
		return
	}
	k := &h.classes[s.class()]
	if s.next != 0 {
		slabAt(s.next).prev = s.prev
	}
	if s.prev != 0 {
		slabAt(s.prev).next = s.next
	} else {
		k.lists[s.list%listNone] = s.next
	}
	if s.list == listEmpty {
		k.empty--
	}
}

// grow makes a slab of class c.
func (h *Heap) grow(c uint64) bool {
	if layoutOf(c).frames == 1 {
		return h.growSmall(c)
	}
	s := h.newDescriptor()
	if s == nil {
		return false
	}
	l := layoutOf(c)
	pa, code := h.frames().AllocN(uint64(l.frames), naturalAlign(c), 0, frame.Slab)
	if code != frame.OK {
		h.freeDescriptor(s)
		return false
	}
	if !h.lay(s, pa, c) {
		h.frames().FreeN(pa, uint64(l.frames), frame.Slab)
		h.freeDescriptor(s)
		return false
	}
	return true
}

// growSmall makes a slab of one frame.
func (h *Heap) growSmall(c uint64) bool {
	pa, code := h.frames().Alloc(frame.Slab)
	if code != frame.OK {
		return false
	}
	end := (slabSize + granules(c) + Smallest - 1) &^ (Smallest - 1)
	if !h.lay(slabAt(h.mem.Virtual(pa+phys.PageSize-end)), pa, c) {
		h.frames().Free(pa, frame.Slab)
		return false
	}
	return true
}

// granules is the number of state bytes of a slab of class c.
func granules(c uint64) uint64 {
	n := uint64(layoutOf(c).objects)
	if c%2 == 0 {
		n *= 3
	}
	return n
}

// newDescriptor takes an object for a descriptor.
func (h *Heap) newDescriptor() *slab {
	if h.classes[descriptors].free == 0 && !h.growSmall(descriptors) {
		return nil
	}
	s, i := h.take(descriptors)
	*s.state(i) = stateHeap
	return slabAt(h.mem.Virtual(s.address(i)))
}

// freeDescriptor gives a descriptor back, and the slab that it was in if that is
// empty and not kept.
func (h *Heap) freeDescriptor(d *slab) {
	pa := uint64(d.at() - h.mem.Virtual(0))
	s := h.slabOf(pa)
	h.soil(pa, descriptorSize)
	h.put(s, s.granule(pa))
	if s.list == listEmpty && h.spare(descriptors, keep(s)) {
		h.dropSmall(s)
	}
}

// lay fills in the descriptor of a new slab of class c at pa, all of it free. It
// reports false when there is no frame for the page map.
func (h *Heap) lay(s *slab, pa, c uint64) bool {
	l := layoutOf(c)
	shift := bits.TrailingZeros64(sizeOf(c))
	*s = slab{base: pa, granules: granules(c), kind: c << kindClass, rotate: uint8(64 - shift),
		list: listNone, left: l.objects, frames: uint32(l.frames)}
	if !h.enter(s) {
		return false
	}
	n := uint64(l.objects)
	s.free = [2]uint64{1<<min(n, 64) - 1, 1<<(max(n, 64)-64) - 1}
	for i := range s.granules {
		*s.state(i) = stateInside
	}
	for i := uint64(0); i < s.granules; i += s.per() {
		*s.state(i) = stateFree
	}
	h.soil(pa, n*sizeOf(c))
	k := &h.classes[c]
	k.slabs++
	k.free += n
	h.sort(s)
	return true
}

// drop gives an empty slab back to the frame allocator.
func (h *Heap) drop(s *slab) {
	if s.frames == 1 {
		h.dropSmall(s)
		return
	}
	h.forget(s)
	h.frames().FreeN(s.base, uint64(s.frames), frame.Slab)
	h.freeDescriptor(s)
}

func (h *Heap) dropSmall(s *slab) {
	h.forget(s)
	h.frames().Free(s.base, frame.Slab)
}

// forget takes an empty slab out of its class and the page map.
func (h *Heap) forget(s *slab) {
	h.unlink(s)
	h.leave(s)
	k := &h.classes[s.class()]
	k.slabs--
	k.free -= uint64(s.left)
}
