// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"flag"
	"math/rand/v2"
	"sync"
	"testing"

	"loam/machine/frame"
	"loam/machine/phys"
)

const mib = 1 << 20

// machine is memory with both allocators.
type machine struct {
	a   frame.Allocator
	h   Heap
	mem phys.Memory
	b   []byte
}

// newMachine returns a machine of the memory b, whose last frame is in no region.
func newMachine(t testing.TB, b []byte) *machine {
	t.Helper()
	m := &machine{mem: phys.FromBytes(b), b: b}
	m.a.Init(m.mem)
	end := uint64(len(b)) - phys.PageSize
	if code := m.a.AddRegion(phys.PageSize, end); code != frame.OK {
		t.Fatal(code)
	}
	if code := m.h.Init(m.mem, &m.a, end); code != OK {
		t.Fatal(code)
	}
	return m
}

func (m *machine) check(t testing.TB) {
	t.Helper()
	if code := m.h.Check(); code != OK {
		t.Fatalf("heap: %v: %+v", code, m.h.Last())
	}
	if code := m.a.Check(); code != frame.OK {
		t.Fatalf("frames: %v: %+v", code, m.a.Last())
	}
}

// free is the number of free frames.
func (m *machine) free() uint64 { return m.a.Stats().Free }

func kind(t testing.TB, size, align uint64, o Owner) Kind {
	t.Helper()
	k, code := KindOf(size, align, o)
	if code != OK {
		t.Fatalf("KindOf(%d, %d, %v): %v", size, align, o, code)
	}
	return k
}

// thing is an object that the model knows to be taken.
type thing struct {
	pa, size uint64 // as it was asked for
	kind     Kind
	id       uint32
}

// model is the slow oracle: it knows who has each 16 bytes of memory.
type model struct {
	t      testing.TB
	m      *machine
	draw   func() uint64
	cells  []uint32 // by 16 bytes: the id of the taken object, or 0
	things []thing
	at     map[uint32]int // index in things, by id
	ids    uint32
	cpus   uint64
	allocs uint64 // of 64 steps
	refuse int    // requests that found no memory
}

func (x *model) pick(n uint64) uint64 { return x.draw() % n }

// some draws a size: small ones often, up to 6 MiB.
func (x *model) some() uint64 {
	size := uint64(1) << x.pick(13)
	switch x.pick(32) {
	case 0:
		size <<= 5
	case 1:
		size <<= 11
	}
	return min(size+x.pick(size), 6*mib)
}

func (x *model) step() {
	switch op := x.pick(64); {
	case op < x.allocs:
		x.alloc()
	case op < 58:
		if len(x.things) > 0 {
			x.free(x.things[x.pick(uint64(len(x.things)))])
		}
	case op < 62:
		x.nonsense()
	case op == 62 && x.pick(16) == 0:
		x.m.h.Trim()
	case op == 63 && x.pick(8) == 0:
		x.prepare()
	}
}

func (x *model) alloc() {
	size, align := x.some(), uint64(0)
	if x.pick(4) == 0 {
		align = 1 << x.pick(15)
	}
	k := kind(x.t, size, align, Owner(x.pick(uint64(Owners))))
	pa, code := x.m.h.Front(uint32(x.pick(x.cpus))).Alloc(k)
	if code == NoMemory {
		x.refuse++
		if free := x.m.free(); size <= retained && align <= phys.PageSize && free > 8<<10 || size < Smallest && free > 16 {
			x.t.Fatalf("no memory for %d bytes with %d frames free", size, free)
		}
		for range 1 + len(x.things)/2 {
			x.free(x.things[x.pick(uint64(len(x.things)))])
		}
		return
	}
	if code != OK || align > 0 && pa%align != 0 || k.Size() < size || pa+k.Size() > uint64(len(x.m.b)) {
		x.t.Fatalf("Alloc of %d bytes, align %d: %#x, %v", size, align, pa, code)
	}
	x.ids++
	for i := pa / 16; i < (pa+k.Size())/16; i++ {
		if x.cells[i] != 0 {
			x.t.Fatalf("%d bytes at %#x overlap object %d", k.Size(), pa, x.cells[i])
		}
		x.cells[i] = x.ids
	}
	x.at[x.ids] = len(x.things)
	x.things = append(x.things, thing{pa, size, k, x.ids})
	x.mark(pa, k.Size(), uint64(x.ids))
}

