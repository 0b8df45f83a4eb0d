// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"loam/abi"
	"loam/kernel/pool"
	"loam/machine/frame"
	"loam/machine/phys"
)

// PageSize is the size of a page in bytes.
const PageSize = abi.PageSize

// MaxPages is the most pages that an object can have: 64 GiB.
const MaxPages = 1 << 24

// More is what a call answers that is not done: it is made again. No program
// sees it. (Linux's ERESTARTNOINTR.)
const More abi.Errno = 513

// object is a memory object.
type object struct {
	handle  pool.Handle
	account *Account
	refs    uint32
	mapped  uint64 // pages in areas of spaces, as often as they are there
	writers uint64 // those of them in areas that may write
	size    uint64 // pages
	top     uint64 // pages from size up to here may still have frames: they go
	at      uint64 // and this far they have gone; of a dying object, places in the tree
	frames  uint64 // in the tree, which are charged

	root   uint64 // an entry without a count: a node, a page if height is 0; 0: nothing there
	height uint8  // levels of nodes
	base   uint64 // the place of page 0 in the tree

	fixed  bool   // each page has a frame, or is a device's, and keeps it: see fixed.go
	device uint64 // physical address of page 0 of a device's registers, 0: it is memory

	// The ring of objects that may share frames with this one. An object that is
	// alone, its own neighbour, shares none.
	next, prev int32

	paged bool // absent pages come from a pager: see paged.go
	open  bool // areas may be behind its end

	name [NameSize]byte
}

// NameSize is the most bytes that a name has.
const NameSize = abi.MemoryNameSize

// Objects is the pool of memory objects. An object is named by its index, which
// is good while the caller has a reference or a mapping.
type Objects struct {
	mem    phys.Memory
	frames *frame.Allocator
	pool   *pool.Pool[object]
	links  []pool.Link
	dying  pool.List
	steps  int // of a piece

	devices int // objects that are devices' registers, dying ones included
}

// pieceSteps bounds a piece: a node on the way to a page or eight entries of one
// are a step, a frame that goes is frameSteps.
const (
	pieceSteps = 4096
	frameSteps = 32
)

// Init makes a pool of n objects, whose memory comes from frames and is reached
// through mem. It is all that the package ever allocates.
func (o *Objects) Init(mem phys.Memory, frames *frame.Allocator, n int) {
	*o = Objects{mem: mem, frames: frames, pool: pool.New[object](n), links: make([]pool.Link, n), steps: pieceSteps}
}

// New makes an object of that many pages with one reference, the caller's. Its
// frames will be charged to a; nil charges nobody. EINVAL: no pages, or more
// than MaxPages. ENOSPC: there are too many objects.
func (o *Objects) New(pages uint64, a *Account) (int32, abi.Errno) {
	if pages == 0 || pages > MaxPages {
		return pool.Nil, abi.EINVAL
	}
	h, x, ok := o.pool.Get()
	if !ok {
		return pool.Nil, abi.ENOSPC
	}
	*x = object{handle: h, account: a, refs: 1, size: pages, top: pages, next: h.Index, prev: h.Index}
	return h.Index, 0
}

// SetOpen lets areas be behind the end of object i: they have the pages that are there when
// they are touched.
func (o *Objects) SetOpen(i int32) { o.pool.Index(i).open = true }

// Open reports whether areas may be behind the end of object i.
func (o *Objects) Open(i int32) bool { return o.pool.Index(i).open }

// SetName gives object i a name, of which NameSize bytes are kept. It is for
// people.
func (o *Objects) SetName(i int32, name []byte) {
	x := o.pool.Index(i)
	x.name = [NameSize]byte{}
	copy(x.name[:], name)
}

// Name is the name of object i, zeroes behind it.
func (o *Objects) Name(i int32) [NameSize]byte { return o.pool.Index(i).name }

// Len is the number of objects, dying ones included.
func (o *Objects) Len() int { return o.pool.Len() }

// Retain adds a reference to object i.
func (o *Objects) Retain(i int32) { o.pool.Index(i).refs++ }

// Release gives back a reference to object i.
func (o *Objects) Release(i int32) {
	x := o.pool.Index(i)
	if x.refs == 0 {
		panic("memory: a reference too many is given back")
	}
	x.refs--
	o.settle(i, x)
}

// MayWrite reports whether an area that may write can be attached to object i.
// It can't while others map frames that the object may share with a clone: whoever
// writes would need frames of the object's own, and those would keep the old ones.
func (o *Objects) MayWrite(i int32) bool {
	x := o.pool.Index(i)
	return x.mapped == 0 || x.writers > 0 || x.alone()
}

