// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"loam/machine/phys"
	"loam/machine/spin"
)

// Allocator hands out page frames. It knows its own address: it must be static, or
// on a heap that doesn't move. Init, SetReserve, Reserve, AddRegion, Release and
// Rebase come before there is a second processor and take no lock.
type Allocator struct {
	// fronts are the addresses of the fronts that Alloc, Free and Unshare go through,
	// by owner, and of nobody's for all others: those of processor using. Whoever
	// calls them has called Use, or is the only one that does.
	fronts [16]uintptr
	single [16]meta // the record of a single frame, by owner; constant after Init
	using  uint32

	caches [MaxCPUs]cache

	// lock guards what follows, and that frames move between fronts and regions.
	lock     spin.Lock
	mem      phys.Memory
	used     uint64 // caches that somebody has gone through: those below
	count    uint64 // regions
	total    uint64 // frames of all regions
	free     uint64 // free frames, without the caches; atomic for others
	reserve  uint64 // frames that user owners leave alone
	spans    uint64 // reserved ranges
	owned    [16]uint64
	regions  [MaxRegions]region // by rising address
	reserved [MaxReserved]span  // by rising address
	mistakes uint64             // atomic for others
	last     Report
	mistake  Report
}

var _ [16 - Owners]struct{}

// Init prepares a zero Allocator, without any memory yet, to work over mem.
func (a *Allocator) Init(mem phys.Memory) {
	pin(a)
	a.mem = mem
	a.lock.Rank = LockRank
	a.use(0)
	for o := range Owners {
		if o.valid() {
			a.single[o%16] = newMeta(StateSingle, o, 1)
		}
	}
	if spin.Checked {
		for c := range a.caches {
			for k := range a.caches[c].fronts {
				a.caches[c].fronts[k].word.Rank = FrontRank
			}
		}
	}
}

// SetReserve keeps n frames from user owners.
func (a *Allocator) SetReserve(n uint64) { a.reserve = n }

// Use has Alloc, Free and Unshare go through the cache of processor cpu, below
// MaxCPUs. On several processors they belong to whoever holds a certain lock, and
// Use comes after taking it.
func (a *Allocator) Use(cpu uint32) {
	if a.using != cpu {
		a.use(cpu)
	}
}

//go:noinline
func (a *Allocator) use(cpu uint32) {
	a.using = cpu
	for o := range a.fronts {
		a.fronts[o] = a.frontOn(cpu, Owner(o))
	}
}

// region returns the region that holds pa, or nil.
func (a *Allocator) region(pa uint64) *region {
	for k := range a.count {
		r := &a.regions[k%MaxRegions]
		if pa-r.start < r.n<<phys.PageShift {
			return r
		}
	}
	return nil
}