// mark writes to both ends of an object.
func (x *model) mark(pa, n, v uint64) {
	*x.m.mem.Word(pa) = v
	*x.m.mem.Word(pa + n - 8) = v
}

func (x *model) free(o thing) {
	n := o.kind.Size()
	if a, b := *x.m.mem.Word(o.pa), *x.m.mem.Word(o.pa + n - 8); a != uint64(o.id) || b != uint64(o.id) {
		x.t.Fatalf("object %d at %#x reads %d and %d", o.id, o.pa, a, b)
	}
	if code := x.m.h.Front(uint32(x.pick(x.cpus))).Free(o.kind, o.pa); code != OK {
		x.t.Fatalf("Free of %d bytes at %#x: %v: %+v", n, o.pa, code, x.m.h.Last())
	}
	for i := o.pa / 16; i < (o.pa+n)/16; i++ {
		x.cells[i] = 0
	}
	i, last := x.at[o.id], len(x.things)-1
	x.things[i] = x.things[last]
	x.at[x.things[i].id] = i
	x.things = x.things[:last]
	delete(x.at, o.id)
}

// nonsense frees what may not be freed, in every way that it can be wrong.
func (x *model) nonsense() {
	pa := x.pick(uint64(len(x.m.b)))
	k := kind(x.t, x.some(), 0, Owner(x.pick(uint64(Owners))))
	if len(x.things) > 0 && x.pick(4) != 0 {
		o := x.things[x.pick(uint64(len(x.things)))]
		pa, k = o.pa, o.kind
		switch x.pick(5) {
		case 0:
			pa += x.pick(o.kind.Size())
		case 1:
			k = kind(x.t, o.size, 0, Owner(x.pick(uint64(Owners))))
		case 2:
			k = kind(x.t, x.some(), 0, o.kind.owner())
		case 3:
			k = Kind{}
		case 4:
			pa += o.kind.Size()
		}
	}
	o, taken := x.holder(pa)
	if taken && o.pa == pa && o.kind == k {
		return // sense after all
	}
	code := x.m.h.Front(uint32(x.pick(x.cpus))).Free(k, pa)
	if !x.expected(code, k, pa, o, taken) {
		x.t.Fatalf("Free(%+v, %#x): %v, in %+v %v", k, pa, code, o, taken)
	}
	if r := x.m.h.Last(); r.Code != code || r.Addr != pa || taken && (!r.Taken || r.Owner != o.kind.owner() || r.Object != o.pa || r.Size != o.kind.Size()) && code != BadKind {
		x.t.Fatalf("Last() = %+v after %v at %#x, in %+v", r, code, pa, o)
	}
}

// holder returns the taken object that holds pa.
func (x *model) holder(pa uint64) (thing, bool) {
	if pa/16 < uint64(len(x.cells)) && x.cells[pa/16] != 0 {
		return x.things[x.at[x.cells[pa/16]]], true
	}
	return thing{}, false
}

// expected says whether a free may be answered so.
func (x *model) expected(code Code, k Kind, pa uint64, o thing, taken bool) bool {
	switch {
	case k == Kind{}:
		return code == BadKind
	case !taken:
		return code == NotGiven || code == NotTaken || code == Interior
	case o.pa != pa:
		return code == Interior
	case o.kind.owner() != k.owner():
		return code == WrongOwner
	}
	return code == WrongSize
}

func (x *model) prepare() {
	k := kind(x.t, 1<<x.pick(13), 0, Kernel)
	if code := x.m.h.Prepare(k, x.pick(40)); code != OK && code != NoMemory {
		x.t.Fatal(code)
	}
}

