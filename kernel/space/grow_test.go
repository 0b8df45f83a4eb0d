// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
)

const growing = anon | abi.MAP_GROWSDOWN

// growSpace has an area of 4 pages that grows, and returns where it begins.
func growSpace(t *testing.T) (*bench, *caller, uint64) {
	b := newBench(t, format, 16*mib)
	s := b.space(0x10000, format.UserEnd, 0)
	const at = 1 << 32
	if _, errno := s.MMap(at, 4*page, rw, growing|abi.MAP_FIXED, 0); errno != 0 {
		t.Fatal(errno)
	}
	return b, s, at
}

// TestGrow touches what is below an area that grows.
func TestGrow(t *testing.T) {
	b, s, at := growSpace(t)
	areas := s.Stats().Areas
	for _, c := range []struct {
		name string
		va   uint64
		want Outcome
	}{
		{"behind", at + 4*page, MapErr},
		{"the page below", at - 1, Resolved},
		{"far below", at - 1000*page, Resolved},
		{"at its limit", at + 4*page - growLimit, Resolved},
		{"too far", at + 4*page - growLimit - 1, MapErr},
		{"much too far", 0x20000, MapErr},
		{"nowhere", 5, MapErr},
		{"nowhere else", 1 << 62, MapErr},
	} {
		if out := s.Fault(c.va, Write); out != c.want {
			t.Errorf("%s: %v, want %v", c.name, out, c.want)
		}
	}
	a, ok := s.areas.Find(at)
	if !ok || a.Start != at+4*page-growLimit || a.End != at+4*page || s.Stats().Areas != areas {
		t.Errorf("%+v of %d areas", a, s.Stats().Areas)
	}
	if errno := s.WriteUint64(abi.UserAddr(at)-500*page, 7); errno != 0 {
		t.Errorf("the kernel's access: %v", errno)
	}
	// What is cut off its lower end can be grown into again; a part of it can be
	// unmapped from the middle, and the rest keeps its kind.
	s.MUnmap(abi.UserAddr(a.Start), 300*page)
	if out := s.Fault(a.Start, Write); out != Resolved {
		t.Errorf("again: %v", out)
	}
	s.MUnmap(abi.UserAddr(at)-page, page)
	if out := s.Fault(at-1, Write); out != Resolved { // the area below is of its own kind
		t.Errorf("into the hole between two: %v", out)
	}
	if n := s.Stats().Areas; n != areas {
		t.Errorf("%d areas, want %d joined ones", n, areas)
	}
	b.destroy(s)
}

// TestGrowGap: what may be read or written is kept away from.
func TestGrowGap(t *testing.T) {
	b, s, at := growSpace(t)
	const below = 1000
	end := at - below*page // of what lies below
	for _, c := range []struct {
		prot, flags uint64
		free        uint64 // pages that stay
	}{
		{rw, fixed, 256}, {abi.PROT_READ, fixed, 256}, {abi.PROT_NONE, fixed, 0}, {rw, growing | abi.MAP_FIXED, 0},
	} {
		s.MMap(abi.UserAddr(end)-page, page, c.prot, c.flags, 0)
		if out := s.Fault(end+c.free*page, Write); out != Resolved {
			t.Errorf("%+v: %v", c, out)
		}
		if out := s.Fault(end+c.free*page-page, Write); (out == MapErr) != (c.free > 0) {
			t.Errorf("%+v: a page nearer: %v", c, out)
		}
		if v, errno := s.ReadUint64(abi.UserAddr(end) - 8); v != 0 || (errno == 0) != (c.prot != 0) {
			t.Errorf("%+v: what lies below: %d, %v", c, v, errno)
		}
		s.MUnmap(abi.UserAddr(end)-page, (below+1)*page)
	}
	b.destroy(s)
}

