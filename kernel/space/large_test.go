// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

// largeStart is where the tests map large areas, a multiple of their pages' size.
const largeStart = 1 << 32

// program has the program touch pages of a range, every step bytes, and returns how
// many faults that took.
func program(t testing.TB, s *caller, start, end, step uint64) (faults int) {
	t.Helper()
	for va := start; va < end; va += step {
		for tries := 0; ; tries++ {
			if _, prot, ok := s.tables.Lookup(s.env, va); ok && prot&paging.Write != 0 {
				break
			}
			if out := s.Fault(va, Write); out != Resolved || tries > 2*largePages/fillPages {
				t.Fatalf("%#x: %v", va, out)
			}
			faults++
		}
	}
	return faults
}

// largeSpace has an area of that many MiB at largeStart.
func largeSpace(t testing.TB, memory, size int) (*bench, *caller) {
	b := newBench(t, format, memory)
	s := b.space(0x10000, format.UserEnd, 0)
	if _, errno := s.MMap(largeStart, uint64(size), rw, fixed, 0); errno != 0 {
		t.Fatal(errno)
	}
	return b, s
}

// TestWhenLarge says which uses of memory get large pages.
func TestWhenLarge(t *testing.T) {
	const size = 16 * mib
	for _, c := range []struct {
		name   string
		start  uint64 // of what is touched, from largeStart
		step   uint64
		advice uint64
		want   uint64
		faults int
	}{
		{"upwards", 0, page, abi.MADV_NORMAL, 7, 512 + 7*8},
		{"wanted", 0, page, abi.MADV_HUGEPAGE, 8, 8 * 8},
		{"not wanted", 0, page, abi.MADV_NOHUGEPAGE, 0, 8 * 512},
		{"sparsely", 0, 2 * mib, abi.MADV_NORMAL, 0, 8},
		{"every second page", 0, 2 * page, abi.MADV_NORMAL, 0, 8 * 256},
		{"sparsely, and wanted", 0, 2 * mib, abi.MADV_HUGEPAGE, 8, 8 * 8},
		{"from the middle", mib, page, abi.MADV_NORMAL, 6, 256 + 512 + 6*8},
	} {
		b, s := largeSpace(t, 32*mib, size)
		if errno := s.MAdvise(largeStart, size, c.advice); errno != 0 {
			t.Fatal(errno)
		}
		faults := program(t, s, largeStart+c.start, largeStart+size, c.step)
		if st := s.Stats(); st.Large != c.want || st.Made != c.want || faults != c.faults {
			t.Errorf("%s: %d large pages (%d made), want %d; %d faults, want %d", c.name, st.Large, st.Made, c.want, faults, c.faults)
		}
		b.destroy(s)
	}
}

// TestLargeDownwards has memory touched from its end, as stacks are.
func TestLargeDownwards(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 16*mib)
	for va := uint64(largeStart + 16*mib - page); va >= largeStart; va -= page {
		program(t, s, va, va+1, page)
	}
	if n := s.Stats().Large; n != 7 {
		t.Errorf("%d large pages", n)
	}
	b.destroy(s)
}

// TestLargeOnlyInside: a large page lies in one area, and in nothing but memory that
// is zero at first.
func TestLargeOnlyInside(t *testing.T) {
	b := newBench(t, format, 32*mib)
	s := b.space(0x10000, format.UserEnd, 0)
	s.MMap(largeStart+page, 4*mib-2*page, rw, fixed, 0)
	s.MAdvise(largeStart+page, 4*mib-2*page, abi.MADV_HUGEPAGE)
	program(t, s, largeStart+page, largeStart+4*mib-page, 64*page)
	if n := s.Stats().Large; n != 0 {
		t.Errorf("%d large pages in parts of them", n)
	}
	// The memory behind a file that a program's segment ends with.
	const bss = largeStart + 8*mib
	if errno := s.Map(Area{Start: bss, End: bss + 6*mib, Prot: Read | Write, Kind: Archive, Phys: b.file, Bytes: 3*page + 5}); errno != 0 {
		t.Fatal(errno)
	}
	s.MAdvise(bss, 6*mib, abi.MADV_HUGEPAGE)
	program(t, s, bss, bss+6*mib, 64*page)
	if n := s.Stats().Large; n != 2 {
		t.Errorf("%d large pages behind a file", n)
	}
	b.destroy(s)
}

