// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"

	"loam/abi"
	"loam/machine/frame"
	"loam/machine/phys"
)

// The model tests are short by default; -ops 2000000 makes them long.
var modelOps = flag.Int("ops", 20000, "operations of each model test")

const mib = 1 << 20

// thing is what the oracle knows of an object.
type thing struct {
	index   int32
	account int
	refs    int
	mapped  uint64
	writers uint64
	size    uint64
	words   map[uint64]uint64 // first words of pages that have been asked for
	frames  map[uint64]uint64 // that page tables refer to, while it is mapped
	family  int               // those that were cloned from one another
	fixed   bool              // made by NewRun
	paged   bool              // made by NewPaged
}

// world compares Objects with maps.
type world struct {
	t        testing.TB
	frames   *frame.Allocator
	mem      phys.Memory
	o        Objects
	free     uint64 // frames at the start
	accounts [4]Account
	things   []*thing
	data     []byte // of the operation
	checks   int
	families int
}

const mostThings = 12

func newWorld(t testing.TB, memory int, limit uint64) *world {
	arena := phys.Arena(memory)
	for i := range arena {
		arena[i] = 0xa5 // nothing is zero by itself
	}
	t.Cleanup(func() { runtime.KeepAlive(arena) })
	w := &world{t: t, mem: phys.FromBytes(arena), frames: new(frame.Allocator)}
	w.frames.Init(w.mem)
	if code := w.frames.AddRegion(0, uint64(memory)); code != frame.OK {
		t.Fatal(code)
	}
	w.o.Init(w.mem, w.frames, mostThings)
	w.o.steps = 100
	w.free = w.frames.Stats().Free
	for i := range w.accounts {
		w.accounts[i].Limit = limit << (i % 2)
		if i > 1 {
			w.accounts[i].Above = &w.accounts[i-2]
		}
	}
	return w
}

// pick draws a number below n.
func (w *world) pick(n int) int {
	if len(w.data) == 0 {
		return 0
	}
	b := w.data[0]
	w.data = w.data[1:]
	return int(b) * n / 256
}

// page draws a page: of all heights of trees, and near to others.
func (w *world) page(size uint64) uint64 {
	at := [...]uint64{0, 1, 510, 512, 1<<18 - 2, 1 << 18, 1<<18 + 1<<10, MaxPages - 8}[w.pick(8)]
	return min(at+uint64(w.pick(8)), size-1)
}

func (w *world) expect(what string, got, want abi.Errno) {
	w.t.Helper()
	if got != want {
		w.t.Fatalf("%s: %q, want %q", what, got.Name(), want.Name())
	}
}

func (w *world) create() {
	size := w.page(MaxPages) + 1
	account := w.pick(len(w.accounts))
	make, paged := w.o.New, w.pick(3) == 2
	if paged {
		make = w.o.NewPaged
	}
	i, errno := make(size, &w.accounts[account])
	if len(w.things) == mostThings {
		w.expect("New", errno, abi.ENOSPC)
		return
	}
	w.expect("New", errno, 0)
	w.families++
	w.things = append(w.things, &thing{index: i, account: account, refs: 1, size: size, paged: paged,
		words: map[uint64]uint64{}, frames: map[uint64]uint64{}, family: w.families})
}

// live draws an object that can be named.
func (w *world) live() *thing {
	if len(w.things) == 0 {
		return nil
	}
	x := w.things[w.pick(len(w.things))]
	if x.refs == 0 && x.mapped == 0 {
		return nil
	}
	return x
}

func (w *world) decommit(x *thing) {
	first, end := w.page(x.size), w.page(x.size)+1
	want := abi.Errno(0)
	switch {
	case first > end || x.fixed:
		want = abi.EINVAL
	case x.mapped > 0:
		want = abi.EBUSY
	}
	for stop := w.pick(4) != 0; first < end || want != 0; {
		next, errno := w.o.Decommit(x.index, first, end)
		if want == 0 && w.short(errno) {
			return
		}
		w.expect("Decommit", errno, want)
		if want != 0 {
			return
		}
		if next <= first {
			w.t.Fatalf("Decommit stays at %d", next)
		}
		w.forget(x, first, next)
		w.check()
		if first = next; stop && w.pick(3) == 0 {
			return // the rest stays
		}
	}
}

