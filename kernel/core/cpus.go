//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"math/bits"
	"sync/atomic"

	"loam/abi"
	"loam/kernel/pool"
	"loam/kernel/space"
	"loam/machine/metal"
	"loam/machine/spin"
)

// Several CPUs: the kernel lock, what one CPU orders of another, and the
// forgetting of translations. The rules are in docs/concurrency.md.

// kernelLock guards the kernel floor. With one CPU nobody takes it, for there is
// nobody to keep out: interrupts are off.
var kernelLock = spin.Lock{Rank: metal.RankKernel}

// unlock gives the kernel lock back without going out.
func unlock() {
	if k.several {
		kernelLock.Unlock()
	}
}

// Bits of runner.orders. They are set and taken with the kernel lock held.
const (
	orderLook   = 1 << iota // choose again: the queue has changed
	orderSignal             // the current thread has a signal to take
	orderEnd                // the current thread has ended
	orderForget             // forget translations
	orderLeave              // leave the root that is loaded: its space ends
)

// comeIn takes the kernel lock after a trap, and obeys what was ordered meanwhile.
func (r *runner) comeIn() {
	if r.pair.state != apart {
		r.part()
	}
	if !k.several {
		return
	}
	atomic.StoreUint32(&r.out, 0)
	kernelLock.Lock()
	k.holder = r.id
	k.frames.Use(uint32(r.id))
	if r.orders != 0 {
		r.obey()
	}
}

// goOut gives the kernel lock back before the next entry, if there is no more work
// to do under it.
func (r *runner) goOut() {
	if r.work |= k.dirty; r.work != 0 {
		return
	}
	r.now = 0
	if k.several {
		atomic.StoreUint32(&r.out, 1)
		kernelLock.Unlock()
	}
}

// obey does what other CPUs have ordered.
func (r *runner) obey() {
	orders := r.orders
	r.orders = 0
	r.seeCode()
	if orders&orderEnd != 0 {
		r.drop()
	}
	if orders&orderForget != 0 {
		f := r.forget
		r.forget = space.Flush{}
		r.forgetHere(f)
		if r.loaded != pool.Nil {
			r.cpu.SeenChanges(k.spaces.Index(r.loaded).Changes)
		}
	}
	if orders&orderLeave != 0 && r.loaded != pool.Nil && k.spaces.Index(r.loaded).ending {
		r.unload()
	}
	if orders&orderSignal != 0 {
		r.work |= workSignal
	}
	r.work |= workChoose
}

// order has another CPU do something before it goes out again; it is interrupted
// if it is out or idle.
func (r *runner) order(o *runner, what uint32) {
	o.orders |= what
	if o.idle || atomic.LoadUint32(&o.out) != 0 {
		o.cpu.Kick()
	}
}

// runner gives the runner whose current thread is t, or nil.
func (t *Thread) runner() *runner {
	if t.on == 0 {
		return nil
	}
	return &k.runners[t.on-1]
}

// load loads the space of a seat.
func (r *runner) load(s *seat) {
	s.as.Loaded = true
	r.near.pairs = 0
	if k.several {
		atomic.StoreInt32(&r.loaded, s.space) // before Changes is read: see shoot
	} else {
		r.loaded = s.space
	}
	r.cpu.UseSpace(s.root, s.number, s.as.Changes)
}

// number is no other space's, ever.
func (s *Space) number() uint64 { return uint64(s.handle.Gen)<<32 | uint64(s.handle.Index) }

// unload leaves the root that is loaded.
func (r *runner) unload() {
	atomic.StoreInt32(&r.loaded, pool.Nil)
	r.cpu.UseRoot(metal.KernelRoot())
}

// loaders gives the CPUs that have a space loaded, as bits.
func (k *kernel) loaders(index int32) (set uint64) {
	for i := range k.runners {
		if atomic.LoadInt32(&k.runners[i].loaded) == index {
			set |= 1 << i
		}
	}
	return set
}

// enqueue makes entity i, which is in no queue, runnable, and lets its CPU know.
func (r *runner) enqueue(i int32, now int64) {
	cpu, look := r.queue.Wake(i, now)
	switch {
	case cpu != int(r.id):
		r.kick() // else there may be more to come, and choose takes them
	case look:
		r.work |= workChoose
	case r.work&workChoose == 0: // the current thread goes on, for a slice
		r.armBy(now + r.queue.Slice())
	}
}

