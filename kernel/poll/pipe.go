// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"loam/abi"
	"loam/kernel/pool"
)

// pipe is a ring of bytes between two files.
type pipe struct {
	reader int32 // file, pool.Nil when closed
	writer int32
	head   int // of the first byte
	count  int // bytes
}

const (
	pipeIn  = abi.EPOLLIN | abi.EPOLLRDNORM
	pipeOut = abi.EPOLLOUT | abi.EPOLLWRNORM
)

// Pipe makes a pipe, for pipe2(2), and gives the descriptors of its reading and
// writing end. EINVAL: unknown flags. EMFILE: no two descriptors left, or too
// many pipes for one process. ENFILE: no pipe or file left.
func (s *System) Pipe(tb *Table, flags uint32) (r, w int32, errno abi.Errno) {
	if flags&^(abi.O_CLOEXEC|abi.O_NONBLOCK) != 0 {
		return 0, 0, abi.EINVAL
	}
	if tb.pipes >= s.config.PipesPerTable {
		return 0, 0, abi.EMFILE
	}
	h, p, ok := s.pipes.Get()
	if !ok {
		return 0, 0, abi.ENFILE
	}
	p.reader, p.writer = pool.Nil, pool.Nil
	s.touchBuffer(h.Index)
	nonblock, cloexec := flags&abi.O_NONBLOCK, flags&abi.O_CLOEXEC != 0
	r, rf, errno := s.open(tb, kindPipe, abi.O_RDONLY|nonblock, cloexec)
	if errno != 0 {
		s.pipes.Put(h)
		return 0, 0, errno
	}
	rf.pipe = h.Index
	p.reader = rf.index
	tb.pipes++
	w, wf, errno := s.open(tb, kindPipe, abi.O_WRONLY|nonblock, cloexec)
	if errno != 0 {
		s.Close(tb, r) // frees the pipe too
		return 0, 0, errno
	}
	wf.pipe = h.Index
	p.writer = wf.index
	return r, w, 0
}

// touchBuffer has memory behind a pipe's buffer, so that no write needs any: who
// makes a pipe is refused when there is none.
func (s *System) touchBuffer(pipe int32) {
	size := s.config.PipeBytes
	buf := s.buffers[int(pipe)*size:][:size]
	for i := 0; i < size; i += abi.PageSize {
		buf[i] = 0
	}
	buf[size-1] = 0
}

// closePipe ends one end of a pipe, and with the second one the pipe.
func (s *System) closePipe(f *file) {
	p := s.pipes.Index(f.pipe)
	if f.reads() {
		p.reader = pool.Nil
	} else {
		p.writer = pool.Nil
	}
	switch {
	case p.writer != pool.Nil:
		s.notify(s.files.Index(p.writer), pipeOut|abi.EPOLLERR)
	case p.reader != pool.Nil:
		s.notify(s.files.Index(p.reader), pipeIn|abi.EPOLLHUP)
	default:
		s.tables.Index(f.table).pipes--
		h, _ := s.pipes.HandleOf(f.pipe)
		s.pipes.Put(h)
	}
}

func (s *System) pipeReady(f *file) (events uint32) {
	p := s.pipes.Index(f.pipe)
	if f.reads() {
		if p.count > 0 {
			events |= pipeIn
		}
		if p.writer == pool.Nil {
			events |= abi.EPOLLHUP
		}
		return events
	}
	if !s.full(p) {
		events |= pipeOut
	}
	if p.reader == pool.Nil {
		events |= abi.EPOLLERR
	}
	return events
}

// full reports whether a write of PIPE_BUF bytes would have to wait: what poll
// means by not writable.
func (s *System) full(p *pipe) bool { return s.config.PipeBytes-p.count < abi.PIPE_BUF }

// ring gives the n bytes from the at'th on of a pipe's buffer, in one or two
// pieces.
func (s *System) ring(f *file, at, n int) (a, b []byte) {
	size := s.config.PipeBytes
	buf := s.buffers[int(f.pipe)*size:][:size]
	at &= size - 1
	if at+n <= size {
		return buf[at : at+n], nil
	}
	return buf[at:], buf[:at+n-size]
}

func (s *System) readPipe(f *file, dst []byte) (int, abi.Errno) {
	p := s.pipes.Index(f.pipe)
	n := min(len(dst), p.count)
	switch {
	case len(dst) == 0:
		return 0, 0
	case n == 0 && p.writer == pool.Nil:
		return 0, 0 // the end
	case n == 0:
		return 0, abi.EAGAIN
	}
	a, b := s.ring(f, p.head, n)
	copy(dst[copy(dst, a):], b)
	full := s.full(p)
	p.head += n
	p.count -= n
	if p.writer != pool.Nil && full && !s.full(p) {
		s.notify(s.files.Index(p.writer), pipeOut)
	}
	return n, 0
}

func (s *System) writePipe(f *file, src []byte) (int, abi.Errno) {
	p := s.pipes.Index(f.pipe)
	room := s.config.PipeBytes - p.count
	switch {
	case len(src) == 0:
		return 0, 0
	case p.reader == pool.Nil:
		return 0, abi.EPIPE
	case room == 0, len(src) <= abi.PIPE_BUF && room < len(src):
		return 0, abi.EAGAIN
	}
	n := min(len(src), room)
	a, b := s.ring(f, p.head+p.count, n)
	copy(b, src[copy(a, src[:n]):n])
	p.count += n
	s.notify(s.files.Index(p.reader), pipeIn)
	return n, 0
}
