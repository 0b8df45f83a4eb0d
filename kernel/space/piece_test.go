// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

// watch is a space whose every single call is looked at.
type watch struct {
	t      *testing.T
	b      *bench
	s      *caller
	shoots int
	calls  int // pieces of the last call
}

func newWatch(t *testing.T, memory int) *watch {
	w := &watch{t: t, b: newBench(t, format, memory)}
	w.b.pool.Init(make([]Node, 20000))
	w.s = w.b.space(0x10000, format.UserEnd, 0)
	w.s.Loaded = true
	w.s.shoot = func(s *Space) { s.TakeFlush(); w.shoots++ }
	return w
}

// touch writes to pages of a range, every step bytes.
func (w *watch) touch(start, end, step uint64) {
	w.t.Helper()
	for va := start; va < end; va += step {
		if errno := w.s.WriteUint64(abi.UserAddr(va), va); errno != 0 {
			w.t.Fatalf("%#x: %v", va, errno)
		}
	}
}

// bounded makes a call and fails if one of its pieces does much.
func (w *watch) bounded(name string, call func() abi.Errno) {
	w.t.Helper()
	w.calls = 0
	for errno := More; errno == More; w.calls++ {
		areas, frames := w.s.areas.Len(), w.s.frames
		w.s.batch().Steps = 0
		errno = call()
		if errno != 0 && errno != More {
			w.t.Fatalf("%s: %q", name, errno.Name())
		}
		if n := w.s.areas.Len(); n < areas-usual.areas || n > areas+4 {
			w.t.Errorf("%s: %d areas, then %d", name, areas, n)
		}
		if f := w.s.frames; f+paging.BatchSize < frames || f > frames+256 {
			w.t.Errorf("%s: %d frames, then %d", name, frames, f)
		}
		if w.s.batch().Steps > paging.DefaultBudget+700 {
			w.t.Errorf("%s: %d steps", name, w.s.batch().Steps)
		}
		if w.calls > 20000 {
			w.t.Fatalf("%s: no end", name)
		}
	}
}

func (w *watch) munmap(start, size uint64) func() abi.Errno {
	return func() abi.Errno { return w.s.Space.MUnmap(&w.s.c, abi.UserAddr(start), size) }
}

func TestPiecesOfPages(t *testing.T) {
	w := newWatch(t, 32*mib)
	s, c := w.s.Space, &w.s.c
	const start, size = 1 << 32, 3000 * page
	at := abi.UserAddr(start)
	fill := func() {
		s.MMap(c, at, size, rw, fixed, 0)
		w.touch(start, start+size, page)
	}
	fill()
	w.bounded("mprotect", func() abi.Errno { return s.MProtect(c, at, size, abi.PROT_READ) })
	if w.calls < 5 {
		t.Errorf("mprotect of 3000 pages in %d pieces", w.calls)
	}
	w.bounded("mprotect back", func() abi.Errno { return s.MProtect(c, at, size, rw) })
	vec := abi.UserAddr(1 << 33)
	s.MMap(c, vec, 4*page, rw, fixed, 0)
	w.bounded("mincore", func() abi.Errno { return s.MinCore(c, at, size, vec) })
	if w.calls < 10 {
		t.Errorf("mincore of 3000 pages in %d pieces", w.calls)
	}
	for k := range abi.UserAddr(3000 / 8) {
		if v, _ := s.ReadUint64(vec + 8*k); v != 0x0101010101010101 {
			t.Fatalf("mincore at %d: %#x", 8*k, v)
		}
	}
	w.bounded("mremap", func() abi.Errno {
		_, errno := s.MRemap(c, at, size, size, 3, at+size+5*page)
		return errno
	})
	if w.calls < 10 {
		t.Errorf("mremap of 3000 pages in %d pieces", w.calls)
	}
	for k := range uint64(3000) {
		if v, errno := s.ReadUint64(at + size + 5*page + abi.UserAddr(k*page)); v != start+k*page || errno != 0 {
			t.Fatalf("page %d after mremap: %#x, %v", k, v, errno)
		}
	}
	fill()
	w.bounded("mmap", func() abi.Errno {
		_, errno := s.MMap(c, at, size, abi.PROT_READ, fixed, 0)
		return errno
	})
	fill()
	w.bounded("mremap over others", func() abi.Errno {
		_, errno := s.MRemap(c, at+size+5*page, size, size, 3, at)
		return errno
	})
	w.bounded("madvise", func() abi.Errno { return s.MAdvise(c, at, size, abi.MADV_DONTNEED) })
	fill()
	w.bounded("munmap", w.munmap(start, size))
	if w.calls < 3000/paging.BatchSize {
		t.Errorf("munmap of 3000 pages in %d pieces", w.calls)
	}
	s.SetBrk(0x800000)
	s.Brk(c, 0x800000+size)
	w.touch(0x800000, 0x800000+size, page)
	w.bounded("brk", func() abi.Errno { _, errno := s.Brk(c, 0x800000); return errno })
	if n := s.Stats().Areas; n != 1 {
		t.Errorf("%d areas left", n)
	}
	w.b.destroy(w.s)
}

