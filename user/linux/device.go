// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
)

// pipeFile is an end of a pipe.
type pipeFile struct {
	poll.End
	own *pipeAttributes

	closed func() // nil: it has no name
}

// pipeAttributes are those of both ends.
type pipeAttributes struct {
	ino            uint64
	mode, uid, gid uint32
}

func (p *pipeAttributes) change(c *vfs.Change) {
	if c.Valid&vfs.SetMode != 0 {
		p.mode = c.Mode & 0o7777
	}
	if c.Valid&vfs.SetUID != 0 {
		p.uid = c.UID
	}
	if c.Valid&vfs.SetGID != 0 {
		p.gid = c.GID
	}
}

func (p *pipeFile) read(_ *Server, b lx.Buffer) (int, abi.Errno)  { return p.Read(b) }
func (p *pipeFile) write(_ *Server, b lx.Buffer) (int, abi.Errno) { return p.Write(b) }

func (p *pipeFile) close() {
	p.Close()
	if p.closed != nil {
		p.closed()
	}
}

func (p *pipeFile) stat(st *abi.Stat) {
	o := p.own
	*st = abi.Stat{Dev: devPipes, Ino: o.ino, Nlink: 1, Mode: abi.S_IFIFO | o.mode, UID: o.uid, GID: o.gid, Blksize: 4096}
}

func (p *pipeFile) again(flags uint32) (device, abi.Errno) {
	n := &pipeFile{End: poll.End{Pipe: p.Pipe}, own: p.own}
	m := flags & abi.O_ACCMODE
	n.Reads, n.Writes = m != abi.O_WRONLY, m != abi.O_RDONLY
	n.Open()
	return n, 0
}

// anonymous is what has a node of Linux's anon_inode file system.
type anonymous struct{}

func (anonymous) stat(st *abi.Stat) {
	*st = abi.Stat{Dev: devAnonymous, Ino: 1, Nlink: 1, Mode: 0o600, Blksize: 4096}
}

func (anonymous) again(uint32) (device, abi.Errno) { return nil, abi.ENXIO }

// deviceOf gives the device of a call's first argument, a descriptor: EINVAL is the error where it is of another kind.
func deviceOf[D device](s *Server, t *task) (d D, e abi.Errno) {
	f := s.file(t, t.Args[0])
	if f == nil {
		return d, abi.EBADF
	}
	d, ok := f.dev.(D)
	if !ok {
		return d, abi.EINVAL
	}
	return d, 0
}

// eventFile is an eventfd.
type eventFile struct {
	poll.Eventfd
	anonymous
}

func (f *eventFile) close() {}

func (f *eventFile) read(s *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() < 8 {
		return 0, abi.EINVAL
	}
	v, e := f.Take()
	if e != 0 {
		return 0, e
	}
	word := s.scratch[:8]
	binary.LittleEndian.PutUint64(word, v)
	_, e = b.Put(word)
	return 8, e
}

func (f *eventFile) write(s *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() != 8 { // as Linux since 6.9
		return 0, abi.EINVAL
	}
	// A write that waits takes its bytes again.
	word := s.scratch[:8]
	if _, e := b.Get(word); e != 0 {
		return 0, e
	}
	if e := f.Add(binary.LittleEndian.Uint64(word)); e != 0 {
		return 0, e
	}
	return 8, 0
}

// epollFile is an epoll.
type epollFile struct {
	*poll.Epoll
	anonymous
}

func (f *epollFile) read(*Server, lx.Buffer) (int, abi.Errno)  { return 0, abi.EINVAL }
func (f *epollFile) write(*Server, lx.Buffer) (int, abi.Errno) { return 0, abi.EINVAL }
func (f *epollFile) close()                                    { f.Close() }

// Stream is a standard stream of the sandbox: what comes from outside, or goes there.
type Stream interface {
	poll.File
	// TryRead moves what has come to b. 0 is the end; lx.Wait: nothing has come.
	TryRead(b Buffer) (int, abi.Errno)
	// TryWrite takes what there is room for. lx.Wait: some is left.
	TryWrite(b Buffer) (int, abi.Errno)
	// Terminal reports whether it is one.
	Terminal() bool
	// Control is ioctl(2): ENOTTY where there is no terminal. It may have to wait.
	Control(w vfs.Waiter, request uint32, in []byte) (out []byte, e abi.Errno)
}

// Buffer is memory of who calls, as lx.Buffer has it.
type Buffer interface {
	Len() int
	Put(p []byte) (int, abi.Errno)
	Get(p []byte) (int, abi.Errno)
}

// streamFile is a stream.
type streamFile struct {
	Stream
	ino uint64
}

func (f *streamFile) read(s *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() == 0 {
		return 0, 0
	}
	s.news.Add(1)
	return f.TryRead(b)
}

func (f *streamFile) write(_ *Server, b lx.Buffer) (int, abi.Errno) {
	if b.Len() == 0 {
		return 0, 0
	}
	return f.TryWrite(b)
}

func (f *streamFile) close()                           {}
func (f *streamFile) again(uint32) (device, abi.Errno) { return f, 0 }

// stat says that it is a terminal of the host's, or a pipe to or from it.
func (f *streamFile) stat(st *abi.Stat) {
	if f.Terminal() {
		*st = ptsStat(0, consoleMode)
		return
	}
	*st = abi.Stat{Dev: devPipes, Ino: f.ino, Nlink: 1, Mode: abi.S_IFIFO | 0o600, Blksize: 4096}
}

// Numbers of devices that files are on.
const (
	devRoot      = 1 // tmpfs
	devDev       = 5
	devProc      = 20
	devPipes     = 13
	devAnonymous = 14
	devBoot      = 15
	devPts       = 16
	devFolders   = 64 // of the first host folder, and the next of the next
)
