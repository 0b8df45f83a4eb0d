// SPDX-License-Identifier: Apache-2.0

package heap

import (
	"math"
	"runtime"
	"testing"

	"loam/machine/frame"
	"loam/machine/phys"
	"loam/machine/spin"
)

// small returns a machine of n bytes.
func small(t testing.TB, n int) *machine {
	b := phys.Arena(n)
	t.Cleanup(func() { runtime.KeepAlive(b) })
	return newMachine(t, b)
}

func TestClasses(t *testing.T) {
	for c := uint64(1); c <= Classes; c++ {
		size, l := sizeOf(c), layoutOf(c)
		if classOf(size) != c || classOf(size+1) != c+1 || c > 1 && classOf(sizeOf(c-1)+1) != c {
			t.Errorf("class %d of %d bytes is not where it should be", c, size)
		}
		room := uint64(l.frames) << phys.PageShift
		if l.frames == 1 {
			room -= (slabSize + granules(c) + Smallest - 1) &^ (Smallest - 1)
		} else if slabSize+granules(c) > descriptorSize {
			t.Errorf("class %d: a descriptor of %d bytes", c, slabSize+granules(c))
		}
		if used := uint64(l.objects) * size; used > room || room-used >= size || l.objects > 128 || l.objects == 0 {
			t.Errorf("class %d: %d objects of %d bytes in %d", c, l.objects, size, room)
		}
	}
	if sizeOf(1) != Smallest || sizeOf(Classes) != Largest || sizeOf(fronted) != FrontSize || sizeOf(descriptors) != descriptorSize {
		t.Error("the constants don't say what the classes are")
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		size, align uint64
		o           Owner
		want        uint64 // bytes
		code        Code
	}{
		{1, 0, Kernel, 32, OK},
		{32, 1, DMA, 32, OK},
		{33, 16, Kernel, 48, OK},
		{33, 32, Kernel, 64, OK},
		{48, 64, Kernel, 64, OK},
		{100, 4096, Kernel, 4096, OK},
		{4096, 4096, Context, 4096, OK},
		{4097, 4096, Context, 8192, OK},
		{4097, 2048, Context, 6144, OK},
		{Largest, Largest, Kernel, Largest, OK},
		{Largest + 1, 0, Kernel, Largest + 4096, OK},
		{1, 2 * Largest, Kernel, 4096, OK},
		{MaxSize, MaxSize, Kernel, MaxSize, OK},
		{0, 0, Kernel, 0, BadSize},
		{MaxSize + 1, 0, Kernel, 0, BadSize},
		{math.MaxUint64, 0, Kernel, 0, BadSize},
		{math.MaxUint64 - 4094, 0, Kernel, 0, BadSize},
		{64, 3, Kernel, 0, BadAlign},
		{64, 4095, Kernel, 0, BadAlign},
		{64, 2 * MaxSize, Kernel, 0, BadAlign},
		{64, 1 << 63, Kernel, 0, BadAlign},
		{64, math.MaxUint64, Kernel, 0, BadAlign},
		{64, 0, Owners, 0, BadOwner},
		{64, 0, 255, 0, BadOwner},
	} {
		if k, code := KindOf(c.size, c.align, c.o); code != c.code || k.Size() != c.want || code == OK && k.owner() != c.o {
			t.Errorf("KindOf(%d, %d, %v) is of %d bytes, %v", c.size, c.align, c.o, k.Size(), code)
		}
	}
}

