// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
)

// What goes from one file to another by way of this server: sendfile, splice, tee, vmsplice. At most copied bytes at
// a time, by a copy of them.

// piece is a buffer in the server: of what goes from one file to another.
type piece struct {
	b    []byte
	at   int
	left int
}

// Len is for lx.Buffer.
func (p *piece) Len() int { return p.left }

// Put is for lx.Buffer.
func (p *piece) Put(b []byte) (int, abi.Errno) {
	n := copy(p.b[p.at:p.at+p.left], b)
	p.at, p.left = p.at+n, p.left-n
	return n, 0
}

// Get is for lx.Buffer.
func (p *piece) Get(b []byte) (int, abi.Errno) {
	n := copy(b, p.b[p.at:p.at+p.left])
	p.at, p.left = p.at+n, p.left-n
	return n, 0
}

// sysSendfile: to, from, address of the offset, length.
func sysSendfile(s *Server, t *task) uint64 {
	out, in := t.p.table.Get(int32(t.Args[0])), t.p.table.Get(int32(t.Args[1]))
	switch {
	case in == nil || out == nil || !in.reads() || !out.writes() || (in.flags|out.flags)&abi.O_PATH != 0:
		return abi.EBADF.Result()
	case in.open == nil || out.flags&abi.O_APPEND != 0 || out.path.Node.Mode()&abi.S_IFMT == abi.S_IFDIR:
		return abi.EINVAL.Result()
	}
	defer s.both(in, out)()
	from, e := s.offset(t, in, t.Args[2])
	if e != 0 {
		return fail(e)
	}
	if out.dev != nil {
		n, e, q := s.toDevice(t, in, from, out, min(t.Args[3], copied), out.nonblock())
		return s.spliced(t, n, e, q, func() { s.moved(t, in, t.Args[2], from+int64(n)) })
	}
	n, e := s.copyRange(t, in, from, out, out.pos, min(t.Args[3], copied))
	if e != 0 {
		return fail(e)
	}
	s.moved(t, in, t.Args[2], from+int64(n))
	out.pos += int64(n)
	return uint64(n)
}

// spliced ends a call that has moved n bytes, or waits for a queue.
func (s *Server) spliced(t *task, n int, e abi.Errno, q *poll.Queue, moved func()) uint64 {
	switch {
	case n > 0:
		moved()
		return uint64(n)
	case e == lx.Wait && q != nil:
		return s.wait(t, never, true, q)
	case e == lx.Wait && t.waiter != nil:
		return abi.EAGAIN.Result()
	case e == abi.EPIPE:
		s.kernel.Signal(t.Token, abi.SIGPIPE)
	}
	return count(n, e)
}

// toDevice moves bytes of a file with positions to a device. With lx.Wait a queue is told when
// it is to be tried again.
func (s *Server) toDevice(t *task, in *file, from int64, out *file, n uint64, nonblock bool) (int, abi.Errno, *poll.Queue) {
	if p, ok := out.dev.(*pipeFile); ok {
		if e, q := roomIn(p, nonblock); e != 0 {
			return 0, e, q
		}
		n = min(n, uint64(p.Room()))
	}
	if vfs.IsDir(in.path.Node) {
		return 0, abi.EINVAL, nil
	}
	p := &piece{b: make([]byte, n), left: int(n)}
	got, e := in.open.Read(t.waiter, p, from)
	if e != 0 || got == 0 {
		return 0, e, nil
	}
	p.at, p.left = 0, got
	return s.intoDevice(p, out, nonblock)
}

// roomIn waits for room in a pipe.
func roomIn(p *pipeFile, nonblock bool) (abi.Errno, *poll.Queue) {
	switch {
	case p.Readers() == 0:
		return abi.EPIPE, nil
	case p.Room() > 0:
		return 0, nil
	case nonblock:
		return abi.EAGAIN, nil
	}
	return lx.Wait, p.Queue()
}

// intoDevice writes a piece to a device.
func (s *Server) intoDevice(p *piece, out *file, nonblock bool) (int, abi.Errno, *poll.Queue) {
	n, e := out.dev.write(s, p)
	switch {
	case n > 0:
		return n, 0, nil
	case e == lx.Wait && nonblock:
		return 0, abi.EAGAIN, nil
	case e == lx.Wait:
		return 0, e, out.dev.Queue()
	}
	return n, e, nil
}

