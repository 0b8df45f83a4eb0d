// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"loam/machine/phys"
)

// region is a range of frames with what describes them. Frames are numbered from the
// region's start; blocks are aligned by physical frame number. A group is 512 frames
// that are aligned so, 2 MiB; those at the region's ends may lie outside in part.
//
// Each frame is in one of three states: free, which its bit says; the first of what
// was taken, or in a front, which its record says; or a further one of a taken run.
// Records of the first and the last kind are zero, or were never written.
type region struct {
	start   uint64  // physical address of frame 0
	base    uint64  // its frame number
	n       uint64  // frames
	skew    uint64  // frame 0's place in its group
	shelf   uint64  // the first group's place in its line
	records uintptr // virtual address of the records
	ready   uintptr // virtual address of a bit for each page of records that was zeroed
	about   uint64  // physical address of the bits and trees
	paged   uint64  // physical address of the records
	mem     phys.Memory

	// Groups that are partly free are in the tree of their class, and have their
	// frames' bits in a line of their own. Those that are free as a whole are bits
	// themselves, in the line of their GiB; the tree large has the lines that have
	// any. What a line says that no tree has means nothing.
	parts  [2]tree
	large  tree
	frames uintptr // virtual address of the lines of groups
	groups uintptr // virtual address of the lines of GiB
}

// meta packs what a record says, so that the common checks are one comparison: state
// in bits 0 to 7, owner 16 to 23, references 32 to 63.
type meta = uint64

func newMeta(s State, o Owner, count uint32) meta {
	return meta(s) | meta(o)<<16 | meta(count)<<32
}

const (
	ownerMask = 0xff << 16
	reference = 1 << 32
)

func metaState(m meta) State  { return State(m) }
func metaOwner(m meta) Owner  { return Owner(m >> 16) }
func metaCount(m meta) uint32 { return uint32(m >> 32) }

// What the record of a frame in a front says: that it came there from the free
// blocks, or that somebody freed it (and left junk in it, in checked builds).
const (
	metaCached = meta(StateCached)
	metaFreed  = metaCached | junk<<24
)

// isReady says whether the record of frame i may be read.
func (r *region) isReady(i uint64) bool {
	return *wordAt(r.ready + uintptr(i>>14<<3))>>(i>>8&63)&1 != 0
}

// touch makes the record of frame i readable.
func (r *region) touch(i uint64) {
	if !r.isReady(i) {
		r.mem.Zero(r.paged + i>>8<<phys.PageShift)
		*wordAt(r.ready + uintptr(i>>14<<3)) |= 1 << (i >> 8 & 63)
	}
}

// layOut places the trees, the bits of zeroed pages, and the lines, in this order,
// from a virtual address on, and returns the ends: of what must be zero to begin
// with, and of all. The latter is a multiple of 8 only.
func (r *region) layOut(at uintptr) (zero, end uintptr) {
	groups := (r.skew + r.n + lineBits - 1) / lineBits
	lines := (r.shelf + groups + lineBits - 1) / lineBits
	at = r.parts[classKernel].plant(at, groups)
	at = r.parts[classUser].plant(at, groups)
	at = r.large.plant(at, lines)
	r.ready = at
	zero = at + uintptr((r.n+64*recordsPage-1)/(64*recordsPage))*8
	r.frames = (zero + 63) &^ 63
	r.groups = r.frames + uintptr(groups)*64
	return zero, r.groups + uintptr(lines)*64
}

// reach has the region reached through a window of physical memory.
func (r *region) reach(mem phys.Memory) {
	r.mem = mem
	r.layOut(mem.Virtual(r.about))
	r.records = mem.Virtual(r.paged)
}

// wipe clears what must be zero to begin with: nothing is free, and no record good.
func (r *region) wipe() {
	like := *r
	zero, _ := like.layOut(0)
	at, end := r.about, r.about+uint64(zero)
	for ; end-at >= phys.PageSize; at += phys.PageSize {
		r.mem.Zero(at)
	}
	for ; at < end; at += 8 {
		*r.mem.Word(at) = 0
	}
}

// group is the line of group g.
func (r *region) group(g uint64) *line { return lineAt(r.frames + uintptr(g)*64) }

// gib is the line of groups j.
func (r *region) gib(j uint64) *line { return lineAt(r.groups + uintptr(j)*64) }

// take takes the first n frames of the lowest free block of an order that the class
// may have, if they are below the region's frame end: from the groups that the class
// has begun; or else one that nobody has; or else, before giving up, from the other
// class's.
func (r *region) take(n, end uint64, order, class uint8) (uint64, bool) {
	if order < lineOrder {
		if i, ok := r.takePart(n, end, order, class); ok {
			return i, true
		}
	}
	if i, ok := r.takeWhole(n, end, max(order, lineOrder)-lineOrder, class); ok || order >= lineOrder {
		return i, ok
	}
	return r.takePart(n, end, order, class^1)
}

// takePart takes n frames from a group of the class.
func (r *region) takePart(n, end uint64, order, class uint8) (uint64, bool) {
	t := &r.parts[class&1]
	g, ok := t.first(order + 1)
	if !ok {
		return 0, false
	}
	l := r.group(g)
	p := l.lowest(order)
	i := g*lineBits + p - r.skew
	if i+n > end {
		return 0, false
	}
	t.set(g, l.clear(p, p+n))
	return i, true
}

