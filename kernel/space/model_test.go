// SPDX-License-Identifier: Apache-2.0

package space

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
	"loam/machine/riscv64"
)

// The space of the model: few pages, on both sides of a 1 GiB boundary, so
// that page tables come and go at each level.
const (
	worldPages = 96
	worldLow   = 1<<30 - worldPages/2*PageSize
	worldHigh  = worldLow + worldPages*PageSize
)

// worldPage is what the slow oracle knows of a page: its first and last word
// beside what the areas say.
type worldPage struct {
	modelPage
	content
	own bool // of a Private area: it was written, and content is not the object's
}

// content is what a page holds.
type content struct{ first, last uint64 }

// world compares a Space with an array of pages.
type world struct {
	t     testing.TB
	b     *bench
	all   *worlds
	s     *caller
	tight bool // few frames: ENOMEM is an answer
	pages [worldPages]worldPage

	rnd *rand.Rand // of what comes between the pieces of a call
	// complete has the move that is under way done.
	complete func()
	sync     func() // brings the pages to where the call is that is under way
	tlb      map[uint64]translation
}

func newWorld(t testing.TB, format *paging.Format, maxFrames uint64) *world {
	return newWorldOn(t, newBench(t, format, 2*mib), maxFrames)
}

// newWorldOn makes a world on a bench that may have others.
func newWorldOn(t testing.TB, b *bench, maxFrames uint64) *world {
	w := &world{t: t, b: b, tight: maxFrames != 0, tlb: map[uint64]translation{}}
	w.s = w.b.space(worldLow, worldHigh, maxFrames)
	w.s.shoot, w.s.Loaded = w.shoot, true
	w.rnd = rand.New(rand.NewPCG(1, 2))
	w.s.most = bounds{areas: 2, steps: 64, pages: 5}
	w.s.between = w.between
	return w
}

// shoot has the other processor, which is tlb, forget.
func (w *world) shoot(s *Space) {
	f := s.TakeFlush()
	for va, e := range w.tlb {
		if w.b.env.Frames.Owner(e.pa) == frame.Nobody {
			w.t.Fatalf("the frame of %#x is free, and known to a processor", va)
		}
		if va >= f.Start && va < f.End {
			delete(w.tlb, va)
		}
	}
}

// between is what happens between two pieces of a call.
func (w *world) between() {
	w.sync()
	w.check()
	me, sync, complete := w.s, w.sync, w.complete
	w.s = &caller{Space: me.Space} // another thread
	for range w.rnd.IntN(3) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], w.rnd.Uint64())
		if w.all != nil && w.rnd.IntN(3) == 0 {
			w.all.step(b)
			continue
		}
		w.prepare(b)
		w.step(b)
	}
	w.s, w.sync, w.complete = me, sync, complete
}

func (w *world) expect(what string, got, want abi.Errno) {
	w.t.Helper()
	if got != want {
		w.t.Fatalf("%s: %q, want %q", what, got.Name(), want.Name())
	}
}

func addrOf(i int) abi.UserAddr { return abi.UserAddr(worldLow + i*PageSize) }

// reset gives page p the content that nothing has been written to.
func (p *worldPage) reset() {
	p.first, p.last, p.own = 0, 0, false
	if p.kind == Archive {
		i := (p.phys - archiveBase) / 8
		if p.bytes >= 8 {
			p.first = fileWord(i)
		}
		if p.bytes == PageSize {
			p.last = fileWord(i + PageSize/8 - 1)
		}
	}
}

// archiveBase is where the oracle thinks the archive is.
const archiveBase = 1 << 40

// room is the oracle of placement.
func (w *world) room(n int) (int, bool) {
	for i := worldPages - n; i >= 0; i-- {
		if w.free(i, n) {
			return i, true
		}
	}
	return 0, false
}

func (w *world) free(i, n int) bool {
	for _, p := range w.pages[i : i+n] {
		if p.used {
			return false
		}
	}
	return true
}

func (w *world) covered(i, n int) bool {
	for _, p := range w.pages[i : i+n] {
		if !p.used {
			return false
		}
	}
	return true
}

func (w *world) mmap(i, n int, prot Prot, flags uint64) {
	want, wantErrno := i, abi.Errno(0)
	if flags&abi.MAP_FIXED_NOREPLACE != 0 {
		if !w.free(i, n) {
			wantErrno = abi.EEXIST
		}
	} else if flags&abi.MAP_FIXED == 0 && !w.free(i, n) {
		var ok bool
		if want, ok = w.room(n); !ok {
			wantErrno = abi.ENOMEM
		}
	}
	if wantErrno == 0 && prot&(Write|Exec) == Write|Exec {
		wantErrno = abi.EACCES
	}
	if prot != 0 {
		prot |= Read
	}
	upTo := w.passing(want, n, func(p *worldPage) { *p = worldPage{modelPage: modelPage{used: true, prot: prot}} })
	got, errno := w.s.MMap(addrOf(i), uint64(n)*PageSize-5, uint64(prot), anon|flags, 0)
	w.expect("mmap", errno, wantErrno)
	if errno != 0 {
		return
	}
	if got != addrOf(want) {
		w.t.Fatalf("mmap(%d, %d) at %#x, want page %d", i, n, got, want)
	}
	upTo(worldHigh)
}

