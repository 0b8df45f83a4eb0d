// SPDX-License-Identifier: Apache-2.0

package bootinfo

import (
	"math/rand/v2"
	"testing"
)

// oracle is a set of addresses, one bit a byte, for small addresses.
type oracle []bool

func (o oracle) set(r Range, v bool) {
	for a := r.Base; a < r.End() && a < uint64(len(o)); a++ {
		o[a] = v
	}
}

func checkInvariants(t *testing.T, m *Map) {
	t.Helper()
	for i := range m.Len() {
		r := m.At(i)
		if r.Size == 0 || r.Base+r.Size < r.Base {
			t.Fatalf("range %d is empty or wraps: %+v", i, r)
		}
		if i > 0 && m.At(i-1).End() >= r.Base {
			t.Fatalf("ranges %d and %d overlap or touch: %+v %+v", i-1, i, m.At(i-1), r)
		}
	}
}

func (o oracle) compare(t *testing.T, m *Map) {
	t.Helper()
	a, lost := uint64(0), uint64(0)
	gap := func(end uint64) {
		for ; a < end && a < uint64(len(o)); a++ {
			if o[a] {
				lost++
			}
		}
	}
	for i := range m.Len() {
		r := m.At(i)
		gap(r.Base)
		for ; a < r.End(); a++ {
			if a >= uint64(len(o)) || !o[a] {
				t.Fatalf("%#x is reserved but usable in the map", a)
			}
		}
	}
	gap(uint64(len(o)))
	// Lost bytes may have been reserved, or added again, later.
	if lost > m.Lost() {
		t.Fatalf("%d bytes missing, %d counted as lost", lost, m.Lost())
	}
}

func TestMapAgainstOracle(t *testing.T) {
	const space = 4 * PageSize
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var m Map
		o := make(oracle, space)
		longest := 1 + rnd.Uint64N(space/uint64(1+rnd.IntN(200)))
		n := rnd.IntN(600)
		for i := range n {
			r := Range{rnd.Uint64N(space), rnd.Uint64N(longest)}
			r.Size = min(r.Size, space-r.Base)
			if i < n/2 {
				m.Add(r)
			} else {
				m.Remove(r)
			}
			o.set(r, i < n/2)
			checkInvariants(t, &m)
		}
		o.compare(t, &m)

		m.Finish()
		checkFinished(t, &m)
	}
}

func checkFinished(t *testing.T, m *Map) {
	t.Helper()
	for i := range m.Len() {
		if r := m.At(i); r.Base%PageSize != 0 || r.Size%PageSize != 0 || r.Size == 0 {
			t.Fatalf("range %d is not whole pages: %+v", i, r)
		}
	}
}

func TestMapFull(t *testing.T) {
	var m Map
	for i := range uint64(MaxRanges) {
		m.Add(Range{i * 100, 10 + i%7})
	}
	if m.Len() != MaxRanges || m.Lost() != 0 {
		t.Fatalf("%d ranges, %d lost", m.Len(), m.Lost())
	}
	m.Add(Range{1 << 20, 5}) // smaller than all: not taken
	if m.Len() != MaxRanges || m.Lost() != 5 || m.At(MaxRanges-1).Base >= 1<<20 {
		t.Fatalf("%d ranges, %d lost", m.Len(), m.Lost())
	}
	m.Add(Range{1 << 20, 1000}) // displaces one of 10 bytes
	if m.Len() != MaxRanges || m.Lost() != 15 || m.At(MaxRanges-1) != (Range{1 << 20, 1000}) {
		t.Fatalf("%d ranges, %d lost, last %+v", m.Len(), m.Lost(), m.At(MaxRanges-1))
	}
	m.Remove(Range{1<<20 + 3, 1}) // the 3 bytes below don't fit
	if m.Len() != MaxRanges || m.Lost() != 18 || m.At(MaxRanges-1) != (Range{1<<20 + 4, 996}) {
		t.Fatalf("%d ranges, %d lost, last %+v", m.Len(), m.Lost(), m.At(MaxRanges-1))
	}
	m.Remove(Range{0, ^uint64(0)})
	if m.Len() != 0 || m.Total() != 0 {
		t.Fatalf("%d ranges after removing all", m.Len())
	}
}

func TestMapExtremes(t *testing.T) {
	top := ^uint64(0)
	var m Map
	m.Add(Range{top - 10, 100}) // wraps, and lies above physical memory
	if m.Len() != 0 {
		t.Errorf("added %+v", m.At(0))
	}
	m.Add(Range{maxPhysicalAddress - PageSize, top})
	if m.At(0) != (Range{maxPhysicalAddress - PageSize, PageSize}) {
		t.Errorf("not cut to physical memory: %+v", m.At(0))
	}
	m.Add(Range{5, 0})
	m.Remove(Range{maxPhysicalAddress - PageSize + 5, 0})
	if m.Len() != 1 {
		t.Errorf("an empty range changed the map: %d ranges", m.Len())
	}
	m.Remove(Range{maxPhysicalAddress - 1, top})
	m.Finish()
	if m.Len() != 0 {
		t.Errorf("part of a page left: %+v", m.At(0))
	}
	// Two halves of a page that are given apart make a page.
	m.Add(Range{PageSize, 100})
	m.Add(Range{PageSize + 100, PageSize - 100})
	m.Finish()
	if m.Len() != 1 || m.At(0) != (Range{PageSize, PageSize}) {
		t.Errorf("%+v", m.At(0))
	}
	if m.At(-1) != (Range{}) || m.At(1) != (Range{}) {
		t.Error("a range beyond the map")
	}
}
