// SPDX-License-Identifier: Apache-2.0

package paging

import "loam/machine/frame"

// MapRange maps size bytes at va to the physical range at pa with the largest
// leafs, up to level large (0: 4 KiB, 1: 2 MiB, 2: 1 GiB), that alignment and
// format allow. It returns how many bytes it mapped: all of them with OK,
// else those before the failure.
func (t Tables) MapRange(env Env, va, pa, size uint64, prot Prot, large uint) (uint64, Code) {
	f := env.Format
	if code := f.checkRange(va, size); code != OK {
		return 0, code
	}
	if code := f.check(va, pa, prot); code != OK {
		return 0, code
	}
	if size > 0 && (pa+size-PageSize)&f.BadAddr != 0 || pa+size < pa {
		return 0, Misaligned
	}
	large = min(large, f.Large)
	done := uint64(0)
	for done < size {
		level := large
		for level > 0 && ((va|pa)&(Span(level)-1) != 0 || size-done < Span(level)) {
			level--
		}
		at, code := t.slot(env, va, level)
		if code != OK {
			return done, code
		}
		// The entries up to the table's end, where a larger leaf may begin.
		table := env.Mem.Table(at &^ (PageSize - 1))
		left := min((size-done)>>shift(level), 512-at%PageSize/8)
		n := fill(table, at%PageSize/8, left, f.leaf(pa, prot, level), f.entry(Span(level)))
		done += n << shift(level)
		va += n << shift(level)
		pa += n << shift(level)
		if n != left {
			return done, Mapped
		}
	}
	return done, OK
}

// fill writes leaf, leaf+step, and so on into up to n free entries from k on,
// and returns how many it found free.
func fill(table *[512]uint64, k, n, leaf, step uint64) uint64 {
	for left := n; left > 0; left-- {
		if e := &table[k&indexMask]; *e == 0 {
			*e = leaf
		} else {
			return n - left
		}
		leaf += step
		k++
	}
	return n
}

// Split replaces the large leaf that maps va by a table of leafs one level
// lower that map the same. The caller flushes the leaf's range. It does not
// touch the frames: frame.Allocator.Split makes them single ones.
func (t Tables) Split(env Env, va uint64) Code {
	f := env.Format
	if !f.Canonical(va) {
		return NonCanonical
	}
	e, level := t.find(env, va)
	if e == nil || level == 0 {
		return NotMapped
	}
	old := *e
	var table uint64
	if !env.newTable(&table, va) {
		return NoMemory
	}
	leaf := f.leaf(f.addr(old), f.prot(old), level-1)
	fill(env.Mem.Table(f.addr(table)), 0, 512, leaf, f.entry(Span(level-1)))
	*e = table
	return OK
}

// checkRange checks the pages from va on, size bytes: all in one half.
func (f *Format) checkRange(va, size uint64) Code {
	switch {
	case (va|size)%PageSize != 0:
		return Misaligned
	case size == 0:
		return OK
	case va+size-1 < va || va >= f.UserEnd && va < f.Kernel || !f.Canonical(va) || !f.Canonical(va+size-1):
		return NonCanonical
	case va>>(f.Bits-1) != (va+size-1)>>(f.Bits-1):
		return NonCanonical // across the hole
	case va < f.UserEnd && va+size > f.UserEnd:
		return WrongHalf
	}
	return OK
}

// slot returns the physical address of the entry for va at a level, and
// creates the tables above it.
func (t Tables) slot(env Env, va uint64, level uint) (uint64, Code) {
	f := env.Format
	table := t.Root
	for at := f.Levels - 1; at > level; at-- {
		e := &env.Mem.Table(table)[va>>shift(at)&indexMask]
		if *e == 0 {
			if !env.newTable(e, va) {
				return 0, NoMemory
			}
		} else if f.isLeaf(*e, at) {
			return 0, Mapped
		}
		table = f.addr(*e)
	}
	return table + va>>shift(level)&indexMask*8, OK
}

// BatchSize is the number of frames that a Batch holds.
const BatchSize = 128

// What the parts of a call on a range cost, in steps: an entry on the way down
// or eight that are passed over are one.
const (
	DefaultBudget = 4096 // steps of one call
	unmapCost     = DefaultBudget / BatchSize
	largeCost     = 8 * unmapCost // to free a run of frames
	protectCost   = 8
)

// Batch collects what unmapping sets free. Give it back with Release after
// the flush.
type Batch struct {
	Next   uint64 // where to go on; everything before is done
	Pages  uint64 // pages of 4 KiB removed or changed by this call
	Large  uint64 // large leafs removed by this call
	Flush  bool   // translations must be flushed: from the range's start to Next
	Tables bool   // and what leads to tables, not only to pages
	Steps  int    // what the call cost: up to Budget and one table more
	Budget int    // the steps at which a call stops with More; 0: DefaultBudget
	n      int
	frames [BatchSize]uint64 // physical address | kind
}