// passing sets w.sync for a call that goes through n pages from i on, and does to
// each what apply says. upTo tells how far it has come.
func (w *world) passing(i, n int, apply func(*worldPage)) (upTo func(va uint64) (next int)) {
	next := i
	upTo = func(va uint64) int {
		for ; next < i+n && uint64(addrOf(next)) < va; next++ {
			apply(&w.pages[next])
		}
		return next
	}
	w.sync = func() { upTo(w.s.c.at) }
	return upTo
}

func (w *world) mapFile(i, n, file int, bytes uint64, prot Prot) {
	file %= filePages - n + 1
	errno := w.s.Map(Area{Start: uint64(addrOf(i)), End: uint64(addrOf(i + n)), Prot: prot,
		Kind: Archive, Phys: w.b.file + uint64(file)*PageSize, Bytes: bytes})
	if !w.free(i, n) {
		w.expect("map", errno, abi.EEXIST)
		return
	}
	w.expect("map", errno, 0)
	for k := range n {
		p := &w.pages[i+k]
		off := uint64(k) * PageSize
		p.modelPage = modelPage{used: true, prot: prot, kind: Archive, phys: archiveBase + uint64(file)*PageSize + off,
			bytes: min(bytes-min(bytes, off), PageSize)}
		p.reset()
	}
}

func (w *world) munmap(i, n int) {
	upTo := w.passing(i, n, func(p *worldPage) { *p = worldPage{} })
	w.expect("munmap", w.s.MUnmap(addrOf(i), uint64(n)*PageSize), 0)
	upTo(worldHigh)
}

// denied reports whether one of n pages from i on denies a right.
func (w *world) denied(i, n int, prot Prot) bool {
	for _, p := range w.pages[i : i+n] {
		if p.used && p.deny&prot != 0 {
			return true
		}
	}
	return false
}

func (w *world) mprotect(i, n int, prot Prot) {
	p := prot
	if prot != 0 {
		p |= Read
	}
	upTo := w.passing(i, n, func(x *worldPage) { x.prot = p })
	errno := w.s.MProtect(addrOf(i), uint64(n)*PageSize, uint64(prot))
	next, want := upTo(0), abi.Errno(0) // others may have unmapped the rest
	switch {
	case !w.covered(next, i+n-next):
		want = abi.ENOMEM
	case prot&(Write|Exec) == Write|Exec, w.denied(next, i+n-next, p):
		want = abi.EACCES
	}
	w.expect("mprotect", errno, want)
	if want == 0 {
		upTo(worldHigh)
	}
}

func (w *world) dontNeed(i, n int) {
	upTo := w.passing(i, n, (*worldPage).reset)
	errno := w.s.MAdvise(addrOf(i), uint64(n)*PageSize, abi.MADV_DONTNEED)
	upTo(worldHigh)
	want := abi.Errno(0)
	if !w.covered(i, n) {
		want = abi.ENOMEM
	}
	w.expect("madvise", errno, want)
}

// oneArea reports whether pages i up to i+n lie in one area.
func (w *world) oneArea(i, n int) bool {
	a, ok := w.s.areas.Find(uint64(addrOf(i)))
	return ok && uint64(addrOf(i+n)) <= a.End
}

func (w *world) mremap(i, n, m, to int, flags uint64) {
	areaEnds := i+n == worldPages || !w.oneArea(i, n+1)
	want, wantErrno := i, abi.Errno(0)
	fixed := flags&abi.MREMAP_FIXED != 0
	switch {
	case !w.pages[i].used:
		wantErrno = abi.EFAULT
	case fixed && i < to+m && to < i+n:
		wantErrno = abi.EINVAL
	case m <= n && !fixed:
	case !w.oneArea(i, n):
		wantErrno = abi.EFAULT
	case m > n && w.pages[i].hasObject() && w.pages[i].offset+uint64(m)*PageSize > w.b.objs.Pages(w.pages[i].object)*PageSize:
		wantErrno = abi.EINVAL
	case fixed:
		want = to
	case areaEnds && i+m <= worldPages && w.free(i+n, m-n):
	case flags == 0:
		wantErrno = abi.ENOMEM
	default:
		var ok bool
		if want, ok = w.room(m); !ok {
			wantErrno = abi.ENOMEM
		}
	}
	w.moving(i, n, m, want)
	got, errno := w.s.MRemap(addrOf(i), uint64(n)*PageSize, uint64(m)*PageSize, flags, addrOf(to))
	w.expect("mremap", errno, wantErrno)
	if errno != 0 {
		return
	}
	if got != addrOf(want) {
		w.t.Fatalf("mremap(%d, %d, %d, %d) to %#x, want page %d", i, n, m, flags, got, want)
	}
	w.complete()
}

