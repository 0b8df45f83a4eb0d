// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"

	"loam/machine/phys"
)

// none ends a list of blocks.
const none = 1<<32 - 1

// region is a range of frames with the records and free lists that describe
// them. Frames are numbered from the region's start; blocks are aligned by
// physical frame number.
type region struct {
	start   uint64  // physical address of frame 0
	base    uint64  // its frame number
	n       uint64  // frames
	records uintptr // virtual address of the records
	ready   uint64  // physical address of the bitmap of zeroed record pages
	paged   uint64  // physical address of the records
	mem     phys.Memory
	mask    [classes]uint32 // bit k: the list of order k is not empty
	lists   [classes][MaxOrder + 1]uint32
}

// meta packs what a record says about its block, so that the common checks are
// one comparison: state in bits 0 to 7, order 8 to 15, owner 16 to 23, class of a
// free block 24 to 31, references 32 to 63.
type meta = uint64

func newMeta(s State, order uint8, o Owner, count uint32) meta {
	return meta(s) | meta(order)<<8 | meta(o)<<16 | meta(count)<<32
}

func freeMeta(order, class uint8) meta {
	return meta(StateFree) | meta(order)<<8 | meta(class)<<24
}

const (
	orderMask = 0xff << 8
	ownerMask = 0xff << 16
	classMask = 0xff << 24
	reference = 1 << 32
)

func metaState(m meta) State  { return State(m) }
func metaOrder(m meta) uint8  { return uint8(m >> 8) }
func metaOwner(m meta) Owner  { return Owner(m >> 16) }
func metaClass(m meta) uint8  { return uint8(m >> 24) }
func metaCount(m meta) uint32 { return uint32(m >> 32) }

// What the record of a frame in a front says: that it came there from the free
// lists, or that somebody freed it (and left junk in it, in checked builds).
const (
	metaCached = meta(StateCached)
	metaFreed  = metaCached | junk<<24
)

// isReady says whether the record of frame i may be read.
func (r *region) isReady(i uint64) bool {
	return *r.mem.Word(r.ready + i>>14<<3)>>(i>>8&63)&1 != 0
}

// touch makes the record of frame i readable.
func (r *region) touch(i uint64) {
	if !r.isReady(i) {
		r.mem.Zero(r.paged + i>>8<<phys.PageShift)
		*r.mem.Word(r.ready + i>>14<<3) |= 1 << (i >> 8 & 63)
	}
}

// touchFrom makes the record of frame j readable, where that of frame i is: nothing
// has to be done if it lies on the same page.
func (r *region) touchFrom(i, j uint64) {
	if i/recordsPage != j/recordsPage {
		r.touch(j)
	}
}

// bucket returns the list set of free blocks of an order and class.
func bucket(order, class uint8) uint8 {
	if order >= largeOrder {
		return classLarge
	}
	return class
}

// push puts the block at i on its free list. Its record must be readable.
func (r *region) push(i uint64, order, class uint8) {
	class = bucket(order, class)
	if class >= classes || order > MaxOrder {
		return
	}
	head := &r.lists[class][order]
	rec := r.rec(i)
	rec.set(freeMeta(order, class))
	rec.next, rec.prev = *head, none
	if *head != none {
		r.rec(uint64(*head)).prev = uint32(i)
	}
	*head = uint32(i)
	r.mask[class] |= 1 << order
}

// unlink takes the free block with record rec off its list.
func (r *region) unlink(rec *record) {
	order, class := metaOrder(rec.get()), metaClass(rec.get())
	if class >= classes || order > MaxOrder {
		return
	}
	if rec.next != none {
		r.rec(uint64(rec.next)).prev = rec.prev
	}
	if rec.prev != none {
		r.rec(uint64(rec.prev)).next = rec.next
		return
	}
	r.lists[class][order] = rec.next
	if rec.next == none {
		r.mask[class] &^= 1 << order
	}
}

// release makes the block at i free and merges it with its buddies, lower or
// upper, as far up as they are free.
func (r *region) release(i uint64, order, class uint8) {
	rec := r.rec(i)
	for order < MaxOrder {
		b := ((r.base + i) ^ 1<<order) - r.base
		if b >= r.n {
			break
		}
		buddy := r.rec(b)
		if buddy.get()&^classMask != freeMeta(order, 0) {
			break
		}
		r.unlink(buddy)
		if b < i {
			rec.set(0)
			i, rec = b, buddy
		} else {
			buddy.set(0)
		}
		order++
	}
	r.push(i, order, class)
}

// releaseBlocks makes the n frames from i on free, which are recorded as the blocks
// of a run. It begins with the last: what merges with others of the run needs no list
// before all of it is free.
func (r *region) releaseBlocks(i, n uint64, class uint8) {
	const most = 2*MaxOrder + 2 // blocks of a run: up to the largest, and down again
	var starts [most]uint64
	k := -1
	for end := i + n; i < end; {
		k++
		starts[uint(k)%most] = i
		i += 1 << metaOrder(r.rec(i).get())
	}
	for k >= 0 {
		i := starts[uint(k)%most]
		k--
		order := metaOrder(r.rec(i).get())
		for ; order < MaxOrder; order++ {
			b := ((r.base + i) ^ 1<<order) - r.base
			if b >= r.n {
				break
			}
			buddy := r.rec(b)
			switch m := buddy.get(); {
			case k >= 0 && b == starts[uint(k)%most] && metaOrder(m) == order:
				k--
			case m&^classMask == freeMeta(order, 0):
				r.unlink(buddy)
			default:
				b = r.n
			}
			if b == r.n {
				break
			}
			r.rec(max(i, b)).set(0)
			i = min(i, b)
		}
		r.push(i, order, class)
	}
}

