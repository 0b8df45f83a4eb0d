// SPDX-License-Identifier: Apache-2.0

// Package lock is locks of parts of a file: those of fcntl(2), of processes and of open files. Of one
// owner there is at most one lock of each byte, and the last that it has asked for is what holds.
//
// Sources: fcntl(2), and fs/locks.c of Linux for which lock is told of where several are in the way.
package lock

import (
	"math"
	"slices"

	"loam/user/linux/poll"
)

// End is the last byte of a lock without end.
const End = math.MaxInt64

// Lock is a lock.
type Lock struct {
	Owner       any // comparable
	PID         int32
	Write       bool
	First, Last int64 // bytes
}

// meets reports whether two locks have bytes in common.
func (l *Lock) meets(first, last int64) bool { return l.First <= last && first <= l.Last }

// Table has the locks of a file: each owner's together, in the order of their bytes.
type Table struct {
	locks []Lock
	queue poll.Queue
}

// Queue is told when a lock has gone, or is one to be read only.
func (t *Table) Queue() *poll.Queue { return &t.queue }

// Empty reports whether there is neither a lock nor somebody who waits for one.
func (t *Table) Empty() bool { return len(t.locks) == 0 && t.queue.Empty() }

// Conflict gives a lock that is in l's way, nil: there is none.
func (t *Table) Conflict(l *Lock) *Lock {
	for i := range t.locks {
		o := &t.locks[i]
		if o.Owner != l.Owner && o.meets(l.First, l.Last) && (o.Write || l.Write) {
			return o
		}
	}
	return nil
}

// Own gives a lock of l's owner that has bytes in common with it, nil: there is none.
func (t *Table) Own(l *Lock) *Lock {
	for i := range t.locks {
		if o := &t.locks[i]; o.Owner == l.Owner && o.meets(l.First, l.Last) {
			return o
		}
	}
	return nil
}

// Set has l be, which nothing is in the way of, in the place of what its owner had of those bytes.
func (t *Table) Set(l Lock) {
	t.clear(l.Owner, l.First, l.Last)
	i := 0
	for i < len(t.locks) && t.locks[i].Owner != l.Owner {
		i++
	}
	for i < len(t.locks) && t.locks[i].Owner == l.Owner && t.locks[i].Last < l.First {
		i++
	}
	t.locks = slices.Insert(t.locks, i, l)
	if i+1 < len(t.locks) && joins(&t.locks[i], &t.locks[i+1]) {
		t.locks[i].Last = t.locks[i+1].Last
		t.locks = slices.Delete(t.locks, i+1, i+2)
	}
	if i > 0 && joins(&t.locks[i-1], &t.locks[i]) {
		t.locks[i-1].Last = t.locks[i].Last
		t.locks = slices.Delete(t.locks, i, i+1)
	}
	if !l.Write {
		t.queue.Tell(0)
	}
}

// joins reports whether b goes on where a ends, as the same lock.
func joins(a, b *Lock) bool {
	return a.Owner == b.Owner && a.Write == b.Write && a.PID == b.PID && a.Last != End && a.Last+1 == b.First
}

// Clear takes away what an owner has of some bytes.
func (t *Table) Clear(owner any, first, last int64) {
	if t.clear(owner, first, last) {
		t.queue.Tell(0)
	}
}

func (t *Table) clear(owner any, first, last int64) (some bool) {
	for i := 0; i < len(t.locks); i++ {
		l := &t.locks[i]
		if l.Owner != owner || !l.meets(first, last) {
			continue
		}
		some = true
		before, behind := *l, *l
		before.Last, behind.First = first-1, last+1
		switch {
		case l.First < first && l.Last > last:
			*l = before
			t.locks = slices.Insert(t.locks, i+1, behind)
			return true
		case l.First < first:
			*l = before
		case l.Last > last:
			*l = behind
		default:
			t.locks = slices.Delete(t.locks, i, i+1)
			i--
		}
	}
	return some
}
