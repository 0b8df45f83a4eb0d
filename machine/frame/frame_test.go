// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"runtime"
	"testing"

	"loam/machine/phys"
)

const mib = 1 << 20

// arena returns dirty memory, so that nothing relies on zeroes at power-on.
func arena(t testing.TB, size int) phys.Memory {
	b := phys.Arena(size)
	dirty(b)
	t.Cleanup(func() { runtime.KeepAlive(b) })
	return phys.FromBytes(b)
}

// dirty fills b with records that look like taken frames.
func dirty(b []byte) {
	for i := 0; i < len(b); i += 8 {
		b[i], b[i+1], b[i+2], b[i+4] = byte(StateSingle), 0, byte(User), 1
	}
}

// newAllocator returns an allocator over one region of size bytes from 0 on.
func newAllocator(t testing.TB, size int) *Allocator {
	a := new(Allocator)
	a.Init(arena(t, size))
	if code := a.AddRegion(0, uint64(size)); code != OK {
		t.Fatal(code)
	}
	check(t, a)
	return a
}

func check(t testing.TB, a *Allocator) {
	t.Helper()
	if code := a.Check(); code != OK {
		t.Fatalf("Check: %v: %+v; %+v", code, a.Last(), a.Stats())
	}
}

func TestSingles(t *testing.T) {
	a := newAllocator(t, 24*mib)
	start := a.Stats()
	seen := map[uint64]bool{}
	for {
		pa, code := a.Alloc(User)
		if code == NoMemory {
			break
		}
		if code != OK || pa%phys.PageSize != 0 || pa >= 24*mib || seen[pa] {
			t.Fatalf("Alloc = %#x, %v; seen %v", pa, code, seen[pa])
		}
		seen[pa] = true
	}
	check(t, a)
	if uint64(len(seen)) != start.Free {
		t.Fatalf("%d frames given out of %d", len(seen), start.Free)
	}
	for pa := range seen {
		if code := a.Free(pa, User); code != OK {
			t.Fatalf("Free(%#x) = %v, %+v", pa, code, a.Last())
		}
	}
	check(t, a)
	a.Drain()
	check(t, a)
	if got := a.Stats(); got != start {
		t.Fatalf("after all was freed: %+v, at the start: %+v", got, start)
	}
}

func TestBadRequests(t *testing.T) {
	a := newAllocator(t, 8*mib)
	for _, c := range []struct {
		n, align, limit uint64
		o               Owner
		want            Code
	}{
		{0, 0, 0, Heap, BadSize},
		{MaxRun + 1, 0, 0, Heap, BadSize},
		{1<<64 - 1, 0, 0, Heap, BadSize},
		{1, 3 * 4096, 0, Heap, BadSize},
		{1, 1 << 63, 0, Heap, BadSize},
		{1, 0, 0, Nobody, BadOwner},
		{2, 0, 0, Owners, BadOwner},
		{1, 0, 0, 255, BadOwner},
		{MaxRun, 0, 0, Heap, NoMemory},
		{1, 0, 4094, Heap, NoMemory},
		{1, 1 << 30, 0, Heap, NoMemory},
	} {
		before := a.Stats()
		if _, code := a.AllocN(c.n, c.align, c.limit, c.o); code != c.want {
			t.Errorf("%+v: %v", c, code)
		}
		if a.Stats() != before {
			t.Errorf("%+v changed something", c)
		}
	}
	if _, code := a.Alloc(Heap); code != OK { // now the cache is filled
		t.Fatal(code)
	}
	for _, o := range []Owner{Nobody, Owners, 255} {
		if _, code := a.Alloc(o); code != BadOwner {
			t.Errorf("Alloc(%d): %v", o, code)
		}
	}
	if _, code := a.Share(0), a.Free(1<<63, Heap); code != BadAddress {
		t.Error(code)
	}
	check(t, a)
}

