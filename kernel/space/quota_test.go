// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/frame"
)

// paid makes a space that a pays for.
func (b *bench) paid(a *memory.Account, maxFrames uint64) *caller {
	b.t.Helper()
	s := &caller{Space: new(Space)}
	if errno := s.Init(&Config{Env: b.env, Kernel: b.kernel, Pool: &b.pool, Objects: &b.objs, Low: 0x10000,
		High: format.UserEnd, MaxFrames: maxFrames, Account: a}); errno != 0 {
		b.t.Fatal(errno)
	}
	return s
}

// settled checks that an account pays for what spaces own, and little more.
func settled(t testing.TB, a *memory.Account, spaces ...*caller) {
	t.Helper()
	least, most := uint64(0), uint64(0)
	for _, s := range spaces {
		f := s.Stats().Frames
		least += f + 1
		most += f + 1 + 2*advance
	}
	if a.Used < least || a.Used > most {
		t.Fatalf("charged for %d frames, want %d to %d", a.Used, least, most)
	}
}

// TestAccount has two spaces share what an account may have.
func TestAccount(t *testing.T) {
	b := newBench(t, format, 16*mib)
	above := memory.Account{Limit: 1000}
	a := memory.Account{Limit: 500, Above: &above}
	one, two := b.paid(&a, 0), b.paid(&a, 0)
	settled(t, &a, one, two)
	touch := func(s *caller) (n uint64) {
		s.MMap(0x100000, 1000*page, rw, fixed, 0)
		for s.Fault(0x100000+n*page, Write) == Resolved {
			settled(t, &a, one, two)
			n++
		}
		return n
	}
	n := touch(one)
	if f := one.Stats().Frames; a.Used != a.Limit || f != 500-2 || above.Used != 500 {
		t.Errorf("%d pages, %d frames, %+v", n, f, a)
	}
	if out := one.Fault(0x100000+n*page, Write); out != OverQuota {
		t.Error(out)
	}
	if errno := one.WriteUint64(0x100000+abi.UserAddr(n)*page, 1); errno != abi.ENOMEM {
		t.Error(errno)
	}
	if out := one.Fault(0x100000, Write); out != Resolved {
		t.Error("what is there:", out)
	}
	if m := touch(two); m != 0 {
		t.Errorf("the other has %d pages", m)
	}
	if errno := new(Space).Init(&Config{Env: b.env, Kernel: b.kernel, Pool: &b.pool, Low: page, High: format.UserEnd, Account: &a}); errno != abi.EDQUOT {
		t.Errorf("a third space: %v", errno)
	}
	above.Limit, a.Limit = a.Used, 1000
	if out := two.Fault(0x100000, Write); out != OverQuota {
		t.Error("without the one above:", out)
	}
	one.MUnmap(0x100000, 400*page)
	settled(t, &a, one, two)
	if m := touch(two); m < 350 {
		t.Errorf("the other has %d pages", m)
	}
	b.end(one)
	settled(t, &a, two)
	b.destroy(two)
	if a.Used != 0 || above.Used != 0 {
		t.Errorf("%+v, %+v", a, above)
	}
}

// end destroys a space that is not the last.
func (b *bench) end(s *caller) {
	for !s.Destroy() {
	}
}