// TestGrowPlaces: others get their place outside of the gap, unless they say where.
func TestGrowPlaces(t *testing.T) {
	b := newBench(t, format, 8*mib)
	s := b.space(0x10000, format.UserEnd, 0)
	at, errno := s.MMap(0, page, rw, growing, 0)
	if errno != 0 || at != userEnd-page {
		t.Fatalf("%#x, %v", at, errno)
	}
	for _, c := range []struct {
		name        string
		addr        abi.UserAddr
		size, flags uint64
		want        abi.UserAddr
	}{
		{"anywhere", 0, page, anon, at - growGap - page},
		{"a hint in the gap", at - 10*page, page, anon, at - growGap - 2*page},
		{"a hint that ends in it", at - growGap - 3*page, 4 * page, anon, at - growGap - 6*page},
		{"a hint below it", at - growGap - 100*page, page, anon, at - growGap - 100*page},
		{"fixed", at - page, page, fixed, at - page},
	} {
		if got, errno := s.MMap(c.addr, c.size, rw, c.flags, 0); got != c.want || errno != 0 {
			t.Errorf("%s: %#x, %v; want %#x", c.name, got, errno, c.want)
		}
	}
	// With one in the gap there is nothing left to grow into.
	if out := s.Fault(uint64(at)-2*page, Write); out != MapErr {
		t.Error(out)
	}
	b.destroy(s)
	// Many of them, each with its gap.
	s = b.space(0x10000, format.UserEnd, 0)
	for range 10 {
		if _, errno := s.MMap(0, page, rw, growing, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	if got, errno := s.MMap(0, page, rw, anon, 0); errno != 0 || s.inGap(uint64(got)+page) {
		t.Errorf("%#x, %v", got, errno)
	}
	b.destroy(s)
}

// TestGrowProtect: PROT_GROWSDOWN reaches down to where the area begins.
func TestGrowProtect(t *testing.T) {
	b, s, at := growSpace(t)
	s.Fault(at-100*page, Write)
	if errno := s.MProtect(abi.UserAddr(at)+page, page, abi.PROT_READ|abi.PROT_GROWSDOWN); errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range []struct {
		va   uint64
		want Outcome
	}{{at - 100*page, AccErr}, {at + page, AccErr}, {at + 2*page, Resolved}} {
		if out := s.Fault(c.va, Write); out != c.want {
			t.Errorf("%#x: %v, want %v", c.va, out, c.want)
		}
	}
	s.MMap(1<<33, page, rw, fixed, 0)
	if errno := s.MProtect(1<<33, page, rw|abi.PROT_GROWSDOWN); errno != abi.EINVAL {
		t.Errorf("of what doesn't grow: %v", errno)
	}
	if errno := s.MProtect(abi.UserAddr(at), page, rw|abi.PROT_GROWSUP); errno != abi.EINVAL {
		t.Errorf("upwards: %v", errno)
	}
	b.destroy(s)
}

// TestGrowIntoMove has a thread grow its stack to where a move will put what it moves.
func TestGrowIntoMove(t *testing.T) {
	w := newWatch(t, 32*mib)
	s, c := w.s.Space, &w.s.c
	const at, source, size, apart = 1 << 33, 1 << 32, 200 * largeSize, largeSize
	s.MMap(c, at, page, rw, growing|abi.MAP_FIXED, 0)
	s.MMap(c, source, size, rw, fixed, 0)
	w.touch(source, source+size, apart)
	target := abi.UserAddr(at) - growGap - size
	_, errno := s.MRemap(c, source, size, size, 3, target)
	refused := 0
	for ; errno == More; _, errno = s.MRemap(c, source, size, size, 3, target) {
		if s.move.phase != preparing {
			continue
		}
		for _, va := range []uint64{at - growGap - 1, at - growGap + page, at - page} {
			if out := s.Fault(va, Write); out != MapErr {
				t.Fatalf("at %#x: %v", va, out)
			}
			refused++
		}
	}
	if errno != 0 || refused == 0 {
		t.Fatalf("%v, %d refused", errno, refused)
	}
	for va := uint64(0); va < size; va += apart {
		if v, errno := s.ReadUint64(target + abi.UserAddr(va)); v != source+va || errno != 0 {
			t.Fatalf("%#x: %#x, %v", va, v, errno)
		}
	}
	w.b.destroy(w.s)
}

// TestGrowInPieces has a mapping that grows replace more than a piece does.
func TestGrowInPieces(t *testing.T) {
	w := newWatch(t, 32*mib)
	const at, size = 1 << 32, 1500 * page
	w.s.MMap(at, size, rw, fixed, 0)
	w.touch(at, at+size, page)
	if _, errno := w.s.MMap(at, size, rw, growing|abi.MAP_FIXED, 0); errno != 0 {
		t.Fatal(errno)
	}
	if a, ok := w.s.areas.Find(at + 5*page); !ok || a.Kind != Growing || a.Size() != size {
		t.Errorf("%+v", a)
	}
	w.b.destroy(w.s)
}
