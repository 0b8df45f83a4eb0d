// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"
	"testing"

	"loam/machine/phys"
)

// blocks returns how many maximal free blocks of each order the model has.
func (m *model) blocks() (n [MaxOrder + 1]uint64) {
	for _, s := range m.spans {
		for pfn := s[0]; pfn < s[1]; {
			order := 0
			for order < MaxOrder && m.empty(pfn, order+1, s) {
				order++
			}
			if m.empty(pfn, order, s) {
				n[order]++
			}
			pfn += 1 << order
		}
	}
	return n
}

// empty says whether the block at pfn of the order is aligned, in the span, and
// free.
func (m *model) empty(pfn uint64, order int, s [2]uint64) bool {
	if pfn%(1<<order) != 0 || pfn+1<<order > s[1] {
		return false
	}
	for k := range uint64(1) << order {
		if m.holder[pfn+k] != nil {
			return false
		}
	}
	return true
}

// fewest returns in how many pieces the model has n frames, the largest first.
func (m *model) fewest(n uint64) (pieces int) {
	blocks := m.blocks()
	for order := MaxOrder; order >= 0; order-- {
		for ; blocks[order] > 0 && n > 0; blocks[order]-- {
			pieces++
			if bits.Len64(n-1) <= order {
				return pieces
			}
			n -= 1 << order
		}
	}
	return pieces
}

// freeBelow returns how many free frames end at or below limit.
func (m *model) freeBelow(limit uint64) (n uint64) {
	for _, s := range m.spans {
		for pfn := s[0]; pfn < s[1] && pfn<<phys.PageShift+phys.PageSize-1 <= limit; pfn++ {
			if m.holder[pfn] == nil {
				n++
			}
		}
	}
	return n
}

// scatter takes frames wherever they are.
func (x *trial) scatter() {
	n := 1 + x.pick(1<<x.pick(13))
	limit, below := uint64(0), uint64(MaxAddress)
	if x.pick(4) == 0 {
		limit = 1 + x.pick(40*mib)
		below = limit
	}
	o := x.owner()
	list := make([]Extent, 1+x.pick(1<<x.pick(6)))
	need := 0 // pieces, where it is known
	if limit == 0 && x.pick(16) == 0 {
		x.a.Drain()
		need = x.m.fewest(n)
	}
	used, code := x.a.AllocScattered(n, limit, o, list)
	enough := x.m.freeBelow(below) >= n && (o < User || x.m.free() >= x.a.reserve+n)
	if code != OK {
		if code != NoMemory && code != Scattered || code == NoMemory && enough ||
			code == Scattered && !enough && limit == 0 ||
			need > 0 && code == Scattered && need <= len(list) {
			x.t.Fatalf("AllocScattered(%d, %#x, %v): %v; %d free, %d pieces needed of %d",
				n, limit, o, code, x.m.freeBelow(below), need, len(list))
		}
		return
	}
	if used > len(list) || need > 0 && used != need {
		x.t.Fatalf("AllocScattered(%d, %#x, %v): %d pieces of %d, needed %d", n, limit, o, used, len(list), need)
	}
	for k, e := range list[:used] {
		if k > 0 && e.Frames > list[k-1].Frames {
			x.t.Fatalf("%d frames behind %d", e.Frames, list[k-1].Frames)
		}
		n -= e.Frames
		x.judge(e.Addr, OK, e.Frames, 0, below, o)
	}
	if n != 0 {
		x.t.Fatalf("%d frames missing", n)
	}
}

// gather gives several runs back at once, sometimes with one that can't be.
func (x *trial) gather() {
	o := x.owner()
	var list []Extent
	for range 8 {
		if r := x.some(); r != nil && r.owner == o && r.count == 1 {
			e := Extent{r.first << phys.PageShift, r.n}
			if len(list) == 0 || list[len(list)-1] != e {
				list = append(list, e)
			}
		}
	}
	bad := Extent{}
	if len(list) > 0 && x.pick(3) == 0 {
		switch bad = list[x.pick(uint64(len(list)))]; x.pick(3) {
		case 0: // twice
		case 1:
			bad.Frames++
		case 2:
			bad.Addr += 8
		}
		list = append(list, bad)
	}
	met := map[uint64]bool{}
	wrong := bad != Extent{}
	for _, e := range list {
		wrong = wrong || met[e.Addr]
		met[e.Addr] = true
	}
	before := x.a.Stats()
	code := x.a.FreeScattered(list, o)
	if (code != OK) != wrong {
		x.t.Fatalf("FreeScattered(%+v, %v) = %v", list, o, code)
	}
	if wrong {
		x.mistakes++
		if x.a.Stats() != before || code.Mistake() != true {
			x.t.Fatalf("%v, and something was freed", code)
		}
		return
	}
	for _, e := range list {
		x.m.remove(x.m.runs[e.Addr>>phys.PageShift])
	}
}