const (
	spliceNonblock = 2
	spliceFlags    = 0xf
)

// sysSplice: from, address of its offset, to, address of its offset, length, flags.
func sysSplice(s *Server, t *task) uint64 {
	flags := uint32(t.Args[5])
	in, out := t.p.table.Get(int32(t.Args[0])), t.p.table.Get(int32(t.Args[2]))
	switch {
	case t.Args[4] == 0:
		return 0
	case flags&^spliceFlags != 0:
		return abi.EINVAL.Result()
	case in == nil || out == nil || (in.flags|out.flags)&abi.O_PATH != 0:
		return abi.EBADF.Result()
	}
	from, ins := in.dev.(*pipeFile)
	to, outs := out.dev.(*pipeFile)
	switch {
	case ins && t.Args[1] != 0 || outs && t.Args[3] != 0:
		return abi.ESPIPE.Result()
	case !in.reads() || !out.writes():
		return abi.EBADF.Result()
	case ins && outs && from.Pipe == to.Pipe, !ins && !outs, ins && out.flags&abi.O_APPEND != 0,
		t.Args[1] != 0 && in.open == nil, t.Args[3] != 0 && out.open == nil:
		return abi.EINVAL.Result()
	}
	defer s.both(in, out)()
	n := min(t.Args[4], copied)
	nonblock := flags&spliceNonblock != 0
	switch {
	case ins && outs:
		return s.pipeToPipe(t, from, to, n, nonblock || in.nonblock() || out.nonblock(), true)
	case ins:
		return s.fromPipe(t, from, out, n, nonblock)
	}
	return s.toPipe(t, in, out, n, nonblock || out.nonblock())
}

// something waits for bytes in a pipe. done: there won't be any.
func something(p *pipeFile, nonblock bool) (done bool, e abi.Errno, q *poll.Queue) {
	switch {
	case p.Buffered() > 0:
		return false, 0, nil
	case p.Writers() == 0:
		return true, 0, nil
	case nonblock:
		return true, abi.EAGAIN, nil
	}
	return true, lx.Wait, p.Queue()
}

// pipeToPipe moves bytes between pipes, or copies them.
func (s *Server) pipeToPipe(t *task, from, to *pipeFile, n uint64, nonblock, takes bool) uint64 {
	nothing := func() {}
	if _, e, q := something(from, nonblock); e != 0 {
		return s.spliced(t, 0, e, q, nothing)
	}
	if e, q := roomIn(to, nonblock); e != 0 {
		return s.spliced(t, 0, e, q, nothing)
	}
	if from.Buffered() == 0 {
		return 0
	}
	b := make([]byte, min(int(n), from.Buffered(), to.Room()))
	from.Peek(b)
	k, e := to.Write(&piece{b: b, left: len(b)})
	if takes && k > 0 {
		from.Discard(k)
	}
	if k > 0 {
		e = 0
	}
	return s.spliced(t, k, e, nil, nothing)
}

// fromPipe moves bytes of a pipe to another file.
func (s *Server) fromPipe(t *task, from *pipeFile, out *file, n uint64, nonblock bool) uint64 {
	if done, e, q := something(from, nonblock); done {
		return s.spliced(t, 0, e, q, func() {})
	}
	b := make([]byte, min(int(n), from.Buffered()))
	from.Peek(b)
	p := &piece{b: b, left: len(b)}
	if out.dev != nil {
		k, e, q := s.intoDevice(p, out, nonblock || out.nonblock())
		return s.spliced(t, k, e, q, func() { from.Discard(k) })
	}
	at, e := s.offset(t, out, t.Args[3])
	if e != 0 {
		return fail(e)
	}
	most, e := s.mayWrite(t, out, at, int64(len(b)))
	if e != 0 {
		return fail(e)
	}
	if most < int64(len(b)) { // Linux tries to write the rest, too
		s.tooLarge(t)
	}
	b = b[:most]
	p.left = len(b)
	if t.waiter != nil { // others may read meanwhile
		from.Discard(len(b))
	}
	k, end, e := out.open.Write(t.waiter, p, at, false)
	if e != 0 {
		return fail(e)
	}
	if t.waiter == nil {
		from.Discard(k)
	}
	s.moved(t, out, t.Args[3], end)
	return uint64(k)
}