// TestLargeLeavesMemory: who is short of memory gets what they touch.
func TestLargeLeavesMemory(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 16*mib)
	free := b.env.Frames.Stats().Free
	b.env.Frames.SetReserve(free - margin - 500)
	s.MAdvise(largeStart, 16*mib, abi.MADV_HUGEPAGE)
	program(t, s, largeStart, largeStart+5*mib, page)
	if n := s.Stats().Large; n != 1 {
		t.Errorf("%d large pages", n)
	}
	b.env.Frames.SetReserve(0)
	b.destroy(s)
}

// full fills an area of large pages with words that tell where they are.
func full(t testing.TB, s *caller, size uint64) {
	t.Helper()
	s.MAdvise(largeStart, size, abi.MADV_HUGEPAGE)
	program(t, s, largeStart, largeStart+size, 2*mib)
	if n := s.Stats().Large; n != size>>21 {
		t.Fatalf("%d large pages", n)
	}
	for va := uint64(largeStart); va < largeStart+size; va += page {
		if errno := s.WriteUint64(abi.UserAddr(va), va); errno != 0 {
			t.Fatal(errno)
		}
	}
}

// holds checks the words of pages of a range that full has filled.
func holds(t testing.TB, s *caller, at, start, end uint64, zero bool) {
	t.Helper()
	for va := start; va < end; va += page {
		want := va
		if zero {
			want = 0
		}
		if v, errno := s.ReadUint64(abi.UserAddr(va - start + at)); v != want || errno != 0 {
			t.Fatalf("%#x holds %#x (%v), want %#x", va-start+at, v, errno, want)
		}
	}
}

// TestSplit changes parts of large pages.
func TestSplit(t *testing.T) {
	const size, pages = 8 * mib, 8 * mib / page
	const a, z = largeStart + 3*page, largeStart + 6*mib + 5*page // in the first and the last
	const all = (z - a) / page
	for _, c := range []struct {
		name  string
		do    func(s *caller) abi.Errno
		large uint64 // that stay
		gone  uint64 // pages
		stays bool   // what is between
	}{
		{"munmap", func(s *caller) abi.Errno { return s.MUnmap(a, z-a) }, 0, all, false},
		{"munmap of one whole", func(s *caller) abi.Errno { return s.MUnmap(largeStart+2*mib, 2*mib) }, 3, 512, false},
		{"munmap in one", func(s *caller) abi.Errno { return s.MUnmap(a, page) }, 3, 1, false},
		{"munmap to the end of one", func(s *caller) abi.Errno { return s.MUnmap(a, 2*mib-3*page) }, 3, 509, false},
		{"mprotect", func(s *caller) abi.Errno { return s.MProtect(a, z-a, abi.PROT_READ) }, 2, 0, true},
		{"mprotect of all", func(s *caller) abi.Errno { return s.MProtect(largeStart, size, abi.PROT_READ) }, 4, 0, true},
		{"no rights for a time", func(s *caller) abi.Errno {
			s.MProtect(a, z-a, abi.PROT_NONE)
			return s.MProtect(a, z-a, rw)
		}, 2, 0, true},
		{"no rights for all, then for a part", func(s *caller) abi.Errno {
			s.MProtect(largeStart, size, abi.PROT_NONE)
			s.MProtect(largeStart, z-largeStart, rw)
			return s.MProtect(z, largeStart+size-z, rw)
		}, 3, 0, true},
		{"madvise", func(s *caller) abi.Errno { return s.MAdvise(a, z-a, abi.MADV_DONTNEED) }, 0, all, false},
		{"mmap over", func(s *caller) abi.Errno { _, e := s.MMap(a, z-a, abi.PROT_READ, fixed, 0); return e }, 0, all, false},
		{"mremap to less", func(s *caller) abi.Errno { _, e := s.MRemap(largeStart, size, z-largeStart, 0, 0); return e },
			3, pages - all - 3, true},
		{"mremap and back", func(s *caller) abi.Errno {
			if _, e := s.MRemap(a, z-a, z-a, 3, a+1<<32); e != 0 {
				return e
			}
			holds(t, s, a+1<<32, a, z, false)
			_, e := s.MRemap(a+1<<32, z-a, z-a, 3, a)
			return e
		}, 0, 0, true},
	} {
		b, s := largeSpace(t, 48*mib, size)
		full(t, s, size)
		if errno := c.do(s); errno != 0 {
			t.Errorf("%s: %v", c.name, errno)
		}
		if st := s.Stats(); st.Large != c.large || st.Frames != pages-c.gone+b.tables(s) {
			t.Errorf("%s: %d large pages, want %d; %d frames without %d tables, want %d", c.name, st.Large, c.large,
				st.Frames-b.tables(s), b.tables(s), pages-c.gone)
		}
		holds(t, s, largeStart, largeStart, a, false)
		if c.stays {
			holds(t, s, a, a, z, false)
		}
		if c.name != "mremap to less" {
			holds(t, s, z, z, largeStart+size, false)
		}
		b.destroy(s)
	}
}