// TestMistakes: every wrong free has its name, and changes nothing.
func TestMistakes(t *testing.T) {
	m := small(t, 24*mib)
	f := m.h.Front(0)
	for _, size := range []uint64{48, 64, 100, 512, 768, 4096, 6000, 20000, 48 << 10, 1 << 20, 3 << 20, 5 << 20} {
		k := kind(t, size, 0, Ring)
		pa, code := f.Alloc(k)
		if code != OK {
			t.Fatal(size, code)
		}
		n := k.Size()
		for _, c := range []struct {
			what string
			k    Kind
			pa   uint64
			want Code
		}{
			{"inside", k, pa + 8, Interior},
			{"the next half", k, pa + n/2, Interior},
			{"the last byte", k, pa + n - 1, Interior},
			{"another owner", kind(t, size, 0, DMA), pa, WrongOwner},
			{"half the size", kind(t, n/2, 0, Ring), pa, WrongSize},
			{"twice the size", kind(t, 2*n, 0, Ring), pa, WrongSize},
			{"one more", kind(t, n+1, 0, Ring), pa, WrongSize},
			{"no kind", Kind{}, pa, BadKind},
			{"frame 0", k, 0, NotGiven},
			{"the last frame, which is in no region", k, 24*mib - phys.PageSize, NotGiven},
			{"beyond memory", k, 24 * mib, NotGiven},
			{"far beyond memory", k, pa + 1<<40, NotGiven},
			{"the end of addresses", k, math.MaxUint64, NotGiven},
			{"the heap's own frames", k, uint64(m.h.root - m.mem.Virtual(0)), NotGiven},
		} {
			if code := f.Free(c.k, c.pa); code != c.want {
				t.Errorf("%d bytes, %s: %v, want %v", size, c.what, code, c.want)
			}
			if r := m.h.Last(); r.Code != c.want || r.Addr != c.pa {
				t.Errorf("%d bytes, %s: %+v", size, c.what, r)
			}
		}
		if r := m.h.Object(pa + 9); r != (Report{Taken: true, Owner: Ring, Addr: pa + 9, Object: pa, Size: n}) {
			t.Errorf("%d bytes: %+v", size, r)
		}
		m.check(t)
		if code := f.Free(k, pa); code != OK {
			t.Fatal(size, code)
		}
		twice := NotTaken
		if n > Largest || n > retained {
			twice = NotGiven // the slab has gone
		}
		if code := f.Free(k, pa); code != twice {
			t.Errorf("%d bytes, twice: %v", size, code)
		}
		m.h.Trim()
		if code := f.Free(k, pa); code != NotGiven {
			t.Errorf("%d bytes, after Trim: %v", size, code)
		}
		m.check(t)
	}
	if _, code := f.Alloc(Kind{}); code != BadKind || m.h.Last().Code != BadKind {
		t.Errorf("Alloc of no kind: %v", code)
	}
	if code := m.h.Prepare(Kind{}, 1); code != BadKind {
		t.Errorf("Prepare of no kind: %v", code)
	}
	if code := m.h.Prepare(kind(t, 5<<20, 0, Kernel), 1); code != BadKind {
		t.Errorf("Prepare of a run: %v", code)
	}
	if code := m.h.Prepare(kind(t, 64, 0, Kernel), math.MaxUint64); code != BadKind {
		t.Errorf("Prepare of all numbers: %v", code)
	}
	if code := m.h.AddCPU(MaxCPUs); code != BadSize {
		t.Errorf("AddCPU: %v", code)
	}
}

// TestForeign: frames of others, whatever is written in them, are not the heap's.
func TestForeign(t *testing.T) {
	m := small(t, 8*mib)
	k := kind(t, 64, 0, Ring)
	pa, _ := m.h.Front(0).Alloc(k)
	other, _ := m.a.Alloc(frame.User)
	m.mem.Copy(other, pa&^(phys.PageSize-1)) // a slab's descriptor, too
	if code := m.h.Front(0).Free(k, other|pa%phys.PageSize); code != NotGiven {
		t.Errorf("a copy of a slab: %v", code)
	}
}

func TestInitRefuses(t *testing.T) {
	b := phys.Arena(8 * mib)
	for frames := range uint64(5) {
		var a frame.Allocator
		var h Heap
		a.Init(phys.FromBytes(b))
		a.AddRegion(phys.PageSize, 8*mib)
		for a.Stats().Free > frames {
			a.Alloc(frame.Kernel)
		}
		want := NoMemory
		if frames >= 3 {
			want = OK
		}
		if code := h.Init(phys.FromBytes(b), &a, 8*mib); code != want || want != OK && a.Stats().Free != frames {
			t.Errorf("%d frames: %v, then %d are free", frames, code, a.Stats().Free)
		}
	}
	for _, end := range []uint64{0, frame.MaxAddress + 2, math.MaxUint64} {
		var a frame.Allocator
		var h Heap
		if code := h.Init(phys.FromBytes(b), &a, end); code != BadSize {
			t.Errorf("memory up to %#x: %v", end, code)
		}
	}
	runtime.KeepAlive(b)
}

// TestExhaustion: all of memory in objects of one kind, of each kind, and back.
func TestExhaustion(t *testing.T) {
	m := small(t, 40*mib)
	m.h.AddCPU(1)
	m.h.Trim()
	start := m.free()
	for _, size := range []uint64{1, 48, 64, 96, 128, 192, 256, 384, 1024, 3072, 4096, 6144, 32 << 10, 96 << 10, 4 << 20, 5 << 20} {
		k := kind(t, size, 0, DMA)
		var all []uint64
		for {
			pa, code := m.h.Front(uint32(len(all) % 2)).Alloc(k)
			if code == NoMemory {
				break
			}
			if code != OK {
				t.Fatal(size, code)
			}
			all = append(all, pa)
		}
		if got := uint64(len(all)) * k.Size(); got < 5*mib || size <= mib && got < 28*mib {
			t.Errorf("only %d KiB in objects of %d bytes", got>>10, size)
		}
		if r := m.h.Last(); r.Code != NoMemory {
			t.Errorf("%+v", r)
		}
		m.check(t)
		var u Usage
		if m.h.Owned(DMA, &u); u.Objects != uint64(len(all)) || u.Bytes != u.Objects*k.Size() || u.Class[k.class()%runClass] != u.Objects {
			t.Errorf("%d objects of %d bytes: %+v", len(all), size, u)
		}
		for _, pa := range all {
			if code := m.h.Front(1).Free(k, pa); code != OK {
				t.Fatal(size, code)
			}
		}
		if kept := start - m.free(); kept > 64 {
			t.Errorf("%d bytes: %d frames kept after all were freed", size, kept)
		}
		m.h.Trim()
		m.check(t)
		if got := m.free(); got != start {
			t.Errorf("%d bytes: %d frames free at the end, %d at the start", size, got, start)
		}
	}
}

