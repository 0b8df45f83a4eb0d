// SPDX-License-Identifier: Apache-2.0

package paging_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
)

var steps = flag.Int("steps", 40_000, "operations of TestModel for each format")

// processor walks tables as the manuals say, with no code of the package: it
// returns where va leads and what is allowed there.
type processor func(env paging.Env, root, va uint64) (pa uint64, r, w, x, u, ok bool)

// walkAMD64 follows SDM 3A 4.5.4 and 4.6.1.
func walkAMD64(env paging.Env, root, va uint64) (pa uint64, r, w, x, u, ok bool) {
	w, x, u = true, true, true
	at := root
	for _, sh := range []uint{39, 30, 21, 12} {
		e := *env.Mem.Word(at + va>>sh&511*8)
		if e&1 == 0 {
			return 0, false, false, false, false, false
		}
		w = w && e&2 != 0
		u = u && e&4 != 0
		x = x && e>>63 == 0
		at = e & 0x000f_ffff_ffff_f000
		if sh == 12 || e&0x80 != 0 {
			return at + va&(1<<sh-1), true, w, x, u, true
		}
	}
	panic("unreachable")
}

// walkRISCV follows the Privileged Specification 4.3.2. A page is executable
// or readable by its leaf alone.
func walkRISCV(env paging.Env, root, va uint64) (pa uint64, r, w, x, u, ok bool) {
	at := root
	for _, sh := range []uint{39, 30, 21, 12}[4-env.Format.Levels:] {
		e := *env.Mem.Word(at + va>>sh&511*8)
		if e&1 == 0 || e&2 == 0 && e&4 != 0 {
			return 0, false, false, false, false, false
		}
		at = e << 10 >> 20 << 12
		if e&0xa != 0 {
			if at&(1<<sh-1) != 0 || e&0x40 == 0 || e&4 != 0 && e&0x80 == 0 {
				return 0, false, false, false, false, false
			}
			return at + va&(1<<sh-1), e&2 != 0, e&4 != 0, e&8 != 0, e&16 != 0, true
		}
	}
	panic("a leaf table's entry refers to a table")
}

type page struct {
	pa   uint64
	prot paging.Prot
}

// trial drives tables and a map of pages with the same operations.
type trial struct {
	t      testing.TB
	env    paging.Env
	tables paging.Tables
	walk   processor
	model  map[uint64]page // by address
	large  map[uint64]page // large leafs, by address
	draw   func() uint64
	pool   []uint64 // addresses that are worth trying
}

func newTrial(t testing.TB, f *paging.Format, draw func() uint64) *trial {
	env, tables := newEnv(t, f)
	x := &trial{t: t, env: env, tables: tables, model: map[uint64]page{}, draw: draw}
	x.large = map[uint64]page{}
	x.walk = walkAMD64
	if f != &amd64.Format {
		x.walk = walkRISCV
	}
	kernel := ^uint64(0) << (f.Bits - 1)
	for _, base := range []uint64{0, 1 << 21, 1 << 30, 5<<30 + 1<<21, f.UserEnd - 1<<15, kernel, kernel + 1<<30} {
		for k := range uint64(8) {
			x.pool = append(x.pool, base+k<<12)
		}
		x.pool = append(x.pool, base+1<<21-1<<12, base+1<<21)
	}
	x.pool = slices.DeleteFunc(x.pool, func(va uint64) bool { return va >= f.UserEnd && va < kernel })
	return x
}

func (x *trial) pick(n int) int      { return int(x.draw() % uint64(n)) }
func (x *trial) address() uint64     { return x.pool[x.pick(len(x.pool))] }
func (x *trial) frame() uint64       { return 1<<30 + uint64(x.pick(1<<16))<<12 }
func (x *trial) user(va uint64) bool { return va < x.env.Format.UserEnd }

// prot draws rights that fit the address, or sometimes any.
func (x *trial) prot(va uint64) paging.Prot {
	p := []paging.Prot{0, paging.Read, paging.ReadWrite, paging.ReadExec}[x.pick(4)]
	p |= paging.Prot(x.pick(4)) * paging.Copy
	if x.user(va) {
		p |= paging.User
	}
	if x.pick(16) == 0 {
		p = paging.Prot(x.draw())
	}
	return p &^ paging.Device
}