// access tries a page in each way and compares what it finds.
func (w *world) access(i int, v uint64, write bool) {
	if m := &w.s.move; m.phase == moving && uint64(addrOf(i))-m.source < m.size {
		return // what was not to be touched any more, and still can be
	}
	p := &w.pages[i]
	if !w.bring(i, v) {
		return
	}
	w.ready(i, v)
	defer w.ready(i, v)
	if write && v%5 == 0 && p.prot&Write != 0 { // before it is read
		errno := w.s.WriteUint64(addrOf(i), v)
		if errno == abi.ENOMEM && w.tight {
			return
		}
		w.expect("write", errno, 0)
		w.written(p).first = v
	}
	want := abi.Errno(0)
	if p.prot&Read == 0 {
		want = abi.EFAULT
	}
	first, errno := w.s.ReadUint64(addrOf(i))
	if errno == abi.ENOMEM && w.tight {
		return
	}
	w.expect("read", errno, want)
	last, errno := w.s.ReadUint64(addrOf(i) + PageSize - 8)
	w.expect("read", errno, want)
	c := w.content(p)
	if want == 0 && (first != c.first || last != c.last) {
		w.t.Fatalf("page %d holds %#x and %#x, want %#x and %#x", i, first, last, c.first, c.last)
	}
	if write {
		want = 0
		if p.prot&Write == 0 {
			want = abi.EFAULT
		}
		errno := w.s.WriteUint64(addrOf(i), v)
		if errno == abi.ENOMEM && w.tight {
			return
		}
		w.expect("write", errno, want)
		if want == 0 {
			c = w.written(p)
			c.first = v
		}
		if v%3 != 0 {
			w.expect("write", w.s.WriteUint64(addrOf(i)+PageSize-8, v+1), want)
			if want == 0 {
				c.last = v + 1
			}
		}
	}
	if p.prot&Write != 0 && v%2 == 0 { // a fault that there was no need for changes nothing
		if out := w.s.Fault(uint64(addrOf(i)), Write); out != Resolved && (!w.tight || out != NoMemory && out != OverQuota) {
			w.t.Fatalf("page %d to write again: %v", i, out)
		} else if out == Resolved {
			c = w.written(p)
		}
		if got, errno := w.s.ReadUint64(addrOf(i)); got != c.first || errno != 0 {
			w.t.Fatalf("page %d after a second fault: %#x, %v; want %#x", i, got, errno, c.first)
		}
	}
	if pa, prot, ok := w.s.tables.Lookup(w.b.env, uint64(addrOf(i))); ok && prot&paging.Access != 0 && w.tlb[uint64(addrOf(i))].pa == 0 {
		w.tlb[uint64(addrOf(i))] = translation{pa: pa, prot: Prot(prot & paging.Access)}
	}
	wantOut := Resolved
	switch {
	case !p.used:
		wantOut = MapErr
	case p.prot&Exec == 0:
		wantOut = AccErr
	}
	if out := w.s.Fault(uint64(addrOf(i))+7, Exec); out != wantOut && (!w.tight || out != NoMemory && out != OverQuota) {
		w.t.Fatalf("page %d to execute: %v, want %v", i, out, wantOut)
	}
}

// ready has what is said to be ready in a page be what Run says.
func (w *world) ready(i int, v uint64) {
	va, n := uint64(addrOf(i))+v%PageSize, 1+v/PageSize%PageSize
	for access, got := range map[Prot][]byte{Read: w.s.ReadyToRead(va, n), Write: w.s.ReadyToWrite(va, n)} {
		want := w.s.Run(abi.UserAddr(va), min(n, PageSize-va%PageSize), access)
		if va%PageSize+n > PageSize {
			want = nil
		}
		if len(got) != len(want) || len(got) > 0 && &got[0] != &want[0] {
			w.t.Fatalf("page %d, %d bytes at %#x, access %d: %d are ready, want %d", i, n, va, access, len(got), len(want))
		}
	}
}