// kick has the CPUs look that the scheduler wants to.
func (r *runner) kick() {
	for set := k.sched.TakeKicks(); set != 0; set &= set - 1 {
		r.order(&k.runners[bits.TrailingZeros64(set)], orderLook)
	}
}

// forgetHere makes this CPU forget translations of the space that it has loaded.
func (r *runner) forgetHere(f space.Flush) {
	const few = 32 // pages: beyond that forgetting all costs less
	r.near = near{}
	if !f.Any() {
		return
	}
	if f.Pages() > few || f.Tables && metal.PagesApart {
		metal.FlushAll()
		return
	}
	for va := f.Start; va < f.End; va += abi.PageSize {
		metal.FlushPage(va)
	}
}

// flush makes this CPU forget what it alone has to, of the space that it has loaded:
// the thread whose call has changed that may be no more, and another one of its
// process be next.
func (r *runner) flush() {
	k.dirty = 0
	if r.loaded == pool.Nil {
		return
	}
	s := &k.spaces.Index(r.loaded).Space
	r.forgetHere(s.TakeLocal())
	if !k.several {
		r.forgetHere(s.TakeFlush())
		r.cpu.SeenChanges(s.Changes)
	}
}

// shoot makes every CPU forget the translations that s says are not so any more,
// and returns when that is so. The caller holds the kernel lock. It is the Shoot
// of spaces on several CPUs.
//
// A CPU may load s at this very moment, without the kernel lock (package ipc). It
// says that it has loaded s, and then reads how often s has changed; here s has
// changed, and then CPUs are asked what they have loaded. With a barrier between the
// two on either side, one of them sees the other.
func shoot(s *space.Space) {
	f, waits := s.TakeFlush(), uint64(0)
	atomic.AddUint32(&k.barriers, 1)
	for i := range k.runners {
		o := &k.runners[i]
		loaded := atomic.LoadInt32(&o.loaded)
		if loaded == pool.Nil || &k.spaces.Index(loaded).Space != s {
			continue
		}
		if int32(i) == k.holder {
			o.forgetHere(f)
			o.cpu.SeenChanges(s.Changes)
			continue
		}
		o.forget = o.forget.With(f)
		o.orders |= orderForget
		if atomic.LoadUint32(&o.out) != 0 {
			o.cpu.Kick()
			waits |= 1 << i
		}
	}
	await(waits)
}

// await waits until each CPU of a set has come in, which it was interrupted for.
func await(set uint64) {
	for i := range k.runners {
		if set>>i&1 != 0 {
			for atomic.LoadUint32(&k.runners[i].out) != 0 {
				spin.Pause()
			}
		}
	}
}

// barrier brings every other CPU that runs in s, or in any space if it is nil, in
// and out again: membarrier(2).
func (r *runner) barrier(s *space.Space) {
	waits := uint64(0)
	atomic.AddUint32(&k.barriers, 1) // as in shoot
	for i := range k.runners {
		if o := &k.runners[i]; o != r && (s == nil || o.has(s)) && atomic.LoadUint32(&o.out) != 0 {
			r.order(o, orderLook)
			waits |= 1 << i
		}
	}
	await(waits)
}

// near is where a thread last had a clock's time stored: the page of user memory
// that can be written, and where that is. It is to this CPU what a
// translation in the processor is, and is forgotten together with those, or when
// another space is loaded.
type near struct {
	page  uint64
	pa    uint64
	pairs uint64 // offsets below it have room for two words, 0 if there is no page
}

// rememberNear keeps where the kernel has just stored two words for the thread.
func (r *runner) rememberNear(va abi.UserAddr) {
	const room = abi.PageSize - 15 // offsets with room for 16 bytes
	if off, ok := r.as.HotPair(va); ok {
		r.near = near{page: uint64(va) - off, pa: r.as.HotWord(0), pairs: room}
	}
}

// setAffinity says on which CPUs thread i may run, and moves it if it has to; false
// if none of them is there.
func (r *runner) setAffinity(i int32, set uint64) bool {
	ok := k.sched.SetAffinity(i, set, r.time(), int(r.id))
	r.kick()
	r.work |= workChoose
	return ok
}

// has reports whether a CPU has a space loaded.
func (r *runner) has(s *space.Space) bool {
	i := atomic.LoadInt32(&r.loaded)
	return i != pool.Nil && &k.spaces.Index(i).Space == s
}
