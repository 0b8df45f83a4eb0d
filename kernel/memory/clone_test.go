// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	"loam/abi"
	"loam/machine/frame"
)

// put writes a word to a page of an object, get reads it; neither leaves it mapped.
func (w *world) put(i int32, page, v uint64) abi.Errno {
	w.o.Attach(i, 1, true)
	defer w.o.Detach(i, 1, true)
	pa, errno := w.o.Page(i, page)
	if errno == 0 {
		*w.mem.Word(pa) = v
	}
	return errno
}

func (w *world) get(i int32, page uint64) uint64 {
	pa, ok := w.o.Lookup(i, page)
	if !ok {
		return 0
	}
	return *w.mem.Word(pa)
}

func (w *world) must(i int32, errno abi.Errno) int32 {
	w.t.Helper()
	if errno != 0 {
		w.t.Fatal(errno)
	}
	return i
}

// drop lets objects go, and wants all frames back.
func (w *world) drop(objects ...int32) {
	for _, i := range objects {
		w.o.Release(i)
	}
	for w.o.Dying() {
		w.o.Reap()
	}
	w.end()
}

// TestCloneIsCheap looks at what clones of a large object take: no frames, or
// those of nodes at both ends; and at what is exchanged when they are written.
func TestCloneIsCheap(t *testing.T) {
	w := newWorld(t, 16*mib, 100000)
	x := w.must(w.o.New(MaxPages, nil))
	const pages, apart = 1000, 5000
	for k := range uint64(pages) {
		if errno := w.put(x, k*apart, k+1); errno != 0 {
			t.Fatal(errno)
		}
	}
	free := w.frames.Stats().Free
	took := func(what string, want uint64) {
		t.Helper()
		if got := free - w.frames.Stats().Free; got != want {
			t.Errorf("%s took %d frames, want %d", what, got, want)
		}
		free = w.frames.Stats().Free
	}
	whole := w.must(w.o.Clone(x, 0, MaxPages, nil))
	took("a clone", 0)
	part := w.must(w.o.Clone(x, apart, MaxPages-1, nil))
	took("a clone of a part", maxHeight) // nothing is at its end
	one := w.must(w.o.Clone(x, 7*apart, 7*apart+1, nil))
	took("a clone of a page", 0)
	if w.get(one, 0) != 8 || w.get(part, 6*apart) != 8 || w.get(whole, 7*apart) != 8 || w.o.Frames(one) != 1 {
		t.Error("they have something else")
	}
	w.put(whole, 7*apart, 99)
	took("the first page that is written", maxHeight+1)
	w.put(whole, 7*apart, 100)
	took("the same again", 0)
	w.put(whole, 7*apart+1, 101)
	took("its neighbour, which is new", 1)
	w.put(x, 9*apart, 102)
	took("a page of the source", 2) // the clone has copied what is above
	if w.get(x, 7*apart) != 8 || w.get(whole, 7*apart) != 100 || w.get(whole, 9*apart) != 10 || w.get(part, 8*apart) != 10 {
		t.Error("what one writes another sees")
	}
	if f := w.o.Frames(whole); f != w.o.Frames(x)+1 {
		t.Errorf("%d frames, the source %d", f, w.o.Frames(x))
	}
	w.drop(x, whole, part, one)
}

// TestCloneParts clones each range of an object with pages where nodes meet, and
// a range of that, and lets go of parts of it.
func TestCloneParts(t *testing.T) {
	w := newWorld(t, 16*mib, 100000)
	x := w.must(w.o.New(MaxPages, nil))
	spots := []uint64{0, 1, 510, 511, 512, 1023, 1024, 1<<18 - 1, 1 << 18, 1<<18 + 511, 1 << 19, MaxPages - 1}
	for _, p := range spots {
		w.put(x, p, p+1)
	}
	// same wants y to have pages first up to end of x, but for a hole.
	same := func(y int32, first, end, hole, holeEnd uint64) {
		t.Helper()
		pages := uint64(0)
		for _, p := range spots {
			want := p + 1
			if p < first || p >= end {
				continue
			}
			if p >= hole && p < holeEnd {
				want = 0
			} else {
				pages++
			}
			if got := w.get(y, p-first); got != want {
				t.Fatalf("pages %d to %d: page %d has %d", first, end, p, got)
			}
		}
		z := w.o.pool.Index(y)
		if frames, n := w.count(z.root, z.height, map[uint64]uint32{}); frames != z.frames || n != pages || z.base >= 1<<18 {
			t.Fatalf("pages %d to %d: %d of %d frames, %d of %d pages, base %d", first, end, z.frames, frames, n, pages, z.base)
		}
	}
	for _, first := range spots {
		for _, last := range spots {
			end := last + 1
			if first >= end {
				continue
			}
			y := w.must(w.o.Clone(x, first, end, nil))
			same(y, first, end, 0, 0)
			z := w.must(w.o.Clone(y, (end-first)/3, end-first, nil))
			same(z, first+(end-first)/3, end, 0, 0)
			hole, holeEnd := first+(end-first)/4, first+(end-first)/2
			for next := hole; next < holeEnd; {
				n, errno := w.o.Decommit(y, next-first, holeEnd-first)
				if errno != 0 {
					t.Fatal(errno)
				}
				next = n + first
			}
			same(y, first, end, hole, holeEnd)
			same(z, first+(end-first)/3, end, 0, 0)
			for w.o.Resize(y, (end-first+1)/2) == More {
			}
			if w.o.Resize(y, MaxPages) != 0 || w.put(y, MaxPages-1, 7) != 0 || w.get(y, MaxPages-1) != 7 {
				t.Fatal("it doesn't grow")
			}
			w.o.Release(y)
			w.o.Release(z)
			for w.o.Dying() {
				w.o.Reap()
			}
		}
	}
	same(x, 0, MaxPages, 0, 0)
	w.drop(x)
}

