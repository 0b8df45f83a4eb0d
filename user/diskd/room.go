// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"math/bits"
	"sync"
)

// unit is what memory for data is given out by, in bytes.
const unit = 4096

// room is who has which part of the memory for data: a bit for each unit. Requests wait for
// their part, in the order in which they come; what lasts longer is had at once or not, and from
// the second half: the first is free sooner or later, in one piece.
type room struct {
	turn sync.Mutex // held by who waits: a large part isn't passed by small ones for ever

	mu    sync.Mutex // guards what follows
	freed sync.Cond
	used  []uint64
	units int
	next  int // the unit where the search begins
}

func (r *room) begin(size int) {
	r.freed.L = &r.mu
	r.units = size / unit
	r.used = make([]uint64, (r.units+63)/64)
	r.set(r.units, 64*len(r.used)-r.units, true)
}

func unitsOf(n int) int { return (n + unit - 1) / unit }

// take gives the place of n bytes, at most half of all, when there is one.
func (r *room) take(n int) int {
	r.turn.Lock()
	r.mu.Lock()
	at, ok := r.find(unitsOf(n))
	for !ok {
		r.freed.Wait()
		at, ok = r.find(unitsOf(n))
	}
	r.mu.Unlock()
	r.turn.Unlock()
	return at * unit
}

// give gives it back.
func (r *room) give(at, n int) {
	r.mu.Lock()
	r.set(at/unit, unitsOf(n), false)
	r.mu.Unlock()
	r.freed.Signal()
}

// alloc is take for what lasts longer, and doesn't wait.
func (r *room) alloc(n int) (at int, ok bool) {
	if n <= 0 || n > r.units*unit {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok = r.search(r.units/2, unitsOf(n)); ok {
		r.set(at, unitsOf(n), true)
	}
	return at * unit, ok
}

// find takes count units in a row, the first behind where the last were found.
func (r *room) find(count int) (at int, ok bool) {
	if at, ok = r.search(r.next, count); !ok {
		if at, ok = r.search(0, count); !ok {
			return 0, false
		}
	}
	r.set(at, count, true)
	r.next = at + count
	return at, true
}

// search looks for units in a row from one on.
func (r *room) search(from, count int) (at int, ok bool) {
	for at = from; at+count <= r.units; {
		taken := r.taken(at, count)
		if taken < 0 {
			return at, true
		}
		at = taken + 1
	}
	return 0, false
}

// taken gives the last unit of a range that is used, -1 if none is.
func (r *room) taken(at, count int) int {
	for end := at + count; end > at; {
		w := (end - 1) / 64
		first := max(w*64, at)
		if in := r.used[w] & mask(first-w*64, end-w*64); in != 0 {
			return w*64 + 63 - bits.LeadingZeros64(in)
		}
		end = first
	}
	return -1
}

// set marks units.
func (r *room) set(at, count int, used bool) {
	for end := at + count; at < end; {
		w := at / 64
		last := min(end, (w+1)*64)
		m := mask(at-w*64, last-w*64)
		if used {
			r.used[w] |= m
		} else {
			r.used[w] &^= m
		}
		at = last
	}
}

// mask has the bits from one up to another set, of which there is one at least.
func mask(from, to int) uint64 { return ^uint64(0) >> (64 - (to - from)) << from }
