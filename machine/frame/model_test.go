// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"flag"
	"math/bits"
	"math/rand/v2"
	"sync"
	"testing"

	"loam/machine/phys"
)

// trial drives an allocator and its model with the same operations.
type trial struct {
	t     testing.TB
	a     *Allocator
	m     *model
	heads []uint64 // of taken runs, in no order; may be stale
	draw  func() uint64

	mistakes uint64 // that the allocator was right to refuse
}

func (x *trial) pick(n uint64) uint64 { return x.draw() % n }

// owner draws an owner of the trial's own runs.
func (x *trial) owner() Owner { return [...]Owner{User, UserFile, Heap, PageTable}[x.pick(4)] }

func (x *trial) step() {
	if x.pick(8) == 0 {
		x.a.Use(x.cpu())
	}
	switch op := x.pick(16); {
	case op < 4:
		x.single()
	case op < 7:
		x.several()
	case op < 13:
		x.freeOne()
	case op == 13:
		x.share()
	case op == 14:
		x.nonsense()
	default:
		switch x.pick(16) {
		case 0:
			x.a.Drain()
		case 1:
			x.split()
		case 2:
			x.trim()
		case 3, 4:
			x.scatter()
		case 5:
			x.gather()
		case 6:
			x.each()
		}
	}
}

// cpu draws a processor: the first ones, and the last.
func (x *trial) cpu() uint32 { return [...]uint32{0, 1, 2, MaxCPUs - 1}[x.pick(4)] }

// trim releases a part of a run.
func (x *trial) trim() {
	r := x.some()
	if r == nil {
		return
	}
	at := x.pick(r.n)
	n := x.pick(r.n-at) + 1
	want := OK
	if r.count != 1 {
		want = Shared
	}
	pa := (r.first + at) << phys.PageShift
	if got := x.a.Release(pa, pa+n<<phys.PageShift, r.owner); got != want {
		x.t.Fatalf("Release of %d from %d of %+v: %v", n, at, *r, got)
	}
	if want != OK {
		x.mistakes++
		return
	}
	x.m.remove(r)
	for _, p := range [][2]uint64{{r.first, at}, {r.first + at + n, r.n - at - n}} {
		if p[1] > 0 {
			x.m.add(p[0], p[1], r.owner)
			x.heads = append(x.heads, p[0])
		}
	}
}

// split turns a run into single frames.
func (x *trial) split() {
	r := x.some()
	if r == nil {
		return
	}
	pa := r.first << phys.PageShift
	want := x.m.verdict(pa, r.n, r.owner)
	if got := x.a.Split(pa, r.n, r.owner); got != want {
		x.t.Fatalf("Split(%#x, %d) = %v, want %v", pa, r.n, got, want)
	}
	if want != OK {
		x.mistakes++
		return
	}
	x.m.remove(r)
	for k := range r.n {
		x.m.add(r.first+k, 1, r.owner)
		x.heads = append(x.heads, r.first+k)
	}
}

func (x *trial) single() {
	o := x.owner()
	pa, code := x.a.AllocOn(x.cpu(), o)
	x.judge(pa, code, 1, 0, MaxAddress, o)
}

func (x *trial) several() {
	n := 1 + x.pick(1<<x.pick(9))
	align := uint64(0)
	limit := uint64(0)
	if x.pick(4) == 0 {
		align = phys.PageSize << x.pick(8)
	}
	if x.pick(4) == 0 {
		limit = x.pick(40*mib)&^(phys.PageSize-1) + []uint64{phys.PageSize - 2, phys.PageSize - 1, phys.PageSize}[x.pick(3)]
	}
	o := x.owner()
	pa, code := x.a.AllocN(n, align, limit, o)
	if limit == 0 {
		limit = MaxAddress
	}
	order := max(bits.Len64(n-1), bits.TrailingZeros64(max(align, phys.PageSize))-phys.PageShift)
	if code == OK && pa%max(align, phys.PageSize) != 0 {
		x.t.Fatalf("AllocN(%d, %#x) = %#x", n, align, pa)
	}
	x.judge(pa, code, n, order, limit, o)
}

// judge checks the answer to a request for n frames.
func (x *trial) judge(pa uint64, code Code, n uint64, order int, limit uint64, o Owner) {
	if code == NoMemory {
		spare := x.m.free()
		if o >= User && spare < x.a.reserve+n {
			return
		}
		if x.m.possible(order, n, limit) {
			x.t.Fatalf("no memory for %d frames, order %d, limit %#x, owner %v: %+v",
				n, order, limit, o, x.a.Stats())
		}
		return
	}
	first := pa >> phys.PageShift
	if code != OK || pa%phys.PageSize != 0 || !x.m.inRegion(first, n) || pa+n<<phys.PageShift-1 > limit {
		x.t.Fatalf("%d frames at %#x, limit %#x: %v", n, pa, limit, code)
	}
	for k := range n {
		if h := x.m.holder[first+k]; h != nil {
			x.t.Fatalf("%d frames at %#x overlap %+v", n, pa, *h)
		}
	}
	x.m.add(first, n, o)
	x.heads = append(x.heads, first)
}

// some draws a run of the trial's own.
func (x *trial) some() *run {
	for len(x.heads) > 0 {
		k := x.pick(uint64(len(x.heads)))
		r := x.m.runs[x.heads[k]]
		if r != nil {
			return r
		}
		x.heads[k] = x.heads[len(x.heads)-1]
		x.heads = x.heads[:len(x.heads)-1]
	}
	return nil
}

