// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// ShareEach is Share for several frames, under one lock. With an error none of them
// gets a reference.
func (a *Allocator) ShareEach(frames []uint64) Code {
	a.lock.Lock()
	code := a.shareEach(frames)
	a.lock.Unlock()
	return code
}

func (a *Allocator) shareEach(frames []uint64) Code {
	var r *region
	for n, pa := range frames {
		if r == nil || pa-r.start >= r.n<<phys.PageShift {
			r = a.region(pa)
		}
		if r != nil && pa%phys.PageSize == 0 {
			if i := (pa - r.start) >> phys.PageShift; r.isReady(i) {
				rec := r.rec(i)
				if m := rec.get(); metaState(m) == StateSingle && metaCount(m) != 1<<32-1 {
					rec.set(m + reference)
					continue
				}
			}
		}
		if code := a.share(pa); code != OK { // a run, or a mistake
			for _, pa := range frames[:n] {
				rec := a.taken(pa)
				rec.set(rec.get() - reference)
			}
			return code
		}
	}
	return OK
}
