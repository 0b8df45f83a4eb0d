// SPDX-License-Identifier: Apache-2.0

package paging_test

import (
	"runtime"
	"testing"

	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
	"loam/machine/phys"
	"loam/machine/riscv64"
)

const mib = 1 << 20

var formats = map[string]*paging.Format{"amd64": &amd64.Format, "sv39": &riscv64.Sv39, "sv48": sv48()}

// sv48 is Sv39 with one level more, section 4.5.
func sv48() *paging.Format {
	f := riscv64.Sv39
	f.Levels, f.Bits, f.UserEnd, f.Kernel = 4, 48, 0x6000_0000_0000, 0x6000_0000_0000
	return &f
}

// newEnv returns an environment with 8 MiB of dirty memory and an empty root.
func newEnv(t testing.TB, f *paging.Format) (paging.Env, paging.Tables) {
	b := phys.Arena(8 * mib)
	for k := range b {
		b[k] = 0xa5
	}
	t.Cleanup(func() { runtime.KeepAlive(b) })
	env := paging.Env{Mem: phys.FromBytes(b), Frames: new(frame.Allocator), Format: f}
	env.Frames.Init(env.Mem)
	if code := env.Frames.AddRegion(0, 8*mib); code != frame.OK {
		t.Fatal(code)
	}
	root, code := env.Frames.Alloc(frame.PageTable)
	if code != frame.OK {
		t.Fatal(code)
	}
	env.Mem.Zero(root)
	return env, paging.Tables{Root: root}
}

// each runs a test with every format.
func each(t *testing.T, test func(t *testing.T, f *paging.Format)) {
	for name, f := range formats {
		t.Run(name, func(t *testing.T) { test(t, f) })
	}
}

func TestMapLookupUnmap(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		const va, pa = 0x12_3456_7000, 0x9876_5000
		if code := tables.Map(env, va, pa, paging.ReadWrite|paging.User|paging.Copy); code != paging.OK {
			t.Fatal(code)
		}
		if code := tables.Map(env, va, pa, paging.Read|paging.User); code != paging.Mapped {
			t.Fatal(code)
		}
		got, prot, ok := tables.Lookup(env, va+0x123)
		if !ok || got != pa+0x123 || prot != paging.ReadWrite|paging.User|paging.Copy {
			t.Fatalf("Lookup = %#x, %b, %v", got, prot, ok)
		}
		if _, _, ok := tables.Lookup(env, va+4096); ok {
			t.Fatal("the next page is mapped too")
		}
		if got, _, code := tables.Unmap(env, va); got != pa || code != paging.OK {
			t.Fatalf("Unmap = %#x, %v", got, code)
		}
		var b paging.Batch
		if code := tables.UnmapRange(env, 0, f.UserEnd, &b); code != paging.OK || b.Len() != int(f.Levels)-1 {
			t.Fatalf("UnmapRange = %v, %d tables", code, b.Len())
		}
		if _, code := b.Release(env.Frames); code != frame.OK {
			t.Fatal(code)
		}
		if code := tables.FreeRoot(env); code != frame.OK {
			t.Fatal(code)
		}
		if n := env.Frames.Stats().Owned[frame.PageTable]; n != 0 {
			t.Fatalf("%d page tables left", n)
		}
	})
}