// TestExact: a request gets what it asked for, and the rest stays free.
func TestExact(t *testing.T) {
	a := newAllocator(t, 16*mib)
	free := a.Stats().Free
	for _, n := range []uint64{1, 2, 3, 5, 7, 100, 511, 513, 1000} {
		pa, code := a.AllocN(n, 0, 0, Heap)
		if code != OK {
			t.Fatal(code)
		}
		if got := free - a.Stats().Free; got != n {
			t.Errorf("a request for %d took %d", n, got)
		}
		if f := a.Frame(pa + (n-1)<<12); f.Owner != Heap || f.Head != pa || f.Run != n {
			t.Errorf("the last of %d: %+v", n, f)
		}
		if code := a.FreeN(pa, n, Heap); code != OK {
			t.Error(code)
		}
		check(t, a)
	}
}

// TestLimit: the last byte may be the limit, and no byte more.
func TestLimit(t *testing.T) {
	a := newAllocator(t, 8*mib)
	records := a.Stats().Owned[Records]
	first := (records + 1) << 12 // frame 0 is left out
	for _, n := range []uint64{3, 1, 7} {
		if pa, code := a.AllocN(n, 0, first+n<<12-2, Heap); code != NoMemory {
			t.Errorf("%d frames below %#x: %#x, %v", n, first+n<<12-2, pa, code)
		}
	}
	if pa, code := a.AllocN(1, 0, first+4095, Heap); code != OK || pa != first {
		t.Errorf("the first frame: %#x, %v", pa, code)
	}
	if pa, code := a.AllocN(5, 0, 8*mib-1, Heap); code != OK {
		t.Errorf("anywhere: %#x, %v", pa, code)
	}
	for _, limit := range []uint64{MaxAddress, MaxAddress + 1, 1<<64 - 1} { // no limit at all
		if pa, code := a.AllocN(2, 0, limit, Heap); code != OK {
			t.Errorf("below %#x: %#x, %v", limit, pa, code)
		}
		if n, code := a.AllocScattered(2, limit, Heap, make([]Extent, 2)); code != OK {
			t.Errorf("scattered below %#x: %d, %v", limit, n, code)
		}
	}
	check(t, a)
}

// TestErrorsName: the report says which frame it was, its state and owner.
func TestErrorsName(t *testing.T) {
	a := newAllocator(t, 8*mib)
	one, _ := a.Alloc(User)
	many, _ := a.AllocN(5, 0, 0, Heap)
	try := func(what string, got, want Code, state State, o Owner) {
		t.Helper()
		if l := a.Last(); got != want || l.Code != want || l.State != state || l.Owner != o {
			t.Errorf("%s: %v, %+v", what, got, l)
		}
	}
	try("wrong owner", a.Free(one, Heap), WrongOwner, StateSingle, User)
	try("wrong count", a.FreeN(many, 4, Heap), WrongCount, StateRun, Heap)
	try("count of one", a.Free(many, Heap), WrongCount, StateRun, Heap)
	try("second frame", a.Free(many+4096, Heap), NotHead, StateRun, Heap)
	try("last frame", a.Free(many+4*4096, Heap), NotHead, StateRun, Heap)
	try("unaligned", a.Free(one+8, User), BadAddress, StateSingle, User)
	try("share of a part", a.Share(many+4*4096), NotHead, StateRun, Heap)
	try("never given", a.Free(one+4096, User), NotTaken, StateCached, Nobody)
	a.Share(one)
	try("shared", a.Free(one, User), Shared, StateSingle, User)
	a.Unshare(one)
	if code := a.Free(one, User); code != OK {
		t.Fatal(code)
	}
	try("double free", a.Free(one, User), NotTaken, StateCached, Nobody)
	a.Drain()
	try("double free later", a.Free(one, User), NotTaken, StateFree, Nobody)
	if _, code := a.Unshare(one); code != NotTaken {
		t.Error(code)
	}
	check(t, a)
}

func TestReserveIsKernels(t *testing.T) {
	a := newAllocator(t, 8*mib)
	a.SetReserve(100)
	for {
		if _, code := a.Alloc(User); code != OK {
			break
		}
	}
	if got := a.Stats().Free; got != 100 {
		t.Errorf("a greedy program left %d frames", got)
	}
	if _, code := a.AllocN(2, 0, 0, User); code != NoMemory {
		t.Error("a program got at the reserve")
	}
	for range 100 {
		if _, code := a.Alloc(Heap); code != OK {
			t.Fatal(code)
		}
	}
	if _, code := a.Alloc(Heap); code != NoMemory {
		t.Error("more than there is")
	}
	check(t, a)
}

