// SPDX-License-Identifier: Apache-2.0

package paging_test

import (
	"testing"

	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
)

// TestPrepare maps where tables were made before all frames went.
func TestPrepare(t *testing.T) {
	env, tables := newEnv(t, &amd64.Format)
	made := uint64(0)
	env.Made = &made
	const va = 5 << 30
	if code := tables.Prepare(env, va); code != paging.OK || made != 3 {
		t.Fatalf("%v, %d tables", code, made)
	}
	if code := tables.Prepare(env, va+511<<12); code != paging.OK || made != 3 {
		t.Fatalf("again: %v, %d tables", code, made)
	}
	if code := tables.Prepare(env, amd64.Format.UserEnd); code != paging.WrongHalf {
		t.Errorf("behind the user part: %v", code)
	}
	var held []uint64
	for {
		pa, code := env.Frames.Alloc(frame.Kernel)
		if code != frame.OK {
			break
		}
		held = append(held, pa)
	}
	if code := tables.Prepare(env, va+1<<21); code != paging.NoMemory {
		t.Errorf("without frames: %v", code)
	}
	if code := tables.Map(env, va+7<<12, 1<<30, paging.Read|paging.User); code != paging.OK {
		t.Errorf("what was prepared: %v", code)
	}
	for _, pa := range held {
		env.Frames.Free(pa, frame.Kernel)
	}
	if _, _, code := tables.Unmap(env, va+7<<12); code != paging.OK {
		t.Error(code)
	}
	var b paging.Batch
	if code := tables.UnmapRange(env, va, va+1<<22, &b); code != paging.OK || b.Len() != 3 {
		t.Errorf("%v, %d tables given back", code, b.Len())
	}
}

// TestBudget has calls on ranges stop when their budget is spent.
func TestBudget(t *testing.T) {
	env, tables := newEnv(t, &amd64.Format)
	const pages = 600
	for k := range uint64(pages) {
		if code := tables.Map(env, k<<12, k<<12, paging.ReadWrite|paging.User|paging.Borrowed); code != paging.OK {
			t.Fatal(code)
		}
	}
	for _, budget := range []int{1, 300, 0} {
		b := paging.Batch{Budget: budget}
		calls, sum := 0, uint64(0)
		for at, code := uint64(0), paging.More; code == paging.More; at, calls = b.Next, calls+1 {
			code = tables.ProtectRange(env, at, pages<<12, paging.Read|paging.User, &b)
			sum += b.Pages
			if b.Steps > b.Budget+80 { // a leaf table passed over, and one page
				t.Errorf("budget %d: %d steps", b.Budget, b.Steps)
			}
		}
		if sum != pages || calls < min(pages, pages*8/b.Budget) {
			t.Errorf("budget %d: %d pages in %d calls", b.Budget, sum, calls)
		}
	}
	b := paging.Batch{Budget: 100}
	calls := 0
	for at, code := uint64(0), paging.More; code == paging.More; at, calls = b.Next, calls+1 {
		code = tables.UnmapRange(env, at, pages<<12, &b)
		if b.Pages == 0 || b.Pages > 4 || b.Steps > b.Budget+112 {
			t.Errorf("%d pages, %d steps", b.Pages, b.Steps)
		}
	}
	if calls < pages/4 {
		t.Errorf("%d pages in %d calls", pages, calls)
	}
}
