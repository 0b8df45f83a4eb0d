// SPDX-License-Identifier: Apache-2.0

package poll

// Listener is told of changes.
type Listener interface {
	// Changed says that some of the events may have begun to hold. It must not change the
	// queue that it is told by, but for its own entry.
	Changed(events uint32)
}

// File is what can be waited for.
type File interface {
	// Events gives the EPOLL bits that hold.
	Events() uint32
	// Queue is told when some may have begun to.
	Queue() *Queue
}

// Entry is a listener in a queue, or in none. The zero value is in none.
type Entry struct {
	To         Listener
	queue      *Queue
	next, prev *Entry
}

// Queue has those who are to be told of a file's changes, who came first first.
type Queue struct {
	first, last *Entry
}

// Join puts e, which is in none, at the queue's end.
func (q *Queue) Join(e *Entry) {
	e.queue, e.prev = q, q.last
	if q.last != nil {
		q.last.next = e
	} else {
		q.first = e
	}
	q.last = e
}

// Leave takes e out of its queue, if it is in one.
func (e *Entry) Leave() {
	q := e.queue
	if q == nil {
		return
	}
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		q.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		q.last = e.prev
	}
	e.queue, e.next, e.prev = nil, nil, nil
}

// Empty reports whether nobody is there.
func (q *Queue) Empty() bool { return q.first == nil }

// Tell tells all.
func (q *Queue) Tell(events uint32) {
	for e := q.first; e != nil; {
		next := e.next
		e.To.Changed(events)
		e = next
	}
}
