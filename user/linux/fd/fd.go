// SPDX-License-Identifier: Apache-2.0

// Package fd is a process's descriptors: small numbers for open files. What an open file is
// is its user's; a table keeps pointers to them, and doesn't count how many there are.
//
// The lowest number that is free is what a new descriptor gets, which programs rely on. A word of
// bits for each 64 numbers says which are taken, and where a free one can be at the earliest is
// known, so finding it doesn't take longer with many open ones.
package fd

import "math/bits"

// Table is a process's descriptors. The zero value has none, and Limit must be set.
type Table[F any] struct {
	Limit int // numbers are below it

	slots []slot[F]
	used  []uint64 // a bit for each slot
	free  int      // none below this word is free
	count int
}

type slot[F any] struct {
	file      *F
	closeExec bool
}

// Len is how many descriptors there are.
func (t *Table[F]) Len() int { return t.count }

// Get gives the file of a descriptor, nil: there is none.
func (t *Table[F]) Get(fd int32) *F {
	if uint(fd) < uint(len(t.slots)) { // also if it is negative
		return t.slots[fd].file
	}
	return nil
}

// Add gives a file the lowest number from least on. false: there is none below the limit.
func (t *Table[F]) Add(f *F, least int, closeExec bool) (int32, bool) {
	n := t.lowest(least)
	if n >= t.Limit {
		return 0, false
	}
	t.put(n, f, closeExec)
	return int32(n), true
}

// Free reports whether Add would find a number from 0 on.
func (t *Table[F]) Free() bool { return t.lowest(0) < t.Limit }

func (t *Table[F]) lowest(least int) int {
	w := least / 64
	mask := ^uint64(0) << (least % 64)
	if w < t.free {
		w, mask = t.free, ^uint64(0)
	}
	first := least <= 64*t.free
	for ; w < len(t.used); w++ {
		if v := ^t.used[w] & mask; v != 0 {
			if first {
				t.free = w
			}
			return 64*w + bits.TrailingZeros64(v)
		}
		mask = ^uint64(0)
	}
	return max(64*w, least)
}

// put sets a slot, which is free.
func (t *Table[F]) put(n int, f *F, closeExec bool) {
	for len(t.used) <= n/64 {
		t.used = append(t.used, 0)
	}
	for len(t.slots) <= n {
		t.slots = append(t.slots, slot[F]{})
	}
	t.slots[n] = slot[F]{f, closeExec}
	t.used[n/64] |= 1 << (n % 64)
	t.count++
}

// Replace gives a file this number, below the limit, and gives what had it before.
func (t *Table[F]) Replace(fd int32, f *F, closeExec bool) (old *F, ok bool) {
	if fd < 0 || int(fd) >= t.Limit {
		return nil, false
	}
	old = t.Remove(fd)
	t.put(int(fd), f, closeExec)
	return old, true
}

// Remove frees a number and gives the file that had it, nil: none.
func (t *Table[F]) Remove(fd int32) *F {
	f := t.Get(fd)
	if f == nil {
		return nil
	}
	t.slots[fd] = slot[F]{}
	t.used[fd/64] &^= 1 << (fd % 64)
	t.free = min(t.free, int(fd)/64)
	t.count--
	return f
}

// CopyOf makes t, which is empty, a copy of another table; f is called for each descriptor.
func (t *Table[F]) CopyOf(of *Table[F], f func(file *F)) {
	t.slots, t.used = append(t.slots[:0], of.slots...), append(t.used[:0], of.used...)
	t.free, t.count = of.free, of.count
	for _, s := range t.slots {
		if s.file != nil {
			f(s.file)
		}
	}
}

// CloseExec tells a descriptor's flag.
func (t *Table[F]) CloseExec(fd int32) bool { return t.slots[fd].closeExec }

// SetCloseExec sets the flag of a descriptor that there is.
func (t *Table[F]) SetCloseExec(fd int32, on bool) { t.slots[fd].closeExec = on }

// Each calls f for all descriptors from least on, the lowest first; f may remove the one that it is
// called for.
func (t *Table[F]) Each(least int, f func(fd int32, file *F)) {
	for i := least; i < len(t.slots); i++ {
		if t.slots[i].file != nil {
			f(int32(i), t.slots[i].file)
		}
	}
}