// refusal predicts why a leaf can't be.
func (x *trial) refusal(va uint64, p paging.Prot) paging.Code {
	switch {
	case p&paging.Write != 0 && p&paging.Exec != 0:
		return paging.WX
	case x.user(va) != (p&paging.User != 0):
		return paging.WrongHalf
	}
	return paging.OK
}

// norm is what is shown of rights: a leaf without access shows only the
// software bits, any access means Read.
func norm(p paging.Prot) paging.Prot {
	if p&paging.Access == 0 {
		return p & (paging.Copy | paging.Borrowed)
	}
	return p | paging.Read
}

func (x *trial) step() {
	switch x.pick(10) {
	case 8:
		x.mapLarge()
	case 9:
		x.splitOne()
	case 0, 1, 2:
		x.mapOne()
	case 3:
		x.unmapOne()
	case 4:
		x.protectOne()
	case 5:
		x.unmapRange()
	case 6:
		x.protectRange()
	case 7:
		x.mapRange()
	}
}

func (x *trial) mapOne() {
	va, pa := x.address(), x.frame()
	p := x.prot(va)
	want := x.refusal(va, p)
	if _, _, there := x.at(va); want == paging.OK && there {
		want = paging.Mapped
	}
	if got := x.tables.Map(x.env, va, pa, p); got != want {
		x.t.Fatalf("Map(%#x, %b) = %v, want %v", va, p, got, want)
	}
	if want == paging.OK {
		x.model[va] = page{pa, norm(p)}
	}
	x.look(va)
}

func (x *trial) unmapOne() {
	va := x.address()
	pa, p, code := x.tables.Unmap(x.env, va)
	if x.inLarge(va) != (code == paging.Large) {
		x.t.Fatalf("Unmap(%#x) = %v, in a large leaf: %v", va, code, x.inLarge(va))
	}
	old, there := x.model[va]
	if there != (code == paging.OK) || there && (pa != old.pa || p != old.prot) {
		x.t.Fatalf("Unmap(%#x) = %#x, %b, %v; model %+v", va, pa, p, code, old)
	}
	delete(x.model, va)
	x.look(va)
}

func (x *trial) protectOne() {
	va := x.address()
	p := x.prot(va)
	old, there := x.model[va]
	want := paging.NotMapped
	switch {
	case there:
		want = x.refusal(va, p)
	case x.inLarge(va):
		want = paging.Large
	}
	var flush bool
	var got paging.Code
	pa := old.pa
	if x.pick(2) == 0 {
		flush, got = x.tables.Protect(x.env, va, p)
		if got == paging.OK && !flush && old.prot&^norm(p)&^(paging.Copy|paging.Borrowed) != 0 {
			x.t.Fatalf("Protect(%#x) from %b to %b needs a flush", va, old.prot, p)
		}
	} else {
		pa = x.frame()
		var was uint64
		was, got = x.tables.Replace(x.env, va, pa, p)
		if got == paging.OK && was != old.pa {
			x.t.Fatalf("Replace(%#x) took %#x, not %#x", va, was, old.pa)
		}
	}
	if got != want {
		x.t.Fatalf("change of %#x to %b = %v, want %v", va, p, got, want)
	}
	if want == paging.OK {
		x.model[va] = page{pa, norm(p)}
	}
	x.look(va)
}

// span draws a range within one half.
func (x *trial) span() (start, end uint64) {
	for {
		start, end = x.address(), x.address()+4096
		if start > end {
			start, end = end-4096, start+4096
		}
		if x.user(start) == x.user(end-1) {
			return start, end
		}
	}
}

func (x *trial) unmapRange() {
	start, end := x.span()
	var b paging.Batch
	taken := map[uint64]int{}
	at := start
	low, high := x.alone(start, end)
	for {
		code := x.tables.UnmapRest(x.env, at, end, low, high, &b)
		for k := range b.Len() {
			pa, table, borrowed := b.Frame(k)
			if !table {
				taken[pa|map[bool]uint64{true: 1}[borrowed]|b.Count(k)<<1]++
				continue
			}
			if code := x.env.Frames.Free(pa, frame.PageTable); code != frame.OK {
				x.t.Fatalf("table %#x: %v", pa, code)
			}
		}
		if b.Next <= at && code == paging.More || b.Next < at || b.Next > end {
			x.t.Fatalf("UnmapRest from %#x stopped at %#x", at, b.Next)
		}
		if at = b.Next; code == paging.OK {
			break
		} else if code == paging.Large {
			x.cut(at, end)
		} else if code != paging.More {
			x.t.Fatal(code)
		}
	}
	x.gone(x.model, start, end, 1, taken)
	x.gone(x.large, start, end, 512, taken)
	if len(taken) != 0 {
		x.t.Fatalf("UnmapRest(%#x, %#x): frames differ: %v", start, end, taken)
	}
	x.look(start)
	x.look(end - 4096)
}

