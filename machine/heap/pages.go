// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math/bits"

	"loam/machine/frame"
	"loam/machine/phys"
)

// The page map says which slab a page is in: a root with a word for each chunk of
// 2 MiB, and leaves of one frame with a word for each page. It is exact for pages in
// slabs, and read without a lock: the words of a page stay as they are while an
// object in it is somebody's.

const (
	chunkShift = phys.PageShift + 9
	chunkPages = 512
	leafWords  = phys.PageSize / 8
)

// initPages makes an empty page map for addresses below end.
func (h *Heap) initPages(end uint64) bool {
	n := uint64(1) << bits.Len64((end-1)>>chunkShift)
	frames := rootFrames(n)
	absent, code := h.frames().Alloc(frame.Slab)
	if code != frame.OK {
		return false
	}
	root, code := h.frames().AllocN(frames, 0, 0, frame.Slab)
	if code != frame.OK {
		h.frames().Free(absent, frame.Slab)
		return false
	}
	h.own += frames + 1
	h.absent, h.root, h.chunks = h.mem.Virtual(absent), h.mem.Virtual(root), n
	fill(words(h.absent, leafWords), uint64(h.nothing()))
	fill(words(h.root, n), uint64(h.absent))
	clear(words(h.root+uintptr(n)*8, n))
	return true
}

func rootFrames(chunks uint64) uint64 {
	return (2*chunks*8 + phys.PageSize - 1) >> phys.PageShift
}

// dropPages undoes initPages.
func (h *Heap) dropPages() {
	h.frames().Free(uint64(h.absent-h.mem.Virtual(0)), frame.Slab)
	h.frames().FreeN(uint64(h.root-h.mem.Virtual(0)), rootFrames(h.chunks), frame.Slab)
	h.own, h.absent, h.root, h.chunks = 0, 0, 0, 0
}

// fill makes all of w v: each copy doubles what is there.
func fill(w []uint64, v uint64) {
	w[0] = v
	for n := 1; n < len(w); n *= 2 {
		copy(w[n:], w[:n])
	}
}

// entry returns the page map's word for the page of pa, whose chunk has a leaf.
func (h *Heap) entry(pa uint64) *uint64 {
	leaf := uintptr(*word(h.root + uintptr(pa>>chunkShift&(h.chunks-1))<<3))
	return word(leaf + uintptr(pa>>phys.PageShift%chunkPages)<<3)
}

// slabOf returns the slab that holds pa, or nil.
func (h *Heap) slabOf(pa uint64) *slab {
	if pa>>chunkShift >= h.chunks {
		return nil
	}
	s := slabAt(uintptr(*h.entry(pa)))
	if s.granules == 0 {
		return nil
	}
	return s
}

// enter puts a slab into the page map: all its pages, or the first if it is one
// object. It reports false when there is no frame for a leaf.
func (h *Heap) enter(s *slab) bool {
	pages := s.pages()
	for i := range pages {
		if !h.ensureLeaf(s.base + i<<phys.PageShift) {
			return false
		}
	}
	for i := range pages {
		pa := s.base + i<<phys.PageShift
		*h.entry(pa) = uint64(s.at())
		*h.leafCount(pa)++
	}
	return true
}

// leave takes a slab out of the page map.
func (h *Heap) leave(s *slab) {
	for i := range s.pages() {
		pa := s.base + i<<phys.PageShift
		*h.entry(pa) = uint64(h.nothing())
		if *h.leafCount(pa)--; *h.leafCount(pa) == 0 {
			h.dropLeaf(pa)
		}
	}
}

// dropLeaf gives the leaf of pa back, which has no entries. It would lie in the way
// of large blocks. One is kept, blank as it is, so that a slab that comes and goes
// costs no leaf each time.
func (h *Heap) dropLeaf(pa uint64) {
	leaf := word(h.root + uintptr(pa>>chunkShift)<<3)
	old := h.spareLeaf
	h.spareLeaf, *leaf = uintptr(*leaf), uint64(h.absent)
	if old != 0 {
		h.freeLeaf(old)
	}
}

func (h *Heap) freeLeaf(at uintptr) {
	h.frames().Free(uint64(at-h.mem.Virtual(0)), frame.Slab)
	h.own--
}

// pages is how many pages of the slab the page map knows.
func (s *slab) pages() uint64 {
	if s.granules == s.per() {
		return 1
	}
	return uint64(s.frames)
}

// leafCount returns the number of entries in the leaf of pa.
func (h *Heap) leafCount(pa uint64) *uint64 {
	return word(h.root + uintptr(h.chunks+pa>>chunkShift)<<3)
}

func (h *Heap) ensureLeaf(pa uint64) bool {
	if pa>>chunkShift >= h.chunks {
		return false
	}
	leaf := word(h.root + uintptr(pa>>chunkShift)<<3)
	if *leaf != uint64(h.absent) {
		return true
	}
	if h.spareLeaf == 0 {
		at, code := h.frames().Alloc(frame.Slab)
		if code != frame.OK {
			return false
		}
		h.own++
		h.spareLeaf = h.mem.Virtual(at)
		copy(words(h.spareLeaf, leafWords), words(h.absent, leafWords))
	}
	*leaf, h.spareLeaf = uint64(h.spareLeaf), 0
	return true
}

// trimPages gives leaves without entries back.
func (h *Heap) trimPages() {
	for i := range h.chunks {
		leaf := word(h.root + uintptr(i)<<3)
		if *leaf != uint64(h.absent) && *h.leafCount(i << chunkShift) == 0 {
			h.dropLeaf(i << chunkShift)
		}
	}
	if h.spareLeaf != 0 {
		h.freeLeaf(h.spareLeaf)
		h.spareLeaf = 0
	}
}

// nextSlab returns the slab with the lowest address at or above pa, or nil.
func (h *Heap) nextSlab(pa uint64) *slab {
	for ; pa>>chunkShift < h.chunks; pa += phys.PageSize {
		for pa>>chunkShift < h.chunks && *h.leafCount(pa) == 0 {
			pa = (pa>>chunkShift + 1) << chunkShift
		}
		if pa>>chunkShift >= h.chunks {
			break
		}
		if s := slabAt(uintptr(*h.entry(pa))); s.granules != 0 && s.base == pa {
			return s
		}
	}
	return nil
}