func TestDirectMap(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		start := ^uint64(0) << (f.Bits - 1)
		const size = 3<<30 + 5*mib + 3*4096
		done, code := tables.MapRange(env, start, 0, size, paging.ReadWrite|paging.Global, 2)
		if done != size || code != paging.OK {
			t.Fatalf("MapRange = %#x, %v", done, code)
		}
		for _, at := range []uint64{0, 4095, 1 << 30, 2*mib - 1, 3<<30 + 2*mib, 3<<30 + 4*mib + 4097, size - 1} {
			pa, prot, ok := tables.Lookup(env, start+at)
			if !ok || pa != at || prot != paging.ReadWrite|paging.Global {
				t.Errorf("at %#x: %#x, %b, %v", at, pa, prot, ok)
			}
		}
		if _, _, ok := tables.Lookup(env, start+size); ok {
			t.Error("mapped past the end")
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		kernel := ^uint64(0) << (f.Bits - 1)
		before := env.Frames.Stats().Free
		for _, c := range []struct {
			va, pa uint64
			prot   paging.Prot
			want   paging.Code
		}{
			{4097, 4096, paging.Read | paging.User, paging.Misaligned},
			{4096, 4097, paging.Read | paging.User, paging.Misaligned},
			{4096, 1 << 63, paging.Read | paging.User, paging.Misaligned},
			{4096, 1 << 56, paging.Read | paging.User, paging.Misaligned},
			{4096, 4096, paging.ReadWrite | paging.Exec | paging.User, paging.WX},
			{kernel, 4096, paging.Write | paging.Exec, paging.WX},
			{kernel, 4096, paging.Read | paging.User, paging.WrongHalf},
			{4096, 4096, paging.Read, paging.WrongHalf},
			{f.UserEnd, 4096, paging.Read | paging.User, paging.WrongHalf},
			{1 << (f.Bits - 1), 4096, paging.Read, paging.NonCanonical},
			{kernel - 4096, 4096, paging.Read, paging.NonCanonical},
			{1 << 63, 4096, paging.Read | paging.User, paging.NonCanonical},
		} {
			if c.va == f.UserEnd && f.Kernel != f.UserEnd {
				c.want = paging.NonCanonical // amd64's last page of the lower half
			}
			got := tables.Map(env, c.va, c.pa, c.prot)
			if got != c.want {
				t.Errorf("Map(%#x, %#x, %b) = %v, want %v", c.va, c.pa, c.prot, got, c.want)
			}
			if _, code := tables.MapRange(env, c.va, c.pa, 8192, c.prot, 2); code == paging.OK {
				t.Errorf("MapRange(%#x, %#x, %b) is accepted", c.va, c.pa, c.prot)
			}
		}
		var b paging.Batch
		for _, r := range [][2]uint64{{8192, 4096}, {1, 4096}, {4096, 8191}, {0, 1 << 63}, {kernel - 4096, kernel},
			{0, f.UserEnd + 4096}, {f.UserEnd - 4096, kernel + 4096}} {
			if code := tables.UnmapRange(env, r[0], r[1], &b); code == paging.OK || code == paging.More {
				t.Errorf("UnmapRange(%#x, %#x) is accepted", r[0], r[1])
			}
			if code := tables.ProtectRange(env, r[0], r[1], paging.Read|paging.User, &b); code == paging.OK || code == paging.More {
				t.Errorf("ProtectRange(%#x, %#x) is accepted", r[0], r[1])
			}
		}
		if env.Frames.Stats().Free != before {
			t.Error("a refusal took frames")
		}
	})
}

