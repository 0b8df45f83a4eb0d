// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"unsafe"

	"loam/machine/frame"
)

// Everything here is reached by its virtual address, a number: the structures lie
// in frames, where neither the collector nor a write barrier has business.

// slab is the descriptor of a slab: frames cut into objects of one class. The state
// bytes of its granules follow it. base to rotate are constant while the slab is
// there; the rest is the heap lock's.
type slab struct {
	base     uint64    // physical address of the first object
	granules uint64    // state bytes
	kind     uint64    // the word of its kind, without an owner
	rotate   uint8     // 64 less the logarithm of a granule's bytes
	list     uint8     // which of its class's lists it is in
	left     uint16    // objects that are free in it
	frames   uint32    // it has
	free     [2]uint64 // bit n: object n is free in it
	next     uintptr   // slab of the same list, or 0
	prev     uintptr
}

// slabSize is the size of a descriptor without state bytes.
const slabSize = 64

var _ [slabSize - unsafe.Sizeof(slab{})]struct{}
var _ [unsafe.Sizeof(slab{}) - slabSize]struct{}

// pointer is nil plus an address, which the compiler turns into nothing.
func pointer(at uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), at) }

func slabAt(at uintptr) *slab { return (*slab)(pointer(at)) }

func (s *slab) at() uintptr { return uintptr(unsafe.Pointer(s)) }

// state returns the state byte of granule i.
func (s *slab) state(i uint64) *uint8 {
	return (*uint8)(unsafe.Add(unsafe.Pointer(s), slabSize+uintptr(i)))
}

// word returns the 8-aligned word at a virtual address.
func word(at uintptr) *uint64 { return (*uint64)(pointer(at)) }

// words returns n of them.
func words(at uintptr, n uint64) []uint64 { return unsafe.Slice(word(at), n) }

func (h *Heap) nothing() uintptr { return uintptr(unsafe.Pointer(&h.none)) }

func (h *Heap) setFrames(a *frame.Allocator) { h.source = uintptr(unsafe.Pointer(a)) }

func (h *Heap) frames() *frame.Allocator { return (*frame.Allocator)(pointer(h.source)) }