// TestPrepare: what was prepared is there without a frame, and stays.
func TestPrepare(t *testing.T) {
	m := small(t, 8*mib)
	f := m.h.Front(0)
	for _, size := range []uint64{64, 4096, 20000} {
		k := kind(t, size, 0, Context)
		const n = 50
		if code := m.h.Prepare(k, n); code != OK {
			t.Fatal(code)
		}
		m.h.Trim()
		var frames []uint64
		for {
			pa, code := m.a.Alloc(frame.Kernel)
			if code != frame.OK {
				break
			}
			frames = append(frames, pa)
		}
		for range 2 {
			var got []uint64
			for range n {
				pa, code := f.Alloc(k)
				if code != OK {
					t.Fatalf("%d bytes: %v after %d objects", size, code, len(got))
				}
				got = append(got, pa)
			}
			for _, pa := range got {
				if code := f.Free(k, pa); code != OK {
					t.Fatal(code)
				}
			}
			m.h.Trim()
		}
		for _, pa := range frames {
			m.a.Free(pa, frame.Kernel)
		}
		before := m.free()
		if m.h.Prepare(k, 0); m.h.Trim() == 0 || m.free() <= before {
			t.Error("a promise that has ended is kept")
		}
		m.check(t)
	}
	big := kind(t, 4<<20, 0, Kernel)
	before := m.free()
	if code := m.h.Prepare(big, 100); code != NoMemory {
		t.Errorf("400 MiB prepared: %v", code)
	}
	m.h.Trim()
	if m.free() != before {
		t.Error("a promise that was refused keeps memory")
	}
}

// TestOtherFront: objects in another processor's front are found when memory is out.
func TestOtherFront(t *testing.T) {
	m := small(t, 8*mib)
	m.h.AddCPU(1)
	k := kind(t, 4096, 0, Kernel)
	var all []uint64
	for {
		pa, code := m.h.Front(0).Alloc(k)
		if code != OK {
			break
		}
		all = append(all, pa)
	}
	m.h.Front(1).Free(k, all[len(all)-1])
	if pa, code := m.h.Front(0).Alloc(k); code != OK || pa != all[len(all)-1] {
		t.Errorf("%#x, %v: the other front's object is not found", pa, code)
	}
	m.check(t)
}

// TestDirty: checked builds notice a write to a free object.
func TestDirty(t *testing.T) {
	if !spin.Checked {
		t.Skip("only with the tag loamcheck")
	}
	m := small(t, 24*mib)
	f := m.h.Front(0)
	for _, size := range []uint64{32, 96, 4096, 1 << 20} {
		k := kind(t, size, 0, Ring)
		m.h.Prepare(k, 1) // so that the slab stays
		pa, _ := f.Alloc(k)
		at := pa + k.Size() - 8
		if code := f.Free(k, pa); code != OK {
			t.Fatal(code)
		}
		if *m.mem.Word(pa) != *m.mem.Word(at) || *m.mem.Word(pa) == 0 {
			t.Fatal("a free object is not filled with junk")
		}
		*m.mem.Word(at)++
		if got, code := f.Alloc(k); code != Dirty || got != 0 {
			t.Fatalf("%d bytes: %#x, %v", size, got, code)
		}
		if r := m.h.Last(); r.Code != Dirty || r.Addr != at || r.Object != pa || r.Asked != Ring {
			t.Errorf("%+v, want address %#x", r, at)
		}
		if got, code := f.Alloc(k); code != OK || got == pa {
			t.Errorf("%d bytes: then %#x, %v", size, got, code)
		}
		m.check(t)
	}
}

func TestNames(t *testing.T) {
	for c := OK; c <= Corrupt+1; c++ {
		if (c.String() == "unknown code") != (c > Corrupt) {
			t.Errorf("code %d is %q", c, c)
		}
	}
	for o := Owner(0); o <= Owners; o++ {
		if (o.String() == "unknown owner") != (o >= Owners) {
			t.Errorf("owner %d is %q", o, o)
		}
	}
}