// TestLarge takes 2 MiB leafs through everything.
func TestLarge(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		const va, pa = 6 * mib, 64 * mib
		const prot = paging.ReadWrite | paging.User
		if done, code := tables.MapRange(env, va, pa, 4*mib, prot, 2); done != 4*mib || code != paging.OK {
			t.Fatal(done, code)
		}
		if got := env.Frames.Stats().Owned[frame.PageTable]; got != uint64(f.Levels)-1 {
			t.Errorf("%d tables", got)
		}
		var b paging.Batch
		if _, _, code := tables.Unmap(env, va+4096); code != paging.Large {
			t.Error(code)
		}
		if code := tables.Map(env, va+4096, pa, prot); code != paging.Mapped {
			t.Error(code)
		}
		if code := tables.UnmapRange(env, va, va+4096, &b); code != paging.Large || b.Len() != 0 {
			t.Error(code)
		}
		if code := tables.ProtectRange(env, va, va+mib, paging.Read|paging.User, &b); code != paging.Large {
			t.Error(code)
		}
		if code := tables.ProtectRange(env, va, va+2*mib, paging.Read|paging.User, &b); code != paging.OK || !b.Flush || b.Pages != 512 {
			t.Error(code, b.Flush, b.Pages)
		}
		for at, want := range map[uint64]paging.Prot{va + 2*mib - 1: paging.Read | paging.User, va + 2*mib: prot} {
			if got, p, ok := tables.Lookup(env, at); !ok || got != pa+at-va || p != want {
				t.Errorf("%#x: %#x, %b, %v", at, got, p, ok)
			}
		}
		if code := tables.Split(env, va+2*mib+5); code != paging.OK {
			t.Fatal(code)
		}
		if code := tables.Split(env, va+2*mib); code != paging.NotMapped {
			t.Error(code)
		}
		for k := uint64(0); k < 512; k++ {
			at := va + 2*mib + k<<12
			if got, p, code := tables.Unmap(env, at); got != pa+at-va || p != prot || code != paging.OK {
				t.Fatalf("%#x: %#x, %b, %v", at, got, p, code)
			}
		}
		if code := tables.UnmapRange(env, 0, f.UserEnd, &b); code != paging.OK {
			t.Fatal(code)
		}
		if gone, _, _ := b.Frame(0); b.Pages != 512 || gone != pa || !b.Flush {
			t.Errorf("%d pages, %#x", b.Pages, gone)
		}
		for k := range b.Len() {
			if pa, table, _ := b.Frame(k); table {
				env.Frames.Free(pa, frame.PageTable)
			}
		}
		if got := env.Frames.Stats().Owned[frame.PageTable]; got != 1 {
			t.Errorf("%d tables left", got)
		}
	})
}

// TestRoots: what is mapped in the reserved kernel part is in all roots.
func TestRoots(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, first := newEnv(t, f)
		top := f.Levels - 1
		kernel := ^uint64(0) << (f.Bits - 1)
		if code := first.Reserve(env, kernel, kernel+3*paging.Span(top)); code != paging.OK {
			t.Fatal(code)
		}
		if code := first.Reserve(env, 0, 4096); code != paging.WrongHalf {
			t.Error(code)
		}
		first.Map(env, 4096, 4096, paging.Read|paging.User)
		second, code := first.NewRoot(env)
		if code != paging.OK {
			t.Fatal(code)
		}
		at := kernel + 2*paging.Span(top) + 5<<12
		if code := first.Map(env, at, 7<<12, paging.ReadWrite); code != paging.OK {
			t.Fatal(code)
		}
		if pa, _, ok := second.Lookup(env, at); !ok || pa != 7<<12 {
			t.Error("a kernel page is missing in the other root")
		}
		if _, _, ok := second.Lookup(env, 4096); ok {
			t.Error("a user page is in the other root")
		}
		tables := env.Frames.Stats().Owned[frame.PageTable]
		var b paging.Batch
		if code := second.UnmapRange(env, at, at+4096, &b); code != paging.OK || b.Len() != 1 {
			t.Errorf("%v, %d", code, b.Len())
		}
		if env.Frames.Stats().Owned[frame.PageTable] != tables {
			t.Error("a shared table was freed")
		}
		if code := second.FreeRoot(env); code != frame.OK {
			t.Error(code)
		}
		// The very last page of the address space can be mapped.
		if code := first.Reserve(env, -paging.Span(top), 1<<64-1); code != paging.OK {
			t.Error(code)
		}
		if code := first.Map(env, 1<<64-4096, 0, paging.Read); code != paging.OK {
			t.Error(code)
		}
	})
}

