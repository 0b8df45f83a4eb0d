// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// sysGetdents64: descriptor, buffer, length.
func sysGetdents64(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	switch {
	case f == nil:
		return abi.EBADF.Result()
	case f.open == nil || !vfs.IsDir(f.path.Node):
		return abi.ENOTDIR.Result()
	}
	if !s.occupy(t, f) {
		return slow
	}
	defer s.vacate(t, f)
	room := int(min(t.Args[2], abi.MaxMessageBytes))
	b, pos, full := make([]byte, 0, min(room, 8192)), f.pos, false
	add := func(e vfs.Entry) bool {
		if full = len(b)+lx.DirentSize(len(e.Name)) > room; full {
			return false
		}
		b = lx.AppendDirent(b, e.Ino, e.Next, e.Type, e.Name)
		pos = e.Next
		return true
	}
	if e := s.dots(t, f, add); e != 0 {
		return fail(e)
	}
	if !full {
		if e := f.open.Entries(t.waiter, max(pos, 2), add); e != 0 {
			return fail(e)
		}
	}
	if len(b) == 0 && full {
		return abi.EINVAL.Result()
	}
	if r := s.put(t, t.Args[1], b); r != 0 {
		return r
	}
	f.pos = pos
	s.did(f, vfs.InAccess)
	return uint64(len(b))
}

// dots gives the entries "." and "..".
func (s *Server) dots(t *task, f *file, add func(vfs.Entry) bool) abi.Errno {
	if f.pos >= 2 {
		return 0
	}
	var st abi.Stat
	if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
		return e
	}
	if f.pos == 0 && !add(vfs.Entry{Name: ".", Ino: st.Ino, Type: lx.DT_DIR, Next: 1}) {
		return 0
	}
	if up, _, e := f.path.Node.Parent(); e == 0 && up != nil {
		if _, e := up.Stat(t.waiter, &st); e != 0 {
			return e
		}
	}
	add(vfs.Entry{Name: "..", Ino: st.Ino, Type: lx.DT_DIR, Next: 2})
	return 0
}

// regular gives a file that is open for writing, and has a size.
func (s *Server) regular(t *task) (*file, abi.Errno) {
	f := s.file(t, t.Args[0])
	switch {
	case f == nil:
		return nil, abi.EBADF
	case f.open == nil || !f.writes():
		return nil, abi.EINVAL
	}
	return f, 0
}

// sysFtruncate: descriptor, size.
func sysFtruncate(s *Server, t *task) uint64 {
	if int64(t.Args[1]) < 0 {
		return abi.EINVAL.Result()
	}
	f, e := s.regular(t)
	if e != 0 {
		return fail(e)
	}
	if e = s.mayGrow(t, f.attributes, int64(t.Args[1])); e == 0 {
		e = f.open.Truncate(t.waiter, int64(t.Args[1]))
	}
	if e == 0 {
		s.resized(f, int64(t.Args[1]))
		s.did(f, vfs.InModify)
	}
	return fail(e)
}

// sysTruncate: path, size.
func sysTruncate(s *Server, t *task) uint64 {
	if int64(t.Args[1]) < 0 {
		return abi.EINVAL.Result()
	}
	p, e := s.lookup(t, here, t.Args[0], 0)
	switch {
	case e != 0:
		return fail(e)
	case vfs.IsDir(p.Node):
		return abi.EISDIR.Result()
	case p.Node.Mode()&abi.S_IFMT != abi.S_IFREG:
		return abi.EINVAL.Result()
	}
	if e := s.mayGrow(t, p.Node, int64(t.Args[1])); e != 0 {
		return fail(e)
	}
	return s.change(t, p, &vfs.Change{Valid: vfs.SetSize, Size: int64(t.Args[1])})
}

// sysFallocate: descriptor, mode, offset, length.
func sysFallocate(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	off, n := int64(t.Args[2]), int64(t.Args[3])
	switch {
	case f == nil:
		return abi.EBADF.Result()
	case off < 0 || n <= 0:
		return abi.EINVAL.Result()
	case !allocation(uint32(t.Args[1])):
		return abi.ENOTSUP.Result()
	case !f.writes():
		return abi.EBADF.Result()
	case f.path.Node.Mode()&abi.S_IFMT == abi.S_IFIFO:
		return abi.ESPIPE.Result()
	case f.open == nil:
		return abi.ENODEV.Result()
	case off+n < 0:
		return abi.EFBIG.Result()
	}
	e := abi.Errno(0)
	if mode := uint32(t.Args[1]); mode&^lx.KeepSize == 0 { // also if the size stays
		e = s.mayGrow(t, f.attributes, off+n)
	}
	if e == 0 {
		e = f.open.Allocate(t.waiter, uint32(t.Args[1]), off, n)
	}
	if e == 0 {
		s.did(f, vfs.InModify)
	}
	return fail(e)
}

// allocation reports whether Linux has a mode of fallocate(2), on whatever file system.
func allocation(mode uint32) bool {
	switch mode &^ lx.KeepSize {
	case 0, lx.UnshareRange, lx.ZeroRange:
		return true
	case lx.PunchHole:
		return mode&lx.KeepSize != 0
	case lx.CollapseRange, lx.InsertRange, lx.WriteZeroes:
		return mode&lx.KeepSize == 0
	}
	return false
}

// sysFsync: descriptor.
func sysFsync(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	switch {
	case f == nil:
		return abi.EBADF.Result()
	case f.open == nil:
		return abi.EINVAL.Result()
	}
	s.seen(t, f)
	return fail(f.open.Sync(t.waiter, t.Number == lx.SysFdatasync))
}

// sysNothing has nothing to do.
func sysNothing(*Server, *task) uint64 { return 0 }

