// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/amd64"
	"loam/machine/paging"
)

// TestDeviceArea maps registers of a device: uncached, at their own addresses,
// and not for the kernel to go to.
func TestDeviceArea(t *testing.T) {
	b, s := newSpace(t)
	const at, where = 0x4000_0000, 0x100000 // behind the bench's memory
	i, errno := b.objs.NewDevice(at, 8)
	if errno != 0 {
		t.Fatal(errno)
	}
	area := Area{Start: where, End: where + 4*page, Prot: Read | Write, Kind: Device, Object: i, Offset: 2 * page}
	for _, kind := range []Kind{Object, Private} {
		wrong := area
		wrong.Kind = kind
		if e := s.Map(wrong); e != abi.EINVAL {
			t.Errorf("mapped as %v: %v", kind, e)
		}
	}
	account := memory.Account{Limit: 100}
	ordinary, _ := b.objs.New(8, &account)
	wrong := area
	wrong.Object = ordinary
	if e := s.Map(wrong); e != abi.EINVAL {
		t.Errorf("memory mapped as a device: %v", e)
	}
	if e := s.Map(area); e != 0 {
		t.Fatal(e)
	}
	frames := b.env.Frames.Stats().Free
	look := func(va, want uint64, prot paging.Prot) {
		t.Helper()
		if out := s.Fault(va, Read); out != Resolved {
			t.Fatalf("%#x: %v", va, out)
		}
		pa, p, ok := s.tables.Lookup(s.env, va)
		wantProt := prot | paging.User | paging.Borrowed
		if format == &amd64.Format { // the other one has no bit for it
			wantProt |= paging.Device
		}
		if !ok || pa != want || p != wantProt {
			t.Errorf("%#x is mapped to %#x as %#x, want %#x as %#x", va, pa, p, want, wantProt)
		}
	}
	look(where, at+2*page, paging.ReadWrite)
	look(where+3*page, at+5*page, paging.ReadWrite)
	look(where+3*page, at+5*page, paging.ReadWrite) // once more: as with a stale translation
	if used := frames - b.env.Frames.Stats().Free; used != way() {
		t.Errorf("%d frames for tables, want %d", used, way())
	}
	if format == &amd64.Format {
		const uncached = amd64.PTENoCache | amd64.PTEThrough | amd64.PTENoExec // PAT entry 3: UC
		if e := amd64.Format.Leaf[paging.ReadWrite|paging.User|paging.Device]; e&uncached != uncached {
			t.Errorf("entry %#x", e)
		}
	}
	var word [8]byte
	_, view := s.View(where, 8, Read)
	_, load := s.LoadUint32(where)
	_, phys := s.Physical(where)
	for k, e := range []abi.Errno{s.ReadUser(where, word[:]), s.WriteUser(where, word[:]), s.ReadUser(where+page, word[:]),
		s.WriteUint64(where+8, 1), view, load, phys, s.WriteUint32(where+3*page, 1), s.ReadUser(where-4, word[:])} {
		if e != abi.EFAULT {
			t.Errorf("%d: the kernel goes there: %v", k, e)
		}
	}
	for k, e := range []abi.Errno{s.MProtect(where, page, abi.PROT_READ), s.MProtect(where+3*page, page, rw), s.MProtect(where, page, 0)} {
		if e != abi.EACCES {
			t.Errorf("%d: mprotect: %v", k, e)
		}
	}
	if _, e := s.MRemap(where, page, 2*page, abi.MREMAP_MAYMOVE, 0); e != abi.EINVAL {
		t.Errorf("mremap: %v", e)
	}
	if e := s.MAdvise(where, 4*page, abi.MADV_DONTNEED); e != 0 {
		t.Errorf("madvise: %v", e)
	}
	look(where+page, at+3*page, paging.ReadWrite)
	if e := s.MUnmap(where+page, page); e != 0 || b.objs.Mapped(i) != 3 {
		t.Errorf("%v, %d pages mapped", e, b.objs.Mapped(i))
	}
	look(where+2*page, at+4*page, paging.ReadWrite)
	// What lies beside is memory, and reached.
	if e := s.Map(Area{Start: where + page, End: where + 2*page, Prot: Read | Write}); e != 0 {
		t.Fatal(e)
	}
	if e := s.WriteUint64(where+page, 7); e != 0 {
		t.Error(e)
	}
	if e := s.ReadUser(where+2*page-4, word[:]); e != abi.EFAULT {
		t.Errorf("from memory into registers: %v", e)
	}
	b.drop(ordinary)
	b.objs.Release(i)
	for !s.Destroy() {
	}
	if !b.objs.Dying() || b.objs.Reap() != i {
		t.Error("the object stays")
	}
}
