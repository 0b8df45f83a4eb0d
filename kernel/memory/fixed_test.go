// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/machine/frame"
)

// createRun makes a fixed object, or finds that there is no room for it.
func (w *world) createRun() {
	size := w.page(520) + 1
	account, free := w.pick(len(w.accounts)), w.frames.Stats().Free
	a := &w.accounts[account]
	i, errno := w.o.NewRun(size, 0, a)
	most := size + 3
	switch {
	case len(w.things) == mostThings:
		w.expect("NewRun", errno, abi.ENOSPC)
		return
	case errno == abi.EDQUOT && a.Limit-a.Used < most,
		errno == abi.ENOSPC && a.Above != nil && a.Above.Limit-a.Above.Used < most,
		errno == abi.ENOMEM && (free < 4*most || size > 1): // there may be none side by side
		return
	}
	w.expect("NewRun", errno, 0)
	for !w.o.ZeroPiece(i) {
	}
	w.families++
	x := &thing{index: i, account: account, refs: 1, size: size, fixed: true,
		words: map[uint64]uint64{}, frames: map[uint64]uint64{}, family: w.families}
	w.things = append(w.things, x)
	start, _ := w.o.Address(i, 0)
	for page := range size {
		x.words[page] = 0
		x.frames[page] = start + page*PageSize // as if it were mapped: none may ever change
	}
	if _, ok := w.o.Address(i, size); ok || w.o.Device(i) {
		w.t.Fatal("a page too many, or a device")
	}
}

// TestRun makes runs of all sorts of sizes.
func TestRun(t *testing.T) {
	w := newWorld(t, 16*mib, 1100)
	a := &w.accounts[0]
	for size, frames := range map[uint64]uint64{1: 1, 2: 3, 511: 512, 512: 513, 513: 516, 1024: 1027} {
		i, errno := w.o.NewRun(size, 0, a)
		if errno != 0 {
			t.Fatal(size, errno)
		}
		pieces := 1
		for ; !w.o.ZeroPiece(i); pieces++ {
		}
		if want := int(size+63) / 64; pieces != want || w.o.Frames(i) != frames || a.Used != frames {
			t.Errorf("%d pages: %d pieces of %d, %d frames of %d, %d charged", size, pieces, want, w.o.Frames(i), frames, a.Used)
		}
		start, _ := w.o.Address(i, 0)
		for page := range size {
			pa, errno := w.o.Page(i, page)
			if at, ok := w.o.Address(i, page); errno != 0 || !ok || pa != at || pa != start+page*PageSize || *w.mem.Word(pa) != 0 || *w.mem.Word(pa + PageSize - 8) != 0 {
				t.Fatalf("page %d of %d at %#x, %v", page, size, pa, errno)
			}
		}
		w.o.Release(i)
		for w.o.Dying() {
			w.o.Reap()
		}
		if a.Used != 0 {
			t.Fatalf("%d pages: %d are still charged", size, a.Used)
		}
	}
	_, none := w.o.NewRun(0, 0, a)
	_, many := w.o.NewRun(maxRun+1, 0, a)
	a.Limit = 514
	_, quota := w.o.NewRun(513, 0, a)
	a.Limit = 1 << 20
	_, low := w.o.NewRun(2, PageSize, a) // the last byte is behind that
	ordinary, _ := w.o.New(5, a)
	if _, ok := w.o.Address(ordinary, 0); ok {
		t.Error("an ordinary object has an address")
	}
	w.o.Release(ordinary)
	if none != abi.EINVAL || many != abi.EINVAL || quota != abi.EDQUOT || low != abi.ENOMEM {
		t.Error(none, many, quota, low)
	}
	w.end()
}

