//go:build !race

// SPDX-License-Identifier: Apache-2.0

package frame

const raced = false

// get returns what the record says. A record that is being changed by another
// processor gives its old word or its new one, and both say that the block is
// not the reader's: a merge that looks at its buddy goes by no more than that.
func (r *record) get() meta { return r.meta }

// set makes the record say m.
func (r *record) set(m meta) { r.meta = m }

// setFree changes the number of free frames outside of caches. The lock is held;
// others load the word without it.
func (a *Allocator) setFree(n uint64) { a.free = n }
