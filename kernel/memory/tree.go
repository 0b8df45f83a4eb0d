// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"loam/abi"
	"loam/machine/frame"
)

// The tree of an object: a node of height h is a frame of 512 entries, each of a
// node of height h-1, of a page at height 1, or 0. An entry has the number of
// the frame and, above countShift, how many frames there are from it down. So a
// part of a tree can be given back, or become another object's too, without a
// look at what is in it.

const (
	nodeBits   = 9
	nodeMask   = 1<<nodeBits - 1
	maxHeight  = 3  // MaxPages needs 24 bits, and a base 18
	countShift = 40 // a node of height 2 needs 19 bits, the number of a frame 40
	countOne   = 1 << countShift
)

// everything is behind all places of any tree.
const everything = ^uint64(0)

// frameOf is the physical address that an entry has.
func frameOf(e uint64) uint64 { return e << 24 >> 12 }

// framesOf is the number of frames from an entry down.
func framesOf(e uint64) uint64 { return e >> countShift }

// newEntry is the entry of a page or node with so many frames from it down.
func newEntry(pa, frames uint64) uint64 { return frames<<countShift | pa>>12 }

// span is the number of pages below a node of height h, or a page at height 0.
func span(h uint8) uint64 { return 1 << (nodeBits * h % 64) }

// slot is the entry in a node of height h, at least 1, on the way to a place.
func slot(at uint64, h uint8) uint64 { return at >> (nodeBits * (h - 1) % 64) & nodeMask }

// places are those of a range of pages. What is before the first page and behind
// the last one is nobody's, and belongs to the range if it begins or ends there.
func (x *object) places(first, end uint64) (from, to uint64) {
	from, to = x.base+first, x.base+end
	if first == 0 {
		from = 0
	}
	if end == x.size {
		to = everything
	}
	return from, to
}

// Lookup returns the frame of a page of object i, if it has one.
func (o *Objects) Lookup(i int32, page uint64) (pa uint64, ok bool) {
	x := o.pool.Index(i)
	if page >= MaxPages || x.device != 0 && page >= x.size {
		return 0, false
	}
	pa = o.find(x, x.base+page)
	return pa, pa != 0
}

// find gives the frame at a place, 0 if there is none.
func (o *Objects) find(x *object, at uint64) (pa uint64) {
	if x.device != 0 {
		return x.device + at*PageSize
	}
	if at >= span(x.height) {
		return 0
	}
	pa = frameOf(x.root)
	for h := x.height; h > 0 && pa != 0; h-- {
		pa = frameOf(o.mem.Table(pa)[slot(at, h)])
	}
	return pa
}

// Page returns the frame of a page of object i for a mapping of it. It gets one,
// zeroed, if it has none, and one of its own if it shares one and there are
// areas that may write. It has one to be read, too: a frame of zeroes that all
// share would have to be replaced in every page table later. EINVAL: the object
// is smaller. EDQUOT, ENOSPC: its account, or one above, has all it may have.
// ENOMEM: the machine has no frame. Absent: a pager has to bring the page.
func (o *Objects) Page(i int32, page uint64) (pa uint64, errno abi.Errno) {
	x := o.pool.Index(i)
	if page >= x.size {
		return 0, abi.EINVAL
	}
	at := x.base + page
	if x.writers > 0 && !x.alone() {
		if errno := o.own(x, at, 0); errno != 0 {
			return 0, errno
		}
	}
	if pa := o.find(x, at); pa != 0 {
		return pa, 0
	}
	if x.paged {
		return 0, Absent
	}
	return o.fill(x, at, nil)
}

// Ready returns the frame that Page would give, if it would neither make nor copy
// one.
func (o *Objects) Ready(i int32, page uint64) (pa uint64, ok bool) {
	x := o.pool.Index(i)
	if page >= x.size || x.writers > 0 && !x.alone() {
		return 0, false
	}
	pa = o.find(x, x.base+page)
	return pa, pa != 0
}

// fill gives a place a frame, with the nodes on the way there, and content, behind
// which it is zero. Without all of them no page is changed.
func (o *Objects) fill(x *object, at uint64, content []byte) (uint64, abi.Errno) {
	if errno := o.own(x, at, 1); errno != 0 {
		return 0, errno
	}
	nodes := o.missing(x, at)
	if errno := x.account.Charge(uint64(nodes) + 1); errno != 0 {
		return 0, errno
	}
	pa, code := o.frames.Alloc(frame.User)
	if code != frame.OK {
		x.account.Refund(uint64(nodes) + 1)
		return 0, abi.ENOMEM
	}
	var spare [2 * maxHeight]uint64
	for k := range nodes {
		if spare[k], code = o.frames.Alloc(frame.PageTable); code != frame.OK {
			o.undo(x, pa, spare[:k], nodes)
			return 0, abi.ENOMEM
		}
		o.mem.Zero(spare[k])
	}
	if content == nil {
		o.mem.Zero(pa)
	} else {
		o.mem.Fill(pa, content)
	}
	o.link(x, at, pa, spare[:nodes])
	return pa, 0
}

// undo gives back what fill has taken.
func (o *Objects) undo(x *object, pa uint64, spare []uint64, nodes int) {
	o.frames.Free(pa, frame.User)
	for _, node := range spare {
		o.frames.Free(node, frame.PageTable)
	}
	x.account.Refund(uint64(nodes) + 1)
}

// heightFor is the height of the smallest tree that has a place.
func heightFor(at uint64) (h uint8) {
	for at >= span(h) {
		h++
	}
	return h
}

// missing is the number of nodes that link needs for a place that is empty.
func (o *Objects) missing(x *object, at uint64) int {
	h := heightFor(at)
	switch {
	case x.root == 0:
		return int(h)
	case h > x.height: // new nodes above the root, and a new way down
		return int(h-x.height) + int(h-1)
	}
	node := frameOf(x.root)
	for h = x.height; h > 1; h-- {
		if node = frameOf(o.mem.Table(node)[slot(at, h)]); node == 0 {
			return int(h - 1)
		}
	}
	return 0
}

// link puts a page into the tree, with as many spare nodes as are missing. The
// nodes that are there are the object's own.
func (o *Objects) link(x *object, at, pa uint64, spare []uint64) {
	h := heightFor(at)
	if x.root == 0 {
		x.height = h
	}
	for x.height < h { // the tree is the first part of a higher one
		o.mem.Table(spare[0])[0] = newEntry(frameOf(x.root), x.frames)
		x.root, spare = newEntry(spare[0], 0), spare[1:]
		x.height++
		x.frames++
	}
	left := uint64(len(spare)) + 1 // new frames from here down
	x.frames += left
	e, counted := &x.root, uint64(0) // the root has no count
	for h = x.height; ; h-- {
		if *e != 0 {
			*e += left * counted
		} else {
			next := pa
			if h > 0 {
				next, spare = spare[0], spare[1:]
			}
			*e = newEntry(next, left*(counted/countOne))
			left--
		}
		if h == 0 {
			return
		}
		e, counted = &o.mem.Table(frameOf(*e))[slot(at, h)], countOne
	}
}
