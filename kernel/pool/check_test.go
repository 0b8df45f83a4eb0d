// SPDX-License-Identifier: Apache-2.0

package pool

import "testing"

// TestCheckList: each damage is seen.
func TestCheckList(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(q *List, l []Link)
		want   bool
	}{
		{"nothing", func(*List, []Link) {}, true},
		{"removed", func(q *List, l []Link) { q.Remove(l, 2) }, true},
		{"empty", func(q *List, l []Link) { *q = List{} }, true},
		{"a link back", func(q *List, l []Link) { l[2].prev = 1 }, false},
		{"a ring", func(q *List, l []Link) { l[4].next, l[0].prev = 1, 5 }, false},
		{"the end", func(q *List, l []Link) { q.tail = 2 }, false},
		{"the end of none", func(q *List, l []Link) { *q = List{tail: 1} }, false},
		{"beyond", func(q *List, l []Link) { l[4].next = 9 }, false},
	} {
		var q List
		l := make([]Link, 8)
		for i := range int32(5) {
			q.PushBack(l, i)
		}
		c.damage(&q, l)
		if n, ok := q.Check(l); ok != c.want {
			t.Errorf("%s: %v after %d", c.name, ok, n)
		}
	}
}

// TestCheckPool: each damage is seen.
func TestCheckPool(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(p *Pool[int])
		want   bool
	}{
		{"nothing", func(*Pool[int]) {}, true},
		{"a slot that is used up", func(p *Pool[int]) {
			p.slots[0].gen = 1<<32 - 1
			p.Put(Handle{0, 1<<32 - 1})
		}, true},
		{"the count", func(p *Pool[int]) { p.used++ }, false},
		{"one in use that is free", func(p *Pool[int]) { p.free = 0 }, false},
		{"one that is lost", func(p *Pool[int]) { p.free = Nil }, false},
		{"a ring", func(p *Pool[int]) { p.slots[p.free].next = p.free }, false},
		{"a slot beyond", func(p *Pool[int]) { p.slots[p.free].next = 6 }, false},
	} {
		p := New[int](8)
		var last Handle
		for range 4 {
			last, _, _ = p.Get()
		}
		p.Put(last)
		c.damage(p)
		if p.Check() != c.want {
			t.Errorf("%s: %v", c.name, !c.want)
		}
	}
}
