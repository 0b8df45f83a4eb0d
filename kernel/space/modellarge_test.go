// SPDX-License-Identifier: Apache-2.0

package space

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
	"loam/machine/riscv64"
)

// The space of this model is four large pages, two on each side of a 1 GiB boundary,
// cut into units of very different sizes. A unit is to the oracle what a page is to
// that of model_test.go.
const (
	bigBlocks = 4
	bigLow    = 1<<30 - bigBlocks/2*largeSize
	bigHigh   = bigLow + bigBlocks*largeSize

	// bigEnd is the space's end: what is moved there comes back at once.
	bigEnd = bigHigh + bigBlocks*largeSize + 600*PageSize
)

// bigCuts are the pages of a large page at which units begin.
var bigCuts = []uint64{0, 1, 8, 128, 384, 511}

// bigUnits is the number of units.
const bigUnits = bigBlocks * 6

// unit is what the oracle knows of one: like worldPage, its first and last word.
type unit struct {
	used  bool
	prot  Prot
	wish  Pages
	words content
}

// bigWorld compares a space that has large pages with an array of units.
type bigWorld struct {
	t       testing.TB
	b       *bench
	s       *caller
	account memory.Account
	tight   bool
	units   [bigUnits]unit
	rnd     *rand.Rand
	tlb     map[uint64]uint64 // by address of a page: its frame
}

// unitAt is where unit i begins; unit bigUnits is behind all.
func unitAt(i int) uint64 {
	if i == bigUnits {
		return bigHigh
	}
	return bigLow + uint64(i/len(bigCuts))*largeSize + bigCuts[i%len(bigCuts)]*PageSize
}

func newBigWorld(t testing.TB, f *paging.Format, limit uint64) *bigWorld {
	w := &bigWorld{t: t, b: newBench(t, f, 24*mib), tight: limit != 0, tlb: map[uint64]uint64{}}
	if w.account.Limit = limit; limit == 0 {
		w.account.Limit = 1 << 30
	}
	w.s = &caller{Space: new(Space)}
	if errno := w.s.Init(&Config{Env: w.b.env, Kernel: w.b.kernel, Pool: &w.b.pool, Low: bigLow, High: bigEnd,
		Account: &w.account}); errno != 0 {
		t.Fatal(errno)
	}
	w.s.shoot, w.s.Loaded = w.shoot, true
	w.rnd = rand.New(rand.NewPCG(1, 2))
	w.s.most = bounds{areas: 2, steps: 1500, pages: 40}
	w.s.between = w.between
	return w
}

// shoot has the other processor, which is tlb, forget. Until then no frame that it
// knows may be free.
func (w *bigWorld) shoot(s *Space) {
	f := s.TakeFlush()
	for va, pa := range w.tlb {
		if w.b.env.Frames.Owner(pa) != frame.User {
			w.t.Fatalf("the frame of %#x is somebody else's, and known to a processor", va)
		}
		if va >= f.Start && va < f.End {
			delete(w.tlb, va)
		}
	}
}

// between has another thread touch something between two pieces of a call.
func (w *bigWorld) between() {
	w.structure()
	for range w.rnd.IntN(3) {
		va := bigLow + w.rnd.Uint64N(bigBlocks*largeSize/PageSize)*PageSize
		w.s.Fault(va, []Prot{Read, Write}[w.rnd.IntN(2)])
	}
	w.structure()
}

// touch has the program access a page until that is possible, and reports whether it is.
func (w *bigWorld) touch(va uint64, access Prot) bool {
	u := &w.units[w.unitOf(va)]
	for range 2*largePages/fillPages + 2 {
		out := w.s.Fault(va, access)
		want := Resolved
		switch {
		case !u.used:
			want = MapErr
		case u.prot&access == 0:
			want = AccErr
		}
		if out != want && !(w.tight && want == Resolved && out == OverQuota) {
			w.t.Fatalf("a fault at %#x: %v, want %v", va, out, want)
		}
		if out != Resolved {
			return false
		}
		if pa, prot, ok := w.s.tables.Lookup(w.b.env, va); ok && Prot(prot)&access != 0 {
			w.tlb[va] = pa
			return true
		}
	}
	w.t.Fatalf("the access to %#x never gets anywhere", va)
	return false
}

func (w *bigWorld) unitOf(va uint64) int {
	for i := range bigUnits {
		if va < unitAt(i+1) {
			return i
		}
	}
	return bigUnits - 1
}

