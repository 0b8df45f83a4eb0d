// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"loam/machine/phys"
	"loam/machine/spin"
)

// magazine is a CPU's stack of objects of one class. Its word is their number, and
// guards all of it.
type magazine struct {
	word    spin.Word
	parked  uint64 // the number, between stop and start
	allocs  uint64
	_       [4]uint64
	objects [depth]uint64  // physical addresses
	states  [depth]uintptr // addresses of their state bytes, less slabSize
}

// front is what a CPU has of a heap: one frame.
type front struct {
	at    [fronted + 1]uintptr // addresses of the magazines; at[0]: that of never
	heap  uintptr
	root  uintptr // of the page map
	mask  uint64
	never uint64 // spin.Taken: stands for a magazine that nobody gets
	_     [12]uint64
	all   [fronted]magazine
}

var _ [256 - unsafe.Sizeof(magazine{})]struct{}
var _ [phys.PageSize - unsafe.Sizeof(front{})]struct{}
var _ [unsafe.Sizeof(front{}) - phys.PageSize]struct{}

func frontAt(at uintptr) *front { return (*front)(pointer(at)) }

// prepare makes the front of a heap in a frame of zeros.
func (f *front) prepare(h *Heap) {
	f.never = spin.Taken
	f.heap, f.root, f.mask = uintptr(unsafe.Pointer(h)), h.root, h.chunks-1
	f.at[0] = uintptr(unsafe.Pointer(&f.never))
	for i := range f.all {
		f.all[i].word.Rank = FrontRank
		f.at[1+i] = uintptr(unsafe.Pointer(&f.all[i]))
	}
}

func (f Front) heap() *Heap { return (*Heap)(pointer(frontAt(f.at).heap)) }

// magazine returns the magazine of a kind's class; that of a class without
// magazines is busy for ever.
func (f Front) magazine(k Kind) *magazine {
	return (*magazine)(pointer(*(*uintptr)(pointer(f.at + uintptr(k.word&kindMagazine)))))
}

// state returns the state byte of object n of the magazine.
func (m *magazine) state(n uint64) *uint8 {
	return (*uint8)(pointer(m.states[n%depth] + slabSize))
}

// put makes the object at pa, granule i of slab s, number n of the magazine.
func (m *magazine) put(n uint64, pa uint64, s *slab, i uint64) {
	*s.state(i) = stateCached
	m.objects[n%depth], m.states[n%depth] = pa, s.at()+uintptr(i)
}

// Alloc takes an object of the kind and returns its physical address. Its content
// is whatever it was.
//
// Alloc and Free say by hand what magazine, slabOf, granule and state say better:
// the marks that inlined functions leave cost an instruction each. They are nosplit
// for the two that a look at the stack's end costs: their frames are small, and what
// they call looks.
//
//go:nosplit
func (f Front) Alloc(k Kind) (uint64, Code) {
	if spin.Checked {
		return f.allocSlow(k, spin.Taken)
	}
	at := *(*uintptr)(unsafe.Add(unsafe.Pointer(nil), f.at+uintptr(k.word&kindMagazine)))
	m := (*magazine)(unsafe.Add(unsafe.Pointer(nil), at))
	n := atomic.SwapUint64(&m.word.N, spin.Taken) - 1
	if n < depth {
		pa := m.objects[n]
		*(*uint8)(unsafe.Add(unsafe.Pointer(nil), m.states[n]+slabSize)) = uint8(k.word)
		m.allocs++
		atomic.StoreUint64(&m.word.N, n)
		return pa, OK
	}
	return f.allocSlow(k, n+1)
}

// Free gives back the object at pa that Alloc took for the kind.
//
//go:nosplit
func (f Front) Free(k Kind, pa uint64) Code {
	if spin.Checked {
		return f.freeSlow(k, pa, spin.Taken)
	}
	h := (*front)(unsafe.Add(unsafe.Pointer(nil), f.at))
	leaf := *(*uintptr)(unsafe.Add(unsafe.Pointer(nil), h.root+uintptr(pa>>chunkShift&h.mask)*8))
	page := *(*uintptr)(unsafe.Add(unsafe.Pointer(nil), leaf+uintptr(pa>>phys.PageShift%chunkPages)*8))
	s := (*slab)(unsafe.Add(unsafe.Pointer(nil), page))
	i := bits.RotateLeft64(pa-s.base, int(s.rotate))
	n := uint64(spin.Taken)
	if i < s.granules {
		state := page + uintptr(i)
		if uint64(*(*uint8)(unsafe.Add(unsafe.Pointer(nil), state+slabSize))) == s.kind^k.word {
			at := *(*uintptr)(unsafe.Add(unsafe.Pointer(nil), f.at+uintptr(k.word&kindMagazine)))
			m := (*magazine)(unsafe.Add(unsafe.Pointer(nil), at))
			n = atomic.SwapUint64(&m.word.N, spin.Taken)
			if n < depth {
				*(*uint8)(unsafe.Add(unsafe.Pointer(nil), state+slabSize)) = stateCached
				m.objects[n], m.states[n] = pa, state
				atomic.StoreUint64(&m.word.N, n+1)
				return OK
			}
		}
	}
	return f.freeSlow(k, pa, n)
}