const (
	kindTable = 1 << iota
	kindBorrowed
	kindLevel = 2 // the position of a leaf's level
)

// Len returns the number of frames and tables collected.
func (b *Batch) Len() int { return b.n }

// Frame returns the address of the k-th, and whether it is a table.
func (b *Batch) Frame(k int) (pa uint64, table, borrowed bool) {
	e := b.frames[k%BatchSize]
	return e &^ (PageSize - 1), e&kindTable != 0, e&kindBorrowed != 0
}

// Count returns how many pages of 4 KiB the k-th has: more than one if a large
// leaf mapped it.
func (b *Batch) Count(k int) uint64 { return pagesOf(b.frames[k%BatchSize]) }

// pagesOf returns the number of pages that an entry of a batch stands for.
func pagesOf(e uint64) uint64 { return 1 << (e >> kindLevel & 3 * indexBits) }

// begin prepares b for a call that starts at va.
func (b *Batch) begin(va uint64) {
	b.Next, b.Pages, b.Large, b.Flush, b.Tables, b.n, b.Steps = va, 0, 0, false, false, 0, 0
	if b.Budget == 0 {
		b.Budget = DefaultBudget
	}
}

// add puts a frame into b.
func (b *Batch) add(e uint64) {
	b.frames[b.n%BatchSize] = e
	b.n++
}

// Release gives back the collected frames and empties b: tables are freed,
// and the mapping's reference to each other frame, or to the run of them behind a
// large leaf, is dropped unless it was Borrowed. It returns the number of frames
// of tables and references given back, and the first refusal of the allocator,
// which means that some frame was not the space's.
func (b *Batch) Release(a *frame.Allocator) (given uint64, code frame.Code) {
	n := min(b.n, BatchSize)
	for k := 0; k < n; {
		e := b.frames[k%BatchSize]
		pa, c := e&^(PageSize-1), frame.OK
		run := 1
		switch {
		case e == pa:
			for k+run < n && b.frames[(k+run)%BatchSize] == pa+uint64(run)*PageSize {
				run++
			}
			if run == 1 {
				_, c = a.Unshare(pa)
			} else {
				c = a.UnshareEach(pa, uint64(run))
			}
			given += uint64(run)
		case e&kindTable != 0:
			c = a.Free(pa, frame.PageTable)
			given++
		case e&kindBorrowed == 0:
			_, c = a.Unshare(pa)
			given += pagesOf(e)
		}
		k += run
		if c != frame.OK && code == frame.OK {
			code = c
		}
	}
	b.n = 0
	return given, code
}

// ProtectRange gives all pages mapped from start up to end (exclusive) the
// rights of prot, keeping their software bits; a page with Copy does not
// become writable. It returns OK when the range is done; with More, call it
// again with b.Next as the start. The caller flushes from the start to b.Next
// when b.Flush is set. A large leaf must be
// covered whole: else Large, and Split comes first.
func (t Tables) ProtectRange(env Env, start, end uint64, prot Prot, b *Batch) Code {
	b.begin(start)
	f := env.Format
	if start > end {
		return NonCanonical
	}
	if code := f.checkRange(start, end-start); code != OK {
		return code
	}
	if code := f.check(start, 0, prot); code != OK {
		return code
	}
	w := walk{env: env, end: end, steps: &b.Steps}
	for b.Next < end {
		if b.Steps >= b.Budget {
			return More
		}
		e, level := w.down(t.Root, b.Next)
		if level == 0 {
			w.change(b, prot)
			continue
		}
		if *e != 0 {
			if b.Next&(Span(level)-1) != 0 || end-b.Next < Span(level) {
				return Large
			}
			b.change(f, e, prot, level)
		}
		b.Next = w.next(b.Next, level)
	}
	return OK
}

// change gives the pages of the leaf table at b.Next new rights.
func (w *walk) change(b *Batch, prot Prot) {
	table, first, end := w.pages(b.Next)
	k := first
	for k < end {
		e := &table[k&indexMask]
		if *e == 0 {
			k = used(table, k+1, end)
			continue
		}
		b.change(w.env.Format, e, prot, 0)
		k++
		if b.Steps += protectCost; b.Steps >= b.Budget {
			break
		}
	}
	b.Next += (k - first) * PageSize
}

// change gives one leaf new rights.
func (b *Batch) change(f *Format, e *uint64, prot Prot, level uint) {
	old := f.prot(*e)
	prot = prot&hardware | old&software
	if old&Copy != 0 && prot&Write != 0 {
		prot = prot&^Write | Read
	}
	b.Flush = b.Flush || old&hardware&^prot != 0
	b.Pages += Span(level) / PageSize
	*e = f.leaf(f.addr(*e), prot, level)
}