// TestZeroAgain: what of a large page was given back is zero when it is there again.
func TestZeroAgain(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 4*mib)
	full(t, s, 4*mib)
	s.MAdvise(largeStart+page, 4*mib-2*page, abi.MADV_DONTNEED)
	holds(t, s, largeStart, largeStart, largeStart+page, false)
	holds(t, s, largeStart+page, largeStart+page, largeStart+4*mib-page, true)
	s.MAdvise(largeStart, 4*mib, abi.MADV_DONTNEED)
	program(t, s, largeStart, largeStart+4*mib, 2*mib) // large again
	if n := s.Stats().Large; n != 2 {
		t.Errorf("%d large pages", n)
	}
	holds(t, s, largeStart, largeStart, largeStart+4*mib, true)
	b.destroy(s)
}

// TestHalfMade has something happen to a large page that is being made.
func TestHalfMade(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(s *caller)
		large uint64 // after the program has gone on
		fill  bool   // is still being made
	}{
		{"nothing", func(s *caller) {}, 1, true},
		{"munmap", func(s *caller) { s.MUnmap(largeStart+5*page, page) }, 0, false},
		{"munmap of another", func(s *caller) { s.MUnmap(largeStart+2*mib, page) }, 1, true},
		{"mprotect", func(s *caller) { s.MProtect(largeStart+5*page, page, abi.PROT_READ) }, 0, false},
		{"madvise", func(s *caller) { s.MAdvise(largeStart, page, abi.MADV_DONTNEED) }, 1, false},
		{"mmap over", func(s *caller) { s.MMap(largeStart, page, abi.PROT_READ, fixed, 0) }, 0, false},
		{"the kernel comes first", func(s *caller) { s.WriteUint64(largeStart+7*page, 1) }, 0, true},
		{"a fault on another", func(s *caller) { s.Fault(largeStart+2*mib, Write) }, 1, true},
		{"end", func(s *caller) {
			for !s.Destroy() {
			}
		}, 0, false},
	} {
		b, s := largeSpace(t, 32*mib, 4*mib)
		s.MAdvise(largeStart, 4*mib, abi.MADV_HUGEPAGE)
		if out := s.Fault(largeStart, Write); out != Resolved || s.fill.pa == 0 || s.Stats().Frames < 512 {
			t.Fatal(c.name, out, s.Stats())
		}
		c.do(s)
		if (s.fill.pa != 0) != c.fill {
			t.Errorf("%s: being made: %v", c.name, s.fill.pa != 0)
		}
		if s.Root() != 0 {
			if f := s.Stats().Frames; !c.fill && f >= 512 {
				t.Errorf("%s: %d frames", c.name, f)
			}
			at := uint64(largeStart)
			if c.name == "mmap over" {
				at += page
			}
			program(t, s, at, at+1, page)
			if n := s.Stats().Large; n != c.large {
				t.Errorf("%s: %d large pages, want %d", c.name, n, c.large)
			}
		}
		b.destroy(s)
	}
}

