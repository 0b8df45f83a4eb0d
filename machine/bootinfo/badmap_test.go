// SPDX-License-Identifier: Apache-2.0

package bootinfo

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBadMaps: maps as broken as firmware makes them give what is RAM and nothing
// else, page by page, or less of it where Lost says so.
func TestBadMaps(t *testing.T) {
	const mib, top = 1 << 20, ^uint64(0)
	many := func(n, every, size uint64, kind MemoryKind) (m []mapEntry) {
		for k := range n {
			m = append(m, mapEntry{mib + k*7919%n*every, size, kind}) // unsorted
		}
		return m
	}
	scatter := func(n int) (m []mapEntry) {
		rng := rand.New(rand.NewPCG(uint64(n), 1))
		for range n {
			m = append(m, mapEntry{rng.Uint64N(32 * mib), rng.Uint64N(mib / 16), MemoryKind(rng.IntN(9))})
		}
		return m
	}
	all := mapEntry{mib, 31 * mib, MemoryRAM}
	for _, c := range []struct {
		name string
		m    []mapEntry
	}{
		{"nothing usable", []mapEntry{{0, 64 * mib, MemoryReserved}}},
		{"empty entries", []mapEntry{{mib, 0, MemoryRAM}, {top, 0, MemoryRAM}, {2 * mib, 0, MemoryReserved}, all}},
		{"unsorted", []mapEntry{{9 * mib, mib, MemoryRAM}, {2 * mib, mib, MemoryRAM}, {5 * mib, mib, MemoryReserved}, {4 * mib, 3 * mib, MemoryRAM}}},
		{"overlapping", []mapEntry{{2 * mib, 4 * mib, MemoryRAM}, {3 * mib, 6 * mib, MemoryRAM}, {2 * mib, 4 * mib, MemoryRAM},
			{5 * mib, 2 * mib, MemoryReserved}, {mib, 31 * mib, MemoryRAM}}},
		{"reserved around everything", []mapEntry{all, {0, 32 * mib, MemoryReserved}}},
		{"unaligned", []mapEntry{{mib + 1, mib, MemoryRAM}, {4*mib - 1, 4098, MemoryRAM}, {6 * mib, 4095, MemoryRAM},
			{8 * mib, mib, MemoryRAM}, {8*mib + 5000, 1, MemoryNVS}}},
		{"from 0", []mapEntry{{0, 24 * mib, MemoryRAM}}},
		{"halves of a page", []mapEntry{{mib, 3*mib + 100, MemoryRAM}, {4*mib + 100, 2 * mib, MemoryRAM}}},
		{"wrapping", []mapEntry{{top - 4095, 8192, MemoryRAM}, {top, top, MemoryRAM}, {1 << 63, 1 << 63, MemoryRAM},
			{2 * mib, mib, MemoryRAM}, {30 * mib, top, MemoryReserved}}},
		{"unknown kinds", []mapEntry{all, {4 * mib, mib, 0}, {6 * mib, mib, 1 << 31}, {8 * mib, mib, 1<<32 - 1}}},
		{"thousands of pages", many(3000, 2*PageSize, PageSize, MemoryRAM)},
		{"thousands of holes", append(many(3000, 2*PageSize, 16, MemoryReserved), all)},
		{"thousands of the same", slices.Repeat([]mapEntry{{3*mib + 5, mib / 8, MemoryRAM}, {3*mib + 9999, 1, MemoryACPI}}, 2000)},
		{"as many as there may be", many(MaxMapEntries, PageSize/2, PageSize/2, MemoryRAM)},
		{"nonsense", scatter(100)},
		{"thousands of nonsense", scatter(5000)},
		{"8 MiB", []mapEntry{{0, 0x9fc00, MemoryRAM}, {0xf0000, 0x10000, MemoryReserved}, {mib, 7*mib - 0x20000, MemoryRAM}, {8*mib - 0x20000, 0x20000, MemoryReserved}, {0xfffc0000, 0x40000, MemoryReserved}}},
	} {
		t.Run(c.name, func(t *testing.T) { badMap(t, c.m) })
	}
}

// badMap compares what comes of a map with an oracle that knows each byte of the
// first 32 MiB.
func badMap(t *testing.T, entries []mapEntry) {
	const size = 32 << 20
	mem := window(t, ram(testMap+len(entries)*memoryMapEntry+0x8000, "", entries...))
	var info Info
	if code := Parse(mem, testSelf, &info); code != OK {
		t.Fatal(code)
	}
	var m Map
	info.Usable(mem, &m)
	checkInvariants(t, &m)
	m.Finish()
	checkFinished(t, &m)
	var all Map // of what a kernel maps, each range cut to whole pages
	info.RAM(mem, &all)
	checkInvariants(t, &all)
	all.Finish()
	for i, j := 0, 0; i < m.Len(); i++ {
		for j < all.Len()-1 && all.At(j).End() < m.At(i).End() {
			j++
		}
		if m.At(i).Base < all.At(j).Base || m.At(i).End() > all.At(j).End() {
			t.Fatalf("%+v is usable, and not RAM", m.At(i))
		}
	}

	want := make(oracle, size)
	for _, ram := range []bool{true, false} {
		for _, e := range entries {
			if (e.kind == MemoryRAM) == ram && e.base < size {
				want.set(Range{e.base, min(e.size, size-e.base)}, ram)
			}
		}
	}
	want.set(Range{0, lowMemory}, false)
	for _, r := range []Range{info.Self, info.ModuleTable, info.MemoryMap, {info.CommandLine.Base, 1}, info.Modules[0]} {
		want.set(r, false)
	}
	missing, k := uint64(0), 0
	for pa := uint64(0); pa < size; pa += PageSize {
		for k < m.Len() && m.At(k).End() <= pa {
			k++
		}
		usable := k < m.Len() && m.At(k).Base <= pa
		whole := !slices.Contains(want[pa:pa+PageSize], false)
		if usable && !whole {
			t.Fatalf("the page at %#x is handed out, and not all of it is RAM", pa)
		}
		if whole && !usable {
			missing += PageSize
		}
	}
	// Of a page that lost a part, Finish cuts the rest.
	if missing > 0 && (m.Lost() == 0 || missing > m.Lost()+2*MaxRanges*PageSize) {
		t.Errorf("%d bytes are missing, %d are said to be lost", missing, m.Lost())
	}
	if len(entries) < 100 && missing > 0 {
		t.Errorf("%d bytes are missing of a short map", missing)
	}
	for i := range m.Len() {
		if r := m.At(i); r.End() > size && r.Base < size || r.End() > maxPhysicalAddress {
			t.Errorf("%+v goes beyond what is there", r)
		}
	}
}