// short reports whether a call found no frame for what it has to copy.
func (w *world) short(errno abi.Errno) bool {
	return errno == abi.ENOMEM && w.frames.Stats().Free < maxHeight
}

func (w *world) forget(x *thing, first, end uint64) {
	for page := range x.words {
		if page >= first && page < end {
			delete(x.words, page)
		}
	}
}

func (w *world) resize(x *thing) {
	size := w.page(MaxPages) + 1
	if x.fixed {
		w.expect("Resize", w.o.Resize(x.index, size), abi.EINVAL)
		return
	}
	if size < x.size && x.mapped > 0 {
		w.expect("Resize", w.o.Resize(x.index, size), abi.EBUSY)
		return
	}
	for errno := More; errno == More; {
		if errno = w.o.Resize(x.index, size); w.short(errno) {
			return
		}
		w.forget(x, size, MaxPages)
		if errno != 0 && errno != More {
			w.t.Fatal(errno)
		}
		x.size = w.o.Pages(x.index)
		if errno == 0 && x.size != size || x.size > size && errno == More {
			w.t.Fatalf("%d pages, want %d", x.size, size)
		}
		if errno == More && w.pick(4) == 0 {
			return // it has shrunk, and grows another time
		}
	}
}

func (w *world) step() {
	op := w.pick(14)
	if op == 0 && w.pick(3) == 0 {
		w.createRun()
	} else if op == 0 {
		w.create()
	} else if x := w.live(); x != nil {
		switch op {
		case 1:
			w.decommit(x)
		case 2:
			w.resize(x)
		case 3:
			if x.refs > 0 {
				w.o.Retain(x.index)
				x.refs++
			}
		case 4:
			if x.refs > 0 {
				w.o.Release(x.index)
				x.refs--
			}
		case 5:
			n := uint64(w.pick(100)) + 1
			w.attach(x, n, w.mayWrite(x) && w.pick(2) == 0)
		case 6, 7:
			write := x.writers > 0 && (x.writers == x.mapped || w.pick(2) == 0)
			most := x.mapped - x.writers
			if write {
				most = x.writers
			}
			if n := min(most, uint64(w.pick(200))+1); n > 0 {
				w.detach(x, n, write)
			}
		case 8, 9:
			w.clone(x)
		default:
			w.access(x)
		}
	}
	if w.pick(3) == 0 {
		w.reap()
	}
	w.check()
}

// reap does a piece, and forgets objects that have gone.
func (w *world) reap() {
	before := w.o.Len()
	w.o.Reap()
	if w.o.Len() == before {
		return
	}
	for k, x := range w.things {
		if _, used := w.o.pool.HandleOf(x.index); !used {
			w.things = append(w.things[:k], w.things[k+1:]...)
			return
		}
	}
	w.t.Fatal("an object has gone that isn't known")
}

// count counts the frames of a tree and its pages, and compares what entries say
// of that. parents counts the places of each frame.
func (w *world) count(e uint64, h uint8, parents map[uint64]uint32) (frames, pages uint64) {
	if e == 0 {
		return 0, 0
	}
	pa := frameOf(e)
	first := parents[pa] == 0
	parents[pa]++
	if h == 0 {
		return 1, 1
	}
	inside := parents
	if !first { // its entries have been counted
		inside = map[uint64]uint32{}
	}
	frames = 1
	for _, e := range w.mem.Table(pa) {
		f, p := w.count(e, h-1, inside)
		if f != framesOf(e) {
			w.t.Fatalf("an entry says %d frames, it has %d", framesOf(e), f)
		}
		frames, pages = frames+f, pages+p
	}
	if frames == 1 {
		w.t.Fatal("an empty node")
	}
	return frames, pages
}

