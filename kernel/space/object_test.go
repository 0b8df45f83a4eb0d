// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/kernel/memory"
)

// drop lets an object go.
func (b *bench) drop(i int32) {
	b.objs.Release(i)
	for b.objs.Dying() {
		b.objs.Reap()
	}
}

func TestObjectIsShared(t *testing.T) {
	b, s := newSpace(t)
	other := b.space(0x10000, format.UserEnd, 0)
	account := memory.Account{Limit: 1000}
	i, _ := b.objs.New(100, &account)
	writer := Area{Start: 0x100000, End: 0x100000 + 100*page, Prot: Read | Write, Kind: Object, Object: i}
	reader := Area{Start: 0x7000000, End: 0x7000000 + 50*page, Prot: Read, Deny: Write | Exec, Kind: Object, Object: i, Offset: 50 * page}
	if s.Map(writer) != 0 || other.Map(reader) != 0 {
		t.Fatal("not mapped")
	}
	s.WriteUint64(0x100000+60*page, 42)
	if v, errno := other.ReadUint64(0x7000000 + 10*page); v != 42 || errno != 0 {
		t.Errorf("%d, %v", v, errno)
	}
	other.ReadUint64(0x7000000 + 20*page) // who reads first doesn't matter
	s.WriteUint64(0x100000+70*page, 43)
	if v, _ := other.ReadUint64(0x7000000 + 20*page); v != 43 {
		t.Errorf("%d", v)
	}
	here, _ := s.Physical(0x100000 + 60*page)
	there, _ := other.Physical(0x7000000 + 10*page)
	if here != there {
		t.Errorf("one word at %#x and %#x", here, there)
	}
	if f, o := s.Stats().Frames+other.Stats().Frames, b.objs.Frames(i); f != 2*way() || o != 3 || account.Used != 3 {
		t.Errorf("spaces pay %d frames, the object has %d, its account %+v", f, o, account)
	}
	for _, c := range []struct {
		name      string
		got, want abi.Errno
	}{
		{"write", other.WriteUint64(0x7000000, 1), abi.EFAULT},
		{"mprotect to write", other.MProtect(0x7000000, page, rw), abi.EACCES},
		{"mprotect of more to write", other.MProtect(0x7000000-page, 2*page, rw), abi.ENOMEM},
		{"mprotect to execute", other.MProtect(0x7000000, page, rx), abi.EACCES},
		{"mprotect to nothing", other.MProtect(0x7000000, page, 0), 0},
		{"madvise free", other.MAdvise(0x7000000, page, abi.MADV_FREE), abi.EINVAL},
		{"madvise", s.MAdvise(0x100000, 100*page, abi.MADV_DONTNEED), 0},
		{"shrink", b.objs.Resize(i, 99), abi.EBUSY},
		{"grow", b.objs.Resize(i, 110), 0},
		{"behind the end", other.Map(Area{Start: 0x9000000, End: 0x9000000 + 111*page, Kind: Object, Object: i}), abi.EINVAL},
		{"far behind", other.Map(Area{Start: 0x9000000, End: 0x9000000 + page, Kind: Object, Object: i, Offset: top &^ pageMask}), abi.EINVAL},
		{"odd", other.Map(Area{Start: 0x9000000, End: 0x9000000 + page, Kind: Object, Object: i, Offset: 8}), abi.EINVAL},
		{"denied", other.Map(Area{Start: 0x9000000, End: 0x9000000 + page, Prot: Read | Write, Deny: Write, Kind: Object, Object: i}), abi.EACCES},
		{"no object", other.Map(Area{Start: 0x9000000, End: 0x9000000 + page, Offset: page}), abi.EINVAL},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got.Name(), c.want.Name())
		}
	}
	if v, _ := s.ReadUint64(0x100000 + 60*page); v != 42 {
		t.Errorf("after madvise: %d", v)
	}
	// It grows with the object, and no further.
	at, errno := s.MRemap(0x100000, 100*page, 110*page, abi.MREMAP_MAYMOVE, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	if _, errno := s.MRemap(at, 110*page, 111*page, abi.MREMAP_MAYMOVE, 0); errno != abi.EINVAL {
		t.Error(errno)
	}
	s.WriteUint64(at+105*page, 44)
	if at, errno = s.MRemap(at, 110*page, 110*page, 3, 0x5000000); errno != 0 {
		t.Fatal(errno)
	}
	v, _ := s.ReadUint64(at + 105*page)
	w, _ := s.ReadUint64(at + 60*page)
	if v != 44 || w != 42 || b.objs.Mapped(i) != 110+50 {
		t.Errorf("%d, %d, mapped %d", v, w, b.objs.Mapped(i))
	}
	s.MUnmap(at+10*page, 10*page)
	s.MMap(at+100*page, 20*page, rw, fixed, 0)
	if n := b.objs.Mapped(i); n != 90+50 {
		t.Errorf("mapped %d", n)
	}
	// The mapping keeps it when nobody has a handle any more.
	b.objs.Release(i)
	s.MUnmap(at, 200*page)
	if v, _ := other.ReadUint64(0x7000000 + 10*page); v != 42 || b.objs.Dying() {
		t.Errorf("%d", v)
	}
	for !other.Destroy() {
	}
	if !b.objs.Dying() {
		t.Error("it lives on")
	}
	for b.objs.Dying() {
		b.objs.Reap()
	}
	b.destroy(s)
	if account.Used != 0 {
		t.Error(account)
	}
}

