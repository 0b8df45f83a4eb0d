// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/kernel/memory"
)

// TestMoveEndsInLargePage moves a range that ends inside of a large page, to where no
// table of the target begins in that part.
func TestMoveEndsInLargePage(t *testing.T) {
	const size = 4 * mib
	for _, n := range []uint64{2*mib + page, 2*mib + 16*page, 3*mib - page, 3 * mib, 3*mib + page, size - page} {
		b, s := largeSpace(t, 64*mib, size)
		full(t, s, size)
		to := abi.UserAddr(largeStart + 65*mib)
		if got, errno := s.MRemap(largeStart, n, n, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, to); errno != 0 || got != to {
			t.Fatal(got, errno)
		}
		for off := uint64(0); off < size; off += page {
			old := abi.UserAddr(largeStart + off)
			if off >= n {
				if v, errno := s.ReadUint64(old); errno != 0 || v != largeStart+off {
					t.Fatalf("%#x bytes: what stays at %#x: %#x, %v", n, off, v, errno)
				}
				continue
			}
			if v, errno := s.ReadUint64(to + abi.UserAddr(off)); errno != 0 || v != largeStart+off {
				t.Fatalf("%#x bytes: what moves to %#x: %#x, %v", n, off, v, errno)
			}
			if _, errno := s.ReadUint64(old); errno != abi.EFAULT {
				t.Fatalf("%#x bytes: still at %#x: %v", n, off, errno)
			}
		}
		b.destroy(s)
	}
}

// TestNoNodeNoTable: a call that finds no node for an area takes no table for a large
// page that it would have split.
func TestNoNodeNoTable(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 4*mib)
	full(t, s, 4*mib)
	before := s.Stats()
	s.areas.limit = s.areas.count
	if errno := s.MUnmap(largeStart+page, page); errno != abi.ENOMEM {
		t.Error("munmap:", errno)
	}
	if _, errno := s.MMap(largeStart+2*mib+page, page, abi.PROT_READ, fixed, 0); errno != abi.ENOMEM {
		t.Error("mmap:", errno)
	}
	if errno := s.MProtect(largeStart+page, page, abi.PROT_READ); errno != abi.ENOMEM {
		t.Error("mprotect:", errno)
	}
	if st := s.Stats(); st.Large != before.Large || st.Frames != before.Frames {
		t.Errorf("%+v, before %+v", st, before)
	}
	b.destroy(s)
}

// TestMoveLeavesReserve moves memory that is little else than tables, on a machine whose
// other memory is in use.
func TestMoveLeavesReserve(t *testing.T) {
	const (
		n       = 500 // pages, each with a table of its own
		reserve = 200
		other   = 100 * page
	)
	b := newBench(t, format, 16*mib)
	s := b.space(0x10000, format.UserEnd, 0)
	s.MMap(largeStart, n*2*mib, rw, fixed, 0)
	program(t, s, largeStart, largeStart+n*2*mib, 2*mib)
	free := b.env.Frames.Stats().Free
	b.env.Frames.SetReserve(reserve)
	rest := (free - reserve - 10) * page
	s.MMap(other, rest, rw, fixed, 0)
	program(t, s, other, other+rest, page)
	for errno := More; errno == More; {
		_, errno = s.Space.MRemap(&s.c, largeStart, n*2*mib, n*2*mib, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, largeStart<<2)
		if left := b.env.Frames.Stats().Free; left < reserve/2 {
			t.Fatalf("%d frames left of a reserve of %d", left, reserve)
		}
		if errno == 0 {
			t.Error("it has moved: nothing is shown")
		}
	}
	b.env.Frames.SetReserve(0)
	b.destroy(s)
}

// TestUnfinishedLargePage: a large page that is being made is given up before somebody
// is told that there is no memory, or no more for this space.
func TestUnfinishedLargePage(t *testing.T) {
	const small = 0x200000
	for _, short := range []string{"limit", "machine"} {
		for _, kernel := range []bool{false, true} {
			b := newBench(t, format, 32*mib)
			a := memory.Account{Limit: 1 << 20}
			s := b.paid(&a, 0)
			s.MMap(largeStart, 2*mib, rw, fixed, 0)
			s.MAdvise(largeStart, 2*mib, abi.MADV_HUGEPAGE)
			s.MMap(small, 16*mib, rw, fixed, 0)
			program(t, s, small, small+page, page)
			if out := s.Fault(largeStart, Write); out != Resolved || s.fill.pa == 0 {
				t.Fatalf("%v, no large page is begun", out)
			}
			if short == "limit" {
				a.Limit = a.Used + 100
			} else {
				b.env.Frames.SetReserve(b.env.Frames.Stats().Free - 100)
			}
			n := uint64(1)
			for ; n < 300; n++ {
				if kernel {
					if errno := s.WriteUint64(abi.UserAddr(small+n*page), n); errno != 0 {
						t.Fatalf("%s: page %d: %v", short, n, errno)
					}
				} else if out := s.Fault(small+n*page, Write); out != Resolved {
					t.Fatalf("%s: page %d: %v", short, n, out)
				}
			}
			if s.fill.pa != 0 {
				t.Error("it is still there")
			}
			b.env.Frames.SetReserve(0)
			b.destroy(s)
		}
	}
}
