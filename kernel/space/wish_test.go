// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
)

// TestWishes: what a program wants doesn't show in its areas, goes with its memory,
// and is bounded.
func TestWishes(t *testing.T) {
	b := newBench(t, format, 8*mib)
	s := b.space(0x10000, format.UserEnd, 0)
	const size = 4 * maxWishes * largeSize
	s.MMap(largeStart, size, rw, fixed, 0)
	at := func(k int) abi.UserAddr { return abi.UserAddr(largeStart + k*largeSize) }
	n := 0
	for ; ; n++ {
		errno := s.MAdvise(at(2*n), largeSize, abi.MADV_HUGEPAGE)
		if errno == abi.EAGAIN {
			break
		}
		if errno != 0 || s.Stats().Areas != 1 {
			t.Fatalf("wish %d: %v, %+v", n, errno, s.Stats())
		}
	}
	if n < maxWishes-2 || n > maxWishes {
		t.Errorf("%d wishes", n)
	}
	s.MUnmap(at(0), 20*largeSize) // ten of them
	if s.MMap(at(0), 20*largeSize, rw, fixed, 0); s.wished(uint64(at(0))) != AnyPages {
		t.Error("new memory has a wish")
	}
	if errno := s.MAdvise(at(1), size-largeSize, abi.MADV_NOHUGEPAGE); errno != 0 || s.wishes.Len() != 1 {
		t.Errorf("one instead of many: %v, %d", errno, s.wishes.Len())
	}
	for _, c := range []struct {
		low  uint64
		want Pages
	}{{uint64(at(0)), AnyPages}, {uint64(at(1)), SmallPages}, {uint64(at(2)), SmallPages}} {
		if got := s.wished(c.low); got != c.want {
			t.Errorf("at %#x: %d, want %d", c.low, got, c.want)
		}
	}
	s.MAdvise(at(3)+page, largeSize, abi.MADV_HUGEPAGE)
	if got := s.wished(uint64(at(3))); got != SmallPages {
		t.Errorf("where only a part is wanted large: %d", got)
	}
	if errno := s.MAdvise(at(0), size+page, abi.MADV_HUGEPAGE); errno != abi.ENOMEM || s.wished(uint64(at(0))) != AnyPages {
		t.Errorf("over a hole: %v", errno)
	}
	// What moves is moved as one, and has no wish afterwards.
	to, errno := s.MRemap(at(0), 8*largeSize, 8*largeSize, 3, 1<<37)
	if errno != 0 || s.wished(uint64(to)+2*largeSize) != AnyPages || s.wished(uint64(at(2))) != AnyPages {
		t.Errorf("moved: %v", errno)
	}
	b.destroy(s)
}

// TestWishesWithoutNodes has memory go in the middle of a wish, and no node for the
// two that it would become.
func TestWishesWithoutNodes(t *testing.T) {
	b := newBench(t, format, 8*mib)
	b.pool.Init(make([]Node, 5))
	s := b.space(0x10000, format.UserEnd, 0)
	s.MMap(largeStart, 16*mib, rw, fixed, 0)
	if errno := s.MAdvise(largeStart, 16*mib, abi.MADV_HUGEPAGE); errno != 0 {
		t.Fatal(errno)
	}
	s.MMap(0x100000, page, abi.PROT_READ, fixed, 0)
	if errno := s.MUnmap(largeStart+4*mib, page); errno != 0 || b.pool.Left() != 1 || s.wishes.Len() != 0 {
		t.Errorf("%v, %d nodes left, %d wishes", errno, b.pool.Left(), s.wishes.Len())
	}
	s.MMap(0x200000, page, rw, fixed, 0)
	if errno := s.MAdvise(largeStart, mib, abi.MADV_HUGEPAGE); errno != abi.EAGAIN {
		t.Error(errno)
	}
	b.destroy(s)
}