// TestLargeRefaults: faults on what is there change nothing.
func TestLargeRefaults(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 4*mib)
	full(t, s, 4*mib)
	before := s.Stats()
	for _, access := range []Prot{Read, Write} {
		if out := s.Fault(largeStart+100*page, access); out != Resolved || s.fill.pa != 0 {
			t.Error(out)
		}
	}
	before.Faults += 2
	if st := s.Stats(); st != before {
		t.Errorf("%+v, before %+v", st, before)
	}
	if out := s.Fault(largeStart, Exec); out != AccErr {
		t.Error(out)
	}
	s.MMap(1<<33, page, rw, fixed, 0)
	if errno := s.MinCore(largeStart, 4*mib, 1<<33); errno != 0 {
		t.Error(errno)
	}
	for i := range abi.UserAddr(1024 / 8) {
		if v, _ := s.ReadUint64(1<<33 + 8*i); v != 0x0101010101010101 {
			t.Fatalf("mincore at %d: %#x", 8*i, v)
		}
	}
	if pa, errno := s.Physical(largeStart + 5*page + 7); errno != 0 || b.env.Frames.Frame(pa).State != frame.StateRun {
		t.Errorf("%#x, %v", pa, errno)
	}
	b.destroy(s)
}

// TestNoTable has no frame for the table of a large page that is to be split.
func TestNoTable(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 4*mib)
	full(t, s, 4*mib)
	b.env.Frames.Drain()
	free := b.env.Frames.Stats().Free
	b.env.Frames.SetReserve(3 * free) // what is free is the last of the reserve
	before := s.Stats()
	if errno := s.MProtect(largeStart+page, page, abi.PROT_READ); errno != abi.ENOMEM || s.Stats() != before {
		t.Errorf("mprotect: %v, %+v", errno, s.Stats())
	}
	if _, errno := s.MRemap(largeStart, page, page, 3, 1<<33); errno != abi.ENOMEM || s.Stats().Large != 2 {
		t.Errorf("mremap: %v, %+v", errno, s.Stats())
	}
	// Who gives back gets the table, for it is less than what comes.
	if errno := s.MUnmap(largeStart+page, 2*page); errno != 0 || s.Stats().Large != 1 {
		t.Errorf("munmap: %v, %+v", errno, s.Stats())
	}
	// Without any frame, nothing is done.
	var held []uint64
	for {
		pa, code := b.env.Frames.Alloc(frame.Kernel)
		if code != frame.OK {
			break
		}
		held = append(held, pa)
	}
	before = s.Stats()
	for _, c := range []struct {
		name  string
		errno abi.Errno
	}{
		{"munmap", s.MUnmap(largeStart+2*mib+page, page)},
		{"munmap from before", s.MUnmap(largeStart, 2*mib+page)},
		{"madvise", s.MAdvise(largeStart+2*mib+page, page, abi.MADV_DONTNEED)},
		{"mmap", func() abi.Errno { _, e := s.MMap(largeStart+2*mib+page, page, rw, fixed, 0); return e }()},
	} {
		if c.errno != abi.ENOMEM || s.Stats() != before {
			t.Errorf("%s without a frame: %v, %+v", c.name, c.errno, s.Stats())
		}
	}
	for _, pa := range held {
		b.env.Frames.Free(pa, frame.Kernel)
	}
	b.env.Frames.SetReserve(0)
	holds(t, s, largeStart+2*mib, largeStart+2*mib, largeStart+4*mib, false)
	b.destroy(s)
}