// TestCloneChain makes clones of clones, each of which writes, and lets them go in
// an order of its own.
func TestCloneChain(t *testing.T) {
	const links = 100
	w := newWorld(t, 16*mib, 100000)
	w.o.Init(w.mem, w.frames, links+1)
	chain := []int32{w.must(w.o.New(links, nil))}
	for k := range uint64(links) {
		last := chain[len(chain)-1]
		w.put(last, k, k+1)
		chain = append(chain, w.must(w.o.Clone(last, 0, links, nil)))
	}
	for k, i := range chain {
		for p := range uint64(links) {
			want := p + 1
			if p > uint64(k) || p == uint64(k) && k == links {
				want = 0
			}
			if got := w.get(i, p); got != want {
				t.Fatalf("clone %d, page %d: %d, want %d", k, p, got, want)
			}
		}
	}
	for k := range chain {
		w.o.Release(chain[k*37%len(chain)]) // 37 and 101 have no divisor in common
		for w.o.Dying() {
			w.o.Reap()
		}
	}
	w.end()
}

// TestCloneWithoutMemory has all frames gone when something would have to be
// copied: the call fails, and nothing is changed.
func TestCloneWithoutMemory(t *testing.T) {
	w := newWorld(t, 8*mib, 100000)
	a := &w.accounts[0]
	x := w.must(w.o.New(2048, a))
	for k := range uint64(1200) {
		w.put(x, k, k+1)
	}
	y := w.must(w.o.Clone(x, 0, 2048, a))
	reserve := w.frames.Stats().Free
	var taken []uint64
	for {
		pa, code := w.frames.Alloc(frame.User)
		if code != frame.OK {
			break
		}
		taken = append(taken, pa)
	}
	used := a.Used
	_, half := w.o.Clone(y, 1, 1100, a)
	_, decommit := w.o.Decommit(y, 1, 600)
	for what, errno := range map[string]abi.Errno{
		"a write": w.put(y, 7, 1), "a new page": w.put(y, 1300, 1), "a clone of a part": half,
		"Decommit of a part": decommit, "Resize": w.o.Resize(y, 600),
	} {
		if errno != abi.ENOMEM {
			t.Errorf("%s: %q", what, errno.Name())
		}
	}
	if w.get(y, 7) != 8 || w.get(y, 599) != 600 || w.o.Pages(y) != 2048 || w.o.Frames(y) != w.o.Frames(x) || a.Used != used {
		t.Error("something is changed")
	}
	// What takes no frames.
	z := w.must(w.o.Clone(y, 0, 2048, a))
	if next, errno := w.o.Decommit(y, 0, 2048); next != 2048 || errno != 0 || w.o.Frames(y) != 0 {
		t.Errorf("Decommit of all: %d, %v; %d frames", next, errno, w.o.Frames(y))
	}
	for _, pa := range taken {
		w.frames.Free(pa, frame.User)
	}
	w.frames.SetReserve(3 * w.free) // as if half of it was gone
	if _, errno := w.o.Decommit(z, 1, 600); errno != abi.ENOMEM || w.get(z, 7) != 8 {
		t.Errorf("a node from what the kernel needs for itself: %q", errno.Name())
	}
	w.frames.SetReserve(0)
	if free := w.frames.Stats().Free; free < reserve {
		t.Errorf("%d frames free, before %d", free, reserve)
	}
	w.drop(x, y, z)
}

// TestWriterAmongReaders: rules 1 and 3.
func TestWriterAmongReaders(t *testing.T) {
	w := newWorld(t, 2*mib, 100)
	x := w.must(w.o.New(4, nil))
	w.put(x, 0, 1)
	w.o.Attach(x, 4, false)
	if !w.o.MayWrite(x) {
		t.Error("it is alone, and can't be written")
	}
	y := w.must(w.o.Clone(x, 0, 4, nil)) // with readers
	here, _ := w.o.Page(x, 0)
	if w.o.MayWrite(x) || !w.o.MayWrite(y) {
		t.Error("it is mapped and has a clone, and can be written")
	}
	w.o.Attach(y, 1, true)
	if _, errno := w.o.Clone(y, 0, 1, nil); errno != abi.EBUSY {
		t.Errorf("a clone of what may be written: %q", errno.Name())
	}
	there, _ := w.o.Page(y, 0)
	if again, _ := w.o.Page(x, 0); again != here || there == here {
		t.Errorf("the readers' page is at %#x and then at %#x, the writer's at %#x", here, again, there)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a writer among readers of shared frames")
			}
		}()
		w.o.Attach(x, 1, true)
	}()
	w.o.Detach(y, 1, true)
	w.o.Release(y)
	for w.o.Dying() {
		w.o.Reap()
	}
	if !w.o.MayWrite(x) {
		t.Error("all clones are gone, and it can't be written")
	}
	w.o.Detach(x, 4, false)
	w.drop(x)
}

func TestName(t *testing.T) {
	w := newWorld(t, 2*mib, 100)
	x := w.must(w.o.New(1, nil))
	w.o.SetName(x, []byte("something longer than a name can be at most"))
	w.o.SetName(x, []byte("text of init"))
	if n := w.o.Name(x); string(n[:13]) != "text of init\x00" || n[NameSize-1] != 0 {
		t.Errorf("%q", n)
	}
	w.drop(x)
}