// words checks the words of unit i, and changes them if v isn't 0.
func (w *bigWorld) word(i int, v uint64, byKernel bool) {
	u := &w.units[i]
	for k, va := range [2]uint64{unitAt(i), unitAt(i+1) - 8} {
		want := &u.words.first
		if k == 1 {
			want = &u.words.last
		}
		if byKernel {
			got, errno := w.s.ReadUint64(abi.UserAddr(va))
			if errno == abi.ENOMEM && w.tight {
				return
			}
			if readable := u.used && u.prot != 0; readable != (errno == 0) || readable && got != *want {
				w.t.Fatalf("%#x holds %#x (%v), want %#x", va, got, errno, *want)
			}
		} else if w.touch(va&^pageMask, Read) {
			pa, _, _ := w.s.tables.Lookup(w.b.env, va)
			if got := *w.b.env.Mem.Word(pa); got != *want {
				w.t.Fatalf("%#x holds %#x, want %#x", va, got, *want)
			}
		}
		if v == 0 || u.prot&Write == 0 || !u.used {
			continue
		}
		if byKernel {
			if errno := w.s.WriteUint64(abi.UserAddr(va), v); errno == 0 {
				*want = v
			} else if !w.tight {
				w.t.Fatalf("write at %#x: %v", va, errno)
			}
		} else if w.touch(va&^pageMask, Write) {
			pa, _, _ := w.s.tables.Lookup(w.b.env, va)
			*w.b.env.Mem.Word(pa), *want = v, v
		}
	}
}

// failed deals with ENOMEM where memory is tight: how far the call came is not what
// this oracle is for.
func (w *bigWorld) failed(errno abi.Errno) bool {
	if errno == 0 {
		return false
	}
	if !w.tight || errno != abi.ENOMEM {
		w.t.Fatalf("%q", errno.Name())
	}
	if errno := w.s.MUnmap(bigLow, bigEnd-bigLow); errno != 0 {
		w.t.Fatalf("munmap: %v", errno)
	}
	if f := w.s.Stats().Frames; f != 0 {
		w.t.Fatalf("%d frames behind nothing", f)
	}
	clear(w.units[:])
	return true
}

func (w *bigWorld) covered(i, n int) bool {
	for _, u := range w.units[i : i+n] {
		if !u.used {
			return false
		}
	}
	return true
}

func (w *bigWorld) mprotect(i, n int, prot Prot) {
	errno := w.s.MProtect(abi.UserAddr(unitAt(i)), unitAt(i+n)-unitAt(i), uint64(prot))
	if !w.covered(i, n) {
		if errno != abi.ENOMEM {
			w.t.Fatalf("mprotect of a hole: %q", errno.Name())
		}
		return
	}
	if w.failed(errno) {
		return
	}
	for k := range n {
		w.units[i+k].prot = prot
	}
}

// move moves n units from i on, which are one area, by some large pages.
func (w *bigWorld) move(i, n, blocks int) {
	to := i + blocks*len(bigCuts)
	if blocks == 0 || to < 0 || to+n > bigUnits || to < i+n && i < to+n {
		return
	}
	a, ok := w.s.areas.Find(unitAt(i))
	size := unitAt(i+n) - unitAt(i)
	_, errno := w.s.MRemap(abi.UserAddr(unitAt(i)), size, size, 3, abi.UserAddr(unitAt(to)))
	if !ok || a.End < unitAt(i+n) {
		if errno != abi.EFAULT {
			w.t.Fatalf("mremap of more than an area: %q", errno.Name())
		}
		return
	}
	if w.failed(errno) {
		return
	}
	copy(w.units[to:to+n], w.units[i:i+n])
	clear(w.units[i : i+n])
	for k := range n {
		w.units[to+k].wish = AnyPages
	}
}

// allLarge makes all of the memory anew, of large pages as far as there are any.
func (w *bigWorld) allLarge() {
	if _, errno := w.s.MMap(bigLow, bigHigh-bigLow, rw, fixed, 0); w.failed(errno) {
		return
	}
	for i := range w.units {
		w.units[i] = unit{used: true, prot: Read | Write}
	}
	w.wish(0, bigUnits, abi.MADV_HUGEPAGE, LargePages)
	for va := uint64(bigLow); va < bigHigh; va += largeSize {
		w.touch(va, Write)
	}
}