// TestQuotaForTables: what costs nothing but tables stops where those may not be had,
// and not where they are there.
func TestQuotaForTables(t *testing.T) {
	b := newBench(t, format, 16*mib)
	const apart = 2 * mib
	for name, kind := range map[string]Area{
		"archive": {Prot: Read, Kind: Archive, Phys: b.file, Bytes: PageSize},
		"object":  {Prot: Read, Kind: Object},
	} {
		payer := memory.Account{Limit: 1000} // of the object
		object, _ := b.objs.New(1, &payer)
		a := memory.Account{Limit: 30}
		s := b.paid(&a, 0)
		for i := uint64(1); i <= 40; i++ {
			area := kind
			area.Start, area.End = i*apart, i*apart+PageSize
			if kind.Kind == Object {
				area.Object = object
			}
			if errno := s.Map(area); errno != 0 {
				t.Fatal(name, errno)
			}
		}
		n := uint64(1)
		for s.Fault(n*apart, Read) == Resolved {
			n++
		}
		if out := s.Fault(n*apart, Read); out != OverQuota || a.Used > a.Limit+3 || n < 25 {
			t.Errorf("%s: %v after %d tables, %+v", name, out, n, a)
		}
		if out := s.Fault(apart, Read); out != Resolved {
			t.Errorf("%s: where there is a table: %v", name, out)
		}
		b.end(s)
		b.objs.Release(object)
		for b.objs.Dying() {
			b.objs.Reap()
		}
		if a.Used != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestQuotaOfLargePages: they are for those who may have them; a part of one can be
// given back at the limit, and not protected.
func TestQuotaOfLargePages(t *testing.T) {
	b := newBench(t, format, 32*mib)
	a := memory.Account{Limit: 2*largePages + 100}
	s := b.paid(&a, 0)
	s.MMap(largeStart, 8*mib, rw, fixed, 0)
	s.MAdvise(largeStart, 8*mib, abi.MADV_HUGEPAGE)
	program(t, s, largeStart, largeStart+4*mib, page)
	for i := uint64(0); s.Fault(largeStart+4*mib+i*page, Write) == Resolved; i++ {
	}
	if n := s.Stats().Large; n != 2 || a.Used != a.Limit {
		t.Errorf("%d large pages, %+v", n, a)
	}
	before := s.Stats()
	if errno := s.MProtect(largeStart+page, page, abi.PROT_READ); errno != abi.ENOMEM || s.Stats() != before {
		t.Errorf("mprotect at the limit: %v, %+v", errno, s.Stats())
	}
	if errno := s.MUnmap(largeStart+page, page); errno != 0 || s.Stats().Large != 1 || a.Used != a.Limit {
		t.Errorf("munmap at the limit: %v, %+v, %+v", errno, s.Stats(), a)
	}
	if errno := s.MAdvise(largeStart+3*mib, mib, abi.MADV_DONTNEED); errno != 0 || s.Stats().Large != 0 {
		t.Errorf("madvise at the limit: %v, %+v", errno, s.Stats())
	}
	settled(t, &a, s)
	b.destroy(s)
	if a.Used != 0 {
		t.Errorf("%+v", a)
	}
}

// TestNoBlock: there is memory enough for large pages, but in pieces.
func TestNoBlock(t *testing.T) {
	b := newBench(t, format, 32*mib)
	a := memory.Account{Limit: 10000}
	s := b.paid(&a, 0)
	s.MMap(largeStart, 8*mib, rw, fixed, 0)
	s.MAdvise(largeStart, 8*mib, abi.MADV_HUGEPAGE)
	var held []uint64
	for {
		pa, code := b.env.Frames.Alloc(frame.Kernel)
		if code != frame.OK {
			break
		}
		held = append(held, pa)
	}
	for i := 0; i < len(held); i += 2 {
		b.env.Frames.Free(held[i], frame.Kernel)
	}
	b.env.Frames.Drain()
	if b.env.Frames.Spare() < margin {
		t.Fatal("too little memory for this test")
	}
	program(t, s, largeStart, largeStart+3*mib, page)
	if st := s.Stats(); st.Large != 0 {
		t.Errorf("%+v", st)
	}
	settled(t, &a, s)
	for i := 1; i < len(held); i += 2 {
		b.env.Frames.Free(held[i], frame.Kernel)
	}
	b.destroy(s)
}

// TestBothLimits has a limit of the space below that of its account.
func TestBothLimits(t *testing.T) {
	b := newBench(t, format, 8*mib)
	a := memory.Account{Limit: 1000}
	s := b.paid(&a, 40)
	s.MMap(0x100000, 100*page, rw, fixed, 0)
	n := uint64(0)
	for s.Fault(0x100000+n*page, Write) == Resolved {
		n++
	}
	if out := s.Fault(0x100000+n*page, Write); out != OverQuota || s.Stats().Frames != 40 || a.Used != 41 {
		t.Errorf("%v, %+v, %+v", out, s.Stats(), a)
	}
	b.destroy(s)
	if a.Used != 0 {
		t.Errorf("%+v", a)
	}
}

// BenchmarkFaultPaid is BenchmarkFault with an account and one above it.
func BenchmarkFaultPaid(b *testing.B) {
	m := newBench(b, format, 8*mib)
	above := memory.Account{Limit: 10000}
	s := m.paid(&memory.Account{Limit: 10000, Above: &above}, 0)
	benchmarkFault(b, s)
}

// A space at its limit is lent some frames, once, and has to give back before it
// is lent any again.
func TestLend(t *testing.T) {
	b := newBench(t, format, 16*mib)
	above := memory.Account{Limit: 200}
	a := memory.Account{Limit: 300, Above: &above}
	s, other := b.paid(&a, 0), b.paid(&above, 0)
	s.MMap(0x100000, 1000*page, rw, fixed, 0)
	other.MMap(0x100000, 1000*page, rw, fixed, 0)
	next := uint64(0x100000)
	touch := func(want uint64) {
		t.Helper()
		n := uint64(0)
		for ; s.Fault(next, Write) == Resolved; n++ {
			next += page
		}
		if n != want {
			t.Fatalf("%d pages, want %d", n, want)
		}
	}
	s.Lend(10)
	if above.Used > 40 {
		t.Errorf("%+v", above)
	}
	for s.Fault(next, Write) == Resolved {
		next += page
	}
	s.Lend(10)
	touch(10)
	s.Lend(10)
	other.Lend(10) // it isn't its debt, but the same memory
	touch(0)
	if above.Used != 210 || a.Used != 210-other.granted-1 {
		t.Errorf("%+v, %+v", a, above)
	}
	s.MUnmap(0x100000, 100*page)
	if above.Used > above.Limit-60 {
		t.Errorf("%+v after pages went", above)
	}
	next = 0x100000 + 200*page
	for s.Fault(next, Write) == Resolved {
		next += page
	}
	s.Lend(10)
	touch(10)
	for !s.Destroy() {
	}
	for !other.Destroy() {
	}
	if a.Used != 0 || above.Used != 0 {
		t.Errorf("in the end %+v, %+v", a, above)
	}
	b.paid(nil, 0).Lend(10) // nobody pays: nothing to be lent
}