// usage compares what the heap says that owners have with the model.
func (x *model) usage() {
	var want [Owners]Usage
	for _, o := range x.things {
		u := &want[o.kind.owner()]
		u.Objects++
		u.Bytes += o.kind.Size()
		u.Class[o.kind.class()%runClass]++
	}
	var s Stats
	x.m.h.Stats(&s)
	for o := range Owners {
		var got Usage
		if x.m.h.Owned(o, &got); got != want[o] {
			x.t.Fatalf("%v has %+v, want %+v", o, got, want[o])
		}
		for c, n := range got.Class {
			s.Class[c].Objects -= n
		}
	}
	for c := range s.Class {
		heaps := uint64(0)
		if c == descriptors {
			heaps = x.descriptors()
		}
		if s.Class[c].Used() != heaps {
			x.t.Fatalf("class %d: %+v and no owner", c, s.Class[c])
		}
	}
}

// descriptors is how many the heap has taken for itself.
func (x *model) descriptors() (n uint64) {
	var t tally
	x.m.h.stop()
	defer x.m.h.start()
	for s := x.m.h.nextSlab(0); s != nil; s = x.m.h.nextSlab(s.base + uint64(s.frames)<<phys.PageShift) {
		x.m.h.checkSlab(s, &t)
	}
	return t.descriptors
}

// finish frees everything and compares with the start.
func (x *model) finish(start uint64) {
	x.m.check(x.t)
	x.usage()
	for len(x.things) > 0 {
		x.free(x.things[len(x.things)-1])
	}
	for c := uint64(1); c <= Classes; c++ {
		if code := x.m.h.Prepare(kind(x.t, sizeOf(c), 0, Kernel), 0); code != OK {
			x.t.Fatal(code)
		}
	}
	x.m.h.Trim()
	x.m.check(x.t)
	if got := x.m.free(); got != start {
		x.t.Fatalf("%d frames free at the end, %d at the start", got, start)
	}
}

// arena is memory for a model, which finds what the one before has left; but for the
// cells, which are zero when all is freed.
type arena struct {
	b     []byte
	cells []uint32
}

var arenas = sync.Pool{New: func() any { return &arena{phys.Arena(48 * mib), make([]uint32, 48*mib/16)} }}

func newModel(t testing.TB, draw func() uint64) (*model, uint64) {
	a := arenas.Get().(*arena)
	t.Cleanup(func() {
		if !t.Failed() {
			arenas.Put(a)
		}
	})
	m := newMachine(t, a.b)
	for cpu := range uint32(3) {
		if code := m.h.AddCPU(cpu); code != OK {
			t.Fatal(code)
		}
	}
	// CPU 3 shares the front of CPU 0.
	return &model{t: t, m: m, draw: draw, cells: a.cells,
		at: map[uint32]int{}, cpus: 4, allocs: 30}, m.free()
}

var steps = flag.Int("steps", 200_000, "operations of TestModel")

func TestModel(t *testing.T) {
	n := *steps
	if testing.Short() {
		n /= 4
	}
	rng := rand.New(rand.NewPCG(5, 6))
	x, start := newModel(t, rng.Uint64)
	most := 0
	for i := range n {
		x.allocs = [...]uint64{44, 29, 12}[i/10_000%3] // fill, stay, empty
		x.step()
		most = max(most, len(x.things))
		if i%20_000 == 0 {
			x.m.check(t)
			x.usage()
		}
	}
	x.finish(start)
	if t.Logf("%d objects at most, %d refused", most, x.refuse); most < 1000 || x.refuse == 0 && n == *steps {
		t.Error("the model was never full")
	}
}

// FuzzHeap drives the same with bytes: each draw takes two.
func FuzzHeap(f *testing.F) {
	f.Add([]byte("\x00\x01\x04\x02\x00\x09\x00\x07"))
	f.Add([]byte("an object, a free, and another object of some size"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		x, start := newModel(t, func() uint64 {
			if len(b) < 2 {
				b = nil
				return 0
			}
			v := uint64(b[0]) | uint64(b[1])<<8
			b = b[2:]
			return v * 0x9e3779b1 >> 4 // spread over more than 16 bits
		})
		for len(b) >= 2 {
			x.step()
		}
		x.finish(start)
	})
}