// TestApart: user frames are packed, so that the kernel's large blocks survive.
func TestApart(t *testing.T) {
	a := newAllocator(t, 16*mib)
	for range 500 {
		u, _ := a.Alloc(User)
		k, _ := a.Alloc(Heap)
		if u>>21 == k>>21 {
			t.Fatalf("user frame %#x and kernel frame %#x share a 2 MiB block", u, k)
		}
	}
}

// TestCorrupt: Check sees what it is there to see.
func TestCorrupt(t *testing.T) {
	for name, harm := range map[string]func(a *Allocator, r *region){
		"count":       func(a *Allocator, r *region) { a.free++ },
		"owner count": func(a *Allocator, r *region) { a.owned[Heap]++ },
		"stray record": func(a *Allocator, r *region) {
			r.touch(r.n - 1)
			r.rec(r.n - 1).meta = newMeta(StateSingle, Heap, 1)
		},
		"lost group":      func(a *Allocator, r *region) { r.gib(0).clear(5, 6); r.large.set(0, r.gib(0).largest()) },
		"lost frame":      func(a *Allocator, r *region) { r.group(0).clear(200, 201) },
		"free twice":      func(a *Allocator, r *region) { r.parts[classUser].set(4, 3) },
		"two classes":     func(a *Allocator, r *region) { r.parts[classUser].set(0, r.parts[classKernel].get(0)) },
		"too much":        func(a *Allocator, r *region) { r.parts[classKernel].set(0, 7) },
		"tree":            func(a *Allocator, r *region) { *byteAt(r.large.levels[0]) = 2 },
		"below":           func(a *Allocator, r *region) { r.group(0).set(0, 1) },
		"group below":     func(a *Allocator, r *region) { r.gib(0).set(300, 301) },
		"free and taken":  func(a *Allocator, r *region) { r.group(0).set(2, 3) },
		"record of free":  func(a *Allocator, r *region) { r.rec(255).meta = newMeta(StateSingle, Heap, 1); a.owned[Heap]++ },
		"record in a run": func(a *Allocator, r *region) { r.rec(3).meta = metaCached },
		"cache":           func(a *Allocator, r *region) { a.caches[0].fronts[0].word.Give(a.caches[0].fronts[0].word.Take() - 1) },
		"cache filled": func(a *Allocator, r *region) {
			a.caches[0].fronts[0].word.Take()
			a.caches[0].fronts[0].word.Give(CacheFrames + 1)
		},
		"cache of nobody":   func(a *Allocator, r *region) { a.caches[7].fronts[1].owned[User]++ },
		"window":            func(a *Allocator, r *region) { a.caches[0].fronts[0].aim(r, 0); a.caches[0].fronts[0].records += 16 },
		"window of nothing": func(a *Allocator, r *region) { a.caches[0].fronts[0].aim(r, 0); a.caches[0].fronts[0].size = r.n },
		"the same twice": func(a *Allocator, r *region) {
			a.caches[0].fronts[0].stack[1] = a.caches[0].fronts[0].stack[0]
		},
		"run length": func(a *Allocator, r *region) { r.rec(0).run++ },
	} {
		a := newAllocator(t, 16*mib)
		if _, code := a.Alloc(Heap); code != OK {
			t.Fatal(code)
		}
		check(t, a)
		harm(a, &a.regions[0])
		if a.Check() != Corrupt {
			t.Errorf("%s: not seen", name)
		}
	}
}

func TestNames(t *testing.T) {
	for c := OK; c <= Written; c++ {
		if c.String() == "" || c.String() == (Written+1).String() {
			t.Errorf("code %d has no name", c)
		}
	}
	if Corrupt.String() != "corrupt records" || UserFile.String() != "user file" ||
		StateCached.String() != "cached" || Owners.String() != "unknown owner" {
		t.Error("names are out of step")
	}
}
