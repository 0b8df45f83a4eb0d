// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"
	"sync/atomic"

	"loam/machine/phys"
	"loam/machine/spin"
)

// cache is what one processor keeps of free frames: a front for each class. nobody
// is what an invalid owner is led to, which has nothing and takes nothing.
type cache struct {
	nobody head
	fronts [2]front
}

// head is the beginning of a front. Its word is the length of the stack, and guards
// all of the front. The processor itself takes it, without the allocator's lock,
// and others do with the lock held: to drain, and to count.
type head struct {
	word spin.Word

	// The window is a range of frames whose records may be read.
	origin  uint64 // less its first frame's physical address, modulo 2^64
	size    uint64 // frames
	records uintptr

	// shift is the virtual address of a record of the front's region less its
	// frame's physical one divided by 256: so much shorter than a frame is a record.
	shift uint64
}

// front is a stack of free single frames of one region, and counts what goes
// through it.
type front struct {
	head
	owned [16]uint64          // taken here less freed here, by owner, modulo 2^64
	stack [CacheFrames]uint64 // their physical addresses
}

// Alloc takes one frame through the cache of the processor last named by Use, and
// returns its physical address. Its content is whatever it was.
func (a *Allocator) Alloc(o Owner) (uint64, Code) {
	return a.allocAt(a.fronts[min(o, 15)], uint64(o))
}

// AllocOn is Alloc through the cache of processor cpu, the caller's.
func (a *Allocator) AllocOn(cpu uint32, o Owner) (uint64, Code) {
	return a.allocAt(a.frontOn(cpu, o), uint64(o))
}

// allocAt takes a frame from the front at an address, which is for the owner. Taking
// a frame and freeing it is to cost no more than 60 instructions: so the compiler
// finds the front's place where it inlines Alloc, and there is no stack check (what
// allocAt calls has one).
//
//go:nosplit
func (a *Allocator) allocAt(at uintptr, o uint64) (uint64, Code) {
	f := frontAt(at)
	n := atomic.SwapUint64(&f.word.N, spin.Taken)
	if checked {
		f.word.Entered(n)
	}
	k := n - 1
	if k >= CacheFrames { // empty, or taken
		return a.allocSlow(f, n, Owner(o))
	}
	pa, m := *f.slot(k), *a.singleOf(o)
	rec := recordAt(uintptr(f.shift + pa>>8)) // as recordOf
	if checked && !a.intact(rec, pa) {
		return a.allocSlow(f, n, Owner(o)) // which names it
	}
	if raced {
		rec.set(m)
	} else {
		rec.meta = m
	}
	*f.ownedBy(o)++
	if checked {
		f.word.Leaving()
	}
	atomic.StoreUint64(&f.word.N, k)
	return pa, OK
}

// allocSlow goes the long way, of which f.word.Try has given n.
//
//go:noinline
func (a *Allocator) allocSlow(f *front, n uint64, o Owner) (uint64, Code) {
	if n != spin.Taken {
		f.word.Give(n)
	}
	a.lock.Lock()
	pa, code := a.alloc1(f, o)
	a.lock.Unlock()
	return pa, code
}

// alloc1 takes a frame from the front, which is filled if it must be.
func (a *Allocator) alloc1(f *front, o Owner) (uint64, Code) {
	if !o.valid() {
		return 0, a.fail(BadOwner, 0)
	}
	a.used = max(a.used, uint64(a.cpuOf(f))+1)
	class := o.class()
	n := f.word.Take()
	if n == 0 {
		if n = a.gather(f, class); n == 0 {
			f.word.Give(0)
			a.drainAll() // frames may lie in other caches
			if n = f.word.Take(); n == 0 {
				n = a.gather(f, class)
			}
		}
	}
	if n-1 >= CacheFrames {
		f.word.Give(n)
		return 0, a.fail(NoMemory, 0)
	}
	n--
	pa := f.stack[n]
	rec := f.recordOf(pa)
	harmed := checked && !a.intact(rec, pa)
	rec.set(newMeta(StateSingle, o, 1))
	*f.ownedBy(uint64(o))++
	f.word.Give(n)
	if harmed {
		a.fail(Written, pa)
	}
	return pa, OK
}

// Free gives back one frame that Alloc took for the owner, through the cache of
// the processor last named by Use.
func (a *Allocator) Free(pa uint64, o Owner) Code {
	return freeAt(pa, a.fronts[min(o, 15)], uint64(o), a)
}

// FreeOn is Free through the cache of processor cpu, the caller's.
func (a *Allocator) FreeOn(cpu uint32, pa uint64, o Owner) Code {
	return freeAt(pa, a.frontOn(cpu, o), uint64(o), a)
}

