//go:build !loam

// SPDX-License-Identifier: Apache-2.0

package frame

import "sync/atomic"

var pinned atomic.Pointer[Allocator]

// pin keeps a off the stacks of goroutines, which move: the compiler puts what a
// variable may refer to on the heap.
func pin(a *Allocator) { pinned.Store(a) }
