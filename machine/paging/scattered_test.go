// SPDX-License-Identifier: Apache-2.0

package paging_test

import (
	"testing"

	"loam/machine/frame"
	"loam/machine/paging"
)

// TestScattered: frames that lie anywhere are one range of addresses to who uses
// them.
func TestScattered(t *testing.T) { each(t, scattered) }

func scattered(t *testing.T, f *paging.Format) {
	const start, n = 0x40000000 - 5*paging.PageSize, 900
	env, tables := newEnv(t, f)
	a := env.Frames
	var held []uint64 // every other frame, so that nothing large is left
	for {
		pa, code := a.AllocN(1, 0, 6*mib-1, frame.Heap)
		if code != frame.OK {
			break
		}
		held = append(held, pa)
	}
	for k := 0; k < len(held); k += 2 {
		a.Free(held[k], frame.Heap)
	}
	before := a.Stats()
	var list [n]frame.Extent
	used, code := a.AllocScattered(n, 0, frame.User, list[:])
	if code != frame.OK || used < 100 {
		t.Fatalf("%d extents, %v", used, code)
	}
	va := uint64(start)
	for _, e := range list[:used] {
		size := e.Frames * paging.PageSize
		prot := paging.ReadWrite | paging.User | paging.Borrowed
		if done, code := tables.MapRange(env, va, e.Addr, size, prot, 1); done != size || code != paging.OK {
			t.Fatalf("%d bytes at %#x: %d, %v", size, va, done, code)
		}
		va += size
	}
	if va != start+n*paging.PageSize {
		t.Fatalf("mapped up to %#x", va)
	}
	for k := range uint64(n) { // what is written to a page is in no other
		pa, _, ok := tables.Lookup(env, start+k*paging.PageSize)
		if !ok {
			t.Fatalf("page %d is not mapped", k)
		}
		*env.Mem.Word(pa) = k
	}
	for k := range uint64(n) {
		if pa, _, _ := tables.Lookup(env, start+k*paging.PageSize); *env.Mem.Word(pa) != k {
			t.Fatalf("page %d is page %d", k, *env.Mem.Word(pa))
		}
	}
	var b paging.Batch
	for next, code := uint64(start), paging.More; code == paging.More; next = b.Next {
		code = tables.UnmapRange(env, next, start+n*paging.PageSize, &b)
		b.Release(a)
	}
	if code := a.FreeScattered(list[:used], frame.User); code != frame.OK {
		t.Fatal(code)
	}
	a.Drain()
	if got := a.Stats(); got.Free != before.Free || got.Owned != before.Owned || a.Check() != frame.OK {
		t.Errorf("%+v, before %+v", got, before)
	}
}
