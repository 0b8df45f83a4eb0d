// SPDX-License-Identifier: Apache-2.0

// Package timeq is the queue of deadlines: which waiting thread's time is up
// next.
//
// The owner of a deadline is named by a small number (a thread's index in its
// table) and has at most one deadline in a queue. The queue is a 4-ary heap in
// an array with a back-link from each owner to its place, so that setting,
// moving and removing a deadline take O(log n) and looking at the first one
// takes constant time. Equal deadlines come out in the order they were set.
// Nothing is allocated after New.
//
// A heap of four children a node is half as deep as a binary one and touches
// neighbouring memory at each level (LaMarca and Ladner, "The influence of
// caches on the performance of heaps", 1996). Rejected: a timer wheel, whose
// ticks would have to run with nobody waiting and which blurs deadlines; Go's
// own timers, which belong to the kernel's runtime and call back from a
// goroutine.
//
// Nothing here locks: the owner of the queue guards it.
package timeq

import "loam/machine/tables"

// Queue is a queue of deadlines. Use New to make one.
type Queue struct {
	heap  []entry
	place []int32 // owner -> place in heap + 1, 0 when it has no deadline
	seq   uint64
}

// entry is one deadline. Entries are ordered by time, then by seq.
type entry struct {
	at    int64
	seq   uint64
	owner int32
}

const arity = 4

// New makes a queue for owners 0 to n-1, whose parts come from a source (nil: the
// Go heap).
func New(from *tables.Source, n int) *Queue {
	return &Queue{heap: tables.Make[entry](from, n)[:0], place: tables.Make[int32](from, n)}
}

// Set gives owner the deadline at, in nanoseconds of the caller's clock; an
// earlier deadline of the same owner is replaced.
func (q *Queue) Set(owner int32, at int64) {
	q.seq++
	e := entry{at, q.seq, owner}
	if p := q.place[owner]; p != 0 {
		q.fix(int(p-1), e)
		return
	}
	q.heap = q.heap[:len(q.heap)+1]
	q.up(len(q.heap)-1, e)
}

// Remove drops owner's deadline; it reports whether there was one.
func (q *Queue) Remove(owner int32) bool {
	p := q.place[owner]
	if p == 0 {
		return false
	}
	q.place[owner] = 0
	n := len(q.heap) - 1
	last := q.heap[n]
	q.heap = q.heap[:n]
	if i := int(p - 1); i < n {
		q.fix(i, last)
	}
	return true
}

// Replace puts in, which has no deadline, with the deadline at in the place of
// out, which has one: Remove and Set in one.
func (q *Queue) Replace(out, in int32, at int64) {
	q.seq++
	i := int(q.place[out] - 1)
	q.place[out] = 0
	q.fix(i, entry{at, q.seq, in})
}

// Deadline gives owner's deadline, if it has one.
func (q *Queue) Deadline(owner int32) (at int64, ok bool) {
	p := q.place[owner]
	if p == 0 {
		return 0, false
	}
	return q.heap[p-1].at, true
}

// Next gives the earliest deadline, if there is any.
func (q *Queue) Next() (at int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].at, true
}

// Pop removes the earliest deadline that isn't after now and gives its owner;
// ok is false when there is none.
func (q *Queue) Pop(now int64) (owner int32, ok bool) {
	if len(q.heap) == 0 || q.heap[0].at > now {
		return 0, false
	}
	owner = q.heap[0].owner
	q.place[owner] = 0
	n := len(q.heap) - 1
	last := q.heap[n]
	switch q.heap = q.heap[:n]; n {
	case 0:
	case 1:
		q.put(0, last)
	default:
		q.down(0, last)
	}
	return owner, true
}

// Len gives the number of deadlines.
func (q *Queue) Len() int { return len(q.heap) }

func (e *entry) before(f *entry) bool {
	return e.at < f.at || e.at == f.at && e.seq < f.seq
}

// fix puts e where it belongs, starting from the free place i.
func (q *Queue) fix(i int, e entry) {
	if i > 0 && e.before(&q.heap[(i-1)/arity]) {
		q.up(i, e)
	} else {
		q.down(i, e)
	}
}

// up moves the free place i towards the root until e may stand there.
func (q *Queue) up(i int, e entry) {
	for i > 0 {
		parent := (i - 1) / arity
		if !e.before(&q.heap[parent]) {
			break
		}
		q.put(i, q.heap[parent])
		i = parent
	}
	q.put(i, e)
}

// down moves the free place i towards the leaves until e may stand there.
func (q *Queue) down(i int, e entry) {
	for {
		first := i*arity + 1
		if first >= len(q.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+arity, len(q.heap)); c++ {
			if q.heap[c].before(&q.heap[least]) {
				least = c
			}
		}
		if !q.heap[least].before(&e) {
			break
		}
		q.put(i, q.heap[least])
		i = least
	}
	q.put(i, e)
}

func (q *Queue) put(i int, e entry) {
	q.heap[i] = e
	q.place[e.owner] = int32(i + 1)
}

// Shift makes every deadline earlier by delta. It takes O(n), and is meant for
// a clock that is about to overflow; no deadline may underflow by it.
func (q *Queue) Shift(delta int64) {
	for i := range q.heap {
		q.heap[i].at -= delta
	}
}

// First gives the owner of the earliest deadline, if there is any.
func (q *Queue) First() (owner int32, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	return q.heap[0].owner, true
}

// At gives the owner of the i-th deadline, 0 to Len-1: the first one's for 0, the
// others' in no order but that the earlier ones tend to come first.
func (q *Queue) At(i int) int32 { return q.heap[i].owner }
