// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Block is what a walk meets: a free block, a taken frame or a whole taken run.
type Block struct {
	Addr   uint64 // physical address of its first frame
	Frames uint64
	Region uint64 // physical address of the region's first frame
	State  State  // StateFree, StateSingle, StateRun or StateCached
	Owner  Owner  // Nobody when it is free
	Shared bool   // it has more than one reference
}

// Next returns what holds the frame at pa, or the first block above if no region
// has that frame; ok is false behind the last region. Where pa lies inside of
// something, the Block is the rest of it, from pa on.
//
// Calls with the end of one Block for the next pa walk all of memory by rising
// address. The lock is held in each call and not between them, so that a walk
// of any length keeps nobody waiting. On a machine that goes on meanwhile each
// Block was so at its moment, and they still tile the regions without a gap or
// an overlap.
func (a *Allocator) Next(pa uint64) (b Block, ok bool) {
	a.lock.Lock()
	b, ok = a.next(pa &^ (phys.PageSize - 1))
	a.lock.Unlock()
	return b, ok
}

func (a *Allocator) next(pa uint64) (Block, bool) {
	for k := range a.count {
		r := &a.regions[k%MaxRegions]
		end := r.start + r.n<<phys.PageShift
		if pa >= end {
			continue
		}
		pa = max(pa, r.start)
		f := a.frame(pa)
		b := Block{Addr: pa, Frames: 1, Region: r.start, State: f.State, Owner: f.Owner, Shared: f.Count > 1}
		// Not of damaged records: whatever they say, a walk gets on.
		if last := min(f.Head+f.Run<<phys.PageShift, end); f.State != StateNone && last > pa {
			b.Frames = (last - pa) >> phys.PageShift
		}
		return b, true
	}
	return Block{}, false
}