// moveAway moves n units from i on, which are one area, to where their pages lie
// differently in the tables, and back.
func (w *bigWorld) moveAway(i, n int, pages uint64) {
	at, size := abi.UserAddr(unitAt(i)), unitAt(i+n)-unitAt(i)
	if a, ok := w.s.areas.Find(unitAt(i)); !ok || a.End < unitAt(i+n) {
		return
	}
	away := abi.UserAddr(bigHigh + pages*PageSize)
	if _, errno := w.s.MRemap(at, size, size, 3, away); w.failed(errno) {
		return
	}
	if _, errno := w.s.MRemap(away, size, size, 3, at); w.failed(errno) {
		return
	}
	for k := range n {
		w.units[i+k].wish = AnyPages
	}
}

// wish is MADV_HUGEPAGE and the like.
func (w *bigWorld) wish(i, n int, advice uint64, p Pages) {
	errno := w.s.MAdvise(abi.UserAddr(unitAt(i)), unitAt(i+n)-unitAt(i), advice)
	if want := w.covered(i, n); want != (errno == 0) {
		w.t.Fatalf("advice: %q", errno.Name())
	} else if !want {
		return
	}
	for k := range n {
		w.units[i+k].wish = p
	}
}

func (w *bigWorld) step(b [8]byte) {
	i := int(b[1]) % bigUnits
	n := 1 + int(b[2])%min(bigUnits-i, 1+int(b[3])%16)
	if b[3]%4 != 0 && b[0]%16 != 9 { // mostly all of some large pages
		i -= i % 6
		n = min((n+5)/6*6, bigUnits-i)
	}
	at, size := abi.UserAddr(unitAt(i)), unitAt(i+n)-unitAt(i)
	prot := [...]Prot{Read | Write, Read | Write, Read | Write, Read, 0}[b[4]%5]
	switch b[0] % 16 {
	case 0, 1:
		prot = [...]Prot{Read | Write, Read | Write, Read | Write, Read | Write, 0}[b[4]%5]
		_, errno := w.s.MMap(at, size, uint64(prot), fixed, 0)
		if w.failed(errno) {
			return
		}
		for k := range n {
			w.units[i+k] = unit{used: true, prot: prot}
		}
	case 2:
		if errno := w.s.MUnmap(at, size); errno != 0 {
			w.t.Fatalf("munmap: %q", errno.Name())
		}
		clear(w.units[i : i+n])
	case 3, 4:
		w.mprotect(i, n, prot)
	case 5:
		errno := w.s.MAdvise(at, size, abi.MADV_DONTNEED)
		if want := w.covered(i, n); want != (errno == 0) {
			w.t.Fatalf("madvise: %q", errno.Name())
		}
		for k := range n {
			w.units[i+k].words = content{}
		}
	case 6, 7:
		w.wish(i, n, abi.MADV_HUGEPAGE, LargePages)
	case 8:
		w.wish(i, n, abi.MADV_NOHUGEPAGE, SmallPages)
	case 9:
		if b[6]%2 == 0 {
			w.move(i, n, int(b[5]%7)-3)
		} else {
			if b[7]%4 == 0 {
				w.allLarge()
			}
			w.moveAway(i, n, uint64(b[5])*uint64(b[6])%600)
		}
	case 10, 11: // densely
		for va := unitAt(i); va < unitAt(i+n); va += PageSize {
			if !w.touch(va, Write) {
				break
			}
		}
	case 12: // begins large pages that others go on with, or nobody
		for k := range n {
			w.s.Fault(unitAt(i+k), Write)
		}
	case 13:
		w.s.TakeLocal()
		if w.tight {
			w.account.Limit = uint64(b[5])*16 + uint64(b[6]%16)
		}
	default:
		for k := range min(n, 8) {
			w.word(i+k, binary.LittleEndian.Uint64(b[:])*uint64(b[5]%2), b[6]%4 == 0)
		}
	}
	w.check()
}

// check compares areas with the oracle, and looks at everything else.
func (w *bigWorld) check() {
	w.t.Helper()
	for i := range bigUnits {
		u := &w.units[i]
		for _, va := range [2]uint64{unitAt(i), unitAt(i+1) - PageSize} {
			if a, ok := w.s.areas.Find(va); ok != u.used || ok && a.Prot != u.prot {
				w.t.Fatalf("%#x lies in %+v (%v), want %+v", va, a, ok, u)
			}
			if a, _ := w.s.wishes.Find(va); a.Pages != u.wish {
				w.t.Fatalf("%#x is wished %+v, want %+v", va, a, u)
			}
		}
	}
	w.structure()
}

