// SPDX-License-Identifier: Apache-2.0

package paging

// Leaf returns what Lookup does for the page of va, and the level of the leaf:
// above 0 the page is a part of a large one.
func (t Tables) Leaf(env Env, va uint64) (pa uint64, prot Prot, level uint, ok bool) {
	f := env.Format
	if !f.Canonical(va) {
		return 0, 0, 0, false
	}
	e, level := t.find(env, va)
	if e == nil {
		return 0, 0, 0, false
	}
	return f.addr(*e) + va&(Span(level)-1)&^(PageSize-1), f.prot(*e), level, true
}

// HasTable reports whether there is a leaf table for va: whether Map needs no
// frame.
func (t Tables) HasTable(env Env, va uint64) bool {
	return env.Format.Canonical(va) && t.entry(env, va&^(PageSize-1)) != nil
}

// Filled returns how many pages are mapped of the 512 that share a leaf table
// with va, or are mapped by one large leaf: all of them then.
func (t Tables) Filled(env Env, va uint64) (n int) {
	f := env.Format
	if !f.Canonical(va) {
		return 0
	}
	table := env.Mem.Table(t.Root)
	for level := f.Levels - 1; level > 0; level-- {
		e := table[va>>shift(level)&indexMask]
		if e == 0 {
			return 0
		}
		if f.isLeaf(e, level) {
			return len(table)
		}
		table = env.Mem.Table(f.addr(e))
	}
	for _, e := range table {
		if e != 0 {
			n++
		}
	}
	return n
}
