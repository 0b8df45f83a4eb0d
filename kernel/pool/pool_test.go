// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"loam/machine/frame"
	"loam/machine/phys"
	"loam/machine/tables"
)

// TestPoolModel drives a pool with random operations beside a map that
// remembers every handle ever given.
func TestPoolModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(17)
		p := New[int](n)
		live := map[Handle]int{}
		var past []Handle
		for step := range 2000 {
			if r.IntN(2) == 0 {
				h, v, ok := p.Get()
				if ok != (len(live) < n) {
					t.Fatalf("Get with %d of %d in use: ok=%v", len(live), n, ok)
				}
				if ok {
					if _, dup := live[h]; dup || slices.Contains(past, h) {
						t.Fatalf("handle %v given twice", h)
					}
					if *v != 0 {
						t.Fatalf("object not zero: %d", *v)
					}
					*v = step + 1
					live[h] = step + 1
				}
			} else {
				for h := range live {
					if !p.Put(h) || p.Put(h) || p.At(h) != nil {
						t.Fatalf("Put(%v) not refused the second time", h)
					}
					delete(live, h)
					past = append(past, h)
					break
				}
			}
			checkPool(t, p, live, past)
		}
	}
}

func checkPool(t *testing.T, p *Pool[int], live map[Handle]int, past []Handle) {
	t.Helper()
	if p.Len() != len(live) {
		t.Fatalf("Len %d, want %d", p.Len(), len(live))
	}
	for h, want := range live {
		if v := p.At(h); v == nil || *v != want || p.Index(h.Index) != v {
			t.Fatalf("At(%v) = %v, want %d", h, v, want)
		}
		if g, ok := p.HandleOf(h.Index); !ok || g != h {
			t.Fatalf("HandleOf(%d) = %v", h.Index, g)
		}
	}
	for _, h := range past[max(0, len(past)-30):] {
		if p.At(h) != nil {
			t.Fatalf("stale %v still valid", h)
		}
	}
	seen := 0
	for i := p.Next(Nil); i != Nil; i = p.Next(i) {
		if _, ok := p.HandleOf(i); !ok {
			t.Fatalf("Next gave free slot %d", i)
		}
		seen++
	}
	if seen != len(live) {
		t.Fatalf("walk saw %d of %d", seen, len(live))
	}
}

func TestPoolRefusesForeignHandles(t *testing.T) {
	p := New[int](2)
	h, _, _ := p.Get()
	for _, bad := range []Handle{{}, {-1, 1}, {2, 1}, {1 << 30, 1}, {h.Index, h.Gen + 2}, {h.Index, 0}, {1, 1}, {1, 0}, {1, 2}} {
		if p.At(bad) != nil || p.Put(bad) {
			t.Errorf("%v accepted", bad)
		}
	}
}

// TestPoolShort: while frames are scarce a pool gives only slots that were used
// before, and the others again afterwards.
func TestPoolShort(t *testing.T) {
	const size = 16 << 20
	b := phys.Arena(size) // zero
	defer runtime.KeepAlive(b)
	var frames frame.Allocator
	frames.Init(phys.FromBytes(b))
	if code := frames.AddRegion(0, size); code != frame.OK {
		t.Fatal(code)
	}
	p := In[int](&tables.Source{
		Range: func(n uint64) uintptr {
			pa, _ := frames.AllocN(n/phys.PageSize+1, 0, 0, frame.Table)
			return phys.FromBytes(b).Virtual(pa)
		},
		Frames: &frames,
	}, 100)
	var got [3]Handle
	for i := range got {
		got[i], _, _ = p.Get()
	}
	p.Put(got[0])
	p.Put(got[2])
	frames.SetReserve(size)
	for range 2 {
		if _, _, ok := p.Get(); !ok {
			t.Fatal("a slot that was used before is refused")
		}
	}
	if _, _, ok := p.Get(); ok {
		t.Fatal("a slot that was never used is given")
	}
	frames.SetReserve(0)
	if h, _, ok := p.Get(); !ok || h.Index != 3 {
		t.Fatalf("then slot %d is given, %v", h.Index, ok)
	}
}

