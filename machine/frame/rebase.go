// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Rebase has the allocator reach the same physical memory through another window from
// now on: the kernel's final page tables map it elsewhere than the early ones. The old
// window must still reach it, the new one only when the allocator is used next. Nobody
// else may use it meanwhile. No frame is in a cache afterwards.
func (a *Allocator) Rebase(mem phys.Memory) {
	a.Drain()
	for c := range a.used {
		for k := range a.caches[c%MaxCPUs].fronts {
			h := &a.caches[c%MaxCPUs].fronts[k].head
			h.origin, h.size, h.records, h.shift = 0, 0, 0, 0
		}
	}
	a.mem = mem
	for k := range a.count {
		r := &a.regions[k%MaxRegions]
		r.reach(mem)
	}
}
