// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"loam/machine/phys"
)

// TestLarge takes and frees runs of up to 1 GiB in a region of several that begins
// and ends within a group and within a GiB. Its frames are numbers but for what
// describes them.
func TestLarge(t *testing.T) {
	numbersOnly(t)
	const start = 8<<30 + 300*mib + 3*phys.PageSize
	const end = start + 5<<30 + 7*phys.PageSize
	mem := phys.Arena(32 * mib)
	defer runtime.KeepAlive(mem)
	dirty(mem)
	a := new(Allocator)
	a.Init(phys.At(phys.FromBytes(mem).Virtual(0) - start))
	if code := a.AddRegion(start, end); code != OK {
		t.Fatal(code)
	}
	check(t, a)
	fresh := a.Stats()
	if fresh.Largest != MaxRun {
		t.Fatalf("%+v", fresh)
	}
	rng := rand.New(rand.NewPCG(11, 12))
	var held []Extent // by rising address
	owners := map[uint64]Owner{}
	for k := range 3000 {
		o := []Owner{User, Heap}[rng.IntN(2)]
		n := rng.Uint64N(1<<rng.IntN(MaxOrder+1)) + 1
		align, limit := uint64(phys.PageSize)<<rng.IntN(MaxOrder+1), uint64(0)
		if rng.IntN(3) == 0 {
			limit = start + rng.Uint64N(6<<30)
		}
		if pa, code := a.AllocN(n, align, limit, o); code == OK {
			at, _ := slices.BinarySearchFunc(held, pa, func(e Extent, pa uint64) int { return int(e.Addr>>12) - int(pa>>12) })
			if pa%align != 0 || pa < start || pa+n<<phys.PageShift > end || limit != 0 && pa+n<<phys.PageShift-1 > limit ||
				at < len(held) && pa+n<<phys.PageShift > held[at].Addr ||
				at > 0 && held[at-1].Addr+held[at-1].Frames<<phys.PageShift > pa {
				t.Fatalf("%d frames at %#x, aligned to %#x, limit %#x", n, pa, align, limit)
			}
			held = slices.Insert(held, at, Extent{pa, n})
			owners[pa] = o
		} else if code != NoMemory {
			t.Fatal(code)
		}
		for len(held) > 0 && rng.IntN(2) == 0 {
			at := rng.IntN(len(held))
			e := held[at]
			last := e.Addr + (e.Frames-1)<<phys.PageShift
			if f := a.Frame(last); f.Head != e.Addr || f.Run != e.Frames || f.Owner != owners[e.Addr] {
				t.Fatalf("%+v: %+v", e, f)
			}
			if code := a.FreeN(e.Addr, e.Frames, owners[e.Addr]); code != OK {
				t.Fatalf("%+v: %v", e, code)
			}
			if f := a.Frame(last); e.Frames > 1 && f.State != StateFree {
				t.Fatalf("%+v was freed: %+v", e, f)
			}
			held = slices.Delete(held, at, at+1)
		}
		if k%500 == 0 {
			check(t, a)
		}
	}
	check(t, a)
	for _, e := range held {
		if code := a.FreeN(e.Addr, e.Frames, owners[e.Addr]); code != OK {
			t.Fatal(code)
		}
	}
	a.Drain()
	check(t, a)
	if got := a.Stats(); got != fresh {
		t.Errorf("at the end %+v, at the start %+v", got, fresh)
	}
}

// TestEnds: users begin groups at the top, the kernel at the bottom, and both fill the
// gaps of what they have begun before they begin more.
func TestEnds(t *testing.T) {
	numbersOnly(t)
	l := newLoam(t, 4*gib)
	high, code := l.a.AllocN(3, 0, 0, User)
	if code != OK || high>>30 != 11 {
		t.Fatalf("%#x, %v", high, code)
	}
	low, code := l.a.AllocN(3, 0, 0, Heap)
	if code != OK || low>>30 != 8 {
		t.Fatalf("%#x, %v", low, code)
	}
	free := l.a.Stats().Free
	for range 125 { // with the first, all places for four frames in a group
		pa, code := l.a.AllocN(4, 0, 0, User)
		if code != OK || pa>>21 != high>>21 {
			t.Fatalf("%#x, %v", pa, code)
		}
	}
	pa, code := l.a.AllocN(512, 2*mib, 0, User)
	if code != OK || pa>>21 != high>>21-1 {
		t.Errorf("a large page at %#x, %v", pa, code)
	}
	// Where the highest lies above a limit, users get the lowest.
	if pa, code = l.a.AllocN(512, 2*mib, 9<<30-1, User); code != OK || pa>>30 != 8 {
		t.Errorf("below a limit: %#x, %v", pa, code)
	}
	if got := free - l.a.Stats().Free; got != 125*4+2*512 {
		t.Errorf("%d frames taken", got)
	}
	check(t, l.a)
}

// TestLost: a frame that is neither free nor anybody's, which damage alone makes, is
// not taken for a part of what lies below it.
func TestLost(t *testing.T) {
	a := newAllocator(t, 16*mib)
	pa, code := a.AllocN(5, 0, 0, Heap)
	if code != OK {
		t.Fatal(code)
	}
	r := &a.regions[0]
	at := (pa-r.start)>>phys.PageShift + 5
	r.group(0).clear(r.skew+at, r.skew+at+1)
	if f := a.Frame(pa + 4*phys.PageSize); f.State != StateRun || f.Head != pa {
		t.Errorf("the last of the run: %+v", f)
	}
	if f := a.Frame(pa + 5*phys.PageSize); f.State != StateNone || f.Run != 0 || f.Owner != Nobody {
		t.Errorf("the lost one: %+v", f)
	}
	if b, ok := a.Next(pa + 5*phys.PageSize); !ok || b.State != StateNone || b.Frames != 1 {
		t.Errorf("a walk gets on by %+v, %v", b, ok)
	}
	if a.Check() != Corrupt {
		t.Error("not seen")
	}
}