// sysAdvise: descriptor. What it advises is no matter.
func sysAdvise(s *Server, t *task) uint64 {
	f := s.file(t, t.Args[0])
	switch {
	case f == nil:
		return abi.EBADF.Result()
	case f.path.Node.Mode()&abi.S_IFMT == abi.S_IFIFO:
		return abi.ESPIPE.Result()
	}
	return 0
}

// sysStatfs: path, address.
func sysStatfs(s *Server, t *task) uint64 {
	p, e := s.lookup(t, here, t.Args[0], 0)
	if e != 0 {
		return fail(e)
	}
	return s.statfs(t, p)
}

// sysFstatfs: descriptor, address.
func sysFstatfs(s *Server, t *task) uint64 {
	f := s.fileOrPath(t, t.Args[0])
	if f == nil {
		return abi.EBADF.Result()
	}
	return s.statfs(t, f.path)
}

func (s *Server) statfs(t *task, p vfs.Path) uint64 {
	const readOnly = 1
	var st lx.Statfs
	if e := p.Node.Statfs(t.waiter, &st); e != 0 {
		return fail(e)
	}
	if p.Mount.ReadOnly {
		st.Flags |= readOnly
	}
	b := s.scratch[:lx.StatfsSize]
	st.Put(b)
	return s.put(t, t.Args[1], b)
}

// sysNotSupported is for what no file system here has: handles of files.
func sysNotSupported(*Server, *task) uint64 { return abi.ENOTSUP.Result() }

// sysRefused is for what a program here isn't allowed.
func sysRefused(*Server, *task) uint64 { return abi.EPERM.Result() }

// copied is how much one call copies between files at most; the caller goes on.
const copied = 256 << 10

// sysCopyFileRange: from, address of its offset, to, address of its offset, length, flags.
func sysCopyFileRange(s *Server, t *task) uint64 {
	in, out := t.p.table.Get(int32(t.Args[0])), t.p.table.Get(int32(t.Args[2]))
	if e := mayCopy(in, out); e != 0 {
		return fail(e)
	}
	defer s.both(in, out)()
	from, e := s.offset(t, in, t.Args[1])
	if e != 0 {
		return fail(e)
	}
	to, e := s.offset(t, out, t.Args[3])
	if e != 0 {
		return fail(e)
	}
	if t.Args[5] != 0 {
		return abi.EINVAL.Result()
	}
	most, e := s.mayWrite(t, out, to, copied)
	if e != 0 {
		return fail(e)
	}
	length := min(t.Args[4], uint64(most))
	if in.path == out.path {
		var st abi.Stat
		if _, e := in.attributes.Stat(t.waiter, &st); e != 0 {
			return fail(e)
		}
		length = uint64(max(min(int64(length), st.Size-from), 0))
		if to+int64(length) > from && to < from+int64(length) {
			return abi.EINVAL.Result()
		}
	}
	n, e := s.copyRange(t, in, from, out, to, length)
	if e != 0 {
		return fail(e)
	}
	s.moved(t, in, t.Args[1], from+int64(n))
	s.moved(t, out, t.Args[3], to+int64(n))
	return uint64(n)
}

// both keeps two files while a call is about them, which may wait.
func (s *Server) both(a, b *file) (done func()) {
	a.refs++
	b.refs++
	return func() {
		s.unref(a)
		s.unref(b)
	}
}

// mayCopy looks at the files of a copy, in Linux's order.
func mayCopy(in, out *file) abi.Errno {
	switch {
	case in == nil || out == nil || (in.flags|out.flags)&abi.O_PATH != 0:
		return abi.EBADF
	case vfs.IsDir(in.path.Node) || vfs.IsDir(out.path.Node):
		return abi.EISDIR
	case in.open == nil || out.open == nil:
		return abi.EINVAL
	case !in.reads() || !out.writes() || out.flags&abi.O_APPEND != 0:
		return abi.EBADF
	case in.path.Mount != out.path.Mount:
		return abi.EXDEV // as Linux, between kinds of file systems
	}
	return 0
}

// offset gives where a copy begins: at an offset in memory, or where the file is.
func (s *Server) offset(t *task, f *file, addr uint64) (int64, abi.Errno) {
	if addr == 0 {
		return f.pos, 0
	}
	b := s.scratch[:8]
	if !s.get(t, addr, b) {
		return 0, abi.EFAULT
	}
	off := abi.GetTimespec(append(b, make([]byte, 8)...)).Sec
	if off < 0 {
		return 0, abi.EINVAL
	}
	return off, 0
}

// moved says where a copy has come to.
func (s *Server) moved(t *task, f *file, addr uint64, off int64) {
	if addr == 0 {
		f.pos = off
		return
	}
	b := s.scratch[:abi.TimespecSize]
	abi.Timespec{Sec: off}.Put(b)
	s.put(t, addr, b[:8])
}

// copyRange copies a part of a file.
func (s *Server) copyRange(t *task, in *file, from int64, out *file, to int64, n uint64) (int, abi.Errno) {
	p := piece{b: make([]byte, n), left: int(n)}
	got, e := in.open.Read(t.waiter, &p, from)
	if e != 0 || got == 0 {
		return 0, e
	}
	most, e := s.mayWrite(t, out, to, int64(got))
	if e != 0 {
		return 0, e
	}
	if most < int64(got) { // Linux tries to write the rest, too
		s.tooLarge(t)
	}
	p.at, p.left = 0, int(most)
	done, _, e := out.open.Write(t.waiter, &p, to, false)
	if e == 0 && done > 0 {
		s.accessed(in, done)
		s.did(out, vfs.InModify)
	}
	return done, e
}
