//go:build race

// SPDX-License-Identifier: Apache-2.0

package frame

import "sync/atomic"

// What word.go does by plain loads and stores of one word, told to the race
// detector, which can't know that the order doesn't matter.

const raced = true

func (r *record) get() meta { return atomic.LoadUint64(&r.meta) }

func (r *record) set(m meta) { atomic.StoreUint64(&r.meta, m) }

func (a *Allocator) setFree(n uint64) { atomic.StoreUint64(&a.free, n) }
