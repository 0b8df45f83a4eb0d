// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/kernel/memory"
)

func privateArea(start, pages uint64, prot Prot, i int32) Area {
	return Area{Start: start, End: start + pages*page, Prot: prot, Kind: Private, Object: i}
}

func TestPrivate(t *testing.T) {
	b, s := newSpace(t)
	other := b.space(0x10000, format.UserEnd, 0)
	account := memory.Account{Limit: 1000}
	i, _ := b.objs.New(10, &account)
	writer := Area{Start: 0x100000, End: 0x100000 + 10*page, Prot: Read | Write, Kind: Object, Object: i}
	if s.Map(writer) != 0 || s.Map(privateArea(0x200000, 10, Read, i)) != 0 || other.Map(privateArea(0x200000, 10, Read|Write, i)) != 0 {
		t.Fatal("not mapped")
	}
	for k := range abi.UserAddr(5) {
		s.WriteUint64(0x100000+k*page+8, uint64(k)+1)
	}
	expect := func(what string, s *caller, at abi.UserAddr, want uint64) {
		t.Helper()
		if v, errno := s.ReadUint64(at); v != want || errno != 0 {
			t.Errorf("%s: %d (%v), want %d", what, v, errno, want)
		}
	}
	expect("one space", s, 0x200000+8, 1)
	expect("the other", other, 0x200000+8, 1)
	frames, objects := other.Stats().Frames, b.objs.Frames(i)
	other.WriteUint64(0x200000, 50)          // read before
	other.WriteUint64(0x200000+page, 51)     // not read before
	other.WriteUint64(0x200000+7*page+8, 52) // without a frame in the object
	if n := other.Stats().Frames - frames; n != 3 || b.objs.Frames(i) != objects {
		t.Errorf("the space pays for %d more frames, the object has %d of %d", n, b.objs.Frames(i), objects)
	}
	expect("the rest of a page", other, 0x200000+8, 1)
	expect("the rest of a page", other, 0x200000+page+8, 2)
	expect("the object", s, 0x100000+7*page+8, 0)
	s.WriteUint64(0x100000+8, 60)
	s.WriteUint64(0x100000+2*page+8, 61)
	expect("a page that was written", other, 0x200000+8, 1)
	expect("one that was not", other, 0x200000+2*page+8, 61)
	expect("who has written nothing", s, 0x200000+8, 60)
	if errno := s.WriteUint64(0x200000, 1); errno != abi.EFAULT {
		t.Errorf("what may only be read: %q", errno.Name())
	}
	if errno := s.MProtect(0x200000, page, rw); errno != 0 {
		t.Errorf("mprotect to write: %q", errno.Name())
	}
	s.WriteUint64(0x200000, 70)
	expect("the object", s, 0x100000, 0)
	if errno := other.MAdvise(0x200000, page, abi.MADV_DONTNEED); errno != 0 {
		t.Error(errno)
	}
	expect("after madvise", other, 0x200000+8, 60)
	if errno := other.MAdvise(0x200000, page, abi.MADV_FREE); errno != abi.EINVAL {
		t.Errorf("MADV_FREE: %q", errno.Name())
	}
	at, errno := other.MRemap(0x200000, 8*page, 10*page, abi.MREMAP_MAYMOVE|abi.MREMAP_FIXED, 0x900000)
	if errno != 0 {
		t.Fatal(errno)
	}
	expect("moved", other, at+7*page+8, 52)
	expect("moved", other, at+2*page+8, 61)
	if errno := other.ShareInto(s.Space, uint64(at)+3*page, page); errno != 0 { // its own from then on
		t.Error(errno)
	}
	other.WriteUint64(at+3*page, 80)
	expect("shared by other means", s, at+3*page, 80)
	expect("the object", s, 0x100000+3*page, 0)
	if errno := s.ShareInto(other.Space, 0x100000, page); errno != abi.EFAULT {
		t.Errorf("shared by other means: %q", errno.Name())
	}
	s.MUnmap(0, 1<<30)
	other.MUnmap(0, 1<<30)
	if b.objs.Mapped(i) != 0 || s.Stats().Frames != 0 || other.Stats().Frames != 0 {
		t.Errorf("mapped %d, %+v, %+v", b.objs.Mapped(i), s.Stats(), other.Stats())
	}
	b.drop(i)
	for !other.Destroy() {
	}
	b.destroy(s)
	if account.Used != 0 {
		t.Error(account)
	}
}

