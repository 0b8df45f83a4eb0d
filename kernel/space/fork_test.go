// SPDX-License-Identifier: Apache-2.0

package space

import (
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/kernel/memory"
)

// copyOf makes a copy of a space, in one whose addresses ended below, as by chance they may.
func (b *bench) copyOf(s *caller) (*caller, abi.Errno) {
	to := b.space(0x10000, s.high-4*page, 0)
	for at := uint64(0); ; {
		next, errno := s.CopyPiece(to.Space, at)
		switch {
		case errno == More:
			continue
		case errno != 0:
			return to, errno
		case next == 0:
			return to, 0
		case next <= at:
			b.t.Fatalf("a piece from %#x to %#x", at, next)
		}
		at = next
	}
}

// TestCopyKinds copies a space with each kind of area.
func TestCopyKinds(t *testing.T) {
	b, s := newSpace(t)
	account := memory.Account{Limit: 1000}
	i, _ := b.objs.New(10, &account)
	shared := Area{Start: 0x100000, End: 0x100000 + 4*page, Prot: Read | Write, Kind: Object, Object: i}
	file := Area{Start: 0x300000, End: 0x300000 + 4*page, Prot: Read | Write, Kind: Archive, Phys: b.file, Bytes: 3*page + 8}
	if s.Map(shared) != 0 || s.Map(privateArea(0x200000, 4, Read|Write, i)) != 0 || s.Map(file) != 0 {
		t.Fatal("not mapped")
	}
	at, _ := s.MMap(0, 8*page, rw, anon, 0)
	s.SetBrk(0x400000)
	s.Brk(0x400000 + 2*page)
	places := []abi.UserAddr{0x100000, 0x200000, 0x300000, at, at + 7*page, 0x400000 + page}
	for k, p := range places {
		if errno := s.WriteUint64(p, uint64(k)+1); errno != 0 {
			t.Fatal(errno)
		}
	}
	s.MProtect(at, page, abi.PROT_READ)
	s.MProtect(at+page*7, page, 0)
	child, errno := b.copyOf(s)
	if errno != 0 {
		t.Fatal(errno)
	}
	if child.Brk(0) != s.Brk(0) {
		t.Errorf("brk is %#x, was %#x", child.Brk(0), s.Brk(0))
	}
	child.MProtect(at+page*7, page, rw)
	s.MProtect(at+page*7, page, rw)
	for k, p := range places {
		if v, errno := child.ReadUint64(p); v != uint64(k)+1 || errno != 0 {
			t.Errorf("%#x: %d, %v", p, v, errno)
		}
		if errno := child.WriteUint64(p, uint64(k)+100); (errno == 0) != (p != at) {
			t.Errorf("a write at %#x: %v", p, errno)
		}
		want := uint64(k) + 1
		if p == 0x100000 {
			want = uint64(k) + 100
		}
		if v, _ := s.ReadUint64(p); v != want {
			t.Errorf("%#x is %d after a write to the copy, want %d", p, v, want)
		}
	}
	if _, errno := s.CopyPiece(child.Space, 0); errno != abi.EEXIST {
		t.Errorf("a copy over something: %v", errno)
	}
	for !child.Destroy() {
	}
	for k, p := range places[1:] {
		if errno := s.WriteUint64(p, uint64(k)+200); (errno == 0) != (p != at) {
			t.Errorf("a write at %#x: %v", p, errno)
		}
	}
	s.MUnmap(0x10000, s.high-0x10000)
	b.drop(i)
	b.destroy(s)
}

// TestCopyModel makes changes by chance in copies of copies, and compares all of them with models.
func TestCopyModel(t *testing.T) {
	const pages, most, base = 24, 5, 0x100000
	for seed := range uint64(60) {
		b := newBench(t, format, 8*mib)
		r := rand.New(rand.NewPCG(seed, 1))
		type one struct {
			*caller
			value  [pages]uint64
			mapped [pages]bool
			rights [pages]uint64
		}
		all := []*one{{caller: b.space(0x10000, format.UserEnd, 0)}}
		for range 600 {
			n := r.IntN(len(all))
			s := all[n]
			k := r.IntN(pages)
			count := 1 + r.IntN(min(6, pages-k))
			at := abi.UserAddr(base + k*page)
			switch what := r.IntN(12); {
			case what < 2:
				s.MMap(at, uint64(count)*page, rw, fixed, 0)
				for i := k; i < k+count; i++ {
					s.value[i], s.mapped[i], s.rights[i] = 0, true, rw
				}
			case what < 3:
				s.MUnmap(at, uint64(count)*page)
				for i := k; i < k+count; i++ {
					s.mapped[i] = false
				}
			case what < 4:
				rights := []uint64{0, abi.PROT_READ, rw}[r.IntN(3)]
				if s.MProtect(at, uint64(count)*page, rights) == 0 {
					for i := k; i < k+count; i++ {
						s.rights[i] = rights
					}
				}
			case what < 5:
				s.MAdvise(at, uint64(count)*page, abi.MADV_DONTNEED) // passes over holes
				for i := k; i < k+count; i++ {
					s.value[i] = 0
				}
			case what < 9:
				v := r.Uint64()
				if errno := s.WriteUint64(at+8, v); (errno == 0) != (s.mapped[k] && s.rights[k] == rw) {
					t.Fatalf("seed %d: write: %v", seed, errno)
				} else if errno == 0 {
					s.value[k] = v
				}
			case what < 10 && len(all) < most:
				child, errno := b.copyOf(s.caller)
				if errno != 0 {
					t.Fatal(errno)
				}
				all = append(all, &one{child, s.value, s.mapped, s.rights})
			case what < 11 && len(all) > 1:
				for !s.Destroy() {
				}
				all = append(all[:n], all[n+1:]...)
			}
			for _, s := range all {
				k := r.IntN(pages)
				v, errno := s.ReadUint64(abi.UserAddr(base + k*page + 8))
				if (errno == 0) != (s.mapped[k] && s.rights[k] != 0) || errno == 0 && v != s.value[k] {
					t.Fatalf("seed %d: page %d is %#x (%v), want %#x", seed, k, v, errno, s.value[k])
				}
			}
		}
		for _, s := range all[1:] {
			for !s.Destroy() {
			}
		}
		b.destroy(all[0].caller)
	}
}

// TestCopyLarge copies a space that has large pages.
func TestCopyLarge(t *testing.T) {
	b := newBench(t, format, 32*mib)
	s := b.space(0x10000, format.UserEnd, 0)
	at, _ := s.MMap(0x800000, 4*mib, rw, fixed, 0)
	s.MAdvise(at, 4*mib, abi.MADV_HUGEPAGE)
	for va := at; va < at+4*mib; va += page {
		for s.Fault(uint64(va), Write) == Resolved {
			if _, _, ok := s.tables.Lookup(s.env, uint64(va)); ok {
				break
			}
		}
		s.WriteUint64(va, uint64(va))
	}
	if s.Stats().Large == 0 {
		t.Fatal("no large page")
	}
	child, errno := b.copyOf(s)
	if errno != 0 {
		t.Fatal(errno)
	}
	before := b.env.Frames.Stats().Free
	for va := at; va < at+4*mib; va += 64 * page {
		child.WriteUint64(va, 1)
		if v, _ := s.ReadUint64(va); v != uint64(va) {
			t.Fatalf("%#x: %#x", va, v)
		}
	}
	if used := before - b.env.Frames.Stats().Free; used != 4*mib/page/64 {
		t.Errorf("%d frames for as many writes", used)
	}
	for !child.Destroy() {
	}
	b.destroy(s)
}
