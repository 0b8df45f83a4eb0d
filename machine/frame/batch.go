// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"sync/atomic"

	"loam/machine/phys"
)

// Spare returns how many frames user owners may have: those that are free above
// the reserve. Frames in the processors' caches are not counted.
func (a *Allocator) Spare() uint64 {
	if free := atomic.LoadUint64(&a.free); free > a.reserve {
		return free - a.reserve
	}
	return 0
}

// UnshareEach is Unshare for each of n single frames that lie side by side from
// pa on, as those of a program's memory do when they were taken one after the
// other. Those that nobody else has become free at once, without a cache. It returns
// the first refusal, and goes on behind it.
func (a *Allocator) UnshareEach(pa, n uint64) (code Code) {
	a.lock.Lock()
	for n > 0 {
		k := a.unshareRun(pa, n)
		if k == 0 {
			if _, c := a.unshare(frontAt(a.fronts[User]), pa); c != OK && code == OK {
				code = c
			}
			k = 1
		}
		pa += k << phys.PageShift
		n -= k
	}
	a.lock.Unlock()
	return code
}

// unshareRun frees as many of the n frames from pa on as are single, have one
// reference, and belong to one owner, and returns how many those were. It leaves
// a frame alone that would be the only one, which is better kept in a cache.
func (a *Allocator) unshareRun(pa, n uint64) uint64 {
	r := a.region(pa)
	if r == nil || pa%phys.PageSize != 0 {
		return 0
	}
	i := (pa - r.start) >> phys.PageShift
	n = min(n, r.n-i)
	if !r.isReady(i) {
		return 0
	}
	m := r.rec(i).get()
	owner := metaOwner(m)
	if m != newMeta(StateSingle, owner, 1) {
		return 0
	}
	k := uint64(1)
	for k < n && ((i+k)%recordsPage != 0 || r.isReady(i+k)) && r.rec(i+k).get() == m {
		k++
	}
	if k == 1 {
		return 0
	}
	if checked {
		a.fill(pa, k)
	}
	r.forget(i, k)
	r.release(i, k, owner.class())
	a.setFree(a.free + k)
	a.owned[owner%16] -= k
	return k
}