func TestPiecesOfAreas(t *testing.T) {
	w := newWatch(t, 8*mib)
	s, c := w.s.Space, &w.s.c
	const areas, start = 15000, 1 << 32
	for i := range uint64(areas) {
		prot := uint64(abi.PROT_READ)
		if i%2 == 0 {
			prot = rw
		}
		if _, errno := s.MMap(c, abi.UserAddr(start+i*page), page, prot, fixed, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	if n := s.Stats().Areas; n != areas {
		t.Fatal(n)
	}
	at, size := abi.UserAddr(start), uint64(areas*page)
	w.bounded("mprotect of a part", func() abi.Errno { return s.MProtect(c, at+2*page, size/2, 0) })
	w.bounded("madvise", func() abi.Errno { return s.MAdvise(c, at, size, abi.MADV_DONTNEED) })
	w.bounded("mmap of a part", func() abi.Errno {
		_, errno := s.MMap(c, at+page, size/2+page, rw, fixed, 0)
		return errno
	})
	w.bounded("munmap", w.munmap(start-page, size+2*page))
	if w.calls < areas/2/usual.areas {
		t.Errorf("munmap of %d areas in %d pieces", areas/2, w.calls)
	}
	w.b.destroy(w.s)
}

// TestPiecesOfNothing has calls on nearly all of the addresses, with nearly
// nothing there.
func TestPiecesOfNothing(t *testing.T) {
	w := newWatch(t, 32*mib)
	s, c := w.s.Space, &w.s.c
	unit := uint64(1) << (format.Bits - 8)
	start, size := unit, 40*unit
	at := abi.UserAddr(start)
	s.MMap(c, at, size, rw, fixed, 0)
	w.touch(start, start+size, size/512)
	w.bounded("mprotect", func() abi.Errno { return s.MProtect(c, at, size, abi.PROT_READ) })
	w.bounded("mremap", func() abi.Errno {
		to, errno := s.MRemap(c, at, size, size, 3, abi.UserAddr(50*unit+5*page))
		if errno == 0 {
			at = to
		}
		return errno
	})
	if errno := w.s.MProtect(at, size, rw); errno != 0 {
		t.Fatal(errno)
	}
	for k := range uint64(512) {
		if v, errno := s.ReadUint64(at + abi.UserAddr(k*size/512)); v != start+k*size/512 || errno != 0 {
			t.Fatalf("page %d after mremap: %#x, %v", k, v, errno)
		}
	}
	w.bounded("madvise", func() abi.Errno { return s.MAdvise(c, at, size, abi.MADV_DONTNEED) })
	if f := s.Stats().Frames; f != 0 {
		t.Errorf("%d frames left", f)
	}
	w.bounded("munmap", w.munmap(uint64(at), size))
	w.b.destroy(w.s)
}

// TestNobodyLosesWhatIsFree has memory mapped where a munmap has passed by.
func TestNobodyLosesWhatIsFree(t *testing.T) {
	w := newWatch(t, 8*mib)
	s := w.s.Space
	const start, size = 1 << 32, 1000 * page
	s.MMap(&w.s.c, start, size, rw, fixed, 0)
	w.touch(start, start+size, page)
	var other Call
	errno := w.munmap(start, size)()
	if errno != More || !w.s.c.Pending() {
		t.Fatalf("%q", errno.Name())
	}
	if at, errno := s.MMap(&other, start, page, rw, anon|abi.MAP_FIXED_NOREPLACE, 0); at != start || errno != 0 {
		t.Fatalf("%#x, %q", at, errno.Name())
	}
	w.touch(start, start+page, page)
	// Another munmap of the same range gets ahead, and is not in the way.
	for errno = More; errno == More; {
		errno = s.MUnmap(&other, start+page, size-page)
	}
	if errno != 0 {
		t.Fatal(errno)
	}
	w.bounded("munmap", w.munmap(start, size))
	if v, errno := s.ReadUint64(start); v != start || errno != 0 {
		t.Errorf("%#x, %v", v, errno)
	}
	w.b.destroy(w.s)
}

// TestBrkInPieces has two threads move the end of the heap.
func TestBrkInPieces(t *testing.T) {
	w := newWatch(t, 8*mib)
	s := w.s.Space
	const heap, size = 0x800000, 1000 * page
	s.SetBrk(heap)
	w.s.Brk(heap + size)
	w.touch(heap, heap+size, page)
	var other Call
	if _, errno := s.Brk(&w.s.c, heap+page); errno != More {
		t.Fatalf("%q", errno.Name())
	}
	// It can grow to where the first piece came, and no further.
	for _, c := range []struct{ to, want abi.UserAddr }{{0, heap + page}, {heap + size, heap + page},
		{heap + 10*page, heap + 10*page}, {heap + size, heap + 10*page}} {
		if at, errno := s.Brk(&other, c.to); at != c.want || errno != 0 {
			t.Errorf("brk(%#x) = %#x, %q; want %#x", c.to, at, errno.Name(), c.want)
		}
	}
	w.touch(heap+9*page, heap+10*page, page)
	if at := w.s.Brk(heap + page); at != heap+page || w.s.c.Pending() {
		t.Errorf("%#x", at)
	}
	if v, errno := s.ReadUint64(heap + 9*page); v != heap+9*page || errno != 0 {
		t.Errorf("%d, %v", v, errno)
	}
	if at, _ := s.Brk(&other, heap+size); at != heap+size {
		t.Errorf("%#x", at)
	}
	w.b.destroy(w.s)
}

// TestMinCoreInPieces has memory go while another thread asks for it.
func TestMinCoreInPieces(t *testing.T) {
	w := newWatch(t, 8*mib)
	s := w.s.Space
	const start, size, vec = 1 << 32, 1000 * page, 1 << 33
	s.MMap(&w.s.c, start, size, rw, fixed, 0)
	s.MMap(&w.s.c, vec, page, rw, fixed, 0)
	var other Call
	if errno := s.MinCore(&w.s.c, start, size, vec); errno != More {
		t.Fatalf("%q", errno.Name())
	}
	// Behind it, that is nothing to it; before it, the answer is Linux's.
	s.MUnmap(&other, start, page)
	if errno := s.MinCore(&w.s.c, start, size, vec); errno != More {
		t.Fatalf("%q", errno.Name())
	}
	s.MUnmap(&other, start+size-page, page)
	if errno := s.MinCore(&w.s.c, start, size, vec); errno != abi.ENOMEM || w.s.c.Pending() {
		t.Errorf("%q", errno.Name())
	}
	w.b.destroy(w.s)
}

// TestNodesForPieces has pieces without a node to cut an area.
func TestNodesForPieces(t *testing.T) {
	w := newWatch(t, 8*mib)
	s := w.s
	s.MMap(1<<32, 1000*page, rw, fixed, 0)
	w.touch(1<<32, 1<<32+1000*page, page)
	w.b.pool.fresh += uint32(w.b.pool.Left()) // nobody has them
	w.b.pool.used = uint32(len(w.b.pool.nodes) - 1)
	for _, c := range []struct {
		name      string
		got, want abi.Errno
	}{
		{"mprotect", s.MProtect(1<<32, 1000*page, abi.PROT_READ), abi.ENOMEM},
		{"mprotect of a few", s.MProtect(1<<32, 10*page, abi.PROT_READ), abi.ENOMEM},
		{"munmap behind", s.MUnmap(1<<32+10*page, 990*page), abi.ENOMEM},
		{"munmap of a few behind", s.MUnmap(1<<32+990*page, 10*page), 0},
		{"munmap", s.MUnmap(1<<32, 990*page), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got.Name(), c.want.Name())
		}
	}
	if code := w.b.env.Frames.Check(); code != frame.OK {
		t.Error(code)
	}
}

// BenchmarkPiece measures the longest pieces: what a call does at once.
func BenchmarkPiece(b *testing.B) {
	const start, size = 1 << 32, 4000 * page
	m := newBench(b, format, 64*mib)
	s, c := m.space(0x10000, format.UserEnd, 0), new(Call)
	at := abi.UserAddr(start)
	for _, x := range []struct {
		name string
		call func() abi.Errno
	}{
		{"munmap", func() abi.Errno { return s.Space.MUnmap(c, at, size) }},
		{"mprotect", func() abi.Errno { return s.Space.MProtect(c, at, size, abi.PROT_READ) }},
		{"mremap", func() abi.Errno { _, e := s.Space.MRemap(c, at, size, size, 3, at+size); return e }},
		{"mincore", func() abi.Errno { return s.Space.MinCore(c, at, size, at) }},
	} {
		b.Run(x.name, func(b *testing.B) {
			errno := abi.Errno(0)
			for b.Loop() {
				if errno != More {
					b.StopTimer()
					s.MUnmap(at, 2*size)
					s.MMap(at, size, rw, fixed, 0)
					for va := uint64(start); va < start+size; va += page {
						s.Fault(va, Write)
					}
					b.StartTimer()
				}
				errno = x.call()
			}
		})
	}
}