// freeAt frees a frame of an owner that the front is for; see allocAt. The arguments
// are in the order in which callers need the fewest instructions for them.
//
//go:nosplit
func freeAt(pa uint64, at uintptr, o uint64, a *Allocator) Code {
	f := frontAt(at)
	n := atomic.SwapUint64(&f.word.N, spin.Taken)
	if checked {
		f.word.Entered(n)
	}
	i := bits.RotateLeft64(pa+f.origin, -phys.PageShift) // as index
	if n >= CacheFrames || i >= f.size {                 // full, or taken; or look closer
		return a.freeSlow(f, n, pa, Owner(o))
	}
	rec := recordAt(f.records + uintptr(i)*recordSize)
	if rec.get() != *a.singleOf(o) {
		return a.freeSlow(f, n, pa, Owner(o))
	}
	if checked {
		a.fill(pa, 1)
	}
	*f.ownedBy(o)--
	*f.slot(n) = pa
	if raced {
		rec.set(metaFreed)
	} else {
		rec.meta = metaFreed
	}
	if checked {
		f.word.Leaving()
	}
	atomic.StoreUint64(&f.word.N, n+1)
	return OK
}

// index returns the number of the frame at pa in the window, or a number beyond
// every window: the bits of an address within a frame become the highest.
func (f *head) index(pa uint64) uint64 {
	return bits.RotateLeft64(pa+f.origin, -phys.PageShift)
}

// freeSlow goes the long way, of which f.word.Try has given n.
//
//go:noinline
func (a *Allocator) freeSlow(f *front, n uint64, pa uint64, o Owner) Code {
	if n != spin.Taken {
		f.word.Give(n)
	}
	a.lock.Lock()
	code := a.free1(f, pa, o)
	a.lock.Unlock()
	return code
}

// free1 frees a single frame to the front, which is emptied if it must be.
func (a *Allocator) free1(f *front, pa uint64, o Owner) Code {
	r := a.region(pa)
	if r == nil || pa%phys.PageSize != 0 || !o.valid() {
		return a.refuse(pa, 1, o)
	}
	i := (pa - r.start) >> phys.PageShift
	if !r.isReady(i) || r.rec(i).get() != newMeta(StateSingle, o, 1) {
		return a.refuse(pa, 1, o)
	}
	a.used = max(a.used, uint64(a.cpuOf(f))+1)
	n := f.word.Take()
	switch {
	case n > 0 && f.shift != r.shift():
		n = a.drain(f, n, n, o.class())
	case n >= CacheFrames:
		n = a.drain(f, n, CacheFrames/2+1, o.class())
	}
	if n >= CacheFrames {
		f.word.Give(n)
		return a.fail(Corrupt, pa)
	}
	f.shift = r.shift()
	if f.index(pa) >= f.size {
		f.aim(r, i)
	}
	if checked {
		a.fill(pa, 1)
	}
	r.rec(i).set(metaFreed)
	*f.ownedBy(uint64(o))--
	f.stack[n] = pa
	f.word.Give(n + 1)
	return OK
}

// shift is a front's for the region.
func (r *region) shift() uint64 { return uint64(r.records) - r.start>>8 }

// aim moves the window to frame i, whose record may be read, and as many around it
// as a bounded look finds of that kind.
func (f *head) aim(r *region, i uint64) {
	const most = 2048 // pages of records on either side
	lo := i / recordsPage
	hi := lo + 1
	for k := 0; k < most && lo > 0 && r.isReady((lo-1)*recordsPage); k++ {
		lo--
	}
	for k := 0; k < most && hi*recordsPage < r.n && r.isReady(hi*recordsPage); k++ {
		hi++
	}
	lo *= recordsPage
	f.origin = -(r.start + lo<<phys.PageShift)
	f.size = min(hi*recordsPage, r.n) - lo
	f.records = r.recordOf(lo)
}

// gather moves up to a batch of frames from the lowest free blocks of the highest
// region that has any to the empty front, and returns how many. They are popped by
// rising address, so that neighbours stay neighbours as programs age.
func (a *Allocator) gather(f *front, class uint8) uint64 {
	want := uint64(batch)
	if class == classUser {
		if a.free <= a.reserve {
			return 0
		}
		want = min(want, a.free-a.reserve)
	}
	left := want
	for k := a.count; k > 0 && left == want; k-- {
		r := &a.regions[(k-1)%MaxRegions]
		for left > 0 {
			t, g := r.begun(class)
			if t == nil {
				break
			}
			left = a.pluck(f, r, g, left)
			t.set(g, r.group(g).largest())
		}
	}
	n := want - left
	a.setFree(a.free - n)
	for k := uint64(0); left > 0 && k < n; k++ { // fewer than wanted: they lie too high
		f.stack[k%CacheFrames] = f.stack[(left+k)%CacheFrames]
	}
	return n
}

// pluck moves up to left free frames of group g to the front, and returns how many of
// left it has not.
func (a *Allocator) pluck(f *front, r *region, g, left uint64) uint64 {
	if f.shift != r.shift() {
		f.shift, f.size = r.shift(), 0 // the window was another region's
	}
	for k, w := range r.group(g) {
		if w == 0 {
			continue
		}
		first := g*lineBits + uint64(k)*64 - r.skew // modulo 2^64
		r.touch(first + uint64(bits.TrailingZeros64(w)))
		r.touch(first + 63 - uint64(bits.LeadingZeros64(w))) // on two pages of records at most
		for ; w != 0 && left > 0; w &= w - 1 {
			i := first + uint64(bits.TrailingZeros64(w))
			left--
			r.rec(i).set(metaCached)
			f.stack[left%CacheFrames] = r.start + i<<phys.PageShift
		}
		r.group(g)[k&7] = w
		if left == 0 {
			break
		}
	}
	return left
}
