// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"loam/abi"
	"loam/machine/frame"
)

// alone reports whether no other object can share frames with x.
func (x *object) alone() bool { return x.next == x.handle.Index }

// join puts object i, which is alone, into the ring of x.
func (o *Objects) join(x *object, i int32) {
	y := o.pool.Index(i)
	y.prev, y.next = x.handle.Index, x.next
	o.pool.Index(x.next).prev = i
	x.next = i
}

// leave takes x, which has no frames any more, out of its ring.
func (o *Objects) leave(x *object) {
	o.pool.Index(x.next).prev = x.prev
	o.pool.Index(x.prev).next = x.next
	x.next, x.prev = x.handle.Index, x.handle.Index
}

// shared reports whether a frame is in more than one place. What is below a
// shared node is shared as well, whatever its own count says.
func (o *Objects) shared(pa uint64) bool {
	n, _ := o.frames.References(pa)
	return n > 1
}

// share puts a frame of a tree into one more.
func (o *Objects) share(pa uint64) {
	if o.frames.Share(pa) != frame.OK {
		panic("memory: a frame of an object can't be shared")
	}
}

// shareEach puts what entries of a node say into one more place, and returns the
// frames from there down.
func (o *Objects) shareEach(entries []uint64) (frames uint64) {
	var batch [64]uint64
	n := uint(0)
	for _, e := range entries {
		if e == 0 {
			continue
		}
		batch[n%uint(len(batch))] = frameOf(e)
		frames += framesOf(e)
		if n++; n == uint(len(batch)) {
			o.shareBatch(batch[:])
			n = 0
		}
	}
	o.shareBatch(batch[:n])
	return frames
}

func (o *Objects) shareBatch(batch []uint64) {
	if o.frames.ShareEach(batch) != frame.OK {
		panic("memory: frames of an object can't be shared")
	}
}

// Clone makes an object that has the content which the pages first up to end of
// object i have now, with one reference, the caller's. It shares the frames until
// one of the two writes, and is charged to a for all of them at once: so no
// account is ever short when a page is copied. EINVAL: not a range of the
// object's pages, or an empty one. EBUSY: areas that may write map the object.
// ENOSPC: there are too many objects; EDQUOT, ENOSPC: a, or an account above it,
// has all it may have. ENOMEM: the machine has no frame for nodes at the ends of
// the range. EINVAL too if the object is fixed, or paged: what it hasn't got yet can't
// be shared.
func (o *Objects) Clone(i int32, first, end uint64, a *Account) (int32, abi.Errno) {
	x := o.pool.Index(i)
	switch {
	case first >= end || end > x.size || x.fixed || x.paged:
		return 0, abi.EINVAL
	case x.writers > 0:
		return 0, abi.EBUSY
	}
	clone, errno := o.New(end-first, a)
	if errno != 0 {
		return clone, errno
	}
	y := o.pool.Index(clone)
	if errno = o.cloneTree(x, y, first, end); errno == 0 {
		errno = a.Charge(y.frames)
	}
	switch {
	case errno != 0:
		o.discard(frameOf(y.root), y.height)
		o.pool.Put(y.handle)
		return 0, errno
	case y.root != 0:
		o.join(x, clone)
	}
	return clone, 0
}

// cloneTree gives y the part of x's tree that has a range of pages. With an error
// y has nothing.
func (o *Objects) cloneTree(x, y *object, first, end uint64) abi.Errno {
	from, to := x.places(first, end)
	if x.top > x.size && end == x.size {
		to = x.base + end // what is behind still has to go
	}
	base, pa, h, frames := x.base+first, frameOf(x.root), x.height, x.frames
	if to = min(to, span(h)); from >= to {
		return 0
	}
	// The lowest node that has all of it.
	for h > 0 && pa != 0 && slot(from, h) == slot(to-1, h) {
		e := o.mem.Table(pa)[slot(from, h)]
		h--
		pa, frames = frameOf(e), framesOf(e)
		below := span(h) - 1
		base, from, to = base&below, from&below, (to-1)&below+1
	}
	switch {
	case pa == 0:
		return 0
	case from == 0 && to == span(h):
		o.share(pa)
	default:
		var errno abi.Errno
		if pa, frames, errno = o.part(pa, h, from, to, slot(from, h)); pa == 0 {
			return errno
		}
		base -= slot(from, h) * span(h-1)
	}
	y.root, y.height, y.base, y.frames = newEntry(pa, 0), h, base, frames
	return 0
}

