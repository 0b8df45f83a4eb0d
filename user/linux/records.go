// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"math"

	"loam/abi"
	"loam/user/linux/lock"
	"loam/user/linux/lx"
)

// Locks of parts of files (fcntl(2)): those of processes, which go when the process closes any descriptor
// of the file, and those of open files.

// Types of struct flock.
const (
	lockRead  = 0
	lockWrite = 1
	lockFree  = 2
)

// lockWait is a process that waits for another's lock.
type lockWait struct {
	other any // who has it
	token uint64
}

// recordLock does the commands of fcntl(2) that are about locks: descriptor, command, struct flock.
func (s *Server) recordLock(t *task, f *file) uint64 {
	command := int32(t.Args[1])
	var b [lx.FlockSize]byte
	if !s.get(t, t.Args[2], b[:]) {
		return abi.EFAULT.Result()
	}
	kind := int16(binary.LittleEndian.Uint16(b[:]))
	ofFile := command == lx.F_OFD_GETLK || command == lx.F_OFD_SETLK || command == lx.F_OFD_SETLKW
	asks := command == abi.F_GETLK || command == lx.F_OFD_GETLK
	if command == abi.F_GETLK && kind != lockRead && kind != lockWrite {
		return abi.EINVAL.Result()
	}
	l := lock.Lock{Owner: t.p.table, PID: t.p.pid, Write: kind == lockWrite}
	if ofFile {
		l.Owner, l.PID = f, -1
	}
	if e := s.lockRange(t, f, b[:], &l); e != 0 {
		return fail(e)
	}
	switch {
	case kind < lockRead || kind > lockFree:
		return abi.EINVAL.Result()
	case !asks && (kind == lockRead && !f.reads() || kind == lockWrite && !f.writes()):
		return abi.EBADF.Result()
	case ofFile && binary.LittleEndian.Uint32(b[24:]) != 0:
		return abi.EINVAL.Result()
	case asks:
		return s.askLock(t, f, b[:], &l)
	case kind == lockFree:
		if table := s.records[f.inode()]; table != nil {
			table.Clear(l.Owner, l.First, l.Last)
			s.tidyLocks(f, table)
		}
		return 0
	}
	return s.setLock(t, f, l, command == abi.F_SETLKW || command == lx.F_OFD_SETLKW)
}

// lockRange reads which bytes a lock is of.
func (s *Server) lockRange(t *task, f *file, b []byte, l *lock.Lock) abi.Errno {
	le := binary.LittleEndian
	start, n := int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))
	base := int64(0)
	switch le.Uint16(b[2:]) {
	case abi.SEEK_SET:
	case abi.SEEK_CUR:
		base = f.pos
	case abi.SEEK_END:
		var st abi.Stat
		if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
			return e
		}
		base = st.Size
	default:
		return abi.EINVAL
	}
	if start > math.MaxInt64-base {
		return abi.EOVERFLOW
	}
	if start += base; start < 0 {
		return abi.EINVAL
	}
	switch {
	case n > 0:
		if n-1 > math.MaxInt64-start {
			return abi.EOVERFLOW
		}
		l.First, l.Last = start, start+n-1
	case n < 0:
		if start+n < 0 {
			return abi.EINVAL
		}
		l.First, l.Last = start+n, start-1
	default:
		l.First, l.Last = start, lock.End
	}
	return 0
}

// askLock tells which lock is in the way.
func (s *Server) askLock(t *task, f *file, b []byte, l *lock.Lock) uint64 {
	le := binary.LittleEndian
	var in *lock.Lock
	if table := s.records[f.inode()]; table != nil {
		if in = table.Conflict(l); binary.LittleEndian.Uint16(b) == lockFree { // asks for the file's own
			in = table.Own(l)
		}
	}
	if in == nil {
		le.PutUint16(b, lockFree)
		return s.put(t, t.Args[2], b)
	}
	le.PutUint16(b, lockRead)
	if in.Write {
		le.PutUint16(b, lockWrite)
	}
	le.PutUint16(b[2:], abi.SEEK_SET)
	le.PutUint64(b[8:], uint64(in.First))
	le.PutUint64(b[16:], 0)
	if in.Last != lock.End {
		le.PutUint64(b[16:], uint64(in.Last-in.First+1))
	}
	le.PutUint32(b[24:], uint32(in.PID))
	return s.put(t, t.Args[2], b)
}

// setLock sets a lock, or waits until it can.
func (s *Server) setLock(t *task, f *file, l lock.Lock, wait bool) uint64 {
	delete(s.lockWaits, l.Owner)
	table := s.records[f.inode()]
	if table == nil {
		table = &lock.Table{}
		s.records[f.inode()] = table
	}
	in := table.Conflict(&l)
	switch {
	case in == nil:
		table.Set(l)
		f.locks = true
		t.p.table.locks = true
		return 0
	case !wait:
		return abi.EAGAIN.Result()
	case s.deadlock(l.Owner, in.Owner):
		return abi.EDEADLK.Result()
	}
	if _, ok := l.Owner.(*descriptors); ok {
		s.lockWaits[l.Owner] = lockWait{in.Owner, t.Token}
	}
	return s.waitFor(t, f, table.Queue())
}

// deadlock reports whether a process that is to wait for an owner would wait for itself.
func (s *Server) deadlock(who, owner any) bool {
	for range 16 {
		w, ok := s.lockWaits[owner]
		if !ok || s.waits.get(w.token) == nil {
			return false
		}
		if w.other == who {
			return true
		}
		owner = w.other
	}
	return false
}

// tidyLocks forgets a table that has nothing.
func (s *Server) tidyLocks(f *file, t *lock.Table) {
	if t.Empty() {
		delete(s.records, f.inode())
	}
}

// letGo takes a descriptor of a process's away: with it the locks go that the process has of the file.
func (s *Server) letGo(p *process, f *file) {
	if p.table.locks && len(s.records) > 0 && f.flags&abi.O_PATH == 0 {
		if t := s.records[f.inode()]; t != nil {
			t.Clear(p.table, 0, lock.End)
			s.tidyLocks(f, t)
		}
	}
	s.unref(f)
}

// forgetLocks takes an open file's locks away.
func (s *Server) forgetLocks(f *file) {
	if t := s.records[f.inode()]; t != nil {
		t.Clear(f, 0, lock.End)
		s.tidyLocks(f, t)
	}
}