// TestPieces unmaps in bounded pieces and gives all frames back, shared ones
// and borrowed ones as they ask for.
func TestPieces(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		start := env.Frames.Stats()
		shared, _ := env.Frames.Alloc(frame.User)
		for k := uint64(0); k < 1000; k++ {
			pa, prot := shared, paging.Read|paging.User|paging.Copy
			switch {
			case k%3 == 0:
				env.Frames.Share(shared)
			case k%3 == 1:
				prot |= paging.Borrowed
			default:
				pa, _ = env.Frames.Alloc(frame.User)
			}
			if code := tables.Map(env, k<<20, pa, prot); code != paging.OK {
				t.Fatal(code)
			}
		}
		calls, pages := 0, uint64(0)
		for at, more := uint64(0), true; more; calls++ {
			var b paging.Batch
			code := tables.UnmapRange(env, at, f.UserEnd, &b)
			pages += b.Pages
			if _, code := b.Release(env.Frames); code != frame.OK {
				t.Fatal(code)
			}
			at, more = b.Next, code == paging.More
		}
		if pages != 1000 || calls < 1000/paging.BatchSize {
			t.Errorf("%d pages in %d calls", pages, calls)
		}
		if freed, code := env.Frames.Unshare(shared); !freed || code != frame.OK {
			t.Errorf("the shared frame: %v, %v", freed, code)
		}
		if got := env.Frames.Stats(); got.Owned != start.Owned || got.Free != start.Free {
			t.Errorf("%+v, at the start %+v", got, start)
		}
	})
}

// TestNoMemory lets table frames run out at each step of the way.
func TestNoMemory(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		var all []uint64
		for {
			pa, code := env.Frames.Alloc(frame.Heap)
			if code != frame.OK {
				break
			}
			all = append(all, pa)
		}
		for give := range f.Levels {
			code := tables.Map(env, 4096, 0, paging.Read|paging.User)
			if want := map[bool]paging.Code{true: paging.OK, false: paging.NoMemory}[give == f.Levels-1]; code != want {
				t.Errorf("with %d frames: %v", give, code)
			}
			env.Frames.Free(all[give], frame.Heap)
		}
		if _, code := tables.NewRoot(env); code != paging.OK {
			t.Error(code)
		}
		if _, code := tables.NewRoot(env); code != paging.NoMemory {
			t.Error(code)
		}
	})
}

func TestNames(t *testing.T) {
	if paging.More.String() != "more to do" || paging.OK.String() != "ok" || (paging.NoTable+1).String() != "unknown code" {
		t.Error("names are out of step")
	}
}

func BenchmarkMapUnmap(b *testing.B) {
	env, tables := newEnv(b, &amd64.Format)
	tables.Map(env, 0, 0, paging.Read|paging.User)
	for b.Loop() {
		tables.Map(env, 4096, 4096, paging.ReadWrite|paging.User)
		tables.Unmap(env, 4096)
	}
}

// BenchmarkTouchExit maps 1,024 new pages and unmaps them as an exit does.
func BenchmarkTouchExit(b *testing.B) {
	env, tables := newEnv(b, &amd64.Format)
	for b.Loop() {
		for k := range uint64(1024) {
			pa, _ := env.Frames.Alloc(frame.User)
			tables.Map(env, k<<12, pa, paging.ReadWrite|paging.User)
		}
		for at, more := uint64(0), true; more; {
			var batch paging.Batch
			more = tables.UnmapRange(env, at, env.Format.UserEnd, &batch) == paging.More
			batch.Release(env.Frames)
			at = batch.Next
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/page")
}

// TestFlush: only what the processor may have kept is flushed.
func TestFlush(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		for k, prot := range []paging.Prot{paging.Read, paging.Read, 0, paging.ReadWrite} {
			if code := tables.Map(env, uint64(k)<<12, 0, prot|paging.User); code != paging.OK {
				t.Fatal(code)
			}
		}
		var b paging.Batch
		const rw, ro = paging.ReadWrite | paging.User, paging.Read | paging.User
		step := func(what string, code paging.Code, want bool) {
			t.Helper()
			if code != paging.OK || b.Flush != want {
				t.Errorf("%s: %v, flush %v", what, code, b.Flush)
			}
		}
		step("unmap of a page", tables.UnmapRange(env, 0, 1<<12, &b), true)
		step("unmap of a held page", tables.UnmapRange(env, 2<<12, 3<<12, &b), false)
		step("unmap of nothing", tables.UnmapRange(env, 2<<12, 3<<12, &b), false)
		step("more rights", tables.ProtectRange(env, 1<<12, 2<<12, rw, &b), false)
		step("the same rights", tables.ProtectRange(env, 1<<12, 4<<12, rw, &b), false)
		step("less rights", tables.ProtectRange(env, 1<<12, 2<<12, ro, &b), true)
		step("no rights", tables.ProtectRange(env, 1<<12, 2<<12, paging.User, &b), true)
	})
}