// alone draws what UnmapRest may be told of a range: where there is nothing else.
func (x *trial) alone(start, end uint64) (low, high uint64) {
	if x.pick(2) == 0 {
		return start, end
	}
	low, high = 0, x.env.Format.UserEnd
	if !x.user(start) {
		low, high = ^uint64(0)<<(x.env.Format.Bits-1), ^uint64(0)
	}
	for size, model := range map[uint64]map[uint64]page{4096: x.model, span: x.large} {
		for va := range model {
			if va < start {
				low = max(low, min(va+size, start))
			}
			if va+size-1 > end-1 {
				high = min(high, max(va, end))
			}
		}
	}
	f := x.env.Format
	tables(x.env, x.tables.Root, f.Levels-1, 0, func(first uint64, level uint) {
		first |= -(first >> (f.Bits - 1)) << (f.Bits - 1)
		switch last := first + paging.Span(level+1) - 1; {
		case x.user(first) != x.user(start):
		case last < start:
			low = max(low, last+1)
		case first > end-1:
			high = min(high, first)
		}
	})
	return low, high
}

// gone takes the pages of a range off a model, and off what was taken.
func (x *trial) gone(model map[uint64]page, start, end, count uint64, taken map[uint64]int) {
	for va, p := range model {
		if va >= start && va < end {
			key := p.pa | count<<1
			if p.prot&paging.Borrowed != 0 {
				key |= 1
			}
			if taken[key]--; taken[key] == 0 {
				delete(taken, key)
			}
			delete(model, va)
		}
	}
}

// cut splits the large leaf that kept a call on a range that ends at end from going
// on at at.
func (x *trial) cut(at, end uint64) {
	va := at &^ (span - 1)
	if _, there := x.large[va]; !there || at == va && end-va >= span {
		x.t.Fatalf("stopped at %#x (large leaf: %v) on the way to %#x", at, there, end)
	}
	x.split(va)
}

// span is the size of a large leaf.
const span = 2 * mib

// at is what the model knows of the page at va.
func (x *trial) at(va uint64) (p page, level uint, there bool) {
	if p, there = x.model[va]; there {
		return p, 0, true
	}
	p, there = x.large[va&^(span-1)]
	p.pa += va & (span - 1)
	return p, 1, there
}

func (x *trial) inLarge(va uint64) bool {
	_, there := x.large[va&^(span-1)]
	return there
}

// dir is the entry from which a leaf table of va would hang.
func (x *trial) dir(va uint64) uint64 {
	f, at := x.env.Format, x.tables.Root
	for level := f.Levels - 1; ; level-- {
		e := *x.env.Mem.Word(at + va>>(12+9*level)&511*8)
		if level == 1 || e&f.DirMask != f.Valid {
			return e
		}
		at = e & f.AddrMask * f.AddrUnit
	}
}

// mapLarge maps 2 MiB with one leaf.
func (x *trial) mapLarge() {
	va, pa := x.address()&^(span-1), 1<<30+uint64(x.pick(32))*span
	p := x.prot(va)
	want, done := x.refusal(va, p), uint64(0)
	switch {
	case x.user(va) && va+span > x.env.Format.UserEnd:
		return // in the last one: mapRange's business
	case want == paging.OK && x.dir(va) != 0:
		want = paging.Mapped
	case want == paging.OK:
		done = span
		x.large[va] = page{pa, norm(p)}
	}
	if got, code := x.tables.MapRange(x.env, va, pa, span, p, 1); got != done || code != want && (want != paging.Mapped || x.dir(va) == 0) {
		x.t.Fatalf("MapRange(%#x, 2 MiB, %b) = %#x, %v; want %v", va, p, got, code, want)
	}
	x.look(va + uint64(x.pick(512))<<12)
	x.fill(va)
}

func (x *trial) splitOne() {
	va := x.address()
	if x.inLarge(va) {
		x.split(va)
	} else if code := x.tables.Split(x.env, va); code != paging.NotMapped {
		x.t.Fatalf("Split(%#x) = %v", va, code)
	}
	x.look(va)
	x.fill(va)
}

