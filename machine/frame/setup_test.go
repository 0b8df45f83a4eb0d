// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"slices"
	"testing"

	"loam/machine/phys"
)

func TestBadRegions(t *testing.T) {
	for _, c := range []struct {
		name       string
		start, end uint64
		want       Code
	}{
		{"backwards", 2 * mib, mib, BadSize},
		{"too high", 0, MaxAddress + 2, BadSize},
		{"up to the last address", mib, 1<<64 - 1, BadSize},
		{"nothing", mib, mib, TooSmall},
		{"less than a frame", mib, mib + 4095, TooSmall},
		{"no whole frame", mib + 1, mib + 8191, TooSmall},
		{"one frame", mib, mib + 4096, TooSmall},
		{"room for the records alone", mib, mib + 8192, OK},
		{"a frame to give", mib, mib + 3*4096, OK},
		{"overlap", 4*mib - 4096, 5 * mib, Overlap},
		{"inside", 5 * mib, 6 * mib, Overlap},
		{"around", 2 * mib, 9 * mib, Overlap},
		{"the same", 4 * mib, 8 * mib, Overlap},
		{"right after", 8 * mib, 9 * mib, OK},
		{"right before", 3 * mib, 4 * mib, OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := new(Allocator)
			a.Init(arena(t, 10*mib))
			if code := a.AddRegion(4*mib, 8*mib); code != OK {
				t.Fatal(code)
			}
			before := a.Stats()
			if got := a.AddRegion(c.start, c.end); got != c.want {
				t.Fatalf("AddRegion(%#x, %#x) = %v, want %v", c.start, c.end, got, c.want)
			}
			if c.want != OK && a.Stats() != before {
				t.Error("a refused region changed something")
			}
			check(t, a)
		})
	}
}

func TestTooManyRegions(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 16*mib))
	for k := uint64(0); ; k++ {
		switch code := a.AddRegion(k*0x10000, k*0x10000+0x8000); {
		case code == OK && k < MaxRegions:
		case code == TooMany && k == MaxRegions:
			check(t, a)
			return
		default:
			t.Fatalf("region %d: %v", k, code)
		}
	}
}

// TestZones registers a range across both limits: no block crosses one.
func TestZones(t *testing.T) {
	numbersOnly(t)
	a := new(Allocator)
	a.Init(arena(t, 17*mib))
	// Above 16 MiB only the records are touched, and they lie in the arena.
	if code := a.AddRegion(15*mib, 64*mib); code != OK {
		t.Fatal(code)
	}
	if got := a.Stats().Regions; got != 2 {
		t.Fatalf("%d regions", got)
	}
	check(t, a)
	pa, code := a.AllocN(3, 0, 16*mib-1, DMA)
	if code != OK || pa >= 16*mib || pa < 15*mib {
		t.Fatalf("for an ISA device: %#x, %v", pa, code)
	}
	if pa, code = a.AllocN(3, 0, 0, Heap); code != OK || pa < 16*mib {
		t.Fatalf("for anybody: %#x, %v", pa, code)
	}
}

