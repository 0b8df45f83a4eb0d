// SPDX-License-Identifier: Apache-2.0

package pool

// Link is one element's place in a List. Its zero value is in no list. An
// element can be in as many lists as it has links.
type Link struct {
	next int32 // index+1 of the next element, 0 at the end
	prev int32 // index+1 of the element before, atHead, or 0 when in no list
}

const atHead = -1

// Linked reports whether the element is in a list.
func (l *Link) Linked() bool { return l.prev != 0 }

// List is a queue of elements, each named by the index of its Link in an array
// that the caller passes to every operation; it has to be the same array each
// time. The zero List is empty.
//
// Inserting an element that is in a list already, or removing one that isn't
// in this one, breaks both lists; Insert and Remove panic where they can see it.
type List struct {
	head int32 // index+1 of the first element, 0 when empty
	tail int32
}

// Empty reports whether the list has no element.
func (q *List) Empty() bool { return q.head == 0 }

// First gives the first element, Nil when the list is empty.
func (q *List) First() int32 { return q.head - 1 }

// Next gives the element after i, Nil at the end.
func (q *List) Next(links []Link, i int32) int32 { return links[i].next - 1 }

// PushBack makes i the last element.
func (q *List) PushBack(links []Link, i int32) {
	l := &links[i]
	if l.prev != 0 {
		panic("pool: element is in a list already")
	}
	l.next = 0
	if q.tail == 0 {
		l.prev = atHead
		q.head = i + 1
	} else {
		l.prev = q.tail
		links[q.tail-1].next = i + 1
	}
	q.tail = i + 1
}

// PushFront makes i the first element.
func (q *List) PushFront(links []Link, i int32) {
	l := &links[i]
	if l.prev != 0 {
		panic("pool: element is in a list already")
	}
	l.next, l.prev = q.head, atHead
	if q.head == 0 {
		q.tail = i + 1
	} else {
		links[q.head-1].prev = i + 1
	}
	q.head = i + 1
}

// Remove takes i, an element of this list, out of it.
func (q *List) Remove(links []Link, i int32) {
	l := &links[i]
	switch {
	case l.prev == 0:
		panic("pool: element is in no list")
	case l.prev == atHead:
		q.head = l.next
	default:
		links[l.prev-1].next = l.next
	}
	if l.next == 0 {
		q.tail = max(l.prev, 0)
	} else {
		links[l.next-1].prev = l.prev
	}
	*l = Link{}
}

// PopFront takes the first element out and gives it, Nil when the list is empty.
func (q *List) PopFront(links []Link) int32 {
	i := q.First()
	if i >= 0 {
		q.Remove(links, i)
	}
	return i
}