// takeWhole takes n frames from 2^k groups that nobody has: the highest for users and
// the lowest for the kernel, so that what each has begun lies together. The class gets
// the rest of the last group.
func (r *region) takeWhole(n, end uint64, k, class uint8) (uint64, bool) {
	g, ok := uint64(0), false
	if class == classUser {
		if j, has := r.large.last(k + 1); has {
			g = j*lineBits + r.gib(j).highest(k) - r.shelf
			ok = g*lineBits-r.skew+n <= end
		}
	}
	if !ok {
		j, has := r.large.first(k + 1)
		if !has {
			return 0, false
		}
		g = j*lineBits + r.gib(j).lowest(k) - r.shelf
	}
	i := g*lineBits - r.skew
	if i+n > end {
		return 0, false
	}
	whole, rest := n/lineBits, n%lineBits
	r.claim(g, (n+lineBits-1)/lineBits)
	if rest != 0 {
		l := r.group(g + whole)
		*l = line{}
		r.parts[class&1].set(g+whole, l.set(rest, lineBits))
	}
	return i, true
}

// claim takes n groups from g on, all of one line, from those that are free as a whole.
func (r *region) claim(g, n uint64) {
	j, p := (r.shelf+g)/lineBits, (r.shelf+g)%lineBits
	l := r.gib(j)
	r.large.set(j, l.clear(p, p+n))
}

// begun returns the lowest group of which the class may have a frame, and the tree
// that it is in; nil if there is none.
func (r *region) begun(class uint8) (*tree, uint64) {
	t := &r.parts[class&1]
	if g, ok := t.first(1); ok {
		return t, g
	}
	if i, ok := r.takeWhole(lineBits, r.n, 0, class); ok {
		g := (r.skew + i) / lineBits
		r.group(g).set(0, lineBits)
		return t, g
	}
	t = &r.parts[class&1^1]
	g, ok := t.first(1)
	if !ok {
		return nil, 0
	}
	return t, g
}

// largest returns the frames of the largest free block.
func (r *region) largest() uint64 {
	if most := r.large.most(); most > 0 {
		return lineBits << (most - 1)
	}
	return 1 << max(r.parts[classKernel].most(), r.parts[classUser].most()) >> 1
}

// release makes frames i up to i+n free. Groups in which nothing is free yet become
// the class's.
func (r *region) release(i, n uint64, class uint8) {
	lo := r.skew + i
	for hi := lo + n; lo < hi; {
		g, p := lo/lineBits, lo%lineBits
		if p == 0 && hi-lo >= lineBits {
			lo += r.releaseWhole(g, (hi-lo)/lineBits) * lineBits
			continue
		}
		q := min(lineBits, p+hi-lo)
		r.releasePart(g, p, q, class)
		lo += q - p
	}
}

// releasePart makes places p up to q of group g free.
func (r *region) releasePart(g, p, q uint64, class uint8) {
	t := &r.parts[class&1]
	l := r.group(g)
	had := t.get(g)
	if had == 0 {
		if other := &r.parts[class&1^1]; other.get(g) != 0 {
			t, had = other, other.get(g)
		} else {
			*l = line{}
		}
	}
	has := max(had, l.set(p, q))
	if has > lineOrder {
		t.set(g, 0)
		r.releaseWhole(g, 1)
		return
	}
	t.set(g, has)
}

// releaseWhole makes n groups from g on free, as many of them as one line has, and
// returns how many those are.
func (r *region) releaseWhole(g, n uint64) uint64 {
	j, p := (r.shelf+g)/lineBits, (r.shelf+g)%lineBits
	n = min(n, lineBits-p)
	l := r.gib(j)
	had := r.large.get(j)
	if had == 0 {
		*l = line{}
	}
	r.large.set(j, max(had, l.set(p, p+n)))
	return n
}

// mark records the n frames from i on as a run, or single frame, of the owner.
func (r *region) mark(i, n uint64, o Owner) {
	r.touch(i)
	rec := r.rec(i)
	if n == 1 {
		rec.set(newMeta(StateSingle, o, 1))
		return
	}
	rec.run = uint32(n)
	rec.set(newMeta(StateRun, o, 1))
}

// forget clears the records of n frames from i on, all of which have been written.
func (r *region) forget(i, n uint64) {
	for end := i + n; i < end; i++ {
		r.rec(i).set(0)
	}
}

// block returns the free block that frame i is in, if it is in any.
func (r *region) block(i uint64) (first uint64, order uint8, ok bool) {
	g, p := (r.skew+i)/lineBits, (r.skew+i)%lineBits
	for k := range r.parts {
		if r.parts[k].get(g) == 0 {
			continue
		}
		l := r.group(g)
		if !l.all(p, p+1) {
			return 0, 0, false
		}
		order = l.block(p)
		return g*lineBits + p>>order<<order - r.skew, order, true
	}
	j, p := (r.shelf+g)/lineBits, (r.shelf+g)%lineBits
	if r.large.get(j) == 0 || !r.gib(j).all(p, p+1) {
		return 0, 0, false
	}
	order = r.gib(j).block(p)
	g = j*lineBits + p>>order<<order - r.shelf
	return g*lineBits - r.skew, order + lineOrder, true
}

// head returns the first frame of what frame i, which is not free, is a part of:
// the nearest one below that has a record.
func (r *region) head(i uint64) (uint64, bool) {
	for ; ; i-- {
		if !r.isReady(i) {
			i &^= recordsPage - 1 // nor is the rest of its page
		} else if r.rec(i).get() != 0 {
			return i, true
		}
		if i == 0 {
			return 0, false
		}
	}
}