// releaseRun makes n neighbouring frames from i on free that are recorded as
// single blocks.
func (r *region) releaseRun(i, n uint64, class uint8) {
	for n > 0 {
		order := r.fit(i, n)
		size := uint64(1) << order
		for j := i + 1; j < i+size; j++ {
			r.rec(j).set(0)
		}
		r.release(i, order, class)
		i += size
		n -= size
	}
}

// find returns the smallest order of at least k with a free block that the
// class may take, and the list set it is in.
func (r *region) find(k, class uint8) (order, set uint8, ok bool) {
	if class > classUser || k > MaxOrder {
		return 0, 0, false
	}
	m := (r.mask[class] | r.mask[classLarge]) >> k << k
	if m == 0 {
		class ^= 1 // the other side's small blocks, before giving up
		m = r.mask[class] >> k << k
		if m == 0 {
			return 0, 0, false
		}
	}
	order = uint8(bits.TrailingZeros32(m))
	return order, bucket(order, class), true
}

// take takes a free block of exactly order k, splitting a larger one if it
// must. The block's record is left for the caller to write.
func (r *region) take(k, class uint8) (uint64, bool) {
	order, set, ok := r.find(k, class)
	if !ok || order > MaxOrder || set >= classes {
		return 0, false
	}
	i := uint64(r.lists[set][order])
	r.unlink(r.rec(i))
	if set != classLarge {
		class = set
	}
	r.split(i, order, k, class)
	return i, true
}

// split gives back the upper halves of the block at i until order k is left.
func (r *region) split(i uint64, order, k, class uint8) {
	for order > k {
		order--
		upper := i + 1<<order
		r.touchFrom(i, upper)
		r.push(upper, order, class)
	}
}

// takeBelow takes a block of order k whose first n frames end at or below the
// physical address limit. It walks lists: such requests are rare.
func (r *region) takeBelow(k, class uint8, n, limit uint64) (uint64, bool) {
	for order := k; order <= MaxOrder; order++ {
		for set := range r.lists {
			for at := r.lists[set][order]; at != none; {
				rec := r.rec(uint64(at))
				if r.start+(uint64(at)+n)<<phys.PageShift-1 <= limit {
					r.unlink(rec)
					r.split(uint64(at), order, k, class)
					return uint64(at), true
				}
				at = rec.next
			}
		}
	}
	return 0, false
}

// keep records the first n frames of the taken block at i as a run (or a
// single frame) of the owner, and frees the rest of the block.
func (r *region) keep(i uint64, order uint8, n uint64, o Owner, class uint8) {
	first, left := i, n
	for {
		for left < 1<<order { // halve: the upper half is free, or the lower taken
			order--
			half := uint64(1) << order
			if left <= half {
				r.touchFrom(i, i+half)
				r.push(i+half, order, class)
				continue
			}
			r.mark(i, order, first, n, o)
			r.touchFrom(i, i+half)
			i += half
			left -= half
		}
		r.mark(i, order, first, n, o)
		return
	}
}

// mark records the block at i, whose record can be read, as a part of the owner's
// run of n frames that starts at first.
func (r *region) mark(i uint64, order uint8, first, n uint64, o Owner) {
	rec := r.rec(i)
	switch {
	case n == 1:
		rec.set(newMeta(StateSingle, 0, o, 1))
	case i == first:
		rec.next = uint32(n)
		rec.set(newMeta(StateRun, order, o, 1))
	default:
		rec.prev = uint32(first)
		rec.set(newMeta(StatePart, order, o, 0))
	}
}

// fit returns the largest order of a block that may start at frame i and has
// at most n frames.
func (r *region) fit(i, n uint64) uint8 {
	order := min(bits.TrailingZeros64(r.base+i), bits.Len64(n)-1, MaxOrder)
	return uint8(order)
}

// lay tiles frames lo up to hi, which no block covers yet, with free blocks,
// or with a taken run when the owner is somebody.
func (r *region) lay(lo, hi uint64, o Owner) {
	for i := lo; i < hi; {
		order := r.fit(i, hi-i)
		r.touch(i)
		if o == Nobody {
			r.push(i, order, classKernel)
		} else {
			r.mark(i, order, lo, hi-lo, o)
		}
		i += 1 << order
	}
}

// head returns the first frame of the block that holds frame i.
func (r *region) head(i uint64) (uint64, bool) {
	for order := range MaxOrder + 1 {
		pfn := (r.base + i) >> order << order
		if pfn < r.base {
			break
		}
		h := pfn - r.base
		if r.isReady(h) {
			if m := r.rec(h).get(); metaState(m) != StateNone {
				return h, int(metaOrder(m)) >= order
			}
		}
	}
	return 0, false
}