// TestPoolRetiresSlot: a slot whose generations are used up isn't reused.
func TestPoolRetiresSlot(t *testing.T) {
	p := New[int](1)
	p.slots[0].gen = 1<<32 - 2
	h, _, ok := p.Get()
	if !ok || h.Gen != 1<<32-1 || !p.Put(h) {
		t.Fatal("last generation not usable")
	}
	if _, _, ok := p.Get(); ok || p.Len() != 0 {
		t.Fatal("slot used past its last generation")
	}
}

func TestPoolOverKeepsOldHandlesInvalid(t *testing.T) {
	slots := make([]Slot[int], 1)
	var p Pool[int]
	p.Over(slots)
	h, _, _ := p.Get()
	p.Over(slots)
	if p.At(h) != nil {
		t.Fatal("handle survived")
	}
	g, v, _ := p.Get()
	if g == h || *v != 0 {
		t.Fatalf("slot came back as %v", g)
	}
}

func TestHandleOfFree(t *testing.T) {
	p := New[int](2)
	h, _, _ := p.Get()
	p.Put(h)
	for _, i := range []int32{Nil, 0, 1, 2} {
		if g, ok := p.HandleOf(i); ok {
			t.Errorf("HandleOf(%d) = %v", i, g)
		}
	}
	if p.Cap() != 2 || p.Next(Nil) != Nil {
		t.Error("an empty pool")
	}
}

// TestHandleOfFresh: a slot that was never given isn't looked at, since that alone
// would take memory.
func TestHandleOfFresh(t *testing.T) {
	p := New[int](2)
	h, _, _ := p.Get()
	p.slots[1].gen = 1 // what would be seen there
	if g, ok := p.HandleOf(h.Index); !ok || g != h {
		t.Errorf("HandleOf of the slot in use = %v, %v", g, ok)
	}
	if g, ok := p.HandleOf(1); ok {
		t.Errorf("HandleOf of a fresh slot = %v", g)
	}
	if v := p.At(Handle{Index: 1, Gen: 1}); v != nil {
		t.Error("a handle that was never given names a fresh slot")
	}
}

func TestTooManySlots(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New[struct{}](maxCapacity + 1)
}

func TestListModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	links := make([]Link, 10)
	var lists [3]List
	var model [3][]int32
	where := map[int32]int{}
	for range 20000 {
		i := int32(r.IntN(len(links)))
		k := r.IntN(len(lists))
		in, linked := where[i]
		switch {
		case r.IntN(4) == 0:
			want := Nil
			if len(model[k]) > 0 {
				want, model[k] = model[k][0], model[k][1:]
				delete(where, want)
			}
			if got := lists[k].PopFront(links); got != want {
				t.Fatalf("PopFront %d, want %d", got, want)
			}
		case linked:
			lists[in].Remove(links, i)
			j := slices.Index(model[in], i)
			model[in] = slices.Delete(slices.Clone(model[in]), j, j+1)
			delete(where, i)
		case r.IntN(3) == 0:
			lists[k].PushFront(links, i)
			model[k] = slices.Insert(slices.Clone(model[k]), 0, i)
			where[i] = k
		default:
			lists[k].PushBack(links, i)
			model[k] = append(slices.Clone(model[k]), i)
			where[i] = k
		}
		for k := range lists {
			var got []int32
			for i := lists[k].First(); i != Nil; i = lists[k].Next(links, i) {
				got = append(got, i)
			}
			if !slices.Equal(got, model[k]) || lists[k].Empty() != (len(got) == 0) {
				t.Fatalf("list %d is %v, want %v", k, got, model[k])
			}
		}
		for i := range links {
			if _, in := where[int32(i)]; in != links[i].Linked() {
				t.Fatalf("Linked(%d) = %v", i, !in)
			}
		}
	}
}

func TestListPanicsOnMisuse(t *testing.T) {
	links := make([]Link, 2)
	var q List
	q.PushBack(links, 0)
	for name, f := range map[string]func(){
		"push twice":    func() { q.PushBack(links, 0) },
		"push in front": func() { q.PushFront(links, 0) },
		"remove absent": func() { q.Remove(links, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestNoAllocation(t *testing.T) {
	p := New[[64]byte](4)
	links := make([]Link, 4)
	var q List
	if n := testing.AllocsPerRun(100, func() {
		h, _, _ := p.Get()
		q.PushBack(links, h.Index)
		q.PopFront(links)
		p.Put(h)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
