// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/machine/frame"
	"loam/machine/paging"
)

// TestMoveWithoutItsThread has the thread that wants a move never come back.
func TestMoveWithoutItsThread(t *testing.T) {
	w := newWatch(t, 8*mib)
	s := w.s.Space
	const start, size, to = 1 << 32, 1000 * page, 1 << 34
	s.MMap(&w.s.c, start, size, rw, fixed, 0)
	w.touch(start, start+size, page)
	var gone, other Call
	if _, errno := s.MRemap(&gone, start, size, size, 3, to); errno != More || !gone.Pending() {
		t.Fatalf("%q", errno.Name())
	}
	gone = Call{to: 42}
	errno, pieces := More, 0
	for ; errno == More; pieces++ {
		errno = s.MUnmap(&other, start, size)
	}
	if errno != 0 || pieces < 5 || gone != (Call{to: 42}) {
		t.Fatalf("%q, %d pieces, %+v", errno.Name(), pieces, gone)
	}
	for va := uint64(to); va < to+size; va += page {
		if v, errno := s.ReadUint64(abi.UserAddr(va)); v != va-to+start || errno != 0 {
			t.Fatalf("%#x: %#x, %v", va, v, errno)
		}
	}
	w.b.destroy(w.s)
}

// TestFaultsInMove touches source and target of a move before each piece.
func TestFaultsInMove(t *testing.T) {
	w := newWatch(t, 16*mib)
	s := w.s.Space
	const start, size, to = 1 << 32, 2000 * page, 1<<34 + 77*page
	s.MMap(&w.s.c, start, size, rw, fixed, 0)
	w.touch(start, start+size, 2*page)
	held := map[uint64]uint64{}
	n := uint64(0)
	w.s.between = func() {
		n += 4 * 7 * page
		off := n % size
		switch s.move.phase {
		case preparing:
			w.touch(start+off|page, start+off|page+1, page)
			held[off|page] = start + off | page
		case moving:
			w.touch(to+off, to+off+1, page)
			held[off] = to + off
		}
	}
	if _, errno := w.s.MRemap(start, size, size, 3, to); errno != 0 {
		t.Fatal(errno)
	}
	if len(held) < 5 {
		t.Fatalf("%d pages touched on the way", len(held))
	}
	for off := uint64(0); off < size; off += page {
		want, ok := held[off]
		if !ok && off%(2*page) == 0 {
			want = start + off
		}
		if v, errno := s.ReadUint64(abi.UserAddr(to + off)); v != want || errno != 0 {
			t.Fatalf("%#x: %#x, %v; want %#x", to+off, v, errno, want)
		}
	}
	w.b.destroy(w.s)
}

// TestMoveWithoutTables has mremap run out of frames for tables half-way.
func TestMoveWithoutTables(t *testing.T) {
	b, s := newSpace(t)
	const from, pages = 512 * page * 8, 40
	s.MMap(from, pages*page, rw, fixed, 0)
	for i := range uint64(pages) {
		s.WriteUint64(abi.UserAddr(from+i*page), i)
	}
	var held []uint64
	for {
		pa, code := b.env.Frames.Alloc(frame.Kernel)
		if code != frame.OK {
			break
		}
		held = append(held, pa)
	}
	// Frames for the tables of the first half of the target only: it lies on
	// both sides of a 2 MiB boundary, in a range of its own of a root's entry.
	to := abi.UserAddr(3*paging.Span(format.Levels-1) + 512*page - pages/2*page)
	for range way() {
		last := len(held) - 1
		b.env.Frames.Free(held[last], frame.Kernel)
		held = held[:last]
	}
	before := s.Stats()
	if _, errno := s.MRemap(from, pages*page, pages*page, 3, to); errno != abi.ENOMEM {
		t.Fatalf("%q", errno.Name())
	}
	if after := s.Stats(); after.Frames != before.Frames || after.Areas != before.Areas {
		t.Errorf("%+v, then %+v", before, after)
	}
	for i := range uint64(pages) {
		if v, errno := s.ReadUint64(abi.UserAddr(from + i*page)); v != i || errno != 0 {
			t.Errorf("page %d: %d, %v", i, v, errno)
		}
	}
	for _, pa := range held {
		b.env.Frames.Free(pa, frame.Kernel)
	}
	if at, errno := s.MRemap(from, pages*page, 2*pages*page, 3, to); at != to || errno != 0 {
		t.Fatalf("%#x, %v", at, errno)
	}
	for i := range uint64(2 * pages) {
		want := i
		if i >= pages {
			want = 0
		}
		if v, errno := s.ReadUint64(abi.UserAddr(uint64(to) + i*page)); v != want || errno != 0 {
			t.Errorf("moved page %d: %d, %v", i, v, errno)
		}
	}
	b.destroy(s)
}
