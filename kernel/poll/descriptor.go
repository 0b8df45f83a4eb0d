// SPDX-License-Identifier: Apache-2.0

package poll

import "loam/abi"

// Close closes fd, for close(2). EBADF: it isn't open.
func (s *System) Close(tb *Table, fd int32) abi.Errno {
	if !tb.has(fd) {
		return abi.EBADF
	}
	tb.clear(fd)
	s.release(tb.file[fd])
	return 0
}

// Dup gives fd a second name, the least free one from from on, for dup(2) and
// F_DUPFD. EBADF: fd isn't open. EINVAL: from is out of range. EMFILE: no
// descriptor left.
func (s *System) Dup(tb *Table, fd, from int32, cloexec bool) (int32, abi.Errno) {
	if !tb.has(fd) {
		return 0, abi.EBADF
	}
	if uint32(from) >= MaxFD {
		return 0, abi.EINVAL
	}
	to, errno := tb.lowest(from)
	if errno != 0 {
		return 0, errno
	}
	s.attach(tb, to, tb.file[fd], cloexec)
	return to, 0
}

// Dup3 makes to another name of fd, closing what to was, for dup3(2). EINVAL:
// they are the same (dup2(2) then answers to, if it is open), or unknown flags.
// EBADF: fd isn't open, or to is out of range.
func (s *System) Dup3(tb *Table, fd, to int32, flags uint32) (int32, abi.Errno) {
	switch {
	case flags&^abi.O_CLOEXEC != 0, fd == to:
		return 0, abi.EINVAL
	case !tb.has(fd), uint32(to) >= MaxFD:
		return 0, abi.EBADF
	}
	if tb.has(to) {
		s.Close(tb, to)
	}
	s.attach(tb, to, tb.file[fd], flags != 0)
	return to, 0
}

// Fcntl does what fcntl(2) does to a descriptor. EBADF: it isn't open. EINVAL:
// a command or argument that doesn't exist.
func (s *System) Fcntl(tb *Table, fd int32, cmd uint32, arg uint64) (uint64, abi.Errno) {
	f, errno := s.lookup(tb, fd)
	if errno != 0 {
		return 0, errno
	}
	switch cmd {
	case abi.F_DUPFD, abi.F_DUPFD_CLOEXEC:
		if arg >= MaxFD {
			return 0, abi.EINVAL
		}
		to, errno := s.Dup(tb, fd, int32(arg), cmd == abi.F_DUPFD_CLOEXEC)
		return uint64(to), errno
	case abi.F_GETFD:
		return tb.cloexec[fd/64] >> (fd % 64) & 1, 0
	case abi.F_SETFD:
		tb.setCloexec(fd, arg&abi.FD_CLOEXEC != 0)
		return 0, 0
	case abi.F_GETFL:
		return uint64(f.flags), 0
	case abi.F_SETFL: // of what it could change there is only this
		f.flags = f.flags&^abi.O_NONBLOCK | uint32(arg)&abi.O_NONBLOCK
		return 0, 0
	case abi.F_GETPIPE_SZ:
		if f.kind == kindPipe {
			return uint64(s.config.PipeBytes), 0
		}
		return 0, abi.EBADF
	}
	return 0, abi.EINVAL
}