// toPipe moves bytes of another file to a pipe.
func (s *Server) toPipe(t *task, in, out *file, n uint64, nonblock bool) uint64 {
	if in.open != nil {
		from, e := s.offset(t, in, t.Args[1])
		if e != 0 {
			return fail(e)
		}
		k, e, q := s.toDevice(t, in, from, out, n, nonblock)
		return s.spliced(t, k, e, q, func() { s.moved(t, in, t.Args[1], from+int64(k)) })
	}
	to := out.dev.(*pipeFile)
	if e, q := roomIn(to, nonblock); e != 0 {
		return s.spliced(t, 0, e, q, func() {})
	}
	b := make([]byte, min(int(n), to.Room()))
	k, e := in.dev.read(s, &piece{b: b, left: len(b)})
	switch {
	case e == lx.Wait && (nonblock || in.nonblock()):
		return abi.EAGAIN.Result()
	case e == lx.Wait:
		return s.wait(t, never, true, in.dev.Queue())
	case e != 0:
		return fail(e)
	}
	k, e = to.Write(&piece{b: b[:k], left: k})
	return s.spliced(t, k, e, nil, func() {})
}

// sysTee: from, to, length, flags.
func sysTee(s *Server, t *task) uint64 {
	flags := uint32(t.Args[3])
	if flags&^spliceFlags != 0 {
		return abi.EINVAL.Result()
	}
	if t.Args[2] == 0 {
		return 0
	}
	in, out := s.pipeOf(t, t.Args[0]), s.pipeOf(t, t.Args[1])
	if in == nil || out == nil {
		a, b := t.p.table.Get(int32(t.Args[0])), t.p.table.Get(int32(t.Args[1]))
		if a == nil || b == nil || !a.reads() || !b.writes() || (a.flags|b.flags)&abi.O_PATH != 0 {
			return abi.EBADF.Result()
		}
		return abi.EINVAL.Result()
	}
	switch {
	case !in.reads() || !out.writes():
		return abi.EBADF.Result()
	case in.dev.(*pipeFile).Pipe == out.dev.(*pipeFile).Pipe:
		return abi.EINVAL.Result()
	}
	nonblock := flags&spliceNonblock != 0 || in.nonblock() || out.nonblock()
	return s.pipeToPipe(t, in.dev.(*pipeFile), out.dev.(*pipeFile), min(t.Args[2], copied), nonblock, false)
}

// pipeOf gives the file of a descriptor that is a pipe's, or nil.
func (s *Server) pipeOf(t *task, fd uint64) *file {
	f := t.p.table.Get(int32(fd))
	if f == nil || f.flags&abi.O_PATH != 0 {
		return nil
	}
	if _, ok := f.dev.(*pipeFile); !ok {
		return nil
	}
	return f
}

// sysVmsplice: pipe, iovec, count, flags. It reads or writes, as the end is.
func sysVmsplice(s *Server, t *task) uint64 {
	flags := uint32(t.Args[3])
	f := s.pipeOf(t, t.Args[0])
	switch {
	case flags&^spliceFlags != 0:
		return abi.EINVAL.Result()
	case f == nil:
		return abi.EBADF.Result()
	}
	b, e := s.several(t, t.Args[1], t.Args[2])
	if e != 0 || b.Len() == 0 {
		return fail(e)
	}
	var n int
	if f.writes() {
		n, e = f.dev.write(s, b)
	} else {
		n, e = f.dev.read(s, b)
	}
	switch {
	case n > 0:
		return uint64(n)
	case e == lx.Wait && (flags&spliceNonblock != 0 || f.nonblock()):
		return abi.EAGAIN.Result()
	case e == lx.Wait:
		return s.wait(t, never, true, f.dev.Queue())
	case e == abi.EPIPE:
		s.kernel.Signal(t.Token, abi.SIGPIPE)
	}
	return count(n, e)
}