func TestObjectWithoutMemory(t *testing.T) {
	b, s := newSpace(t)
	account := memory.Account{Limit: 5}
	i, _ := b.objs.New(20, &account)
	s.Map(Area{Start: 0x100000, End: 0x100000 + 20*page, Prot: Read, Kind: Object, Object: i})
	n := uint64(0)
	out := Resolved
	for ; out == Resolved; n++ {
		out = s.Fault(0x100000+n*page, Read)
	}
	if out != OverQuota || n != 5 || account.Used != 5 { // four pages and a node
		t.Errorf("%v at page %d, %+v", out, n, account)
	}
	if _, errno := s.ReadUint64(0x100000 + 19*page); errno != abi.ENOMEM {
		t.Error(errno)
	}
	if out := s.Fault(0x100000, Read); out != Resolved {
		t.Errorf("a page that is there: %v", out)
	}
	account.Limit = 100
	b.env.Frames.SetReserve(b.free)
	b.env.Frames.Drain()
	if out := s.Fault(0x100000+19*page, Read); out != NoMemory {
		t.Error(out)
	}
	b.env.Frames.SetReserve(0)
	s.MUnmap(0x100000, 20*page)
	b.drop(i)
	b.destroy(s)
}

// TestObjectLeavesReserve has pages of an object that is there mapped far apart:
// only tables cost anything.
func TestObjectLeavesReserve(t *testing.T) {
	b := newBench(t, format, 2*mib)
	s := b.space(PageSize, 1<<37, 0)
	i, _ := b.objs.New(1, nil)
	b.objs.Page(i, 0)
	const areas, apart = 400, 2 * mib
	for k := uint64(1); k <= areas; k++ {
		if e := s.Map(Area{Start: k * apart, End: k*apart + PageSize, Prot: Read, Kind: Object, Object: i}); e != 0 {
			t.Fatal(e)
		}
	}
	reserve := b.env.Frames.Stats().Free - 10
	b.env.Frames.SetReserve(reserve)
	out := Resolved
	for k := uint64(1); k <= areas && out == Resolved; k++ {
		out = s.Fault(k*apart, Read)
	}
	if free := b.env.Frames.Stats().Free; out != NoMemory || free < reserve/2 {
		t.Errorf("%v with %d frames free, reserve %d", out, free, reserve)
	}
	b.env.Frames.SetReserve(0)
	s.MUnmap(PageSize, areas*apart+apart)
	b.drop(i)
	b.destroy(s)
}

// TestObjectGoesAfterShoot has the last mapping keep the frames until every
// processor has forgotten them.
func TestObjectGoesAfterShoot(t *testing.T) {
	w := newWatch(t, 8*mib)
	s, objs := w.s, &w.b.objs
	i, _ := objs.New(300, nil)
	s.Map(Area{Start: 0x100000, End: 0x100000 + 300*page, Prot: Read | Write, Kind: Object, Object: i})
	w.touch(0x100000, 0x100000+300*page, page)
	objs.Release(i)
	s.shoot = func(s *Space) {
		s.TakeFlush()
		w.shoots++
		if objs.Dying() {
			t.Error("it dies before it is forgotten")
		}
	}
	w.bounded("munmap", w.munmap(0x100000, 300*page))
	if w.shoots < 3 || !objs.Dying() {
		t.Errorf("told %d times; dying: %v", w.shoots, objs.Dying())
	}
	for objs.Dying() {
		objs.Reap()
	}
	w.b.destroy(s)
}
