// SPDX-License-Identifier: Apache-2.0

package paging

// Seek returns the first address from start up to end (exclusive) at which
// something is mapped, or false. Where nothing is, it skips what an entry of
// an upper table covers.
func (t Tables) Seek(env Env, start, end uint64) (va uint64, ok bool) {
	if start >= end || env.Format.checkRange(start, end-start) != OK {
		return 0, false
	}
	w := walk{env: env, end: end}
	for va = start; va < end; {
		e, level := w.down(t.Root, va)
		if *e != 0 {
			return va, true
		}
		va = w.next(va, level)
	}
	return 0, false
}