// TestLargePieces: each piece of a call on large pages is bounded.
func TestLargePieces(t *testing.T) {
	w := newWatch(t, 96*mib)
	s, c := w.s.Space, &w.s.c
	const size = 32 * mib
	s.MMap(c, largeStart, size, rw, fixed, 0)
	s.MAdvise(c, largeStart, size, abi.MADV_HUGEPAGE)
	program(t, w.s, largeStart, largeStart+size, page)
	w.bounded("mprotect", func() abi.Errno { return s.MProtect(c, largeStart, size, abi.PROT_READ) })
	w.bounded("mprotect of a part", func() abi.Errno { return s.MProtect(c, largeStart+page, size-2*page, rw) })
	if n := s.Stats().Large; n != 14 {
		t.Errorf("%d large pages", n)
	}
	w.bounded("mremap", func() abi.Errno { _, errno := s.MRemap(c, largeStart, page, page, 3, 1<<36); return errno })
	w.bounded("mremap", func() abi.Errno {
		_, errno := s.MRemap(c, largeStart+page, size-2*page, size-2*page, 3, 1<<37)
		return errno
	})
	if n := s.Stats().Large; n != 0 {
		t.Errorf("%d large pages have moved", n)
	}
	w.b.destroy(w.s)
}

// TestLargeBadInput: sizes and addresses that can't be, near large pages and far from
// any.
func TestLargeBadInput(t *testing.T) {
	b, s := largeSpace(t, 32*mib, 4*mib)
	full(t, s, 4*mib)
	before := s.Stats()
	kernel := kernelHalf()
	for _, advice := range []uint64{abi.MADV_HUGEPAGE, abi.MADV_NOHUGEPAGE, abi.MADV_DONTNEED} {
		for _, c := range []struct {
			addr   abi.UserAddr
			length uint64
			want   abi.Errno
		}{
			{largeStart + 1, page, abi.EINVAL}, {largeStart, 0, 0}, {largeStart, top, abi.EINVAL},
			{largeStart, top &^ 0xfff, abi.EINVAL}, {largeStart + 4*mib, page, abi.ENOMEM}, {0, page, abi.ENOMEM},
			{abi.UserAddr(kernel), 2 * mib, abi.ENOMEM}, {1 << 62, page, abi.ENOMEM}, {abi.UserAddr(top &^ 0xfff), page, abi.EINVAL},
			{userEnd - page, 2 * page, abi.ENOMEM},
		} {
			if errno := s.MAdvise(c.addr, c.length, advice); errno != c.want {
				t.Errorf("advice %d for %#x bytes at %#x: %v, want %v", advice, c.length, c.addr, errno.Name(), c.want.Name())
			}
		}
	}
	for _, va := range []uint64{0, 1, 0xfff, format.UserEnd, format.UserEnd + page, 1 << 47, 1 << 62, kernel, kernel + 5, top &^ 0xfff, top} {
		for _, access := range []Prot{Read, Write, Exec, 0} {
			if out := s.Fault(va, access); out != MapErr {
				t.Errorf("a fault at %#x: %v", va, out)
			}
		}
		if errno := s.MUnmap(abi.UserAddr(va)&^0xfff, 1<<47); errno != abi.EINVAL {
			t.Errorf("munmap at %#x: %v", va, errno)
		}
	}
	if out := s.Fault(largeStart, 0); out != AccErr {
		t.Error(out)
	}
	if st := s.Stats(); st != before {
		t.Errorf("%+v, before %+v", st, before)
	}
	holds(t, s, largeStart, largeStart, largeStart+4*mib, false)
	b.destroy(s)
}

// TestLargeAtLimit: who may have little more than a large page gets on, page by
// page, up to the limit: no large page is begun and given up by turns for ever.
func TestLargeAtLimit(t *testing.T) {
	for limit := uint64(largePages - 2); limit < largePages+24; limit++ {
		b := newBench(t, format, 32*mib)
		s := b.space(0x10000, format.UserEnd, limit)
		s.MMap(largeStart, 16*mib, rw, fixed, 0)
		s.MAdvise(largeStart, 16*mib, abi.MADV_HUGEPAGE)
		va := uint64(largeStart)
		for out := Resolved; out == Resolved; va += page {
			for tries := 0; ; tries++ {
				if _, _, ok := s.tables.Lookup(s.env, va); ok {
					break
				}
				if out = s.Fault(va, Write); out != Resolved {
					break
				}
				if tries > 2*largePages/fillPages {
					t.Fatalf("limit %d: the access to %#x never gets anywhere", limit, va)
				}
			}
		}
		if n := (va - largeStart) / page; n+8 < limit {
			t.Errorf("limit %d: refused after %d pages", limit, n)
		}
		b.destroy(s)
	}
}
