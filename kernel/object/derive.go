// SPDX-License-Identifier: Apache-2.0

package object

// links are an entry's place in the forest of derived handles: who was made of
// whom. A link is the index+1 of an entry among all entries of all tables, and 0
// when there is nothing. The first of an entry's children has in prev, and the last
// one in next, the parent instead, negative. So only the ends of a list know the
// parent, and a list becomes part of another one without a walk over it.
type links struct {
	first, last int32 // children
	next, prev  int32 // the parent's other children
}

// adopt makes entry c, which is in no list, the last child of entry p.
func (o *Objects) adopt(p, c int32) {
	parent, child := &o.entries[p].links, &o.entries[c].links
	child.next = -(p + 1)
	child.prev = parent.last
	if parent.last == 0 {
		child.prev = -(p + 1)
	}
	o.setNext(child.prev, c+1)
	parent.last = c + 1
}

// setNext has l follow at, an entry, or be the first child of at, a parent. When
// there is nothing left to follow, l is the parent.
func (o *Objects) setNext(at, l int32) {
	switch {
	case at > 0:
		o.entries[at-1].links.next = l
	case at < 0:
		o.entries[-at-1].links.first = max(l, 0)
	}
}

// setPrev is setNext from the other end.
func (o *Objects) setPrev(at, l int32) {
	switch {
	case at > 0:
		o.entries[at-1].links.prev = l
	case at < 0:
		o.entries[-at-1].links.last = max(l, 0)
	}
}

// splice takes entry i out of the forest and puts its children in its place. Those
// of an entry without a parent have none then, and stay in a list all the same.
func (o *Objects) splice(i int32) {
	l := &o.entries[i].links
	head, tail := l.first, l.last
	if head == 0 {
		head, tail = l.next, l.prev
	} else {
		o.entries[head-1].links.prev = l.prev
		o.entries[tail-1].links.next = l.next
	}
	o.setNext(l.prev, head)
	o.setPrev(l.next, tail)
}

// move gives the place of entry from in the forest to entry to, which is in none.
func (o *Objects) move(from, to int32) {
	l := o.entries[from].links
	o.entries[from].links = links{}
	o.entries[to].links = l
	o.setNext(l.prev, to+1)
	o.setPrev(l.next, to+1)
	if l.first != 0 {
		o.entries[l.first-1].links.prev = -(to + 1)
		o.entries[l.last-1].links.next = -(to + 1)
	}
}
