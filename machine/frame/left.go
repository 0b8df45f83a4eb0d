// SPDX-License-Identifier: Apache-2.0

package frame

import "sync/atomic"

// Left returns how many frames are free, the reserve included, but not those in the
// processors' caches: one load, for those who watch.
func (a *Allocator) Left() uint64 { return atomic.LoadUint64(&a.free) }

// Reserved returns what SetReserve was told.
func (a *Allocator) Reserved() uint64 { return a.reserve }