func TestReserveRelease(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 20*mib))
	reserve := []struct {
		start, end uint64
		o          Owner
		want       Code
	}{
		{3 * mib, 5 * mib, Kernel, OK},
		{0, 4096, Boot, OK},
		{15*mib + 1, 17*mib - 1, Archive, OK}, // across a zone limit
		{mib, mib + 1, Boot, OK},
		{4 * mib, 6 * mib, Boot, Overlap},
		{5*mib - 1, 6 * mib, Boot, Overlap},
		{5 * mib, 5 * mib, Boot, BadSize},
		{6 * mib, 5 * mib, Boot, BadSize},
		{6 * mib, 7 * mib, Nobody, BadOwner},
		{6 * mib, 7 * mib, Owners, BadOwner},
		{40 * mib, 41 * mib, Boot, OK}, // no RAM there
	}
	for _, c := range reserve {
		if got := a.Reserve(c.start, c.end, c.o); got != c.want {
			t.Errorf("Reserve(%#x, %#x) = %v, want %v", c.start, c.end, got, c.want)
		}
	}
	if code := a.AddRegion(0, 20*mib); code != OK {
		t.Fatal(code)
	}
	check(t, a)
	if code := a.Reserve(6*mib, 7*mib, Boot); code != Overlap {
		t.Errorf("Reserve after AddRegion: %v", code)
	}
	s := a.Stats()
	if s.Owned[Kernel] != 512 || s.Owned[Boot] != 1 || s.Owned[Archive] != 512 ||
		s.Total != 5119 || s.Owned[Records] != 16+1+4+1 ||
		s.Free+s.Owned[Kernel]+s.Owned[Boot]+s.Owned[Archive]+s.Owned[Records] != s.Total {
		t.Errorf("%+v", s)
	}
	if a.Owner(4*mib) != Kernel || a.Owner(16*mib-1) != Archive || a.Owner(16*mib) != Archive {
		t.Error("owners of reserved ranges")
	}
	for _, pa := range []uint64{3*mib + 4096, 4 * mib} {
		if code := a.Free(pa, Kernel); code != NotHead {
			t.Errorf("free of a frame of the kernel image: %v", code)
		}
	}
	for _, c := range []struct {
		start, end uint64
		o          Owner
		want       Code
	}{
		{3 * mib, 5 * mib, Boot, WrongOwner},
		{3 * mib, 6 * mib, Kernel, WrongCount},
		{2 * mib, 4 * mib, Kernel, NotTaken},
		{5 * mib, 3 * mib, Kernel, BadSize},
		{40 * mib, 41 * mib, Boot, BadAddress},
		{3*mib + 1, 3*mib + 8191, Kernel, BadAddress}, // no whole frame
		{4 * mib, 4*mib + 3*4096, Kernel, OK},
		{4 * mib, 4*mib + 3*4096, Kernel, NotTaken},
		{3 * mib, 4 * mib, Kernel, OK},
		{4*mib + 3*4096 + 1, 5*mib + 4095, Kernel, OK}, // but for its first frame
		{15 * mib, 17 * mib, Archive, OK},
		{0, 4096, Boot, BadAddress}, // frame 0 is never given
		{mib, mib + 4096, Boot, OK},
	} {
		if got := a.Release(c.start, c.end, c.o); got != c.want {
			t.Errorf("Release(%#x, %#x, %v) = %v, want %v: %+v", c.start, c.end, c.o, got, c.want, a.Last())
		}
		check(t, a)
	}
	if s := a.Stats(); s.Free+s.Owned[Records]+1 != s.Total || s.Owned[Kernel] != 1 {
		t.Errorf("after all was released: %+v", s)
	}
}

// TestRandomMaps registers what a broken firmware might say.
func TestRandomMaps(t *testing.T) {
	mem := arena(t, 24*mib)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var a Allocator
		a.Init(mem)
		at := func() uint64 {
			pa := rng.Uint64N(24 * mib)
			if rng.IntN(2) == 0 {
				pa &^= phys.PageSize - 1
			}
			return pa
		}
		for range rng.IntN(2 * MaxReserved) {
			a.Reserve(at(), at(), Owner(rng.IntN(20)))
		}
		for range 4 * MaxRegions {
			lo := at()
			a.AddRegion(lo, min(lo+rng.Uint64N(4*mib), 24*mib))
		}
		check(t, &a)
		s := a.Stats()
		for s.Free > 0 {
			if _, code := a.Alloc(Heap); code != OK {
				t.Fatalf("%v with %d frames free", code, s.Free)
			}
			s.Free--
		}
		if _, code := a.Alloc(Heap); code != NoMemory {
			t.Fatalf("%v with no frame free", code)
		}
		check(t, &a)
	}
}

// TestAddRegionIsCheap: registering touches the records of few frames only.
func TestAddRegionIsCheap(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 34*mib)) // what is touched, the records of 4 GiB, fits there
	if code := a.AddRegion(zoneDMA, zone32); code != OK {
		t.Fatal(code)
	}
	ready := 0
	for k := range a.count {
		r := &a.regions[k]
		for i := uint64(0); i < r.n; i += recordsPage {
			if r.isReady(i) {
				ready++
			}
		}
	}
	if ready > 20 {
		t.Errorf("%d pages of records were written to register 4 GiB", ready)
	}
}