// check compares areas, page tables and charges with the oracle.
func (w *world) check() {
	w.t.Helper()
	private := uint64(0)
	for i := range w.pages {
		p := &w.pages[i]
		a, ok := w.s.areas.Find(uint64(addrOf(i)))
		if a = a.from(max(a.Start, uint64(addrOf(i)))); ok != p.used || ok && (a.Prot != p.prot || a.Kind != p.kind ||
			a.Deny != p.deny || a.Object != p.object || a.Offset != p.offset) {
			w.t.Fatalf("page %d lies in %+v, want %+v", i, a, p.modelPage)
		}
		pa, prot, mapped := w.s.tables.Lookup(w.b.env, uint64(addrOf(i)))
		if e, ok := w.tlb[uint64(addrOf(i))]; ok && (!mapped || e.pa != pa || e.prot&^Prot(prot&paging.Access) != 0) {
			w.t.Fatalf("page %d: a processor knows %+v, true is %#x, %b, %v", i, e, pa, prot, mapped)
		}
		if !mapped {
			continue
		}
		if m := &w.s.move; m.phase == moving && uint64(addrOf(i))-m.source < m.size {
			if prot&paging.Borrowed == 0 {
				private++
			}
			continue
		}
		if !p.used || Prot(prot&paging.Access)&^p.prot != 0 {
			w.t.Fatalf("page %d has rights %b, its area %+v", i, prot, p.modelPage)
		}
		if p.kind == Private && prot&(paging.Write|paging.Copy) != paging.Copy && !p.own {
			w.t.Fatalf("page %d has rights %b, and was not written", i, prot)
		}
		if p.hasObject() && !p.own {
			if frame, ok := w.b.objs.Lookup(p.object, p.offset/PageSize); !ok || frame != pa || prot&paging.Borrowed == 0 {
				w.t.Fatalf("page %d of an object is at %#x (%v), mapped %#x", i, frame, ok, pa)
			}
		} else if prot&paging.Borrowed == 0 {
			private++
		} else if want := p.phys - archiveBase + w.b.file; pa != want || prot&paging.Write != 0 || p.bytes < PageSize {
			w.t.Fatalf("page %d borrows %#x with rights %b, want %#x", i, pa, prot, want)
		}
	}
	if f, tables := w.s.Stats().Frames, w.b.tables(w.s); f != private+tables {
		w.t.Fatalf("charged for %d frames, has %d pages and %d tables", f, private, tables)
	}
	if f := w.s.flush; f.Any() {
		w.t.Fatalf("not flushed: %+v", f)
	}
}

func (w *world) step(b [8]byte) {
	i := int(b[1]) % worldPages
	w.sync = nil
	n := 1 + int(b[2])%min(worldPages-i, 1+int(b[3])%24)
	prot := Prot(b[4] % 8)
	switch b[0] % 14 {
	case 12, 13:
		if w.all != nil {
			w.mapObject(i, n, b)
		}
	case 0:
		w.mmap(i, n, prot, [4]uint64{abi.MAP_FIXED, 0, abi.MAP_FIXED_NOREPLACE, abi.MAP_NORESERVE}[b[5]%4])
	case 1:
		w.mmap(i, n, Read|Write, abi.MAP_FIXED)
	case 2:
		n = min(n, filePages)
		bytes := uint64(n)*PageSize - uint64(b[6]%8)*512
		w.mapFile(i, n, int(b[5]), bytes, [2]Prot{Read, Read | Exec}[b[4]%2])
	case 3:
		w.munmap(i, n)
	case 4, 5:
		w.mprotect(i, n, prot)
	case 6:
		w.dontNeed(i, n)
	case 7:
		m := 1 + int(b[5])%24
		to := int(b[6]) % (worldPages - m + 1)
		w.mremap(i, n, m, to, [4]uint64{0, 1, 1, 3}[b[7]%4])
	case 8:
		w.s.TakeLocal()
	default:
		for k := range min(n, 8) {
			w.access(i+k, binary.LittleEndian.Uint64(b[:]), b[5]%4 != 0)
		}
	}
	w.check()
}

func TestSpaceAgainstModel(t *testing.T) {
	inFirstPass(t)
	for _, c := range []struct {
		name   string
		format *paging.Format
		frames uint64
	}{
		{"amd64", &amd64.Format, 0}, {"riscv64", &riscv64.Sv39, 0}, {"little memory", &amd64.Format, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.format, c.frames)
			rnd := rand.New(rand.NewPCG(3, uint64(len(c.name))))
			for range *modelOps {
				var b [8]byte
				binary.LittleEndian.PutUint64(b[:], rnd.Uint64())
				w.step(b)
			}
			w.b.destroy(w.s)
		})
	}
}

func FuzzSpace(f *testing.F) {
	f.Add([]byte("\x01\x10\x08\xff\x03\x01\x01\x00\x0a\x12\x02\x20\x01\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, &amd64.Format, 0)
		for ; len(b) >= 8; b = b[8:] {
			w.step([8]byte(b))
		}
		w.b.destroy(w.s)
	})
}
