// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"loam/abi"
	"loam/kernel/pool"
)

// watch is an entry of an epoll: what it wants to know of a file that was added
// by the name fd.
type watch struct {
	epoll  int32 // file
	file   int32
	fd     int32
	events uint32 // with its flags; none but the flags after EPOLLONESHOT went off
	data   uint64
}

const (
	always     = abi.EPOLLERR | abi.EPOLLHUP // can't be left out
	epollFlags = abi.EPOLLET | abi.EPOLLONESHOT | abi.EPOLLWAKEUP | abi.EPOLLEXCLUSIVE
	// exclusiveOK are the bits that may go with EPOLLEXCLUSIVE.
	exclusiveOK = abi.EPOLLIN | abi.EPOLLOUT | always | abi.EPOLLWAKEUP | abi.EPOLLET | abi.EPOLLEXCLUSIVE
)

// Epoll makes an epoll, for epoll_create1(2). EINVAL: unknown flags. EMFILE,
// ENFILE: no descriptor or file left.
func (s *System) Epoll(tb *Table, flags uint32) (fd int32, errno abi.Errno) {
	if flags&^abi.EPOLL_CLOEXEC != 0 {
		return 0, abi.EINVAL
	}
	fd, _, errno = s.open(tb, kindEpoll, abi.O_RDWR, flags != 0)
	return fd, errno
}

// lookupEpoll gives the epoll behind epfd. EBADF: not open. EINVAL: no epoll.
func (s *System) lookupEpoll(tb *Table, epfd int32) (*file, abi.Errno) {
	f, errno := s.lookup(tb, epfd)
	if errno == 0 && f.kind != kindEpoll {
		return nil, abi.EINVAL
	}
	return f, errno
}

// EpollCtl changes the entry for fd, for epoll_ctl(2). Errors are those of the
// manual page; ELOOP: fd is another epoll; ENOSPC: too many entries.
func (s *System) EpollCtl(tb *Table, epfd int32, op uint32, fd int32, e abi.EpollEvent) abi.Errno {
	ep, errno := s.lookup(tb, epfd)
	if errno != 0 {
		return errno
	}
	f, errno := s.lookup(tb, fd)
	switch {
	case errno != 0:
		return errno
	case ep == f, ep.kind != kindEpoll:
		return abi.EINVAL
	}
	if op != abi.EPOLL_CTL_DEL && e.Events&abi.EPOLLEXCLUSIVE != 0 &&
		(op == abi.EPOLL_CTL_MOD || f.kind == kindEpoll || e.Events&^exclusiveOK != 0) {
		return abi.EINVAL
	}
	w := s.find(ep, f, fd)
	switch op {
	case abi.EPOLL_CTL_ADD:
		if w != pool.Nil {
			return abi.EEXIST
		}
		if f.kind == kindEpoll {
			return abi.ELOOP
		}
		return s.watch(tb, ep, f, fd, e)
	case abi.EPOLL_CTL_MOD:
		if w == pool.Nil {
			return abi.ENOENT
		}
		if s.watches.Index(w).events&abi.EPOLLEXCLUSIVE != 0 {
			return abi.EINVAL
		}
		s.setWatch(w, f, e)
		return 0
	case abi.EPOLL_CTL_DEL:
		if w == pool.Nil {
			return abi.ENOENT
		}
		s.unwatch(w)
		return 0
	}
	return abi.EINVAL
}

// find gives ep's entry for f by the name fd, pool.Nil when there is none.
func (s *System) find(ep, f *file, fd int32) int32 {
	for w := f.watches.First(); w != pool.Nil; w = f.watches.Next(s.onFile, w) {
		if x := s.watches.Index(w); x.epoll == ep.index && x.fd == fd {
			return w
		}
	}
	return pool.Nil
}

func (s *System) watch(tb *Table, ep, f *file, fd int32, e abi.EpollEvent) abi.Errno {
	if tb.watches >= s.config.WatchesPerTable {
		return abi.ENOSPC
	}
	h, w, ok := s.watches.Get()
	if !ok {
		return abi.ENOSPC
	}
	tb.watches++
	w.epoll, w.file, w.fd = ep.index, f.index, fd
	ep.interest.PushBack(s.inEpoll, h.Index)
	f.watches.PushBack(s.onFile, h.Index)
	s.setWatch(h.Index, f, e)
	return 0
}

// setWatch sets what entry i wants and looks whether it is there already.
func (s *System) setWatch(i int32, f *file, e abi.EpollEvent) {
	w := s.watches.Index(i)
	w.events, w.data = e.Events|always, e.Data
	if s.events(f)&w.events != 0 {
		s.hint(i)
	}
}

// unwatch removes entry i from everywhere.
func (s *System) unwatch(i int32) {
	w := s.watches.Index(i)
	ep, f := s.files.Index(w.epoll), s.files.Index(w.file)
	ep.interest.Remove(s.inEpoll, i)
	f.watches.Remove(s.onFile, i)
	if s.onReady[i].Linked() {
		ep.hints.Remove(s.onReady, i)
	}
	s.tables.Index(ep.table).watches--
	h, _ := s.watches.HandleOf(i)
	s.watches.Put(h)
}

// hint puts entry i on its epoll's list of those that may be ready, and wakes
// who waits for the epoll.
func (s *System) hint(i int32) {
	ep := s.files.Index(s.watches.Index(i).epoll)
	if !s.onReady[i].Linked() {
		ep.hints.PushBack(s.onReady, i)
	}
	s.wake(ep, abi.EPOLLIN)
}

// wanted gives the events that entry w is to report now, none for a one-shot
// that went off.
func (s *System) wanted(w *watch) uint32 {
	return s.events(s.files.Index(w.file)) & w.events &^ epollFlags
}

// epollReady gives an epoll's own readiness: whether EpollWait would give
// anything. Hints at its list's head that turn out to be nothing are dropped.
func (s *System) epollReady(ep *file) uint32 {
	for i := ep.hints.First(); i != pool.Nil; i = ep.hints.First() {
		if s.wanted(s.watches.Index(i)) != 0 {
			return abi.EPOLLIN | abi.EPOLLRDNORM
		}
		ep.hints.Remove(s.onReady, i)
	}
	return 0
}

// EpollWait puts what is ready into out, for epoll_wait(2), and gives how many
// events there are; 0 means that the caller parks the thread until EPOLLIN, or
// answers 0 when the time is up. EBADF, EINVAL: epfd is no epoll. EINVAL: out
// is empty.
func (s *System) EpollWait(tb *Table, epfd int32, out []abi.EpollEvent) (n int, errno abi.Errno) {
	ep, errno := s.lookupEpoll(tb, epfd)
	if errno != 0 {
		return 0, errno
	}
	if len(out) == 0 {
		return 0, abi.EINVAL
	}
	var again pool.List // level-triggered entries, which go to the end
	for n < len(out) {
		i := ep.hints.PopFront(s.onReady)
		if i == pool.Nil {
			break
		}
		w := s.watches.Index(i)
		events := s.wanted(w)
		if events == 0 {
			continue
		}
		out[n] = abi.EpollEvent{Events: events, Data: w.data}
		n++
		switch {
		case w.events&abi.EPOLLONESHOT != 0:
			w.events &= epollFlags
		case w.events&abi.EPOLLET == 0:
			again.PushBack(s.onReady, i)
		}
	}
	for i := again.PopFront(s.onReady); i != pool.Nil; i = again.PopFront(s.onReady) {
		ep.hints.PushBack(s.onReady, i)
	}
	return n, 0
}
