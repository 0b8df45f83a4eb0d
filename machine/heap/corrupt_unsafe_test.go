// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"strconv"
	"testing"
	"unsafe"

	"loam/machine/phys"
)

// TestCorrupt: Check finds each damaged bit of descriptors, state bytes, magazines and
// the page map's counts, if the bit means anything.
func TestCorrupt(t *testing.T) {
	m := small(t, 32*mib)
	f := m.h.Front(0)
	for _, size := range []uint64{32, 48, 100, 700, 4096, 6000, 9000, 100 << 10, 5 << 20} {
		k := kind(t, size, 0, Ring)
		first, code := f.Alloc(k)
		for range 2 {
			f.Alloc(k)
		}
		if code != OK {
			t.Fatal(code)
		}
		if size != 5<<20 {
			f.Free(k, first)
		}
	}
	m.check(t)
	missed := func(what string, at uintptr, bit uint8) {
		p := (*uint8)(pointer(at))
		*p ^= bit
		if m.h.Check() != Corrupt {
			t.Errorf("%s, bit %#x: not found", what, bit)
		}
		*p ^= bit
	}
	for s := m.h.nextSlab(0); s != nil; s = m.h.nextSlab(s.base + uint64(s.frames)<<phys.PageShift) {
		end := unsafe.Offsetof(s.next)
		if s.class() == runClass {
			end = unsafe.Offsetof(s.left) // a run has no bits
		}
		for i := range end {
			if s.class() == runClass && i == unsafe.Offsetof(s.kind)+kindAlign/8 {
				continue // a run's alignment may be any
			}
			for bit := uint8(1); bit != 0; bit <<= 1 {
				missed("descriptor of "+strconv.Itoa(int(s.size()))+", byte "+strconv.Itoa(int(i)), s.at()+i, bit)
			}
		}
		for i := range s.granules {
			missed("state", uintptr(unsafe.Pointer(s.state(i))), 0x80)
		}
		missed("count of a leaf", uintptr(unsafe.Pointer(m.h.leafCount(s.base))), 1)
	}
	for c := range frontAt(f.at).all {
		mag := &frontAt(f.at).all[c]
		for k := range mag.word.N {
			missed("object of a magazine", uintptr(unsafe.Pointer(&mag.objects[k])), 1)
			missed("state of a magazine", uintptr(unsafe.Pointer(&mag.states[k])), 1)
		}
		missed("length of a magazine", uintptr(unsafe.Pointer(&mag.word.N)), 1)
	}
	m.check(t)
}
