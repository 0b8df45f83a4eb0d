// SPDX-License-Identifier: Apache-2.0

package frame

// Owned returns the number of frames that the owner holds. The difference of
// two calls tells what an operation in between has cost it.
func (a *Allocator) Owned(o Owner) uint64 { return a.owned[o%16] }
