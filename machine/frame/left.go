// SPDX-License-Identifier: Apache-2.0

package frame

import "sync/atomic"

// Left returns how many frames are free, the reserve included, but not those in the
// processors' caches: one load, for those who watch.
func (a *Allocator) Left() uint64 { return atomic.LoadUint64(&a.free) }

// Reserved returns what SetReserve was told.
func (a *Allocator) Reserved() uint64 { return a.reserve }

// LeftInAll is Left with the frames in the caches, exactly: what a kernel owner could
// have, who gets those too when there are no others.
func (a *Allocator) LeftInAll() uint64 {
	var held [2 * MaxCPUs]uint64
	a.still(&held)
	left := a.free
	for _, n := range held {
		left += n
	}
	a.goOn(&held)
	return left
}