func (x *trial) freeOne() {
	if r := x.some(); r != nil {
		x.tryFree(r.first<<phys.PageShift, r.n, r.owner)
	}
}

// tryFree frees and compares the answer with the model's.
func (x *trial) tryFree(pa, n uint64, o Owner) {
	want := x.m.verdict(pa, n, o)
	free := x.a.FreeN
	if n == 1 && x.pick(2) == 0 {
		cpu := x.cpu()
		free = func(pa, _ uint64, o Owner) Code { return x.a.FreeOn(cpu, pa, o) }
	}
	if got := free(pa, n, o); got != want {
		x.t.Fatalf("FreeN(%#x, %d, %v) = %v, want %v: %+v", pa, n, o, got, want, x.a.Last())
	}
	if want == OK {
		x.m.remove(x.m.holder[pa>>phys.PageShift])
		return
	}
	x.mistakes++
	if l := x.a.Last(); l.Code != want || l.Addr != pa || l != x.a.Mistake() {
		x.t.Fatalf("Last() = %+v after %v at %#x", l, want, pa)
	}
}

func (x *trial) share() {
	r := x.some()
	if r == nil {
		return
	}
	pa := r.first << phys.PageShift
	if x.pick(2) == 0 {
		if code := x.a.Share(pa); code != OK {
			x.t.Fatal(code)
		}
		r.count++
		return
	}
	freed, code := x.a.UnshareOn(x.cpu(), pa)
	if code != OK || freed != (r.count == 1) {
		x.t.Fatalf("Unshare(%#x) = %v, %v with count %d", pa, freed, code, r.count)
	}
	if r.count--; freed {
		x.m.remove(r)
	}
}

// nonsense frees what may not be freed, in every way that it can be wrong.
func (x *trial) nonsense() {
	pa, n, o := x.pick(48*mib)&^(phys.PageSize-1), uint64(1), x.owner()
	if r := x.some(); r != nil && x.pick(2) == 0 {
		pa, n, o = r.first<<phys.PageShift, r.n, r.owner
		switch x.pick(4) {
		case 0:
			n += x.pick(3)
		case 1:
			pa += x.pick(2*r.n) << phys.PageShift
		case 2:
			o = Owner(x.pick(20))
		case 3:
			pa += x.pick(phys.PageSize)
		}
	}
	x.tryFree(pa, n, o)
}

// finish frees everything and compares with the start.
func (x *trial) finish(start Stats) {
	check(x.t, x.a)
	for _, first := range x.heads {
		if r := x.m.runs[first]; r != nil {
			for r.count > 1 {
				x.a.Unshare(first << phys.PageShift)
				r.count--
			}
			x.tryFree(first<<phys.PageShift, r.n, r.owner)
		}
	}
	x.a.Drain()
	check(x.t, x.a)
	if got := x.a.Mistakes(); got != x.mistakes {
		x.t.Fatalf("%d mistakes counted of %d", got, x.mistakes)
	}
	if got := x.a.Stats(); got != start {
		x.t.Fatalf("at the end %+v, at the start %+v", got, start)
	}
}

// newTrial returns a trial over a small machine with holes and reserved
// ranges, aligned to nothing.
//
// All trials of a process share their memory, so that each finds the records
// of the one before: like a machine that was reset.
func newTrial(t testing.TB, draw func() uint64) *trial {
	a := new(Allocator)
	a.Init(phys.FromBytes(trialMemory()))
	for _, s := range [][2]uint64{{0x100000, 0x2f1234}, {0x700000, 0x701000}, {20 * mib, 21 * mib}} {
		if code := a.Reserve(s[0], s[1], Kernel); code != OK {
			t.Fatal(code)
		}
	}
	for _, s := range [][2]uint64{{mib, 30*mib - 5}, {0x1000, 0x9fc00}, {30 * mib, 39*mib + 0x3000}} {
		if code := a.AddRegion(s[0], s[1]); code != OK {
			t.Fatal(code)
		}
	}
	a.SetReserve(100)
	m := newModel()
	m.adopt(a)
	check(t, a)
	return &trial{t: t, a: a, m: m, draw: draw}
}

var steps = flag.Int("steps", 200_000, "operations of TestModel")

// trialMemory is the memory of all trials.
var trialMemory = sync.OnceValue(func() []byte {
	b := phys.Arena(40 * mib)
	dirty(b)
	return b
})

func TestModel(t *testing.T) {
	steps := *steps
	if testing.Short() {
		steps /= 4
	}
	rng := rand.New(rand.NewPCG(1, 2))
	x := newTrial(t, rng.Uint64)
	start := x.a.Stats()
	for k := range steps {
		x.step()
		if k%10_000 == 0 {
			check(t, x.a)
			if got, want := x.a.Stats().Free, x.m.free(); got != want {
				t.Fatalf("%d frames free, the model has %d", got, want)
			}
		}
	}
	x.finish(start)
}

// FuzzAllocator drives the same trial with bytes: each draw takes two.
func FuzzAllocator(f *testing.F) {
	f.Add([]byte("\x00\x01\x04\x02\x00\x09\x00\x07"))
	f.Add([]byte("a request, a free, and another request of several frames"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		x := newTrial(t, func() uint64 {
			if len(b) < 2 {
				b = nil
				return 0
			}
			v := uint64(b[0]) | uint64(b[1])<<8
			b = b[2:]
			return v * 0x9e3779b1 >> 4 // spread over more than 16 bits
		})
		start := x.a.Stats()
		for len(b) >= 2 {
			x.step()
		}
		x.finish(start)
	})
}