// TestPrivateAround counts the faults of who reads all of a private area, of which
// the object has a part, and of who writes a page of it.
func TestPrivateAround(t *testing.T) {
	b, s := newSpace(t)
	i, _ := b.objs.New(64, nil)
	for k := range uint64(40) {
		b.objs.Page(i, k)
	}
	s.Map(privateArea(0x103000, 64, Read|Write, i))
	for k := range abi.UserAddr(64) {
		if _, errno := s.ReadUint64(0x103000 + k*page); errno != 0 {
			t.Fatal(errno)
		}
	}
	// 13 pages up to the next 16, 16, 11 of 16, and the 24 that the object has got.
	if n := s.Stats().Faults; n != 3+24 || b.objs.Frames(i) != 64+1 {
		t.Errorf("%d faults, %d frames", n, b.objs.Frames(i))
	}
	s.WriteUint64(0x103000+5*page, 1)
	if n := s.Stats().Faults; n != 3+24+1 {
		t.Errorf("%d faults", n)
	}
	s.MUnmap(0, 1<<30)
	b.drop(i)
	b.destroy(s)
}

// TestPrivateWithoutMemory: a page that can't be copied stays as it is.
func TestPrivateWithoutMemory(t *testing.T) {
	b := newBench(t, format, 8*mib)
	i, _ := b.objs.New(4, nil)
	b.objs.Page(i, 0)
	limited := b.space(PageSize, 1<<37, way()+1) // the tables and a page
	limited.Map(privateArea(0x100000, 4, Read|Write, i))
	if errno := limited.WriteUint64(0x100000, 5); errno != 0 {
		t.Error(errno)
	}
	if v, errno := limited.ReadUint64(0x100000 + page); v != 0 || errno != 0 {
		t.Errorf("%d, %v", v, errno)
	}
	if out := limited.Fault(0x100000+page, Write); out != OverQuota {
		t.Errorf("a second page: %v", out)
	}
	if v, errno := limited.ReadUint64(0x100000 + page); v != 0 || errno != 0 || limited.Stats().Frames != way()+1 {
		t.Errorf("%d, %v; %+v", v, errno, limited.Stats())
	}
	for !limited.Destroy() {
	}
	s := b.space(PageSize, 1<<37, 0)
	s.Map(privateArea(0x100000, 4, Read|Write, i))
	s.ReadUint64(0x100000)
	frames := s.Stats().Frames
	b.env.Frames.SetReserve(b.env.Frames.Stats().Free)
	b.env.Frames.Drain()
	for _, at := range []uint64{0x100000, 0x100000 + 3*page} {
		if out := s.Fault(at, Write); out != NoMemory || s.Stats().Frames != frames {
			t.Errorf("%v, %+v", out, s.Stats())
		}
	}
	if v, errno := s.ReadUint64(0x100000); v != 0 || errno != 0 {
		t.Errorf("%d, %v", v, errno)
	}
	b.env.Frames.SetReserve(0)
	s.MUnmap(0x100000, 4*page)
	b.drop(i)
	b.destroy(s)
}

// TestClonesAndMappings: EBUSY where a page would have two frames.
func TestClonesAndMappings(t *testing.T) {
	b, s := newSpace(t)
	i, _ := b.objs.New(4, nil)
	at := func(start uint64, deny Prot) Area {
		return Area{Start: start, End: start + 4*page, Prot: Read, Deny: deny, Kind: Object, Object: i}
	}
	s.Map(at(0x100000, 0))
	if _, errno := b.objs.Clone(i, 0, 4, nil); errno != abi.EBUSY {
		t.Errorf("with an area that mprotect can make writable: %q", errno.Name())
	}
	s.MProtect(0x100000, page, rw)
	s.WriteUint64(0x100000, 1)
	s.MUnmap(0x100000, 4*page)
	s.Map(at(0x200000, Write))
	s.Map(privateArea(0x300000, 4, Read|Write, i))
	s.ReadUint64(0x200000)
	c, errno := b.objs.Clone(i, 0, 4, nil)
	if errno != 0 {
		t.Fatal(errno)
	}
	if errno := s.Map(at(0x400000, 0)); errno != abi.EBUSY {
		t.Errorf("a writer among readers: %q", errno.Name())
	}
	here, _ := b.objs.Lookup(i, 0)
	if there, _ := b.objs.Lookup(c, 0); here != there {
		t.Error("they don't share")
	}
	w := at(0x500000, 0)
	w.Object, w.Prot = c, Read|Write
	s.Map(w)
	s.ReadUint64(0x500000) // copied when it is first touched
	if there, _ := b.objs.Lookup(c, 0); here == there {
		t.Error("a writer has the readers' frame")
	}
	s.WriteUint64(0x500000, 2)
	v, _ := s.ReadUint64(0x200000)
	if p, _ := s.ReadUint64(0x300000); v != 1 || p != 1 {
		t.Errorf("%d, %d", v, p)
	}
	s.MUnmap(0x100000, 0x1000000)
	b.drop(i)
	b.drop(c)
	b.destroy(s)
}