// each drops a reference of each single frame in a row.
func (x *trial) each() {
	r := x.some()
	if r == nil {
		return
	}
	first, n := r.first, uint64(0)
	for n < 40 {
		r := x.m.runs[first+n]
		if r == nil || r.n != 1 {
			break
		}
		n++
		if r.count--; r.count == 0 {
			x.m.remove(r)
		}
	}
	if code := x.a.UnshareEach(first<<phys.PageShift, n); code != OK {
		x.t.Fatalf("UnshareEach(%#x, %d): %v", first<<phys.PageShift, n, code)
	}
}

// TestScattered: a request that no block can meet comes in few pieces, over two
// regions if it must; what can't be is refused and changes nothing.
func TestScattered(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 24*mib))
	a.AddRegion(mib, 8*mib)
	a.AddRegion(9*mib, 24*mib)
	a.SetReserve(50)
	start := a.Stats()
	list := make([]Extent, 64)
	used, code := a.AllocScattered(start.Free-50, 0, User, list)
	if code != OK || used < 4 || used > 24 {
		t.Fatalf("%d extents, %v", used, code)
	}
	regions := map[bool]int{}
	for k, e := range list[:used] {
		regions[e.Addr < 8*mib]++
		if f := a.Frame(e.Addr + (e.Frames-1)<<phys.PageShift); f.Head != e.Addr || f.Run != e.Frames || f.Owner != User {
			t.Errorf("extent %d of %+v: %+v", k, list[:used], f)
		}
	}
	if len(regions) != 2 || a.Stats().Free != 50 {
		t.Errorf("%v, %d frames left", regions, a.Stats().Free)
	}
	check(t, a)
	if code := a.FreeScattered(list[:used], Heap); code != WrongOwner || a.Mistake().Addr != list[0].Addr {
		t.Errorf("of another owner: %v", code)
	}
	a.FreeN(list[1].Addr, list[1].Frames, User) // each is a run of its own
	if code := a.FreeScattered(list[:used], User); code != NotTaken || a.Mistake().Addr != list[1].Addr {
		t.Errorf("the second is free: %v", code)
	}
	list[1] = list[0]
	if code := a.FreeScattered(list[:used], User); code != NotTaken || a.Mistake().Addr != list[0].Addr {
		t.Errorf("the first twice: %v, %+v", code, a.Mistake())
	}
	if code := a.FreeScattered(append(list[:1:1], list[2:used]...), User); code != OK {
		t.Error(code)
	}
	if got := a.Stats(); got != start {
		t.Errorf("%+v, at the start %+v", got, start)
	}
	for _, c := range []struct {
		n, limit uint64
		o        Owner
		room     int
		want     Code
	}{
		{0, 0, Heap, 64, BadSize},
		{1, 0, Nobody, 64, BadOwner},
		{1, 0, Owners, 64, BadOwner},
		{start.Free + 1, 0, Heap, 64, NoMemory},
		{1<<64 - 1, 0, Heap, 64, NoMemory},
		{start.Free - 49, 0, User, 64, NoMemory},
		{1, mib, Heap, 64, NoMemory},
		{2000, 8*mib - 1, Heap, 64, NoMemory},
		{start.Free, 0, Heap, 3, Scattered},
		{1, 0, Heap, 0, Scattered},
	} {
		if used, code := a.AllocScattered(c.n, c.limit, c.o, list[:c.room]); code != c.want || used != 0 {
			t.Errorf("%+v: %d, %v", c, used, code)
		}
		if got := a.Stats(); got != start {
			t.Errorf("%+v changed something", c)
		}
	}
	if used, code := a.AllocScattered(1700, 8*mib-1, User, list); code != OK || list[used-1].Addr >= 8*mib {
		t.Errorf("at or below 8 MiB: %v, %+v", code, list[:used])
	}
	check(t, a)
}