// split splits a large leaf that is there.
func (x *trial) split(va uint64) {
	if code := x.tables.Split(x.env, va); code != paging.OK {
		x.t.Fatalf("Split(%#x) = %v", va, code)
	}
	va &^= span - 1
	p := x.large[va]
	delete(x.large, va)
	for k := range uint64(512) {
		x.model[va+k<<12] = page{p.pa + k<<12, p.prot}
	}
}

func (x *trial) protectRange() {
	start, end := x.span()
	p := x.prot(start)
	want := x.refusal(start, p)
	var b paging.Batch
	for at := start; ; at = b.Next {
		code := x.tables.ProtectRange(x.env, at, end, p, &b)
		switch code {
		case paging.Large:
			x.cut(b.Next, end)
			continue
		case paging.More:
			continue
		}
		if code != want {
			x.t.Fatalf("ProtectRange(%#x, %#x, %b) = %v, want %v", at, end, p, code, want)
		}
		break
	}
	if want != paging.OK {
		return
	}
	for _, model := range []map[uint64]page{x.model, x.large} {
		protect(model, start, end, p)
	}
	x.look(start)
	x.look(end - 4096)
}

// protect gives the pages of a range in a model new rights.
func protect(model map[uint64]page, start, end uint64, p paging.Prot) {
	const soft = paging.Copy | paging.Borrowed
	for va, old := range model {
		if va >= start && va < end {
			n := p&^soft | old.prot&soft
			if old.prot&paging.Copy != 0 && n&paging.Write != 0 {
				n = n&^paging.Write | paging.Read // Write implied it
			}
			model[va] = page{old.pa, norm(n)}
		}
	}
}

// mapRange maps a few pages, where the first that is in the way stops it.
func (x *trial) mapRange() {
	va, n := x.address(), uint64(1+x.pick(12))
	pa := x.frame()
	p := x.prot(va)
	want := x.refusal(va, p)
	if x.user(va) && va+n<<12 > x.env.Format.UserEnd {
		want = paging.WrongHalf
		if !x.env.Format.Canonical(va + n<<12 - 1) {
			want = paging.NonCanonical
		}
	}
	done := uint64(0)
	for want == paging.OK && done < n {
		if _, _, there := x.at(va + done<<12); there {
			want = paging.Mapped
			break
		}
		x.model[va+done<<12] = page{pa + done<<12, norm(p)}
		done++
	}
	got, code := x.tables.MapRange(x.env, va, pa, n<<12, p, 2)
	if code != want || got != done<<12 {
		x.t.Fatalf("MapRange(%#x, %d pages, %b) = %#x, %v; want %#x, %v", va, n, p, got, code, done<<12, want)
	}
}

// run compares Run with the model, page by page.
func (x *trial) run(va uint64, first page, there bool) {
	const most = 5*paging.PageSize + 77
	pa, n, access := x.tables.Run(x.env, va+5, most)
	if !there || !x.user(va) || first.prot&paging.Access == 0 {
		if n != 0 || access != 0 {
			x.t.Fatalf("Run(%#x) = %#x, %d, %b where nothing is", va, pa, n, access)
		}
		return
	}
	want := uint64(paging.PageSize - 5)
	for want < most {
		next, _, there := x.at(va + 5 + want)
		if !there || next.pa != first.pa+want+5 || next.prot&paging.Access != first.prot&paging.Access {
			break
		}
		want += paging.PageSize
	}
	// It may end earlier, at a table's end or where what software remembers differs, but never later.
	if pa != first.pa+5 || access != first.prot&paging.Access || n > min(want, most) || n < paging.PageSize-5 {
		x.t.Fatalf("Run(%#x) = %#x, %d, %b; model %#x, %d", va, pa, n, access, first.pa+5, want)
	}
}

