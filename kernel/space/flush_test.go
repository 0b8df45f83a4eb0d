// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
)

// TestShoot counts when other processors are told.
func TestShoot(t *testing.T) {
	w := newWatch(t, 8*mib)
	s := w.s
	s.Map(Area{Start: 0x400000, End: 0x404000, Prot: Read | Write, Kind: Archive, Phys: w.b.file, Bytes: 4 * page})
	for _, c := range []struct {
		name string
		do   func()
		want int
	}{
		{"mmap", func() { s.MMap(0x100000, 8*page, rw, fixed, 0) }, 0},
		{"munmap of nothing", func() { s.MUnmap(0x107000, page) }, 0},
		{"faults", func() { w.touch(0x100000, 0x104000, page) }, 0},
		{"faults again", func() { s.Fault(0x100000, Write) }, 0},
		{"less rights", func() { s.MProtect(0x100000, 7*page, abi.PROT_READ) }, 1},
		{"more rights", func() { s.MProtect(0x100000, 7*page, rw) }, 0},
		{"madvise", func() { s.MAdvise(0x101000, page, abi.MADV_DONTNEED) }, 1},
		{"madvise of nothing", func() { s.MAdvise(0x101000, page, abi.MADV_DONTNEED) }, 0},
		{"reading a file", func() { s.ReadUint64(0x400000) }, 0},
		{"a copy", func() { s.WriteUint64(0x400000, 1) }, 1},
		{"a copy of what wasn't mapped", func() { s.MAdvise(0x401000, page, abi.MADV_DONTNEED); w.shoots = 0; s.WriteUint64(0x401000, 1) }, 0},
		{"munmap", func() { s.MUnmap(0x100000, 8*page) }, 1},
		{"nobody has it", func() { s.Loaded = false; s.WriteUint64(0x402000, 1) }, 0},
	} {
		w.shoots = 0
		if c.do(); w.shoots != c.want {
			t.Errorf("%s: told %d times, want %d", c.name, w.shoots, c.want)
		}
	}
	if !s.FlushDue() || !s.TakeFlush().Any() {
		t.Error("what nobody was told has gone")
	}
	s.Fault(0x402000, Write)
	if f := s.TakeLocal(); f.End != 0x403000 || f.Start != 0x402000 && f.Start != 0x100000 {
		t.Errorf("%+v", f)
	}
	w.b.destroy(w.s)
}

// TestFlushTables looks when what leads to tables has to be forgotten, too.
func TestFlushTables(t *testing.T) {
	const table = 512 * page
	w := newWatch(t, 8*mib)
	s := w.s
	var all Flush
	s.shoot = func(s *Space) { all = all.With(s.TakeFlush()) }
	s.MMap(table, 2*table, rw, fixed, 0)
	w.touch(table, table+4*page, page)
	w.touch(2*table, 2*table+page, page)
	for _, c := range []struct {
		name          string
		do            func()
		tables, local bool
	}{
		{"pages of a table", func() { s.MUnmap(table+page, page) }, false, false},
		{"less rights", func() { s.MProtect(table, page, abi.PROT_READ) }, false, false},
		{"a fault by an old translation", func() { s.MProtect(table, page, rw); s.Fault(table, Write) }, false, true},
		{"the only page of a table", func() { s.MUnmap(2*table, page) }, true, false},
		{"the others of the first", func() { s.MUnmap(table, table) }, true, false},
		{"a new one", func() { s.MMap(table, page, rw, fixed, 0); s.Fault(table, Write) }, false, false},
	} {
		s.TakeLocal()
		all = Flush{}
		if c.do(); all.Tables != c.tables || s.TakeLocal().Tables != c.local {
			t.Errorf("%s: %+v", c.name, all)
		}
	}
	w.b.destroy(w.s)
}

// TestShareInPieces shares more than a piece.
func TestShareInPieces(t *testing.T) {
	w := newWatch(t, 16*mib)
	const start, size = 1 << 32, 1000 * page
	w.s.MMap(start, size, rw, fixed, 0)
	other := w.b.space(0x10000, format.UserEnd, 0)
	pieces := 0
	for at := uint64(start); at < start+size; pieces++ {
		done, errno := w.s.SharePiece(other.Space, at, start+size-at)
		if errno != 0 || done == 0 || done > usual.pages*page {
			t.Fatalf("%#x, %v", done, errno)
		}
		at += done
	}
	if pieces < 3 || other.Stats().Areas != 1 || other.Stats().Frames < 1000 {
		t.Errorf("%d pieces, %+v", pieces, other.Stats())
	}
	w.s.WriteUint64(start+size-page, 42)
	if v, _ := other.ReadUint64(start + size - page); v != 42 {
		t.Errorf("%d", v)
	}
	other.MUnmap(start, size)
	if other.Stats().Frames != 0 {
		t.Errorf("%d frames left", other.Stats().Frames)
	}
	for !other.Destroy() {
	}
	w.b.destroy(w.s)
}