// Attach says that areas map n more pages of object i, and whether they may
// write: whether they are allowed to or can be given the right. MayWrite has to
// have been true for those that may.
func (o *Objects) Attach(i int32, n uint64, mayWrite bool) {
	x := o.pool.Index(i)
	if mayWrite {
		if !o.MayWrite(i) {
			panic("memory: an area may write frames that others share")
		}
		x.writers += n
	}
	x.mapped += n
}

// Detach says that areas map n pages less of object i, attached with the same
// mayWrite, and that no page table and no processor knows those any more.
func (o *Objects) Detach(i int32, n uint64, mayWrite bool) {
	x := o.pool.Index(i)
	readers := x.mapped - x.writers
	switch {
	case mayWrite && n <= x.writers:
		x.writers -= n
	case mayWrite || n > readers:
		panic("memory: unmapped more than was mapped")
	}
	x.mapped -= n
	o.settle(i, x)
}

// settle has an object die that nobody can name any more.
func (o *Objects) settle(i int32, x *object) {
	if x.refs == 0 && x.mapped == 0 {
		x.at = 0
		o.dying.PushBack(o.links, i)
	}
}

// Dying reports whether Reap has anything to do.
func (o *Objects) Dying() bool { return !o.dying.Empty() }

// Reap gives back a piece of what dying objects have, and returns the one that is
// gone with it, or pool.Nil.
func (o *Objects) Reap() (gone int32) {
	i := o.dying.First()
	if i == pool.Nil {
		return pool.Nil
	}
	x := o.pool.Index(i)
	var done bool
	if x.at, done = o.drop(x, x.at, everything); !done {
		return pool.Nil
	}
	o.dying.Remove(o.links, i)
	if x.device != 0 {
		o.devices--
	}
	o.pool.Put(x.handle)
	return i
}

// Pages is the size of object i in pages.
func (o *Objects) Pages(i int32) uint64 { return o.pool.Index(i).size }

// Mapped is how many pages of object i areas map, counted for each area.
func (o *Objects) Mapped(i int32) uint64 { return o.pool.Index(i).mapped }

// Frames is what object i is charged for.
func (o *Objects) Frames(i int32) uint64 { return o.pool.Index(i).frames }

// Resize gives object i another size. It grows at once; when it shrinks, what it
// loses goes in pieces, and is zero when the object grows again. EINVAL: no
// pages, or more than MaxPages, or the object is fixed. EBUSY: it would shrink, and something maps it.
// ENOMEM: it would shrink, what it keeps has to be told from a clone's, and the
// machine has no frame for that. More: call it again with the same size. The size
// of an object that shrinks is the new one at once, and whoever makes it grow
// meanwhile helps first.
func (o *Objects) Resize(i int32, pages uint64) abi.Errno {
	x := o.pool.Index(i)
	switch {
	case pages == 0 || pages > MaxPages || x.fixed:
		return abi.EINVAL
	case pages < x.size && x.mapped > 0:
		return abi.EBUSY
	}
	if pages < x.size {
		if errno := o.cut(x, x.base+pages); errno != 0 {
			return errno
		}
		x.size, x.at = pages, pages
	}
	if x.top > x.size {
		next, done := o.drop(x, x.base+x.at, everything)
		if !done {
			x.at = next - x.base
			return More
		}
	}
	x.size, x.top = pages, pages
	return 0
}

// Decommit gives back the frames of a range of pages of object i, which are zero
// then. It does a piece, and returns the page where it goes on, which is end if
// it is done. EINVAL: not a range of the object's pages, or it is fixed. EBUSY: something maps
// the object. ENOMEM: what lies around the range has to be told from a clone's,
// and the machine has no frame for that.
func (o *Objects) Decommit(i int32, first, end uint64) (next uint64, errno abi.Errno) {
	x := o.pool.Index(i)
	switch {
	case first > end || end > x.size || x.fixed:
		return first, abi.EINVAL
	case x.mapped > 0:
		return first, abi.EBUSY
	case first == end:
		return end, 0
	}
	from, to := x.places(first, end)
	if errno = o.cut(x, from); errno == 0 {
		errno = o.cut(x, to)
	}
	if errno != 0 {
		return first, errno
	}
	next, done := o.drop(x, x.base+first, to)
	if next -= x.base; done || next > end {
		next = end
	}
	return next, 0
}
