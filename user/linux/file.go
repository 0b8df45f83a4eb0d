// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
	"loam/user/linux/vfs"
)

// file is what descriptors are of: an open file description.
type file struct {
	refs  int32
	flags uint32 // access mode and status flags
	busy  bool   // somebody waits in an operation that moves pos
	// locked says that it has a lock of flock(2).
	locked bool
	locks  bool // it has or had locks of its own of parts of the file
	pos    int64
	path   vfs.Path
	open   vfs.Open // nil of what has no position: dev, and files opened with O_PATH
	dev    device   // or this
	in     []watch  // epolls that watch it
	dir    vfs.Node // where it was when it was opened; nil: that isn't known
	leaf   string   // and its name there
	name   string   // in /proc/self/fd, of what has no path

	attributes vfs.Attributes // the open file's or the node's
}

// watch is an epoll that watches a file.
type watch struct {
	epoll *epollFile
	key   poll.Key
}

// device is what has no position and can be waited for: pipes, eventfds, epolls, streams. An
// operation answers lx.Wait if it can't go on, when some may have been done.
type device interface {
	poll.File
	read(s *Server, b lx.Buffer) (int, abi.Errno)
	write(s *Server, b lx.Buffer) (int, abi.Errno)
	stat(s *abi.Stat)
	// again opens it by its name in /proc/self/fd.
	again(flags uint32) (device, abi.Errno)
	close()
}

func (f *file) reads() bool {
	m := f.flags & abi.O_ACCMODE
	return (m == abi.O_RDONLY || m == abi.O_RDWR)
}

func (f *file) writes() bool {
	m := f.flags & abi.O_ACCMODE
	return (m == abi.O_WRONLY || m == abi.O_RDWR)
}

func (f *file) nonblock() bool { return f.flags&abi.O_NONBLOCK != 0 }

// setAttributes finds out what is asked for the file's attributes.
func (f *file) setAttributes() {
	f.attributes = f.path.Node
	if a, ok := f.open.(vfs.Attributes); ok {
		f.attributes = a
	}
}

// unref takes a reference away, and closes the file with the last.
func (s *Server) unref(f *file) {
	if f.refs--; f.refs > 0 {
		return
	}
	for _, w := range f.in {
		w.epoll.Remove(w.key)
	}
	f.in = nil
	if f.locked {
		s.unlock(f)
	}
	if f.locks {
		s.forgetLocks(f)
	}
	switch {
	case f.dev != nil:
		f.dev.close()
	case f.open != nil:
		if f.writes() {
			s.did(f, vfs.InCloseWrite)
		} else {
			s.did(f, vfs.InCloseRead)
		}
		f.open.Close()
		if g, ok := f.path.Node.(vfs.Goner); ok && len(s.writable) > 0 && g.Gone() {
			delete(s.writable, f.path.Node)
		}
		if g, ok := f.path.Node.(vfs.Goner); s.events.Tell != nil && ok && g.Gone() {
			s.happened(vfs.Event{Bits: vfs.InDeleteSelf, Node: f.path.Node})
		}
	case f.flags&abi.O_PATH != 0:
		if n, ok := f.path.Node.(vfs.Holder); ok {
			n.Drop()
		}
	}
}

// enter gives a new file a descriptor. If there is none left, it is closed.
func (s *Server) enter(t *task, f *file, flags uint64) uint64 {
	f.refs = 1
	fd, ok := t.p.table.Add(f, 0, flags&abi.O_CLOEXEC != 0)
	if !ok {
		s.unref(f)
		return abi.EMFILE.Result()
	}
	return uint64(fd)
}

// sysRead: descriptor, buffer, length.
func sysRead(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	if f == nil || !f.reads() {
		return abi.EBADF.Result()
	}
	return t.p.moved.didRead(s.read(t, f, s.one(t, t.Args[1], t.Args[2])))
}

// sysReadv: descriptor, iovec, count.
func sysReadv(s *Server, t *task) uint64 {
	f, b, e := s.vectors(t, (*file).reads)
	result := fail(e)
	if b != nil {
		result = t.p.moved.didRead(s.read(t, f, b))
	}
	if result == 0 && f.dev == nil { // Linux calls that an access, and not with read
		s.did(f, vfs.InAccess)
	}
	return result
}

