// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
)

// sysClose: descriptor.
func sysClose(s *Server, t *task) uint64 {
	f := t.p.table.Remove(int32(t.Args[0]))
	if f == nil {
		return abi.EBADF.Result()
	}
	s.letGo(t.p, f)
	return 0
}

// sysCloseRange: first, last, flags.
func sysCloseRange(s *Server, t *task) uint64 {
	const unshare, closeExec = 2, 4
	first, last, flags := uint32(t.Args[0]), uint32(t.Args[1]), uint32(t.Args[2])
	if flags&^(unshare|closeExec) != 0 || first > last {
		return abi.EINVAL.Result()
	}
	tb := t.p.table
	if flags&unshare != 0 {
		t.p.ownDescriptors()
		tb = t.p.table
	}
	if int64(first) >= int64(tb.Limit) {
		return 0
	}
	tb.Each(int(first), func(fd int32, f *file) {
		switch {
		case uint32(fd) > last:
		case flags&closeExec != 0:
			tb.SetCloseExec(fd, true)
		default:
			tb.Remove(fd)
			s.letGo(t.p, f)
		}
	})
	return 0
}

// sysDup: descriptor.
func sysDup(s *Server, t *task) uint64 { return s.dup(t, t.Args[0], 0, false) }

// dup gives a descriptor's file another one, from least on.
func (s *Server) dup(t *task, fd, least uint64, closeExec bool) uint64 {
	f := t.p.table.Get(int32(fd))
	if f == nil {
		return abi.EBADF.Result()
	}
	if least >= uint64(t.p.table.Limit) {
		return abi.EINVAL.Result()
	}
	n, ok := t.p.table.Add(f, int(least), closeExec)
	if !ok {
		return abi.EMFILE.Result()
	}
	f.refs++
	return uint64(n)
}

// sysDup2: old, new.
func sysDup2(s *Server, t *task) uint64 {
	if uint32(t.Args[0]) == uint32(t.Args[1]) {
		if t.p.table.Get(int32(t.Args[0])) == nil {
			return abi.EBADF.Result()
		}
		return t.Args[1]
	}
	return s.replace(t, false)
}

// sysDup3: old, new, flags.
func sysDup3(s *Server, t *task) uint64 {
	if t.Args[2]&^abi.O_CLOEXEC != 0 || uint32(t.Args[0]) == uint32(t.Args[1]) {
		return abi.EINVAL.Result()
	}
	return s.replace(t, t.Args[2] != 0)
}

func (s *Server) replace(t *task, closeExec bool) uint64 {
	f := t.p.table.Get(int32(t.Args[0]))
	if f == nil {
		return abi.EBADF.Result()
	}
	old, ok := t.p.table.Replace(int32(t.Args[1]), f, closeExec)
	if !ok {
		return abi.EBADF.Result()
	}
	f.refs++
	if old != nil {
		s.letGo(t.p, old)
	}
	return uint64(uint32(t.Args[1]))
}

// sysFcntl: descriptor, command, argument.
func sysFcntl(s *Server, t *task) uint64 {
	fd := int32(t.Args[0])
	f := t.p.table.Get(fd)
	if f == nil {
		return abi.EBADF.Result()
	}
	switch arg := t.Args[2]; int32(t.Args[1]) {
	case abi.F_DUPFD:
		return s.dup(t, t.Args[0], arg, false)
	case abi.F_DUPFD_CLOEXEC:
		return s.dup(t, t.Args[0], arg, true)
	case abi.F_GETFD:
		if t.p.table.CloseExec(fd) {
			return abi.FD_CLOEXEC
		}
		return 0
	case abi.F_SETFD:
		t.p.table.SetCloseExec(fd, arg&abi.FD_CLOEXEC != 0)
		return 0
	case abi.F_GETFL:
		return uint64(f.flags)
	}
	if f.flags&abi.O_PATH != 0 {
		return abi.EBADF.Result()
	}
	return s.fcntl(t, f)
}

// fcntl does the commands that are about the open file.
func (s *Server) fcntl(t *task, f *file) uint64 {
	switch arg := t.Args[2]; int32(t.Args[1]) {
	case abi.F_SETFL:
		f.flags = f.flags&^lx.O_SETFL | uint32(arg)&lx.O_SETFL
		return 0
	case abi.F_GETPIPE_SZ, abi.F_SETPIPE_SZ:
		p, ok := f.dev.(*pipeFile)
		if !ok {
			return abi.EBADF.Result()
		}
		if int32(t.Args[1]) == abi.F_GETPIPE_SZ {
			return uint64(p.Limit())
		}
		return count(p.SetLimit(int(int32(arg))))
	case abi.F_SETLK, abi.F_SETLKW, abi.F_GETLK, lx.F_OFD_SETLK, lx.F_OFD_SETLKW, lx.F_OFD_GETLK:
		return s.recordLock(t, f)
	case lx.F_ADD_SEALS:
		return s.addSeals(f, uint32(arg))
	case lx.F_GET_SEALS:
		return f.getSeals()
	case lx.F_SETOWN:
		return 0
	case lx.F_GETOWN:
		return 0
	}
	return abi.EINVAL.Result()
}

