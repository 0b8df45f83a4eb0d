// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"loam/machine/frame"
	"loam/machine/phys"
	"loam/machine/spin"
)

// Heap cuts frames into objects of the size classes. An operation has interrupts
// off, as for every machine lock.
type Heap struct {
	mem    phys.Memory
	source uintptr // address of the frame allocator
	fronts [MaxCPUs]uintptr
	used   uint64 // processors, from the first on, of which some may have fronts of their own

	lock    spin.Lock // guards everything below
	classes [Classes + 2]class
	runs    ClassStats // what is larger than every class: the slabs of runClass
	own     uint64     // frames of the page map and the fronts
	root    uintptr    // of the page map: the addresses of its leaves
	chunks  uint64     // words of the root; as many follow that count leaves' entries
	absent  uintptr    // the leaf of chunks that have none
	none    slab       // stands for no slab in the page map

	spareLeaf uintptr // a blank leaf, or 0
	last      Report
}

// class is what is known of a size class.
type class struct {
	lists   [listNone]uintptr // of its slabs
	slabs   uint64
	empty   uint64 // slabs on the list of the empty ones
	free    uint64 // objects that are free in slabs
	promise uint64 // free objects that are not given back
	most    uint64 // the most objects that were out of slabs
	allocs  uint64 // of classes without magazines
}

// The lists of a class.
const (
	listPartial = iota // some objects are free: taken from first
	listEmpty
	listFull
	listNone // of a slab that is being made
)

// Init prepares a zero Heap over mem, on frames of a that lie below the physical
// address end. It takes three frames or a few more for itself: the root of the page
// map, 16 bytes for 2 MiB of memory. The caller keeps a and the Heap where they are.
func (h *Heap) Init(mem phys.Memory, a *frame.Allocator, end uint64) Code {
	if end == 0 || end > frame.MaxAddress+1 {
		return h.fail(Report{Code: BadSize, Addr: end})
	}
	h.mem = mem
	h.setFrames(a)
	h.lock.Rank = LockRank
	h.lock.Lock()
	code := NoMemory
	if h.initPages(end) {
		if at := h.newFront(); at != 0 {
			code, h.used = OK, 1
			for i := range h.fronts { // all share the first, at first
				h.fronts[i] = at
			}
		} else {
			h.dropPages()
		}
	}
	if code != OK {
		h.fail(Report{Code: code})
	}
	h.lock.Unlock()
	return code
}

// newFront returns the address of a new front, or 0.
func (h *Heap) newFront() uintptr {
	pa, code := h.frames().Alloc(frame.Slab)
	if code != frame.OK {
		return 0
	}
	h.own++
	h.mem.Zero(pa)
	frontAt(h.mem.Virtual(pa)).prepare(h)
	return h.mem.Virtual(pa)
}

// AddCPU gives a processor, below MaxCPUs, a front of its own. Without, it uses the
// first one's, and may have to wait for others there. It is for the time before the
// processor uses the heap, and before others trim it or compute figures.
func (h *Heap) AddCPU(cpu uint32) Code {
	h.lock.Lock()
	code := OK
	switch own := &h.fronts[cpu%MaxCPUs]; {
	case cpu >= MaxCPUs:
		code = h.fail(Report{Code: BadSize, Addr: uint64(cpu)})
	case cpu != 0 && *own == h.fronts[0]:
		if at := h.newFront(); at != 0 {
			*own = at
			h.used = max(h.used, uint64(cpu)+1)
		} else {
			code = h.fail(Report{Code: NoMemory})
		}
	}
	h.lock.Unlock()
	return code
}

// Prepare makes sure that n objects of the kind's class, or 0, can be had when
// there is no frame any more, and that the class keeps as many from then on, in use
// or not.
func (h *Heap) Prepare(k Kind, n uint64) Code {
	h.lock.Lock()
	code := h.prepare(k, n)
	h.lock.Unlock()
	return code
}

func (h *Heap) prepare(k Kind, n uint64) Code {
	c := k.class()
	if c == 0 || c > Classes || n > MaxSize/sizeOf(c) {
		return h.fail(Report{Code: BadKind, Want: k.Size()})
	}
	old := h.classes[c].promise
	h.classes[c].promise = n
	for h.classes[c].free < n {
		if !h.grow(c) {
			h.classes[c].promise = old
			return h.fail(Report{Code: NoMemory, Want: k.Size()})
		}
	}
	return OK
}

// Trim gives what is empty back to the frame allocator, but for what Prepare has
// promised: the fronts' objects go to their slabs, and empty slabs and leaves of the
// page map become frames. It returns the number of frames.
func (h *Heap) Trim() uint64 {
	for cpu := range h.used {
		f := h.ownFront(cpu)
		if f == nil {
			continue
		}
		for c := range f.all {
			m := &f.all[c]
			n := m.word.Take()
			h.lock.Lock()
			h.flush(m, n, n)
			h.lock.Unlock()
			m.word.Give(0)
		}
	}
	h.lock.Lock()
	n := h.trim()
	h.lock.Unlock()
	return n
}

// ownFront returns the front of a processor, nil if it has none of its own.
func (h *Heap) ownFront(cpu uint64) *front {
	at := h.fronts[cpu%MaxCPUs]
	if cpu > 0 && at == h.fronts[0] {
		return nil
	}
	return frontAt(at)
}

func (h *Heap) trim() uint64 {
	before := h.total()
	for c := uint64(Classes); c > 0; c-- { // small ones last: they hold descriptors
		k := &h.classes[c]
		for at := k.lists[listEmpty]; at != 0; {
			s := slabAt(at)
			at = s.next
			if h.spare(c, 0) {
				h.drop(s)
			}
		}
	}
	h.trimPages()
	return before - h.total()
}

// total is the number of frames that the heap has.
func (h *Heap) total() uint64 {
	n := h.own + h.runs.Frames
	for c := uint64(1); c <= Classes; c++ {
		n += h.classes[c].slabs * uint64(layoutOf(c).frames)
	}
	return n
}
