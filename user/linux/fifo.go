// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
)

// Pipes that have names. One is there as long as somebody has it open.

// openFifo opens one, and waits for somebody at its other end.
func (s *Server) openFifo(t *task, p vfs.Path, flags uint32) uint64 {
	pipe := s.fifos[p.Node]
	if pipe == nil {
		pipe = poll.NewFifo()
		s.fifos[p.Node] = pipe
	}
	m := flags & abi.O_ACCMODE
	d := &pipeFile{End: poll.End{Pipe: pipe, Reads: m != abi.O_WRONLY, Writes: m != abi.O_RDONLY}, own: &pipeAttributes{}}
	d.closed = func() {
		if pipe.Readers() == 0 && pipe.Writers() == 0 && s.fifos[p.Node] == pipe {
			delete(s.fifos, p.Node)
		}
	}
	if m == abi.O_WRONLY && flags&abi.O_NONBLOCK != 0 && pipe.Readers() == 0 {
		d.closed()
		return abi.ENXIO.Result()
	}
	f := &file{dev: d, path: p, flags: flags&^abi.O_CLOEXEC | abi.O_LARGEFILE, dir: t.p.view.Dir, leaf: t.p.view.Leaf}
	f.setAttributes()
	if n, ok := p.Node.(vfs.Holder); ok {
		n.Hold()
		closed := d.closed
		d.closed = func() {
			closed()
			n.Drop()
		}
	}
	d.Since = pipe.Opened(d.Reads)
	d.Alone = d.Reads && pipe.Writers() == 0 && flags&abi.O_NONBLOCK != 0
	d.Open()
	t.hold(f)
	result := s.meet(t, f, flags)
	if result != blocked {
		s.release(t)
	}
	return result
}

// meet gives a pipe that t holds a descriptor, once there is or was somebody at the other end.
func (s *Server) meet(t *task, f *file, flags uint32) uint64 {
	d := f.dev.(*pipeFile)
	alone := d.Reads != d.Writes && (d.Reads && d.Writers() == 0 || d.Writes && d.Readers() == 0)
	if alone && flags&abi.O_NONBLOCK == 0 && d.Opened(d.Reads) == d.Since {
		return s.wait(t, never, true, d.Queue())
	}
	fd, ok := t.p.table.Add(f, 0, flags&abi.O_CLOEXEC != 0)
	if !ok {
		return abi.EMFILE.Result()
	}
	f.refs++
	return uint64(fd)
}
