// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"loam/abi"
	"loam/kernel/pool"
)

// wait says what a thread waits for.
type wait struct {
	place  place
	file   int32  // in a file's waiters
	table  int32  // in a table's pollers
	events uint32 // of the file
}

// place says which list a thread is in.
type place uint8

const (
	nowhere place = iota
	onAFile
	onATable
	isWoken
)

// Wait parks thread t, which waits nowhere, until one of events may be true of
// fd; errors and hang-ups always count. EBADF: fd isn't open. If an event
// is true already, and not doubtful, the thread is woken at once.
func (s *System) Wait(t int32, tb *Table, fd int32, events uint32) abi.Errno {
	f, errno := s.lookup(tb, fd)
	if errno != 0 {
		return errno
	}
	events |= abi.EPOLLERR | abi.EPOLLHUP
	if s.events(f)&events&^f.doubtful() != 0 {
		s.moveToWoken(t)
		return 0
	}
	s.waits[t] = wait{place: onAFile, file: f.index, events: events}
	f.waiters.PushBack(s.links, t)
	return 0
}

// doubtful gives the events that may be true of a file without serving who waits
// for them: an eventfd with room for 1 may have none for more. A writer that was
// woken at once for that would try again for ever; a read wakes it.
func (f *file) doubtful() uint32 {
	if f.kind == kindEvent {
		return abi.EPOLLOUT
	}
	return 0
}

// WaitAny parks thread t, which waits nowhere, until anything changes for a
// descriptor of tb; it is how poll(2) waits, which then asks again.
func (s *System) WaitAny(t int32, tb *Table) {
	s.waits[t] = wait{place: onATable, table: tb.self.Index}
	tb.pollers.PushBack(s.links, t)
}

// Cancel ends t's wait: its time is up, a signal came or it ended. It reports
// whether t was waiting or its wake-up hadn't been taken yet.
func (s *System) Cancel(t int32) bool {
	w := &s.waits[t]
	switch w.place {
	case nowhere:
		return false
	case onAFile:
		s.files.Index(w.file).waiters.Remove(s.links, t)
	case onATable:
		s.tables.Index(w.table).pollers.Remove(s.links, t)
	case isWoken:
		s.woken.Remove(s.links, t)
	}
	*w = wait{}
	return true
}

// NextWoken takes the next thread whose wait is over; ok is false when there is
// none. The thread repeats its operation.
func (s *System) NextWoken() (t int32, ok bool) {
	t = s.woken.PopFront(s.links)
	if t == pool.Nil {
		return 0, false
	}
	s.waits[t] = wait{}
	return t, true
}

// wake moves the threads that wait for one of events on f, and those that wait
// for any change in its table, to the woken.
func (s *System) wake(f *file, events uint32) {
	for t := f.waiters.First(); t != pool.Nil; {
		next := f.waiters.Next(s.links, t)
		if s.waits[t].events&events != 0 {
			f.waiters.Remove(s.links, t)
			s.moveToWoken(t)
		}
		t = next
	}
	pollers := &s.tables.Index(f.table).pollers
	for t := pollers.PopFront(s.links); t != pool.Nil; t = pollers.PopFront(s.links) {
		s.moveToWoken(t)
	}
}

func (s *System) moveToWoken(t int32) {
	s.waits[t] = wait{place: isWoken}
	s.woken.PushBack(s.links, t)
}
