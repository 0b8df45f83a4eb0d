// SPDX-License-Identifier: Apache-2.0

package frame

import "testing"

func TestShareEach(t *testing.T) {
	a := newAllocator(t, 4<<20)
	var all []uint64
	for range 70 {
		pa, _ := a.Alloc(User)
		all = append(all, pa)
	}
	run, _ := a.AllocN(3, 0, 0, DMA)
	node, _ := a.Alloc(PageTable)
	all = append(all, run, node)
	references := func(want uint32) {
		t.Helper()
		for _, pa := range all {
			if n, code := a.References(pa); n != want || code != OK {
				t.Fatalf("frame %#x: %d references, %v", pa, n, code)
			}
		}
	}
	if code := a.ShareEach(all); code != OK {
		t.Fatal(code)
	}
	references(2)
	if code := a.ShareEach(nil); code != OK {
		t.Fatal(code)
	}
	free, _ := a.Alloc(User)
	a.Free(free, User)
	for _, c := range []struct {
		pa   uint64
		code Code
	}{{free, NotTaken}, {all[0] + 8, BadAddress}, {run + 4096, NotHead}, {1 << 60, BadAddress}} {
		if code := a.ShareEach(append(append([]uint64{}, all...), c.pa, all[0])); code != c.code {
			t.Errorf("%#x: %v, want %v", c.pa, code, c.code)
		}
		references(2) // nothing is changed
	}
	for _, pa := range all {
		a.Unshare(pa)
	}
	references(1)
	for _, pa := range all {
		a.Unshare(pa)
	}
	if code := a.Check(); code != OK {
		t.Error(code)
	}
}
