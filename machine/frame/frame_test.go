// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"runtime"
	"testing"

	"loam/machine/phys"
)

const mib = 1 << 20

// testing arena: dirty memory, so that nothing relies on zeroes at power-on.
func arena(t testing.TB, size int) phys.Memory {
	b := phys.Arena(size)
	for i := 0; i < len(b); i += 8 {
		b[i], b[i+4], b[i+5], b[i+6] = 1, 0, 2, byte(User) // looks like a taken frame
	}
	t.Cleanup(func() { runtime.KeepAlive(b) })
	return phys.FromBytes(b)
}

// newAllocator returns an allocator over one region of size bytes from 0 on.
func newAllocator(t testing.TB, size int) *Allocator {
	a := new(Allocator)
	a.Init(arena(t, size))
	if code := a.AddRegion(0, uint64(size)); code != OK {
		t.Fatal(code)
	}
	check(t, a)
	return a
}

func check(t testing.TB, a *Allocator) {
	t.Helper()
	if code := a.Check(); code != OK {
		t.Fatalf("Check: %v: %+v; %+v", code, a.Last(), a.Stats())
	}
}

func TestSingles(t *testing.T) {
	a := newAllocator(t, 24*mib)
	start := a.Stats()
	seen := map[uint64]bool{}
	for {
		pa, code := a.Alloc(User)
		if code == NoMemory {
			break
		}
		if code != OK || pa%phys.PageSize != 0 || pa >= 24*mib || seen[pa] {
			t.Fatalf("Alloc = %#x, %v; seen %v", pa, code, seen[pa])
		}
		seen[pa] = true
	}
	check(t, a)
	if uint64(len(seen)) != start.Free {
		t.Fatalf("%d frames given out of %d", len(seen), start.Free)
	}
	for pa := range seen {
		if code := a.Free(pa, User); code != OK {
			t.Fatalf("Free(%#x) = %v, %+v", pa, code, a.Last())
		}
	}
	check(t, a)
	a.Drain()
	check(t, a)
	if got := a.Stats(); got != start {
		t.Fatalf("after all was freed: %+v, at the start: %+v", got, start)
	}
}