// vectors gives the file and the buffer of readv(2) and writev(2), if the file allows it. Without
// a buffer the error, perhaps none, is the result.
func (s *Server) vectors(t *task, allows func(*file) bool) (*file, *span, abi.Errno) {
	f := s.file(t, t.Args[0])
	if f == nil || !allows(f) {
		return nil, nil, abi.EBADF
	}
	b, e := s.several(t, t.Args[1], t.Args[2])
	if _, epoll := f.dev.(*epollFile); e != 0 || b.Len() == 0 && !epoll {
		return f, nil, e
	}
	return f, b, 0
}

// sysPread64: descriptor, buffer, length, offset; and preadv(2), whose buffer is an iovec.
func sysPread64(s *Server, t *task) uint64 {
	f, b, e := s.placed(t, (*file).reads, t.Number == lx.SysPread64)
	if e != 0 {
		return fail(e)
	}
	s.seen(t, f)
	n, e := f.open.Read(t.waiter, b, int64(t.Args[3]))
	s.accessed(f, n)
	return t.p.moved.didRead(count(n, e))
}

// placed gives the file and the buffer of a call at a position, if the file allows it: one
// buffer, or several.
func (s *Server) placed(t *task, allows func(*file) bool, one bool) (f *file, b *span, e abi.Errno) {
	f = s.file(t, t.Args[0])
	e = positioned(f, t.Args[3])
	switch {
	case e != 0:
	case !allows(f):
		e = abi.EBADF
	case one:
		b = s.one(t, t.Args[1], t.Args[2])
	default:
		b, e = s.several(t, t.Args[1], t.Args[2])
	}
	return f, b, e
}

// positioned checks that a file has positions, and this one.
func positioned(f *file, off uint64) abi.Errno {
	switch {
	case int64(off) < 0:
		return abi.EINVAL
	case f == nil:
		return abi.EBADF
	case f.open == nil:
		return abi.ESPIPE
	}
	return 0
}

// count is the result of an operation that has moved n bytes.
func count(n int, e abi.Errno) uint64 {
	if e != 0 {
		return fail(e)
	}
	return uint64(n)
}

// read reads from where the file is.
func (s *Server) read(t *task, f *file, b *span) uint64 {
	if f.dev != nil {
		if d, ok := f.dev.(*ptyFile); ok {
			return s.readTerminal(t, f, d, b)
		}
		if t.p.pgid != s.tty.group && t.p.sid == s.tty.session {
			if result, ok := s.readBackground(t, f); ok {
				return result
			}
		}
		n, e := f.dev.read(s, b)
		if e == lx.Wait {
			return s.park(t, f, receiving)
		}
		return count(n, e)
	}
	if !s.occupy(t, f) {
		return slow
	}
	s.seen(t, f)
	n, e := f.open.Read(t.waiter, b, f.pos)
	if e == 0 {
		f.pos += int64(n)
		s.accessed(f, n)
	}
	s.vacate(t, f)
	return count(n, e)
}

// accessed tells that a part of a file was read.
func (s *Server) accessed(f *file, n int) {
	if n > 0 && s.events.Tell != nil {
		s.did(f, vfs.InAccess)
	}
}

// readBackground has a process in the background not read from the terminal.
func (s *Server) readBackground(t *task, f *file) (result uint64, ok bool) {
	st, is := f.dev.(*streamFile)
	if !is || !st.Terminal() {
		return 0, false
	}
	waits, e := s.takeForeground(t, &s.tty, abi.SIGTTIN)
	if waits {
		return blocked, true
	}
	return fail(e), e != 0
}

// occupy keeps f's position for t, until vacate. false: another has it, and t may not wait.
func (s *Server) occupy(t *task, f *file) bool {
	if t.waiter == nil {
		return !f.busy
	}
	for f.busy {
		s.changed.Wait()
		s.current = t
	}
	f.busy = true
	return true
}

func (s *Server) vacate(t *task, f *file) {
	if t.waiter != nil {
		f.busy = false
		s.changed.Broadcast()
	}
}

// sysWrite: descriptor, buffer, length.
func sysWrite(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	if f == nil || !f.writes() {
		return abi.EBADF.Result()
	}
	return t.p.moved.didWrite(s.write(t, f, s.one(t, t.Args[1], t.Args[2])))
}