// TestLargest: a range gets the largest leafs that fit, and so few tables.
func TestLargest(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		kernel := ^uint64(0) << (f.Bits - 1)
		const start = 1<<30 - 2*mib - 3*4096
		const size = 1<<30 + 4*mib + 6*4096
		if _, code := tables.MapRange(env, kernel+start, start, size, paging.Read, 2); code != paging.OK {
			t.Fatal(code)
		}
		// Two tables of 2 MiB entries and two of 4 KiB around one 1 GiB leaf.
		if got, want := env.Frames.Stats().Owned[frame.PageTable], uint64(f.Levels-3+1+4); got != want {
			t.Errorf("%d tables, want %d", got, want)
		}
	})
}

// TestManyLarge unmaps more large leafs than a batch holds.
func TestManyLarge(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		if _, code := tables.MapRange(env, 0, 0, 400*mib, paging.Read|paging.User, 1); code != paging.OK {
			t.Fatal(code)
		}
		frames, at := 0, uint64(0)
		for more := true; more; {
			var b paging.Batch
			more = tables.UnmapRange(env, at, f.UserEnd, &b) == paging.More
			for k := range b.Len() {
				if pa, table, _ := b.Frame(k); !table {
					if pa != uint64(frames)*2*mib {
						t.Fatalf("frame %d is %#x", frames, pa)
					}
					frames++
				}
			}
			at = b.Next
		}
		if frames != 200 {
			t.Errorf("%d leafs", frames)
		}
	})
}

// TestNowhere looks for what there is at addresses that are none.
func TestNowhere(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		for _, va := range []uint64{1 << (f.Bits - 1), 1 << 62, 1<<63 - 4096, ^(uint64(1) << (f.Bits - 1))} {
			if _, _, _, ok := tables.Leaf(env, va); ok {
				t.Errorf("a leaf at %#x", va)
			}
			if tables.HasTable(env, va) || tables.Filled(env, va) != 0 {
				t.Errorf("a table for %#x", va)
			}
			if code := tables.Split(env, va); code != paging.NonCanonical {
				t.Errorf("Split(%#x) = %v", va, code)
			}
			if code := tables.MapInto(env, va&^4095, 4096, paging.Read|paging.User); code != paging.NoTable {
				t.Errorf("MapInto(%#x) = %v", va, code)
			}
		}
		const prot = paging.ReadWrite | paging.User
		for _, c := range []struct{ va, pa, size uint64 }{
			{1, 0, 2 * mib}, {0, 1, 2 * mib}, {0, 0, 2*mib + 1}, {0, 1 << 63, 2 * mib}, {0, 0, 1 << 63},
			{f.UserEnd, 0, 2 * mib}, {f.UserEnd &^ (2*mib - 1), 0, 4 * mib},
		} {
			if done, code := tables.MapRange(env, c.va, c.pa, c.size, prot, 1); done != 0 || code == paging.OK {
				t.Errorf("MapRange(%#x, %#x, %#x) = %#x, %v", c.va, c.pa, c.size, done, code)
			}
		}
		if n := env.Frames.Stats().Owned[frame.PageTable]; n != 1 {
			t.Errorf("%d tables", n)
		}
	})
}
