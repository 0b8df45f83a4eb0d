// SPDX-License-Identifier: Apache-2.0

package timeq

// Check says what is wrong with the queue, "" if nothing is, and with whose deadline: each
// owner knows the place of its own, none comes before that of its parent in the heap.
func (q *Queue) Check() (broken string, owner int32) {
	for i := range q.heap {
		e := &q.heap[i]
		switch {
		case uint32(e.owner) >= uint32(len(q.place)):
			return "timeq: a deadline of nobody", e.owner
		case q.place[e.owner] != int32(i+1):
			return "timeq: an owner doesn't know the place of its deadline", e.owner
		case i > 0 && e.before(&q.heap[(i-1)/arity]):
			return "timeq: a deadline stands behind a later one", e.owner
		}
	}
	n := 0
	for owner, place := range q.place {
		if place != 0 {
			if n++; n > len(q.heap) {
				return "timeq: an owner knows a place that isn't its own", int32(owner)
			}
		}
	}
	return "", 0
}