// sysIoctl: descriptor, request, argument.
func sysIoctl(s *Server, t *task) uint64 {
	fd := int32(t.Args[0])
	f := s.file(t, t.Args[0])
	if f == nil {
		return abi.EBADF.Result()
	}
	request, arg := uint32(t.Args[1]), t.Args[2]
	switch request {
	case abi.FIOCLEX, abi.FIONCLEX:
		t.p.table.SetCloseExec(fd, request == abi.FIOCLEX)
		return 0
	case abi.FIONBIO:
		b := s.scratch[:4]
		if !s.get(t, arg, b) {
			return abi.EFAULT.Result()
		}
		f.flags &^= abi.O_NONBLOCK
		if [4]byte(b) != [4]byte{} {
			f.flags |= abi.O_NONBLOCK
		}
		return 0
	case abi.FIONREAD:
		return s.available(t, f, arg)
	}
	switch d := f.dev.(type) {
	case socketFile:
		return d.ioctl(s, t, request, arg)
	case *streamFile:
		return s.terminal(t, d, request, arg)
	case *ptyFile:
		return d.ioctl(s, t, request, arg)
	case *epollFile:
		return abi.EINVAL.Result() // of a request that it doesn't know
	}
	return abi.ENOTTY.Result()
}

// available is ioctl(FIONREAD).
func (s *Server) available(t *task, f *file, to uint64) uint64 {
	n := int64(0)
	switch d := f.dev.(type) {
	case *pipeFile:
		n = int64(d.Buffered())
	case socketFile:
		if d.Listening() {
			return abi.EINVAL.Result()
		}
		n = int64(d.Buffered())
	case *ptyFile:
		if d.Hung() {
			return abi.EIO.Result()
		}
		n = int64(d.Buffered())
	case *inotifyFile:
		n = int64(d.bytes)
	case *epollFile:
		return abi.EINVAL.Result()
	case nil:
		var st abi.Stat
		if f.open == nil || f.path.Node.Mode()&abi.S_IFMT != abi.S_IFREG {
			return abi.ENOTTY.Result()
		}
		if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
			return fail(e)
		}
		n = st.Size - f.pos
	default:
		return abi.ENOTTY.Result()
	}
	b := s.scratch[:4]
	binary.LittleEndian.PutUint32(b, uint32(n))
	return s.put(t, to, b)
}

// terminal passes a terminal's request on to its stream.
func (s *Server) terminal(t *task, st *streamFile, request uint32, arg uint64) uint64 {
	if st.Terminal() {
		if result, ok := s.jobControl(t, &s.tty, false, request, arg); ok {
			return result
		}
	}
	in, n := s.scratch[:64], 0
	switch request {
	case lx.TCSETS, lx.TCSETSW, lx.TCSETSF:
		n = termiosSize
		if st.Terminal() {
			if waits, e := s.takeForeground(t, &s.tty, abi.SIGTTOU); waits {
				return blocked
			} else if e != 0 {
				return fail(e)
			}
		}
	case lx.TIOCSWINSZ:
		n = abi.WinsizeSize
	}
	if n > 0 && !s.get(t, arg, in[:n]) {
		return abi.EFAULT.Result()
	}
	out, e := st.Control(t.waiter, request, append([]byte(nil), in[:n]...))
	if e != 0 {
		return fail(e)
	}
	return s.put(t, arg, out)
}

// sysPipe: address of two descriptors.
func sysPipe(s *Server, t *task) uint64 { return s.pipe(t, 0) }

// sysPipe2: address, flags.
func sysPipe2(s *Server, t *task) uint64 {
	if t.Args[1]&^(abi.O_CLOEXEC|abi.O_NONBLOCK|abi.O_DIRECT) != 0 {
		return abi.EINVAL.Result()
	}
	return s.pipe(t, t.Args[1]&^abi.O_DIRECT)
}

func (s *Server) pipe(t *task, flags uint64) uint64 {
	p := poll.NewPipe()
	s.inode++
	own := &pipeAttributes{ino: s.inode, mode: 0o600}
	r := &pipeFile{End: poll.End{Pipe: p, Reads: true}, own: own}
	w := &pipeFile{End: poll.End{Pipe: p, Writes: true}, own: own}
	return s.enterTwo(t, t.Args[0], flags, s.newDevice(r, uint32(flags)), s.newDevice(w, uint32(flags)|abi.O_WRONLY))
}

// sysEventfd: count.
func sysEventfd(s *Server, t *task) uint64 { return s.eventfd(t, 0) }

// sysEventfd2: count, flags.
func sysEventfd2(s *Server, t *task) uint64 { return s.eventfd(t, t.Args[1]) }

func (s *Server) eventfd(t *task, flags uint64) uint64 {
	if flags&^(abi.EFD_SEMAPHORE|abi.EFD_CLOEXEC|abi.EFD_NONBLOCK) != 0 {
		return abi.EINVAL.Result()
	}
	f := &eventFile{Eventfd: poll.Eventfd{Count: uint64(uint32(t.Args[0])), Semaphore: flags&abi.EFD_SEMAPHORE != 0}}
	return s.enter(t, s.newDevice(f, uint32(flags)&abi.O_NONBLOCK|abi.O_RDWR), flags)
}
