// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"
	"sync/atomic"

	"loam/machine/phys"
	"loam/machine/spin"
)

// Share adds a reference to the taken frame or run that starts at pa.
func (a *Allocator) Share(pa uint64) Code {
	a.lock.Lock()
	code := a.share(pa)
	a.lock.Unlock()
	return code
}

func (a *Allocator) share(pa uint64) Code {
	rec := a.taken(pa)
	switch {
	case rec == nil:
		return a.notTaken(pa)
	case metaCount(rec.get()) == 1<<32-1:
		return a.fail(TooShared, pa)
	}
	rec.set(rec.get() + reference)
	return OK
}

// Unshare drops a reference to the taken frame or run that starts at pa, and
// frees it with the last one, through the cache of the processor last named by Use.
func (a *Allocator) Unshare(pa uint64) (freed bool, code Code) {
	return a.unshareAt(a.fronts[User], pa)
}

// UnshareOn is Unshare through the cache of processor cpu, the caller's.
func (a *Allocator) UnshareOn(cpu uint32, pa uint64) (freed bool, code Code) {
	return a.unshareAt(a.frontOn(cpu, User), pa)
}

// unshareAt is Unshare, by a front for users: theirs are nearly all of the frames
// that it is called for. See allocAt.
//
//go:nosplit
func (a *Allocator) unshareAt(at uintptr, pa uint64) (freed bool, code Code) {
	f := frontAt(at)
	n := atomic.SwapUint64(&f.word.N, spin.Taken)
	if checked {
		f.word.Entered(n)
	}
	i := bits.RotateLeft64(pa+f.origin, -phys.PageShift) // as index
	if n >= CacheFrames || i >= f.size {
		return a.unshareSlow(f, n, pa)
	}
	rec := recordAt(f.records + uintptr(i)*recordSize)
	m := rec.get()
	o := m >> 16 & 0xff
	if m&^ownerMask != reference|meta(StateSingle) || o < uint64(User) {
		return a.unshareSlow(f, n, pa)
	}
	if checked {
		a.fill(pa, 1)
	}
	*f.ownedBy(o)--
	*f.slot(n) = pa
	rec.set(metaFreed)
	if checked {
		f.word.Leaving()
	}
	atomic.StoreUint64(&f.word.N, n+1)
	return true, OK
}

// unshareSlow is Unshare for shared frames, runs, kernel owners, and what is none
// of these. unshareAt has found n in the word.
//
//go:noinline
func (a *Allocator) unshareSlow(f *front, n, pa uint64) (freed bool, code Code) {
	if n != spin.Taken {
		f.word.Give(n)
	}
	a.lock.Lock()
	freed, code = a.unshare(f, pa)
	a.lock.Unlock()
	return freed, code
}

func (a *Allocator) unshare(f *front, pa uint64) (freed bool, code Code) {
	rec := a.taken(pa)
	if rec == nil {
		return false, a.notTaken(pa)
	}
	m := rec.get()
	if metaCount(m) > 1 {
		rec.set(m - reference)
		return false, OK
	}
	o := metaOwner(m)
	if metaState(m) == StateSingle {
		if o < User {
			f = frontAt(a.frontOn(a.cpuOf(f), o))
		}
		return true, a.free1(f, pa, o)
	}
	return true, a.freeRun(pa, uint64(rec.run), o)
}

// References returns the number of references to the taken frame or run that
// starts at pa.
func (a *Allocator) References(pa uint64) (uint32, Code) {
	a.lock.Lock()
	n, code := uint32(0), OK
	if rec := a.taken(pa); rec != nil {
		n = metaCount(rec.get())
	} else {
		code = a.notTaken(pa)
	}
	a.lock.Unlock()
	return n, code
}

// taken returns the record of the taken frame or run that starts at pa, or nil.
func (a *Allocator) taken(pa uint64) *record {
	r := a.region(pa)
	if r == nil || pa%phys.PageSize != 0 {
		return nil
	}
	i := (pa - r.start) >> phys.PageShift
	if !r.isReady(i) {
		return nil
	}
	rec := r.rec(i)
	if s := metaState(rec.get()); s != StateSingle && s != StateRun {
		return nil
	}
	return rec
}

// notTaken says why there is no taken frame or run that starts at pa.
func (a *Allocator) notTaken(pa uint64) Code {
	f := a.frame(pa)
	switch {
	case f.State == StateNone || pa%phys.PageSize != 0:
		return a.fail(BadAddress, pa)
	case f.State == StateRun:
		return a.fail(NotHead, pa)
	}
	return a.fail(NotTaken, pa)
}

// Owner returns the owner of the frame at pa, Nobody when it is free or in no
// region.
func (a *Allocator) Owner(pa uint64) Owner { return a.Frame(pa).Owner }
