// SPDX-License-Identifier: Apache-2.0

package timeq

import "testing"

// TestCheck: each damage is seen.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(q *Queue)
		broken bool
	}{
		{"nothing", func(q *Queue) {}, false},
		{"removed", func(q *Queue) { q.Remove(3) }, false},
		{"nobody's", func(q *Queue) { q.heap[2].owner = 10 }, true},
		{"a place that is wrong", func(q *Queue) { q.place[q.heap[2].owner]++ }, true},
		{"a place too many", func(q *Queue) { q.place[9] = 1 }, true},
		{"two of one", func(q *Queue) { q.heap[3].owner = q.heap[4].owner }, true},
		{"the order", func(q *Queue) { q.heap[6].at = -1 }, true},
		{"the order of equals", func(q *Queue) { q.heap[5].at, q.heap[5].seq = q.heap[1].at, 0 }, true},
	} {
		q := New(nil, 10)
		for i := range int32(8) {
			q.Set(i, int64(i*7%5))
		}
		c.damage(q)
		if broken, owner := q.Check(); (broken != "") != c.broken {
			t.Errorf("%s: %q, owner %d", c.name, broken, owner)
		}
	}
}
