// SPDX-License-Identifier: Apache-2.0

package paging

// UnmapRange removes all pages from start up to end (exclusive), collects
// their frames and the user part's tables that became empty in b, and returns
// OK when the range is done. With More, flush, Release b, and call it again
// with b.Next as the start. A large leaf must be
// covered whole: else Large, and Split comes first.
func (t Tables) UnmapRange(env Env, start, end uint64, b *Batch) Code {
	return t.unmap(walk{env: env, end: end, low: start, high: end}, start, b)
}

// UnmapRest is UnmapRange where the caller knows that from low to high, which
// hold the range, no page is mapped outside of it and no table covers nothing else.
// Tables that lie in there whole are freed without a look at their entries, which
// for a small program is most of the work; others stay, even if they are empty now.
func (t Tables) UnmapRest(env Env, start, end, low, high uint64, b *Batch) Code {
	return t.unmap(walk{env: env, end: end, low: min(low, start), high: max(high, end), rest: true}, start, b)
}

func (t Tables) unmap(w walk, start uint64, b *Batch) Code {
	b.begin(start)
	f, end := w.env.Format, w.end
	if (start|end)%PageSize != 0 || start >= end || end > f.UserEnd { // not the usual case
		if start > end {
			return NonCanonical
		}
		if code := f.checkRange(start, end-start); code != OK {
			return code
		}
	}
	w.steps = &b.Steps
	if w.high == f.UserEnd { // what its tables cover behind it is nobody's
		w.high = f.kernelIndex() << shift(f.Levels-1)
	}
	for b.Next < end {
		if b.n+int(f.Levels) > BatchSize || b.Steps >= b.Budget {
			return More
		}
		e, level := w.down(t.Root, b.Next)
		if *e != 0 && level > 0 { // a large leaf
			if b.Next&(Span(level)-1) != 0 || end-b.Next < Span(level) {
				return Large
			}
			b.take(f, e, level)
		}
		if level > 0 {
			b.Next = w.next(b.Next, level)
		} else {
			w.clear(b)
		}
		w.prune(b, start, level)
	}
	return OK
}

// take clears the leaf *e and collects its frame.
func (b *Batch) take(f *Format, e *uint64, level uint) {
	kind := *e >> ((f.SoftAt + 1) & 63) & 1 * kindBorrowed
	b.Flush = b.Flush || *e&f.Valid != 0
	b.Pages += Span(level) / PageSize
	b.Large++
	b.Steps += largeCost
	b.add(f.addr(*e) | kind | uint64(level)<<kindLevel)
	*e = 0
}

// walk is the way from a root to the entry that is being worked on.
type walk struct {
	env   Env
	end   uint64
	steps *int      // what it cost
	path  [6]uint64 // the table of each level on the way

	// Of a walk that removes everything: where there is nothing but what it removes,
	// and whether it leaves tables that are not in there alone.
	low, high uint64
	rest      bool
}

// down returns the entry for va at the level at which the way ends: level 0, a
// leaf, or nothing.
func (w *walk) down(table, va uint64) (*uint64, uint) {
	f := w.env.Format
	for level := f.Levels - 1; ; level-- {
		*w.steps++
		w.path[level%6] = table
		e := &w.env.Mem.Table(table)[va>>shift(level)&indexMask]
		if *e == 0 || f.isLeaf(*e, level) {
			return e, level
		}
		table = f.addr(*e)
	}
}

// next returns the address of the next entry after va's in the same table that
// is not empty, or of the table's end, at most the walk's end.
func (w *walk) next(va uint64, level uint) uint64 {
	if va|(Span(level)-1) >= w.end-1 {
		return w.end
	}
	k := va >> shift(level) & indexMask
	end := min(512, k+(w.end-1)>>shift(level)-va>>shift(level)+1)
	skip := used(w.env.Mem.Table(w.path[level%6]), k+1, end) - k
	*w.steps += int(skip / 8)
	last := va&^(Span(level)-1) + skip<<shift(level) - 1
	if last >= w.end-1 {
		return w.end
	}
	return last + 1
}

// pages returns the entries of the leaf table on the way, from va's on, that are
// in the range: first to end.
func (w *walk) pages(va uint64) (table *[512]uint64, first, end uint64) {
	first = va >> pageShift & indexMask
	end = min(512, first+(w.end-va)/PageSize)
	*w.steps += int((end - first) / 8)
	return w.env.Mem.Table(w.path[0]), first, end
}

// used returns the first entry from k on that is not empty, or end.
func used(t *[512]uint64, k, end uint64) uint64 {
	for k < end {
		if k%8 == 0 && k+8 <= end {
			g := t[k : k+8 : k+8]
			if g[0]|g[1]|g[2]|g[3]|g[4]|g[5]|g[6]|g[7] == 0 {
				k += 8
				continue
			}
		}
		if t[k] != 0 {
			return k
		}
		k++
	}
	return end
}

// empty reports whether a table has no entry. It looks behind entry k first: where
// programs map downwards, what was mapped before is there.
func empty(t *[512]uint64, k uint64) bool {
	return t[(k+1)&indexMask]|t[k&indexMask] == 0 && used(t, 0, 512) == 512
}

// emptied reports whether the table of a level, in which the walk has left the entry
// of va, has no entry any more, as far as the walk has to know.
func (w *walk) emptied(va uint64, level uint) bool {
	first := va &^ (Span(level+1) - 1)
	if first >= w.low && first+(Span(level+1)-1) <= w.high-1 {
		return true
	}
	return !w.rest && empty(w.env.Mem.Table(w.path[level%6]), va>>shift(level)&indexMask)
}

// clear removes the pages of the leaf table at b.Next up to the table's end,
// the range's end, or a full batch.
func (w *walk) clear(b *Batch) {
	f := w.env.Format
	table, first, end := w.pages(b.Next)
	n := b.n
	// prune needs room for its tables.
	last := min(BatchSize-int(f.Levels), n+max(b.Budget-b.Steps, 0)/unmapCost)
	seen := uint64(0)
	k := first
	for k < end {
		e := table[k&indexMask]
		if e == 0 {
			k = used(table, k+1, end)
			continue
		}
		if n > last {
			break
		}
		b.frames[n%BatchSize] = f.addr(e) | e>>((f.SoftAt+1)&63)&1*kindBorrowed
		n++
		seen |= e
		table[k&indexMask] = 0
		k++
	}
	b.Pages += uint64(n - b.n)
	b.Flush = b.Flush || seen&f.Valid != 0
	b.Next += (k - first) * PageSize
	b.Steps += (n - b.n) * unmapCost
	b.n = n
}

// prune frees the user part's tables on the way that the walk has left and
// that are empty, from the level at which it worked upwards.
func (w *walk) prune(b *Batch, start uint64, level uint) {
	f := w.env.Format
	if start >= f.UserEnd {
		return
	}
	last := b.Next - 1 // the last address worked on
	for ; level < f.Levels-1; level++ {
		left := b.Next == w.end || b.Next&(Span(level+1)-1) == 0
		if !left || !w.emptied(last, level) {
			return
		}
		up := w.env.Mem.Table(w.path[(level+1)%6])
		up[last>>shift(level+1)&indexMask] = 0
		b.Flush, b.Tables = true, true
		b.add(w.path[level%6] | kindTable)
	}
}
