// SPDX-License-Identifier: Apache-2.0

package poll

import "loam/abi"

// What is watched for without being asked, and the bits that are flags.
const (
	always  = abi.EPOLLERR | abi.EPOLLHUP
	private = abi.EPOLLWAKEUP | abi.EPOLLONESHOT | abi.EPOLLET | abi.EPOLLEXCLUSIVE
)

// Key names an item of an epoll: a descriptor, and what it was when the item was made.
type Key struct {
	FD   int32
	File any // comparable: the open file
}

// Epoll is an epoll.
type Epoll struct {
	items       map[Key]*item
	first, last *item // those that may be ready
	queue       Queue
}

// item is a file that an epoll watches.
type item struct {
	epoll      *Epoll
	file       File
	events     uint32 // interest and flags
	data       uint64
	entry      Entry // in the file's queue
	ready      bool  // on the list
	next, prev *item
}

// NewEpoll makes one that watches nothing.
func NewEpoll() *Epoll { return &Epoll{items: map[Key]*item{}} }

// Queue is for File.
func (p *Epoll) Queue() *Queue { return &p.queue }

// Events is for File: EPOLLIN when there is something to take.
func (p *Epoll) Events() uint32 {
	for i := p.first; i != nil; i = i.next {
		if i.holds() != 0 {
			return abi.EPOLLIN | abi.EPOLLRDNORM
		}
	}
	return 0
}

// Add watches a file. EEXIST: it does already.
func (p *Epoll) Add(k Key, f File, events uint32, data uint64) abi.Errno {
	if p.items[k] != nil {
		return abi.EEXIST
	}
	i := &item{epoll: p, file: f, events: events | always, data: data}
	i.entry.To = i
	f.Queue().Join(&i.entry)
	p.items[k] = i
	i.look()
	return 0
}

// mostNested is how many epolls one can watch, one in the other: EP_MAX_NESTS.
const mostNested = 4

// MayWatch reports whether it may watch another epoll: neither in a circle, nor too deep.
func (p *Epoll) MayWatch(other *Epoll) bool {
	down, ok := other.below(p, 0)
	return ok && down < mostNested
}

// below gives how many epolls are below this one, one in the other; not ok: p is among them.
func (e *Epoll) below(p *Epoll, depth int) (down int, ok bool) {
	if e == p || depth > mostNested {
		return 0, false
	}
	for _, i := range e.items {
		if n, is := i.file.(interface{ Nested() *Epoll }); is {
			d, ok := n.Nested().below(p, depth+1)
			if !ok {
				return 0, false
			}
			down = max(down, d+1)
		}
	}
	return down, true
}

// Nested is what tells an epoll from other files.
func (p *Epoll) Nested() *Epoll { return p }

// Modify changes what is watched for. ENOENT: it isn't watched.
func (p *Epoll) Modify(k Key, events uint32, data uint64) abi.Errno {
	i := p.items[k]
	if i == nil {
		return abi.ENOENT
	}
	i.events, i.data = events|always, data
	i.look()
	return 0
}

// Remove watches a file no more. ENOENT: it isn't watched.
func (p *Epoll) Remove(k Key) abi.Errno {
	i := p.items[k]
	if i == nil {
		return abi.ENOENT
	}
	delete(p.items, k)
	i.entry.Leave()
	p.unready(i)
	return 0
}

// Watches reports whether an item is there.
func (p *Epoll) Watches(k Key) bool { return p.items[k] != nil }

// Len is how many files are watched.
func (p *Epoll) Len() int { return len(p.items) }

// Close watches nothing any more.
func (p *Epoll) Close() {
	for k := range p.items {
		p.Remove(k)
	}
}

// holds gives what of an item's interest holds.
func (i *item) holds() uint32 { return i.file.Events() & i.events &^ private }

// armed reports whether the item is to be told: a one-shot that has been taken isn't.
func (i *item) armed() bool { return i.events&^private != 0 }

// look puts an item on the list if something holds.
func (i *item) look() {
	if i.holds() != 0 {
		i.epoll.toReady(i)
	}
}

// Changed is for Listener.
func (i *item) Changed(events uint32) {
	if i.armed() && events&i.events != 0 {
		i.epoll.toReady(i)
	}
}

func (p *Epoll) toReady(i *item) {
	if !i.ready {
		p.append(i)
	}
	p.queue.Tell(abi.EPOLLIN | abi.EPOLLRDNORM)
}

func (p *Epoll) append(i *item) {
	i.ready, i.prev, i.next = true, p.last, nil
	if p.last != nil {
		p.last.next = i
	} else {
		p.first = i
	}
	p.last = i
}

func (p *Epoll) unready(i *item) {
	if !i.ready {
		return
	}
	if i.prev != nil {
		i.prev.next = i.next
	} else {
		p.first = i.next
	}
	if i.next != nil {
		i.next.prev = i.prev
	} else {
		p.last = i.prev
	}
	i.ready, i.next, i.prev = false, nil, nil
}

// Take gives events to f until it wants no more (false: this one was not taken), each item
// at most once, and tells how many it took.
func (p *Epoll) Take(f func(abi.EpollEvent) bool) (n int) {
	end := p.last
	for i := p.first; i != nil; {
		next := i.next
		held := i.holds()
		if held != 0 && !f(abi.EpollEvent{Events: held, Data: i.data}) {
			return n
		}
		p.unready(i)
		if held != 0 {
			n++
			switch {
			case i.events&abi.EPOLLONESHOT != 0:
				i.events &= private
			case i.events&abi.EPOLLET == 0:
				p.append(i)
			}
		}
		if i == end {
			break
		}
		i = next
	}
	return n
}
