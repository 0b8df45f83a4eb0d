// SPDX-License-Identifier: Apache-2.0

package memory

import "loam/machine/frame"

// drop takes places from first up to end, and nodes that become empty, from the
// tree. It does a piece, and returns where to go on. A node that is shared goes
// as a whole: cut has seen to it that none is that has pages outside of the range.
func (o *Objects) drop(x *object, first, end uint64) (next uint64, done bool) {
	for steps := 0; first < end && x.root != 0 && first < span(x.height); {
		if steps >= o.steps {
			return first, false
		}
		var n int
		first, n = o.dropAt(x, first)
		steps += n
	}
	return end, true
}

// dropAt takes away what is at a place: the page, or the highest node on the way
// there that is shared. It returns the first place behind that which may have
// something, and the steps it took.
func (o *Objects) dropAt(x *object, at uint64) (next uint64, steps int) {
	var path [maxHeight + 1]uint64
	pa, frames := frameOf(x.root), x.frames
	h := x.height
	for ; h > 0 && (x.alone() || !o.shared(pa)); h-- {
		path[h&3] = pa
		t, k := o.mem.Table(pa), slot(at, h)
		steps++
		if t[k] == 0 {
			more := used(t, k) - k
			return at&^(span(h-1)-1) + more*span(h-1), steps + int(more/8)
		}
		pa, frames = frameOf(t[k]), framesOf(t[k])
	}
	o.frames.Unshare(pa)
	o.unlink(x, at, h, frames, &path)
	return (at | (span(h) - 1)) + 1, steps + frameSteps
}

// unlink takes what is at height h on the way to a place out of the tree, n
// frames, and gives back the nodes above it that become empty. path has the
// nodes by height.
func (o *Objects) unlink(x *object, at uint64, h uint8, n uint64, path *[maxHeight + 1]uint64) {
	entry := func(h uint8) *uint64 { return &o.mem.Table(path[(h+1)&3])[slot(at, h+1)] }
	for ; h < x.height; h++ {
		*entry(h) = 0
		frames := x.frames
		if h+1 < x.height {
			frames = framesOf(*entry(h + 1))
		}
		if frames > n+1 {
			break
		}
		o.frames.Free(path[(h+1)&3], frame.PageTable)
		n++
	}
	if h == x.height {
		x.root, x.height, x.base = 0, 0, 0
		o.leave(x)
	}
	for h++; h < x.height; h++ {
		*entry(h) -= n * countOne
	}
	x.frames -= n
	x.account.Refund(n)
}

// used returns the first entry of a node from k on that is not 0, or 512.
func used(t *[nodeMask + 1]uint64, k uint64) uint64 {
	for k <= nodeMask && t[k] == 0 {
		k++
	}
	return k
}
