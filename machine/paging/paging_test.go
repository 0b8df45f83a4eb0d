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

var formats = map[string]*paging.Format{"amd64": &amd64.Format, "sv39": &riscv64.Sv39}

// newEnv returns an environment with 8 MiB and an empty root.
func newEnv(t testing.TB, f *paging.Format) (paging.Env, paging.Tables) {
	b := phys.Arena(8 * mib)
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
