// SPDX-License-Identifier: Apache-2.0

package pool

// Check looks at a list and gives how many elements it has; ok is false if it is
// broken: its links don't agree, or it has no end.
func (q *List) Check(links []Link) (n int, ok bool) {
	before := int32(atHead)
	for i := q.head; i != 0; i = links[i-1].next {
		if i < 0 || int(i) > len(links) || n == len(links) || links[i-1].prev != before {
			return n, false
		}
		before = i
		n++
	}
	return n, q.tail == max(before, 0)
}

// Check reports whether the slots that aren't in use are free, each once, or used up.
func (p *Pool[T]) Check() bool {
	used, first := 0, 0 // first: in their first generation, free or used up
	for i := range p.fresh {
		if p.slots[i].gen&1 != 0 {
			used++
		}
		if p.slots[i].gen == 0 {
			first++
		}
	}
	free := 0
	for i := p.free; i != Nil; i = p.slots[i].next {
		if i < 0 || i >= p.fresh || free == int(p.fresh) || p.slots[i].gen&1 != 0 {
			return false
		}
		if free++; p.slots[i].gen == 0 {
			first--
		}
	}
	return used == p.used && used+free+first == int(p.fresh)
}
