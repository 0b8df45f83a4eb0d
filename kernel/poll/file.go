// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"loam/abi"
	"loam/kernel/pool"
)

// kind says what a file is.
type kind uint8

const (
	kindStream kind = iota
	kindEvent
	kindPipe
	kindEpoll
)

// Stream is one of the standard streams, or None for another file.
type Stream int8

const (
	None   Stream = -1 // no stream: Read and Write of this package serve the file
	Stdin  Stream = 0  // what the host sends
	Stdout Stream = 1  // what the program answers
	Stderr Stream = 2  // what it says beside that
)

// file is an open file description.
type file struct {
	kind      kind
	stream    Stream // kindStream
	semaphore bool   // kindEvent
	index     int32  // of this file
	refs      int32  // descriptors
	flags     uint32 // O_ACCMODE and O_NONBLOCK
	ready     uint32 // kindStream: its readiness
	pipe      int32  // kindPipe
	table     int32
	count     uint64    // kindEvent
	waiters   pool.List // threads
	watches   pool.List // epoll entries on this file
	interest  pool.List // kindEpoll: its entries
	hints     pool.List // kindEpoll: those that may be ready
}

func (f *file) reads() bool    { return f.flags&abi.O_ACCMODE != abi.O_WRONLY }
func (f *file) writes() bool   { return f.flags&abi.O_ACCMODE != abi.O_RDONLY }
func (f *file) nonblock() bool { return f.flags&abi.O_NONBLOCK != 0 }

// newFile takes a file out of the pool; it has no descriptor yet.
func (s *System) newFile(tb *Table, k kind, flags uint32) (int32, abi.Errno) {
	h, f, ok := s.files.Get()
	if !ok {
		return 0, abi.ENFILE
	}
	f.kind, f.flags, f.index, f.table, f.stream = k, flags, h.Index, tb.self.Index, None
	return h.Index, 0
}

// open takes a file and gives it the least free descriptor.
func (s *System) open(tb *Table, k kind, flags uint32, cloexec bool) (fd int32, f *file, errno abi.Errno) {
	fd, errno = tb.lowest(0)
	if errno != 0 {
		return 0, nil, errno
	}
	i, errno := s.newFile(tb, k, flags)
	if errno != 0 {
		return 0, nil, errno
	}
	s.attach(tb, fd, i, cloexec)
	return fd, s.files.Index(i), 0
}

func (s *System) attach(tb *Table, fd, i int32, cloexec bool) {
	tb.set(fd, i, cloexec)
	s.files.Index(i).refs++
}

// release drops one descriptor's hold on file i; the last one ends the file.
func (s *System) release(i int32) {
	f := s.files.Index(i)
	f.refs--
	if f.refs > 0 {
		return
	}
	for w := f.watches.First(); w != pool.Nil; w = f.watches.First() {
		s.unwatch(w)
	}
	for w := f.interest.First(); w != pool.Nil; w = f.interest.First() {
		s.unwatch(w)
	}
	s.wake(f, ^uint32(0))
	if f.kind == kindPipe {
		s.closePipe(f)
	}
	h, _ := s.files.HandleOf(i)
	s.files.Put(h)
}

// events gives a file's readiness, in epoll's bits.
func (s *System) events(f *file) uint32 {
	switch f.kind {
	case kindStream:
		return f.ready
	case kindEvent:
		return f.eventReady()
	case kindPipe:
		return s.pipeReady(f)
	case kindEpoll:
		return s.epollReady(f)
	}
	return 0
}

// notify is called when events may have become true of f.
func (s *System) notify(f *file, events uint32) {
	for w := f.watches.First(); w != pool.Nil; w = f.watches.Next(s.onFile, w) {
		if s.watches.Index(w).events&events != 0 {
			s.hint(w)
		}
	}
	s.wake(f, events)
}