// look compares Lookup and the processor with the model.
func (x *trial) look(va uint64) {
	want, level, there := x.at(va)
	pa, p, ok := x.tables.Lookup(x.env, va+5)
	if ok != there || ok && (pa != want.pa+5 || p != want.prot) {
		x.t.Fatalf("Lookup(%#x) = %#x, %b, %v; model %+v", va, pa, p, ok, want)
	}
	pa, p, at, ok := x.tables.Leaf(x.env, va+5)
	if ok != there || ok && (pa != want.pa || p != want.prot || at != level) {
		x.t.Fatalf("Leaf(%#x) = %#x, %b, level %d, %v; model %+v", va, pa, p, at, ok, want)
	}
	reach, access := x.tables.Reach(x.env, va+5)
	if want := want.prot & paging.Access; !there || !x.user(va) || want == 0 {
		if reach != 0 || access != 0 {
			x.t.Fatalf("Reach(%#x) = %#x, %b; model %b, %v", va, reach, access, want, there)
		}
	} else if reach != pa+5 || access != want {
		x.t.Fatalf("Reach(%#x) = %#x, %b; model %#x, %b", va, reach, access, pa, want)
	}
	x.run(va, want, there)
	dir := x.dir(va)
	if got, want := x.tables.HasTable(x.env, va+5), dir&x.env.Format.DirMask == x.env.Format.Valid; got != want {
		x.t.Fatalf("HasTable(%#x) = %v, entry %#x", va, got, dir)
	}
	pa, r, w, ex, u, ok := x.walk(x.env, x.tables.Root, va+5)
	if ok != (there && want.prot&paging.Access != 0) {
		x.t.Fatalf("the processor finds %#x: %v; model %+v, %v", va, ok, want, there)
	}
	if ok && (pa != want.pa+5 || r != (want.prot&paging.Read != 0) || w != (want.prot&paging.Write != 0) ||
		ex != (want.prot&paging.Exec != 0) || u != (want.prot&paging.User != 0)) {
		x.t.Fatalf("the processor finds %#x at %#x %v %v %v %v; model %+v", va, pa, r, w, ex, u, want)
	}
}

// fill compares how full the leaf table of va is.
func (x *trial) fill(va uint64) {
	filled := 0
	for k := range uint64(512) {
		if _, _, ok := x.at(va&^(span-1) + k<<12); ok {
			filled++
		}
	}
	if got := x.tables.Filled(x.env, va+5); got != filled {
		x.t.Fatalf("Filled(%#x) = %d, want %d", va, got, filled)
	}
}

// finish unmaps the user part and finds all of its tables given back.
func (x *trial) finish() {
	for _, va := range x.pool {
		x.look(va)
	}
	for at, more := uint64(0), true; more; {
		var b paging.Batch
		code := x.tables.UnmapRange(x.env, at, x.env.Format.UserEnd, &b)
		for k := range b.Len() {
			if pa, table, _ := b.Frame(k); table {
				x.env.Frames.Free(pa, frame.PageTable)
			}
		}
		at, more = b.Next, code == paging.More
	}
	left := uint64(1) // the root
	root := x.env.Mem.Table(x.tables.Root)
	for k, e := range root {
		if e != 0 && uint64(k) < (x.env.Format.UserEnd+paging.Span(x.env.Format.Levels-1)-1)/paging.Span(x.env.Format.Levels-1) {
			x.t.Fatalf("root entry %d is left: %#x", k, e)
		}
	}
	tables(x.env, x.tables.Root, x.env.Format.Levels-1, 0, func(uint64, uint) { left++ })
	if got := x.env.Frames.Stats().Owned[frame.PageTable]; got != left {
		x.t.Fatalf("%d tables taken, %d in use", got, left)
	}
	if code := x.env.Frames.Check(); code != frame.OK {
		x.t.Fatal(code)
	}
}

// tables calls f with the first address and the level of each table below one.
func tables(env paging.Env, table uint64, level uint, va uint64, f func(va uint64, level uint)) {
	for k, e := range env.Mem.Table(table) {
		format := env.Format
		if level > 0 && e&format.DirMask == format.Valid {
			first := va + uint64(k)*paging.Span(level)
			f(first, level-1)
			tables(env, e&format.AddrMask*format.AddrUnit, level-1, first, f)
		}
	}
}

func TestModel(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		rng := rand.New(rand.NewPCG(5, 6))
		x := newTrial(t, f, rng.Uint64)
		for range *steps {
			x.step()
		}
		x.finish()
	})
}

func FuzzTables(f *testing.F) {
	f.Add([]byte("0123456789 a few pages here and there"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2048 {
			return
		}
		for _, format := range formats {
			b := b
			x := newTrial(t, format, func() uint64 {
				if len(b) == 0 {
					return 0
				}
				v := uint64(b[0])
				b = b[1:]
				return v
			})
			for len(b) > 0 {
				x.step()
			}
			x.finish()
		}
	})
}