// TestRunWithoutMemory has frames run out at each of those that a run takes.
func TestRunWithoutMemory(t *testing.T) {
	w := newWorld(t, 8*mib, 1<<20)
	done, refused := 0, 0
	for left := uint64(0); left < 20; left++ {
		var taken []uint64
		for w.frames.Stats().Free > left {
			pa, code := w.frames.Alloc(frame.User)
			if code != frame.OK {
				t.Fatal(code)
			}
			taken = append(taken, pa)
		}
		if i, errno := w.o.NewRun(2, 0, &w.accounts[0]); errno == 0 {
			done++
			w.o.Release(i)
			w.o.Reap()
		} else {
			refused++
			w.expect("NewRun", errno, abi.ENOMEM)
		}
		if free := w.frames.Stats().Free; free != left || w.accounts[0].Used != 0 || w.o.Len() != 0 {
			t.Fatalf("%d frames of %d left, %d charged", free, left, w.accounts[0].Used)
		}
		for _, pa := range taken {
			w.frames.Free(pa, frame.User)
		}
	}
	if done == 0 || refused == 0 {
		t.Errorf("%d runs made, %d refused", done, refused)
	}
	w.end()
}

func TestDevice(t *testing.T) {
	w := newWorld(t, 4*mib, 10)
	const at = 0xfed0_0000
	i, errno := w.o.NewDevice(at, 3)
	if errno != 0 {
		t.Fatal(errno)
	}
	for page := range uint64(3) {
		pa, errno := w.o.Page(i, page)
		ready, ok1 := w.o.Ready(i, page)
		found, ok2 := w.o.Lookup(i, page)
		there, ok3 := w.o.Address(i, page)
		if want := at + page*PageSize; errno != 0 || !ok1 || !ok2 || !ok3 || pa != want || ready != want || found != want || there != want {
			t.Errorf("page %d at %#x, %#x, %#x, %#x", page, pa, ready, found, there)
		}
	}
	_, behind := w.o.Page(i, 3)
	_, far := w.o.Decommit(i, 0, 1)
	_, cloned := w.o.Clone(i, 0, 3, nil)
	_, empty := w.o.NewDevice(at, 0)
	for k, errno := range []abi.Errno{behind, far, cloned, empty, w.o.Resize(i, 4), w.o.Resize(i, 2)} {
		if errno != abi.EINVAL {
			t.Errorf("%d: %v", k, errno)
		}
	}
	if _, ok := w.o.Lookup(i, 3); ok || !w.o.Device(i) || w.o.Frames(i) != 0 {
		t.Error("a page behind the end, or frames")
	}
	w.o.Attach(i, 2, true)
	w.o.Release(i)
	if w.o.Dying() {
		t.Error("it dies while it is mapped")
	}
	w.o.Detach(i, 2, true)
	if w.o.Reap() != i {
		t.Error("it didn't go in one piece")
	}
	w.end()
}

// TestDeviceAt asks who has the registers at an address while objects come and go.
func TestDeviceAt(t *testing.T) {
	w := newWorld(t, 4*mib, 10)
	rnd := rand.New(rand.NewPCG(1, 2))
	const base, places = 0xfed0_0000, 12
	held := map[int32]uint64{} // where it begins; memory: 0
	for range 5000 {
		switch i, errno := int32(0), abi.Errno(0); rnd.IntN(4) {
		case 0:
			if i, errno = w.o.New(2, nil); errno == 0 {
				held[i] = 0
			}
		case 1:
			at := base + rnd.Uint64N(places)*PageSize
			if i, errno = w.o.NewDevice(at, 2); errno == 0 {
				held[i] = at
			}
		case 2:
			for i := range held {
				w.o.Release(i)
				if w.o.Reap() != i {
					t.Fatal("it didn't go in one piece")
				}
				delete(held, i)
				break
			}
		case 3:
			at, size := base+rnd.Uint64N(places*PageSize), 1+rnd.Uint64N(2*PageSize)
			want := false
			for _, start := range held {
				want = want || start != 0 && start < at+size && at < start+2*PageSize
			}
			if w.o.DeviceAt(at, size) != want {
				t.Fatalf("%d bytes at %#x: %v", size, at, !want)
			}
		}
		if broken, at := w.o.Check(func(int32) uint32 { return 1 }); broken != "" {
			t.Fatal(broken, at)
		}
	}
	for i := range held {
		w.o.Release(i)
		w.o.Reap()
	}
	w.end()
}