// structure checks what is so even between two pieces of a call.
func (w *bigWorld) structure() {
	w.t.Helper()
	pages, large := uint64(0), uint64(0)
	for va := uint64(bigLow); va < bigEnd; {
		pa, prot, level, ok := w.s.tables.Leaf(w.b.env, va)
		want := frame.StateSingle
		switch {
		case ok && level > 0:
			if large++; va%largeSize != 0 || pa%largeSize != 0 {
				w.t.Fatalf("a large page at %#x for %#x", pa, va)
			}
			want = frame.StateRun
			pages += largePages
		case ok:
			pages++
		}
		if ok {
			w.leaf(va, pa, prot, paging.Span(level))
			if f := w.b.env.Frames.Frame(pa); f.State != want || f.Owner != frame.User || f.Count != 1 {
				w.t.Fatalf("%#x: %+v", va, f)
			}
		}
		va += paging.Span(level)
	}
	if w.s.fill.pa != 0 {
		pages += largePages
	}
	st := w.s.Stats()
	if tables := w.b.tables(w.s); st.Large != large || st.Frames != pages+tables {
		w.t.Fatalf("%+v, and there are %d pages, %d tables, %d large pages", st, pages, tables, large)
	}
	if u := w.account.Used; u < st.Frames+1 || u > st.Frames+1+2*advance {
		w.t.Fatalf("charged for %d frames, has %d", u, st.Frames)
	}
	for va, pa := range w.tlb {
		if got, _, ok := w.s.tables.Lookup(w.b.env, va); !ok || got != pa {
			w.t.Fatalf("a processor knows %#x at %#x, true is %#x, %v", va, pa, got, ok)
		}
	}
	if f := w.s.flush; f.Any() {
		w.t.Fatalf("not flushed: %+v", f)
	}
}

// leaf checks that the areas behind a leaf give what it does.
func (w *bigWorld) leaf(va, pa uint64, prot paging.Prot, size uint64) {
	if m := &w.s.move; m.phase == moving && va-m.source < m.size {
		return // it has not come over yet
	}
	for at := va; at < va+size; {
		a, ok := w.s.areas.Find(at)
		if !ok || Prot(prot&paging.Access)&^a.Prot != 0 {
			w.t.Fatalf("%#x has rights %b, its area %+v (%v)", at, prot, a, ok)
		}
		at = a.End
	}
}

// bigFormats are those of both architectures, and of RISC-V with four levels.
func bigFormats() map[string]*paging.Format {
	sv48 := riscv64.Sv39
	sv48.Levels, sv48.Bits, sv48.UserEnd, sv48.Kernel = 4, 48, 0x6000_0000_0000, 0x6000_0000_0000
	return map[string]*paging.Format{"amd64": &amd64.Format, "Sv39": &riscv64.Sv39, "Sv48": &sv48}
}

func TestLargeAgainstModel(t *testing.T) {
	inFirstPass(t)
	for name, f := range bigFormats() {
		for memory, limit := range map[string]uint64{"": 0, ", little memory": 1500} {
			t.Run(name+memory, func(t *testing.T) {
				w := newBigWorld(t, f, limit)
				rnd := rand.New(rand.NewPCG(3, limit))
				for range *modelOps / 10 {
					var b [8]byte
					binary.LittleEndian.PutUint64(b[:], rnd.Uint64())
					w.step(b)
				}
				t.Logf("%d large pages made", w.s.Stats().Made)
				w.b.destroy(w.s)
				if w.account.Used != 0 {
					t.Errorf("%d frames are still charged", w.account.Used)
				}
			})
		}
	}
}

func FuzzLarge(f *testing.F) {
	f.Add([]byte("\x00\x00\xff\x00\x00\x00\x00\x00\x06\x00\xff\x00\x00\x00\x00\x00\x0d\x00\xff\x00\x00\x01\x01\x00\x03\x02\x01\x01\x03\x00\x00\x00"), false)
	f.Fuzz(func(t *testing.T, b []byte, tight bool) {
		limit := uint64(0)
		if tight {
			limit = 1500
		}
		w := newBigWorld(t, &amd64.Format, limit)
		for n := 0; len(b) >= 8 && n < 200; b = b[8:] {
			w.step([8]byte(b))
			n++
		}
		w.b.destroy(w.s)
	})
}
