// SPDX-License-Identifier: Apache-2.0

package paging

// Seek returns the first address from start up to end (exclusive) at which
// something is mapped, or false. Where nothing is, it skips what an entry of
// an upper table covers.
func (t Tables) Seek(env Env, start, end uint64) (va uint64, ok bool) {
	if start >= end || env.Format.checkRange(start, end-start) != OK {
		return 0, false
	}
	steps := 0
	w := walk{env: env, end: end, steps: &steps}
	for va = start; va < end; {
		e, level := w.down(t.Root, va)
		if *e != 0 {
			return va, true
		}
		va = w.next(va, level)
	}
	return 0, false
}

// Prepare makes the tables that a page at va, in the user part, needs, so that
// Map can't fail for want of one. NoMemory: some of them may have been made;
// UnmapRange over a range with va frees those that are empty.
func (t Tables) Prepare(env Env, va uint64) Code {
	if va >= env.Format.UserEnd {
		return WrongHalf
	}
	_, code := t.slot(env, va, 0)
	return code
}
