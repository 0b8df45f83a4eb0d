// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"loam/abi"
	"loam/machine/frame"
)

// The tree of an object: a node of height h is a frame of 512 words, each the
// physical address of a node of height h-1, of a page at height 1, or 0.

const (
	nodeBits  = 9
	nodeMask  = 1<<nodeBits - 1
	maxHeight = 3 // MaxPages needs 24 bits
)

// span is the number of pages below a node of height h, or a page at height 0.
func span(h uint8) uint64 { return 1 << (nodeBits * h % 64) }

// slot is the place in a node of height h, at least 1, on the way to a page.
func slot(page uint64, h uint8) uint64 { return page >> (nodeBits * (h - 1) % 64) & nodeMask }

// Lookup returns the frame of a page of object i, if it has one.
func (o *Objects) Lookup(i int32, page uint64) (pa uint64, ok bool) {
	return o.find(o.pool.Index(i), page)
}

func (o *Objects) find(x *object, page uint64) (pa uint64, ok bool) {
	pa = x.root
	if page >= span(x.height) {
		return 0, false
	}
	for h := x.height; h > 0 && pa != 0; h-- {
		pa = o.mem.Table(pa)[slot(page, h)]
	}
	return pa, pa != 0
}

// Page returns the frame of a page of object i, which it gets, zeroed, if it has
// none. It has one to be read, too: a frame of zeroes that all share would have
// to be replaced in every page table later. EINVAL: the object is smaller.
// EDQUOT, ENOSPC: its account, or one above, has all it may have. ENOMEM: the
// machine has no frame.
func (o *Objects) Page(i int32, page uint64) (pa uint64, errno abi.Errno) {
	x := o.pool.Index(i)
	if page >= x.size {
		return 0, abi.EINVAL
	}
	if pa, ok := o.find(x, page); ok {
		return pa, 0
	}
	return o.fill(x, page)
}

// fill gives a page a frame, with the nodes on the way there. Without all of
// them nothing is changed.
func (o *Objects) fill(x *object, page uint64) (uint64, abi.Errno) {
	nodes := o.missing(x, page)
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
	o.mem.Zero(pa)
	x.frames += uint64(nodes) + 1
	o.link(x, page, pa, spare[:nodes])
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

// heightFor is the height of the smallest tree that has a place for a page.
func heightFor(page uint64) (h uint8) {
	for page >= span(h) {
		h++
	}
	return h
}

// missing is the number of nodes that link needs for a page that isn't there.
func (o *Objects) missing(x *object, page uint64) int {
	h := heightFor(page)
	switch {
	case x.root == 0:
		return int(h)
	case h > x.height: // new nodes above the root, and a new way down
		return int(h-x.height) + int(h-1)
	}
	node := x.root
	for h = x.height; h > 1; h-- {
		if node = o.mem.Table(node)[slot(page, h)]; node == 0 {
			return int(h - 1)
		}
	}
	return 0
}

// link puts a page into the tree, with as many spare nodes as are missing.
func (o *Objects) link(x *object, page, pa uint64, spare []uint64) {
	h := heightFor(page)
	if x.root == 0 {
		x.height = h
	}
	for x.height < h { // the tree is the first part of a higher one
		o.mem.Table(spare[0])[0] = x.root
		x.root, spare = spare[0], spare[1:]
		x.height++
	}
	at := &x.root
	for h = x.height; h > 0; h-- {
		if *at == 0 {
			*at, spare = spare[0], spare[1:]
		}
		at = &o.mem.Table(*at)[slot(page, h)]
	}
	*at = pa
}

// drop takes pages from first up to end, and nodes that become empty, from the
// tree. It does a piece, and returns where to go on, end if it is done.
func (o *Objects) drop(x *object, first, end uint64) (next uint64) {
	var path [maxHeight + 1]uint64
	steps := 0
	for first < end && x.root != 0 && first < span(x.height) {
		if steps >= o.steps {
			return first
		}
		h := o.descend(x, first, &path)
		steps += int(x.height-h) + 1
		if h == 0 {
			o.clear(x, first, 0, path[0], &path)
			steps += frameSteps
			first++
		} else {
			k := slot(first, h)
			more := used(o.mem.Table(path[h]), k) - k
			steps += int(more / 8)
			first = min(first&^(span(h-1)-1)+more*span(h-1), end)
		}
		for h = max(h, 1); h <= x.height; h++ {
			if first != end && first&(span(h)-1) != 0 || used(o.mem.Table(path[h]), 0) <= nodeMask {
				break
			}
			o.clear(x, first-1, h, path[h], &path)
		}
	}
	return end
}

// descend goes as far down to a page as the tree does: to the page itself, 0, or
// the height of a node that has nothing there. path gets the frame at each height.
func (o *Objects) descend(x *object, page uint64, path *[maxHeight + 1]uint64) (h uint8) {
	at := x.root
	for h = x.height; ; h-- {
		path[h&3] = at
		if h == 0 {
			return 0
		}
		if at = o.mem.Table(at)[slot(page, h)]; at == 0 {
			return h
		}
	}
}

// clear takes what is at height h on the way to a page out of the tree, and
// gives it back.
func (o *Objects) clear(x *object, page uint64, h uint8, pa uint64, path *[maxHeight + 1]uint64) {
	if h == x.height {
		x.root, x.height = 0, 0
	} else {
		o.mem.Table(path[(h+1)&3])[slot(page, h+1)] = 0
	}
	if h == 0 {
		o.frames.Unshare(pa)
	} else {
		o.frames.Free(pa, frame.PageTable)
	}
	x.frames--
	x.account.Refund(1)
}

// used returns the first entry of a node from k on that is not 0, or 512.
func used(t *[nodeMask + 1]uint64, k uint64) uint64 {
	for k <= nodeMask && t[k] == 0 {
		k++
	}
	return k
}
