// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/poll"
)

// flock has the locks of a file by flock(2): open files have them, not processes.
type flock struct {
	exclusive *file
	shared    map[*file]bool
	queue     poll.Queue // of who waits for one
}

// Operations of flock(2).
const (
	lockShared    = 1
	lockExclusive = 2
	lockNonblock  = 4
	lockNone      = 8
)

// sysFlock: descriptor, operation.
func sysFlock(s *Server, t *task) uint64 {
	op := uint32(t.Args[1]) &^ lockNonblock
	if op != lockShared && op != lockExclusive && op != lockNone {
		return abi.EINVAL.Result()
	}
	f := s.file(t, t.Args[0])
	if f == nil {
		return abi.EBADF.Result()
	}
	l := s.locks[f.inode()]
	if l.has(f, op) {
		return 0
	}
	// As on Linux the old lock goes first, whether or not there is a new one.
	if s.unlock(f); op == lockNone {
		return 0
	}
	if l = s.locks[f.inode()]; l == nil {
		l = &flock{shared: map[*file]bool{}}
		s.locks[f.inode()] = l
	}
	if l.exclusive != nil || op == lockExclusive && len(l.shared) > 0 {
		if t.Args[1]&lockNonblock != 0 {
			return abi.EAGAIN.Result()
		}
		return s.waitFor(t, f, &l.queue)
	}
	f.locked = true
	if op == lockExclusive {
		l.exclusive = f
	} else {
		l.shared[f] = true
	}
	return 0
}

// inode gives what Linux has the locks of a file at: of all eventfds and epolls it is one.
func (f *file) inode() any {
	switch d := f.dev.(type) {
	case nil:
		return f.path.Node
	case *pipeFile:
		return d.own
	case *streamFile:
		return d
	}
	return anonymous{}
}

// has reports whether f has this very lock.
func (l *flock) has(f *file, op uint32) bool {
	return l != nil && (op == lockExclusive && l.exclusive == f || op == lockShared && l.shared[f])
}

// unlock takes f's lock away, if it has one, and tells who waits.
func (s *Server) unlock(f *file) {
	l := s.locks[f.inode()]
	if l == nil || !f.locked {
		return
	}
	f.locked = false
	if delete(l.shared, f); l.exclusive == f {
		l.exclusive = nil
	}
	if l.exclusive == nil && len(l.shared) == 0 && l.queue.Empty() {
		delete(s.locks, f.inode())
		return
	}
	l.queue.Tell(abi.EPOLLIN)
}
