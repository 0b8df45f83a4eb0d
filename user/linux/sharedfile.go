// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"bytes"
	"time"

	"loam/abi"
	"loam/user/linux/vfs"
)

// Files of other servers (a host's folder) that programs map shared. There is one memory object for all
// that map such a file, with a copy of the file: what is written to the file by calls of the sandbox is
// written to the memory as well, and what was written to the memory is written to the file by msync and
// fsync, before the file is read by a call, when a process ends, and every now and then: the kernel
// tells nobody of stores and of munmap. Which pages were, a second copy says. What others than the
// sandbox change isn't seen.

// sharedFile is such a file.
type sharedFile struct {
	f    *file // by which it is read and written
	m    vfs.Memory
	last []byte // what was in the file last; nil while nobody may write the memory
	size int64
	busy bool // it is being written
}

// sharedFor is how long what was written to memory stays there alone at most.
const sharedFor = 500 * time.Millisecond

// mapShared maps a file of another server.
func (s *Server) mapShared(t *task, f *file, g *mapping) uint64 {
	if t.waiter == nil {
		return slow
	}
	x := s.shared[f.path.Node]
	if x == nil {
		var st abi.Stat
		if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
			return fail(e)
		}
		m, e := s.copyOf(t, f, 0, st.Size)
		if e != 0 {
			return fail(e)
		}
		if x = s.shared[f.path.Node]; x != nil { // somebody was faster
			m.Close()
		} else {
			f.refs++
			x = &sharedFile{f: f, m: m, size: st.Size}
			s.shared[f.path.Node] = x
			s.watchShared(x)
		}
	}
	if f.writes() {
		if x.last == nil {
			x.last = bytes.Clone(x.m.Bytes())
		}
		if !x.f.writes() {
			f.refs++
			s.unref(x.f)
			x.f = f
		}
	}
	return s.mapped(t, x.m, f.writes(), g)
}

// watchShared looks after a shared file until nobody maps it.
func (s *Server) watchShared(x *sharedFile) {
	time.AfterFunc(sharedFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		gone := !x.m.Shared()
		x.flush(patient{s})
		if !gone {
			s.watchShared(x)
			return
		}
		if s.shared[x.f.path.Node] == x {
			delete(s.shared, x.f.path.Node)
		}
		s.unref(x.f)
		x.m.Close()
		s.retry()
	})
}

// flush writes what has changed in the memory to the file.
func (x *sharedFile) flush(w vfs.Waiter) (e abi.Errno) {
	if x.last == nil || x.busy {
		return 0
	}
	x.busy = true
	defer func() { x.busy = false }()
	const step = abi.PageSize
	for off := int64(0); off < x.size; off += step {
		now := x.m.Bytes()
		end := min(off+step, x.size, int64(len(now)), int64(len(x.last)))
		if off >= end {
			break
		}
		if bytes.Equal(now[off:end], x.last[off:end]) {
			continue
		}
		page := bytes.Clone(now[off:end])
		copy(x.last[off:], page)
		if _, _, err := x.f.open.Write(w, &piece{b: page, left: len(page)}, off, false); err != 0 {
			e = err
		}
	}
	return e
}

// flushShared writes what was written to the memory of f, or of all files that are shared.
func (s *Server) flushShared(w vfs.Waiter, f *file) (e abi.Errno) {
	for n, x := range s.shared {
		if f == nil || n == f.path.Node {
			if err := x.flush(w); err != 0 {
				e = err
			}
		}
	}
	return e
}

// seen has a file that is shared be as it is in memory, for who reads it.
func (s *Server) seen(t *task, f *file) {
	if len(s.shared) != 0 && t.waiter != nil {
		if x := s.shared[f.path.Node]; x != nil {
			_ = x.flush(t.waiter)
		}
	}
}

// written tells that a part of a file was written, and has the memory of one that is shared be as the file.
func (s *Server) written(t *task, f *file, off, n int64) {
	if n > 0 && s.events.Tell != nil {
		s.did(f, vfs.InModify)
	}
	if len(s.shared) == 0 || t.waiter == nil {
		return
	}
	x := s.shared[f.path.Node]
	if x == nil {
		return
	}
	if off+n > x.size {
		x.resize(off + n)
	}
	b := make([]byte, n)
	if fill(t.waiter, x.f.open, b, off) == 0 {
		copy(x.m.Bytes()[min(off, int64(len(x.m.Bytes()))):], b)
		if x.last != nil && off < int64(len(x.last)) {
			copy(x.last[off:], b)
		}
	}
}

// resize notes another size of the file.
func (x *sharedFile) resize(size int64) {
	if size < x.size {
		clear(x.m.Bytes()[size:])
	}
	x.size = size
	if x.m.Grow(size) == 0 && x.last != nil {
		x.last = append(x.last, make([]byte, max(len(x.m.Bytes())-len(x.last), 0))...)
	}
}

// resized is written for a file that was given a size.
func (s *Server) resized(f *file, size int64) {
	if x := s.shared[f.path.Node]; x != nil {
		x.resize(size)
	}
}

// sysMsync: address, length, flags, which the kernel has checked.
func sysMsync(s *Server, t *task) uint64 {
	if len(s.shared) == 0 {
		return 0
	}
	if t.waiter == nil {
		return slow
	}
	return fail(s.flushShared(t.waiter, nil))
}