// sysWritev: descriptor, iovec, count.
func sysWritev(s *Server, t *task) uint64 {
	f, b, e := s.vectors(t, (*file).writes)
	if b == nil {
		return fail(e)
	}
	return t.p.moved.didWrite(s.write(t, f, b))
}

// sysPwrite64: descriptor, buffer, length, offset; and pwritev(2).
func sysPwrite64(s *Server, t *task) uint64 {
	f, b, e := s.placed(t, (*file).writes, t.Number == lx.SysPwrite64)
	if e != 0 {
		return fail(e)
	}
	if e := s.boundWrite(t, f, b, int64(t.Args[3])); e != 0 {
		return fail(e)
	}
	n, end, e := f.open.Write(t.waiter, b, int64(t.Args[3]), f.flags&abi.O_APPEND != 0)
	if e == 0 {
		s.written(t, f, end-int64(n), int64(n))
	}
	return t.p.moved.didWrite(count(n, e))
}

// write writes to where the file is.
func (s *Server) write(t *task, f *file, b *span) uint64 {
	if f.dev != nil {
		return s.writeDevice(t, f, b)
	}
	if !s.occupy(t, f) {
		return slow
	}
	if e := s.boundWrite(t, f, b, f.pos); e != 0 {
		s.vacate(t, f)
		return fail(e)
	}
	n, end, e := f.open.Write(t.waiter, b, f.pos, f.flags&abi.O_APPEND != 0)
	if e == 0 {
		f.pos = end
		s.written(t, f, end-int64(n), int64(n))
	}
	s.vacate(t, f)
	return count(n, e)
}

// writeDevice writes all of it, and waits for room as often as it must.
func (s *Server) writeDevice(t *task, f *file, b *span) uint64 {
	if result, ok := s.mayWriteTerminal(t, f); !ok {
		return result
	}
	done := 0
	if t.w != nil {
		done = t.w.done
		b.skip(done)
	}
	n, e := f.dev.write(s, b)
	done += n
	if k, ok := f.dev.(socketFile); e == abi.EPIPE && done == 0 && !(ok && k.kind() != socket.Stream) {
		s.kernel.Signal(t.Token, abi.SIGPIPE)
	}
	if e == inet.Unknown {
		return s.waitForNetwork(t, f)
	}
	if e == lx.Wait {
		result := s.park(t, f, sending)
		switch {
		case result == blocked:
			t.w.done = done
		case done > 0:
			return uint64(done)
		}
		return result
	}
	if done > 0 {
		return uint64(done)
	}
	return count(n, e)
}

// park has a task wait until a device may be read or written, unless it may not.
func (s *Server) park(t *task, f *file, which int) uint64 {
	if _, ok := f.dev.(socketFile); ok {
		return s.sleep(t, f, which, false, nil)
	}
	if f.nonblock() {
		return abi.EAGAIN.Result()
	}
	return s.waitFor(t, f, f.dev.Queue())
}

// sysLseek: descriptor, offset, whence.
func sysLseek(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	if f != nil && uint32(t.Args[2]) > lx.SeekHole {
		return abi.EINVAL.Result()
	}
	if e := positioned(f, 0); e != 0 {
		if e == abi.ESPIPE && f.path.Node.Mode()&abi.S_IFMT == 0 {
			return 0 // an eventfd or epoll, whose position nobody looks at
		}
		return fail(e)
	}
	if !s.occupy(t, f) {
		return slow
	}
	defer s.vacate(t, f)
	off := int64(t.Args[1])
	base := int64(0)
	switch int32(t.Args[2]) {
	case abi.SEEK_SET:
	case abi.SEEK_CUR:
		base = f.pos
	case abi.SEEK_END:
		if vfs.IsDir(f.path.Node) {
			return abi.EINVAL.Result()
		}
		var st abi.Stat
		if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
			return fail(e)
		}
		base = st.Size
	case lx.SeekData, lx.SeekHole:
		to, e := f.open.Seek(t.waiter, off, int(t.Args[2]))
		if e != 0 {
			return fail(e)
		}
		f.pos = to
		return uint64(to)
	default:
		return abi.EINVAL.Result()
	}
	to := base + off
	if to < 0 {
		return abi.EINVAL.Result()
	}
	f.pos = to
	return uint64(to)
}
