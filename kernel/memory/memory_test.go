// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	"loam/abi"
	"loam/machine/frame"
)

func TestErrors(t *testing.T) {
	w := newWorld(t, 4*mib, 1000)
	i, errno := w.o.New(10, nil)
	if errno != 0 {
		t.Fatal(errno)
	}
	_, none := w.o.New(0, nil)
	_, many := w.o.New(MaxPages+1, nil)
	_, behind := w.o.Page(i, 10)
	_, wraps := w.o.Page(i, ^uint64(0))
	_, order := w.o.Decommit(i, 5, 4)
	_, long := w.o.Decommit(i, 0, 11)
	for k, errno := range []abi.Errno{none, many, behind, wraps, order, long,
		w.o.Resize(i, 0), w.o.Resize(i, MaxPages+1)} {
		if errno != abi.EINVAL {
			t.Errorf("%d: %q", k, errno.Name())
		}
	}
	if _, ok := w.o.Lookup(i, ^uint64(0)); ok {
		t.Error("a page that can't be")
	}
	w.o.Release(i)
	for w.o.Dying() {
		w.o.Reap()
	}
	w.o.Reap() // nothing
	w.end()
}

// TestSmallIsSmall looks at what the tree costs.
func TestSmallIsSmall(t *testing.T) {
	w := newWorld(t, 8*mib, 10000)
	for _, c := range []struct{ page, frames uint64 }{{0, 1}, {1, 3}, {511, 4}, {512, 4 + 3}, {1 << 18, 7 + 4}, {1<<18 + 1, 12}} {
		if len(w.things) == 0 {
			w.create()
			w.o.Resize(w.things[0].index, MaxPages)
		}
		i := w.things[0].index
		if _, errno := w.o.Page(i, c.page); errno != 0 {
			t.Fatal(errno)
		}
		if f := w.o.Frames(i); f != c.frames {
			t.Errorf("with page %d: %d frames, want %d", c.page, f, c.frames)
		}
	}
	w.end()
}

// TestPieces counts what one call gives back.
func TestPieces(t *testing.T) {
	w := newWorld(t, 16*mib, 10000)
	w.o.steps = pieceSteps
	const pages, apart = 600, 5000
	for _, c := range []struct {
		name string
		call func(i int32) (more bool)
	}{
		{"decommit", func(i int32) bool {
			next, errno := w.o.Decommit(i, 0, pages*apart)
			if errno != 0 {
				t.Fatal(errno)
			}
			return next < pages*apart
		}},
		{"resize", func(i int32) bool { return w.o.Resize(i, 1) == More }},
		{"reap", func(i int32) bool {
			if w.o.pool.Index(i).refs > 0 {
				w.o.Release(i)
			}
			w.o.Reap()
			return w.o.Dying()
		}},
	} {
		i, errno := w.o.New(pages*apart, nil)
		if errno != 0 {
			t.Fatal(errno)
		}
		for k := range uint64(pages) {
			if _, errno := w.o.Page(i, k*apart); errno != 0 {
				t.Fatal(errno)
			}
		}
		calls := 0
		for more := true; more; calls++ {
			free := w.frames.Stats().Free
			more = c.call(i)
			if n := w.frames.Stats().Free - free; n > 2*pieceSteps/frameSteps+maxHeight {
				t.Errorf("%s: %d frames in one piece", c.name, n)
			}
		}
		if calls < 4 {
			t.Errorf("%s: %d pages in %d pieces", c.name, pages, calls)
		}
		if c.name != "reap" {
			w.o.Release(i)
		}
		for w.o.Dying() {
			w.o.Reap()
		}
	}
	w.end()
}

// TestReserve has objects leave the kernel's reserve alone.
func TestReserve(t *testing.T) {
	w := newWorld(t, 2*mib, 10000)
	i, _ := w.o.New(MaxPages, nil)
	reserve := w.free - 20
	w.frames.SetReserve(reserve)
	n := uint64(0)
	for {
		_, errno := w.o.Page(i, n*512)
		if errno == abi.ENOMEM {
			break
		}
		if errno != 0 || n > 20 {
			t.Fatal(n, errno)
		}
		n++
	}
	if free := w.frames.Stats().Free; free+2*20+8 < reserve || n < 9 {
		t.Errorf("%d pages, %d frames free, reserve %d", n, free, reserve)
	}
	w.frames.SetReserve(0)
	w.o.Release(i)
	w.end()
}

func TestNothingAllocates(t *testing.T) {
	w := newWorld(t, 2*mib, 10000)
	n := testing.AllocsPerRun(100, func() {
		i, _ := w.o.New(1<<20, &w.accounts[2])
		w.o.Attach(i, 7, true)
		w.o.Page(i, 3)
		w.o.Page(i, 1<<19)
		w.o.Detach(i, 7, true)
		w.o.Decommit(i, 0, 600)
		w.o.Resize(i, 3)
		w.o.Release(i)
		for w.o.Dying() {
			w.o.Reap()
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if code := w.frames.Check(); code != frame.OK {
		t.Error(code)
	}
	w.end()
}

func TestTooMuchGivenBack(t *testing.T) {
	w := newWorld(t, 2*mib, 10000)
	for _, f := range []func(i int32){
		func(i int32) { w.o.Detach(i, 3, true) },
		func(i int32) { w.o.Release(i); w.o.Release(i) },
	} {
		i, _ := w.o.New(1, nil)
		w.o.Attach(i, 2, true)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f(i)
		}()
	}
}