// check compares everything; what takes long, now and then.
func (w *world) check() {
	w.t.Helper()
	if w.checks++; w.checks%16 != 0 {
		return
	}
	var used [len(w.accounts)]uint64
	parents := map[uint64]uint32{}
	for _, x := range w.things {
		live := x.refs > 0 || x.mapped > 0
		y := w.o.pool.Index(x.index)
		frames, pages := w.count(y.root, y.height, parents)
		for a := &w.accounts[x.account]; a != nil; a = a.Above {
			for k := range w.accounts {
				if a == &w.accounts[k] {
					used[k] += frames
				}
			}
		}
		if frames != w.o.Frames(x.index) {
			w.t.Fatalf("charged for %d frames, has %d", w.o.Frames(x.index), frames)
		}
		if !live {
			continue
		}
		if y.top == y.size && pages != uint64(len(x.words)) {
			w.t.Fatalf("%d pages, want %d", pages, len(x.words))
		}
		if w.o.Pages(x.index) != x.size || w.o.Mapped(x.index) != x.mapped || y.writers != x.writers || w.o.Dying() && len(w.things) == 0 {
			w.t.Fatalf("%+v", y)
		}
		for page, want := range x.words {
			if pa, ok := w.o.Lookup(x.index, page); !ok || *w.mem.Word(pa) != want {
				w.t.Fatalf("page %d: %v, want %#x", page, ok, want)
			}
		}
		for page, want := range x.frames {
			if pa, _ := w.o.Lookup(x.index, page); pa != want {
				w.t.Fatalf("page %d is mapped at %#x, and has %#x", page, want, pa)
			}
		}
		w.checkWriters(x, y)
	}
	for pa, n := range parents {
		if got, _ := w.frames.References(pa); got != n {
			w.t.Fatalf("a frame is in %d places, and counted %d times", n, got)
		}
	}
	if n := w.free - w.frames.Stats().Free; n != uint64(len(parents)) {
		w.t.Fatalf("%d frames are taken, %d in trees", n, len(parents))
	}
	for k := range used {
		if a := &w.accounts[k]; a.Used != used[k] || a.Used > a.Limit {
			w.t.Fatalf("account %d: %+v, holds %d", k, a, used[k])
		}
	}
}

// end lets go of everything.
func (w *world) end() {
	for _, x := range w.things {
		for ; x.refs > 0; x.refs-- {
			w.o.Release(x.index)
		}
		if x.writers > 0 {
			w.detach(x, x.writers, true)
		}
		if x.mapped > 0 {
			w.detach(x, x.mapped, false)
		}
	}
	for w.o.Dying() {
		w.o.Reap()
	}
	if code := w.frames.Check(); code != frame.OK {
		w.t.Fatal(code)
	}
	if free := w.frames.Stats().Free; free != w.free || w.o.Len() != 0 || w.accounts != [4]Account{
		{Limit: w.accounts[0].Limit}, {Limit: w.accounts[1].Limit},
		{Limit: w.accounts[2].Limit, Above: &w.accounts[0]}, {Limit: w.accounts[3].Limit, Above: &w.accounts[1]}} {
		w.t.Fatalf("%d frames and %d objects left behind, %+v", w.free-free, w.o.Len(), w.accounts)
	}
}

func TestObjectsAgainstModel(t *testing.T) {
	for _, c := range []struct {
		name   string
		memory int
		limit  uint64
	}{{"much", 8 * mib, 10000}, {"little memory", mib / 2, 10000}, {"low limits", 8 * mib, 15}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.memory, c.limit)
			rnd := rand.New(rand.NewPCG(7, c.limit))
			var b [64]byte
			for range *modelOps {
				for k := 0; k < len(b); k += 8 {
					binary.LittleEndian.PutUint64(b[k:], rnd.Uint64())
				}
				w.data = b[:]
				w.step()
			}
			w.end()
		})
	}
}

func FuzzObjects(f *testing.F) {
	f.Add([]byte("\x00\xff\x10\xf0\x00\x80\xf0\x00\xf0\x80\x80\x20\x00\xff\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, mib/2, 60)
		for w.data = b; len(w.data) > 0; {
			w.step()
		}
		w.end()
	})
}
