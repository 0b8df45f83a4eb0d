// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"runtime"
	"testing"

	"loam/machine/phys"
)

// After Rebase the allocator goes on where it was, in the new window alone.
func TestRebase(t *testing.T) {
	const size = 32 * mib // two regions
	old, now := phys.Arena(size), phys.Arena(size)
	defer runtime.KeepAlive(now)
	dirty(old)
	a := new(Allocator)
	a.Init(phys.FromBytes(old))
	a.Reserve(5*mib, 6*mib, Kernel)
	if code := a.AddRegion(0, size); code != OK {
		t.Fatal(code)
	}
	single, code := a.AllocOn(3, Kernel)
	if code != OK {
		t.Fatal(code)
	}
	run, code := a.AllocN(100, 0, 15*mib, DMA) // in the other region
	if code != OK {
		t.Fatal(code)
	}
	a.Drain()
	before := a.Stats()
	if pa, _ := a.AllocOn(3, User); a.FreeOn(3, pa, User) != OK { // a window and a stack
		t.Fatal(a.Last())
	}
	a.Rebase(phys.FromBytes(now))
	copy(now, old) // which only now is the memory
	dirty(old)     // whoever still looks there sees nonsense
	check(t, a)
	if got := a.Stats(); got != before {
		t.Errorf("the figures are %+v, were %+v", got, before)
	}
	if pa, code := a.AllocN(1<<10, 0, 0, User); code != OK {
		t.Error(code)
	} else if code := a.FreeN(pa, 1<<10, User); code != OK {
		t.Error(code)
	}
	if code := a.FreeOn(3, single, Kernel); code != OK {
		t.Error(code)
	}
	if code := a.FreeN(run, 100, DMA); code != OK {
		t.Error(code)
	}
	if code := a.Release(5*mib, 6*mib, Kernel); code != OK {
		t.Error(code)
	}
	check(t, a)
	a.Drain()
	if s := a.Stats(); s.Free+s.Owned[Records] != s.Total {
		t.Errorf("%d of %d frames are free, %d hold records", s.Free, s.Total, s.Owned[Records])
	}
}