// SetStream tells the readiness of a process's standard stream, in epoll's
// bits: EPOLLIN when there is input or its end, EPOLLOUT while output is taken.
// Files made from the stream by dup are the same file.
func (s *System) SetStream(tb *Table, stream Stream, events uint32) {
	for fd := range int32(MaxFD) {
		if !tb.has(fd) {
			continue
		}
		if f := s.files.Index(tb.file[fd]); f.stream == stream {
			f.ready = events
			s.notify(f, events)
			return
		}
	}
}

// Info is what the caller needs to know of a descriptor.
type Info struct {
	Stream   Stream // None: Read and Write here serve it
	Reads    bool   // open for reading
	Writes   bool   // open for writing
	Nonblock bool
}

// Info describes fd. EBADF: it isn't open.
func (s *System) Info(tb *Table, fd int32) (Info, abi.Errno) {
	f, errno := s.lookup(tb, fd)
	if errno != 0 {
		return Info{}, errno
	}
	return Info{f.stream, f.reads(), f.writes(), f.nonblock()}, 0
}

// Events gives the readiness of fd in epoll's bits, for poll(2): EPOLLNVAL when
// it isn't open.
func (s *System) Events(tb *Table, fd int32) uint32 {
	f, errno := s.lookup(tb, fd)
	if errno != 0 {
		return abi.EPOLLNVAL
	}
	return s.events(f)
}

// Read reads into p, for read(2) of everything but streams. When blocked is
// true nothing was read, and the caller parks the thread until EPOLLIN.
// EBADF: not open for reading. EINVAL: the file can't be read, or p is too
// short for an eventfd. EAGAIN: nothing there and the file doesn't block.
func (s *System) Read(tb *Table, fd int32, p []byte) (n int, errno abi.Errno, blocked bool) {
	f, errno := s.lookup(tb, fd)
	switch {
	case errno != 0:
		return 0, errno, false
	case !f.reads():
		return 0, abi.EBADF, false
	case f.kind == kindEvent:
		n, errno = s.readEvent(f, p)
	case f.kind == kindPipe:
		n, errno = s.readPipe(f, p)
	default:
		return 0, abi.EINVAL, false
	}
	if errno == abi.EAGAIN && !f.nonblock() {
		return 0, 0, true
	}
	return n, errno, false
}

// Write writes p, for write(2) of everything but streams. When blocked is true
// nothing was written, and the caller parks the thread until EPOLLOUT. n may
// be less than len(p) for a pipe; up to abi.PIPE_BUF bytes are written whole.
// EBADF: not open for writing. EINVAL: the file can't be written, or p is no
// eventfd's addend. EPIPE: nobody reads; the caller sends SIGPIPE too. EAGAIN:
// no room and the file doesn't block.
func (s *System) Write(tb *Table, fd int32, p []byte) (n int, errno abi.Errno, blocked bool) {
	f, errno := s.lookup(tb, fd)
	switch {
	case errno != 0:
		return 0, errno, false
	case !f.writes():
		return 0, abi.EBADF, false
	case f.kind == kindEvent:
		n, errno = s.writeEvent(f, p)
	case f.kind == kindPipe:
		n, errno = s.writePipe(f, p)
	default:
		return 0, abi.EINVAL, false
	}
	if errno == abi.EAGAIN && !f.nonblock() {
		return 0, 0, true
	}
	return n, errno, false
}

// Stat describes fd, for fstat(2).
func (s *System) Stat(tb *Table, fd int32) (st abi.Stat, errno abi.Errno) {
	f, errno := s.lookup(tb, fd)
	if errno != 0 {
		return st, errno
	}
	st = abi.Stat{Ino: uint64(f.index) + 1, Nlink: 1, Mode: 0o600, Blksize: abi.PageSize}
	switch f.kind {
	case kindPipe:
		st.Mode |= abi.S_IFIFO
		st.Ino = uint64(f.pipe) + 1
	case kindStream:
		st.Mode = abi.S_IFIFO | 0o600 // bytes to and from the host, no terminal
	}
	return st, 0
}
