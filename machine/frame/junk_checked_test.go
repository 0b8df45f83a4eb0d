//go:build loamcheck

// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"bytes"
	"runtime"
	"testing"

	"loam/machine/phys"
)

// numbersOnly says that frames are numbers, and not memory, in this test.
func numbersOnly(t testing.TB) {
	filling = false
	t.Cleanup(func() { filling = true })
}

// TestJunk: what is freed, in any way, is full of junk, and stays so.
func TestJunk(t *testing.T) {
	b := phys.Arena(24 * mib)
	defer runtime.KeepAlive(b)
	a := new(Allocator)
	a.Init(phys.FromBytes(b))
	if code := a.AddRegion(0, 24*mib); code != OK {
		t.Fatal(code)
	}
	want := bytes.Repeat([]byte{junk}, phys.PageSize)
	one, _ := a.Alloc(User)
	kernel, _ := a.AllocOn(3, Heap)
	shared, _ := a.Alloc(User)
	a.Share(shared)
	run, _ := a.AllocN(77, 0, 0, User)
	list := make([]Extent, 8)
	used, code := a.AllocScattered(100, 0, Heap, list)
	if code != OK {
		t.Fatal(code)
	}
	a.Unshare(shared)
	if bytes.Equal(b[shared:shared+phys.PageSize], want) {
		t.Error("a frame that has a reference left is junk")
	}
	a.Free(one, User)
	a.FreeOn(2, kernel, Heap)
	a.Unshare(shared)
	a.FreeN(run, 77, User)
	a.FreeScattered(list[:used], Heap)
	a.Drain()
	frames := []Extent{{one, 1}, {kernel, 1}, {shared, 1}, {run, 77}}
	for _, x := range append(frames, list[:used]...) {
		for i := range x.Frames {
			if pa := x.Addr + i<<phys.PageShift; !bytes.Equal(b[pa:pa+phys.PageSize], want) {
				t.Errorf("frame %d of the %d at %#x is not junk", i, x.Frames, x.Addr)
			}
		}
	}
	check(t, a)
}

// TestWritten: who writes to a frame that is free is found when it is given out.
func TestWritten(t *testing.T) {
	b := phys.Arena(24 * mib)
	defer runtime.KeepAlive(b)
	a := new(Allocator)
	a.Init(phys.FromBytes(b))
	a.AddRegion(0, 24*mib)
	var seen Report
	SetTell(func(r Report) { seen = r })
	defer SetTell(nil)
	for _, at := range []uint64{0, 8, 2048, 4095} {
		pa, _ := a.Alloc(User)
		a.Free(pa, User)
		b[pa+at]++
		again, code := a.Alloc(User)
		if again != pa || code != OK {
			t.Fatalf("%#x, %v, want %#x", again, code, pa)
		}
		if seen.Code != Written || seen.Addr != pa || a.Mistake() != seen {
			t.Errorf("written at %d: %+v", at, seen)
		}
		seen = Report{}
		a.Free(pa, User)
		if again, _ = a.Alloc(User); again != pa || seen.Code != OK {
			t.Errorf("not written: %+v", seen)
		}
		a.Free(pa, User)
	}
	if got := a.Mistakes(); got != 4 {
		t.Errorf("%d mistakes", got)
	}
	check(t, a)
}