// part makes a node of height h, at least 1, that has the places from first up to
// end of another one, of which it takes less than all, moved down by so many
// entries; and that for its children at both ends. There is none, 0, if nothing
// is there.
func (o *Objects) part(node uint64, h uint8, first, end, down uint64) (pa, frames uint64, errno abi.Errno) {
	pa, code := o.frames.Alloc(frame.PageTable)
	if code != frame.OK {
		return 0, 0, abi.ENOMEM
	}
	o.mem.Zero(pa)
	from, to := o.mem.Table(node), o.mem.Table(pa)
	below := span(h - 1)
	k, last := slot(first, h), end/below // whole children from k on
	if first&(below-1) != 0 {
		if frames, errno = o.partAt(&to[k-down], from[k], h-1, first&(below-1), min(end-k*below, below)); errno != 0 {
			o.discard(pa, h)
			return 0, 0, errno
		}
		k++
	}
	if k <= last {
		copy(to[k-down:], from[k:last])
		frames += o.shareEach(from[k:last])
		if end&(below-1) != 0 {
			n, errno := o.partAt(&to[last-down], from[last], h-1, 0, end&(below-1))
			if errno != 0 {
				o.discard(pa, h)
				return 0, 0, errno
			}
			frames += n
		}
	}
	if frames == 0 {
		o.frames.Free(pa, frame.PageTable)
		return 0, 0, 0
	}
	return pa, frames + 1, 0
}

// partAt is part for what the entry e has; the result is put into another one.
func (o *Objects) partAt(to *uint64, e uint64, h uint8, first, end uint64) (frames uint64, errno abi.Errno) {
	if e == 0 {
		return 0, 0
	}
	pa, frames, errno := o.part(frameOf(e), h, first, end, 0)
	if pa != 0 {
		*to = newEntry(pa, frames)
	}
	return frames, errno
}

// discard gives back what cloneTree has made: few nodes of its own.
func (o *Objects) discard(pa uint64, h uint8) {
	if pa == 0 {
		return
	}
	if h > 0 && !o.shared(pa) {
		for _, e := range o.mem.Table(pa) {
			o.discard(frameOf(e), h-1)
		}
	}
	o.frames.Unshare(pa)
}

// own makes x's what it shares on the way to a place, from the root down to the
// height low, as far as there is anything. What was there stays with the others.
// ENOMEM: nothing is changed.
func (o *Objects) own(x *object, at uint64, low uint8) abi.Errno {
	if x.alone() || at >= span(x.height) || x.height < low {
		return 0
	}
	e, h := &x.root, x.height
	for *e != 0 && !o.shared(frameOf(*e)) {
		if h == low {
			return 0
		}
		e = &o.mem.Table(frameOf(*e))[slot(at, h)]
		h--
	}
	n := o.below(frameOf(*e), h, at, low)
	if n > 0 && o.frames.Scarce() { // nodes come from the reserve
		return abi.ENOMEM
	}
	var spare [maxHeight + 1]uint64
	for k := range n {
		owner := frame.PageTable
		if k == int(h) {
			owner = frame.User
		}
		var code frame.Code
		if spare[k], code = o.frames.Alloc(owner); code != frame.OK {
			for _, pa := range spare[:k] {
				o.frames.Free(pa, frame.PageTable)
			}
			return abi.ENOMEM
		}
	}
	for _, fresh := range spare[:n] {
		o.copy(fresh, e, h)
		if h > 0 {
			e = &o.mem.Table(fresh)[slot(at, h)]
			h--
		}
	}
	return 0
}

// below counts what is on the way from a node of height h, or a page, to a place,
// down to the height low.
func (o *Objects) below(pa uint64, h uint8, at uint64, low uint8) (n int) {
	for ; pa != 0; h-- {
		if n++; h == low {
			break
		}
		pa = frameOf(o.mem.Table(pa)[slot(at, h)])
	}
	return n
}

// copy puts a copy, in a fresh frame, in the place of the node or page of an
// entry; it is shared, so that the old one stays.
func (o *Objects) copy(fresh uint64, e *uint64, h uint8) {
	old := frameOf(*e)
	o.mem.Copy(fresh, old)
	if h > 0 {
		o.shareEach(o.mem.Table(fresh)[:])
	}
	o.frames.Unshare(old)
	*e = newEntry(fresh, framesOf(*e))
}

// cut makes x's the nodes that have places on both sides of one, so that what is
// on one side can go.
func (o *Objects) cut(x *object, at uint64) abi.Errno {
	for h := uint8(1); h <= x.height; h++ {
		if at&(span(h)-1) != 0 {
			return o.own(x, at, h)
		}
	}
	return 0
}