func TestTinyMachine(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 8*mib))
	for _, s := range [][2]uint64{{0, 0x9fc00}, {mib, 8*mib - 0x20000}} {
		if code := a.AddRegion(s[0], s[1]); code != OK {
			t.Fatal(code)
		}
	}
	check(t, a)
	if s := a.Stats(); s.Owned[Records] > 12 {
		t.Errorf("%d frames of records for 8 MiB", s.Owned[Records])
	}
}

// TestNeighbours frees frames on both sides of a border between regions.
func TestNeighbours(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 20*mib))
	a.Reserve(zoneDMA, zoneDMA+mib, Boot)
	if code := a.AddRegion(zoneDMA-mib, zoneDMA+4*mib); code != OK {
		t.Fatal(code)
	}
	if code := a.Release(zoneDMA, zoneDMA+mib, Boot); code != OK {
		t.Fatal(code)
	}
	start := a.Stats()
	var all []uint64
	for {
		pa, code := a.Alloc(Heap)
		if code != OK {
			break
		}
		all = append(all, pa)
	}
	slices.Sort(all)
	for _, pa := range all {
		if code := a.Free(pa, Heap); code != OK {
			t.Fatal(code)
		}
	}
	a.Drain()
	check(t, a)
	if got := a.Stats(); got != start {
		t.Errorf("%+v, at the start %+v", got, start)
	}
}

// TestFirmwareMaps registers maps as broken as firmware makes them, each entry as it
// comes: nothing is given out that is not RAM, or twice.
func TestFirmwareMaps(t *testing.T) {
	const top = ^uint64(0)
	mem := arena(t, 32*mib)
	type entry struct{ start, end uint64 }
	many := func(n, every, size uint64) (m []entry) {
		for k := range n {
			at := (k * 7919 % n) * every % (31 * mib) // unsorted
			m = append(m, entry{at, at + size})
		}
		return m
	}
	for _, c := range []struct {
		name string
		m    []entry
		free uint64 // at least
	}{
		{"nothing", nil, 0},
		{"empty entries", []entry{{mib, mib}, {0, 0}, {top, top}, {2 * mib, 2 * mib}}, 0},
		{"backwards", []entry{{2 * mib, mib}, {top, 0}, {mib, 2 * mib}}, 250},
		{"wrapping", []entry{{top - 4095, 4096}, {1 << 63, top}, {mib, top}, {0, 1 << 45}, {mib, 3 * mib}}, 500},
		{"unsorted", []entry{{6 * mib, 7 * mib}, {mib, 2 * mib}, {4 * mib, 5 * mib}}, 750},
		{"overlapping", []entry{{mib, 3 * mib}, {2 * mib, 4 * mib}, {mib, 2 * mib}, {mib, 3 * mib}, {0, 8 * mib}}, 500},
		{"unaligned", []entry{{mib + 1, 2*mib - 1}, {2*mib + 4095, 3*mib + 4095}, {3*mib + 4096, 3*mib + 8193}}, 500},
		{"thousands of pages", many(5000, 2*4096, 4096), 0},
		{"thousands of small ranges", many(3000, 8*4096-17, 5*4096), 100},
		{"thousands of the same", slices.Repeat([]entry{{mib, 4 * mib}}, 4000), 750},
		{"8 MiB with the usual hole", []entry{{0, 0x9fc00}, {mib, 8*mib - 0x20000}}, 1900},
		{"holes", many(40, mib/2, mib/4), 40 * 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := new(Allocator)
			a.Init(mem)
			ram := map[uint64]bool{} // frames that some entry covers
			for _, e := range c.m {
				if e.start < e.end && e.end <= 32*mib {
					for pa := (e.start + 4095) &^ 4095; pa+4096 <= e.end; pa += 4096 {
						ram[pa] = true
					}
					a.AddRegion(e.start, e.end)
				} else if code := a.AddRegion(e.start, e.end); code == OK {
					t.Fatalf("%+v was taken", e)
				}
			}
			check(t, a)
			if s := a.Stats(); s.Free < c.free || s.Total > uint64(len(ram))+64 || a.Mistakes() != 0 {
				t.Errorf("%+v, %d frames of RAM, %d mistakes", s, len(ram), a.Mistakes())
			}
			for {
				pa, code := a.Alloc(Heap)
				if code != OK {
					break
				}
				if !ram[pa] {
					t.Fatalf("%#x is no RAM, or was given before", pa)
				}
				delete(ram, pa)
			}
			check(t, a)
		})
	}
}
