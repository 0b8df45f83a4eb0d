// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// here is AT_FDCWD as a register has it, for the calls that have no descriptor of a directory.
const here = 1<<64 + abi.AT_FDCWD

// from gives where a path begins: a descriptor's directory, or the working directory.
func (t *task) from(fd uint64, path string) (vfs.Path, abi.Errno) {
	if int32(fd) == abi.AT_FDCWD || path != "" && path[0] == '/' {
		return t.p.view.Cwd, 0
	}
	f := t.p.table.Get(int32(fd))
	switch {
	case f == nil:
		return vfs.Path{}, abi.EBADF
	case path != "" && !vfs.IsDir(f.path.Node):
		return vfs.Path{}, abi.ENOTDIR
	}
	return f.path, 0
}

// path reads a path, and gives where it begins.
func (s *Server) path(t *task, fd, addr uint64) (vfs.Path, string, abi.Errno) {
	path, e := s.text(t, addr)
	if e == 0 && path == "" {
		e = abi.ENOENT // before the descriptor is looked at
	}
	if e != 0 {
		return vfs.Path{}, "", e
	}
	p, e := t.from(fd, path)
	return p, path, e
}

// lookup gives the file that a call is about, by a descriptor of a directory, the address of a path, and flags
// (AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH).
func (s *Server) lookup(t *task, fd, addr, flags uint64) (vfs.Path, abi.Errno) {
	if flags&abi.AT_EMPTY_PATH != 0 && addr == 0 { // as Linux since 6.11
		return s.ofDescriptor(t, fd)
	}
	path, e := s.text(t, addr)
	if e != 0 {
		return vfs.Path{}, e
	}
	if path == "" {
		if flags&abi.AT_EMPTY_PATH == 0 {
			return vfs.Path{}, abi.ENOENT
		}
		return s.ofDescriptor(t, fd)
	}
	p, e := t.from(fd, path)
	if e != 0 {
		return p, e
	}
	return t.p.view.Lookup(t.waiter, p, path, flags&abi.AT_SYMLINK_NOFOLLOW == 0)
}

// ofDescriptor gives the file of a descriptor, or the working directory.
func (s *Server) ofDescriptor(t *task, fd uint64) (vfs.Path, abi.Errno) {
	if int32(fd) == abi.AT_FDCWD {
		t.p.view.Dir = nil
		return t.p.view.Cwd, 0
	}
	f := s.fileOrPath(t, fd)
	if f == nil {
		return vfs.Path{}, abi.EBADF
	}
	t.p.view.Dir, t.p.view.Leaf = f.dir, f.leaf
	return f.path, 0
}

// sysOpenat: directory, path, flags, mode.
func sysOpenat(s *Server, t *task) uint64 {
	return s.open(t, t.Args[0], t.Args[1], uint32(t.Args[2]), uint32(t.Args[3]))
}

// sysOpen: path, flags, mode.
func sysOpen(s *Server, t *task) uint64 {
	return s.open(t, here, t.Args[0], uint32(t.Args[1]), uint32(t.Args[2]))
}

// sysCreat: path, mode.
func sysCreat(s *Server, t *task) uint64 {
	return s.open(t, here, t.Args[0], abi.O_CREAT|abi.O_WRONLY|abi.O_TRUNC, uint32(t.Args[1]))
}

func (s *Server) open(t *task, fd, addr uint64, flags, mode uint32) uint64 {
	return s.openIn(t, &t.p.view, fd, addr, flags, mode)
}

// openIn opens as a view sees paths.
func (s *Server) openIn(t *task, v *vfs.View, fd, addr uint64, flags, mode uint32) uint64 {
	const createDirectory = abi.O_CREAT | abi.O_DIRECTORY
	if flags&abi.O_PATH != 0 {
		flags &= abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW | abi.O_CLOEXEC
	}
	const temporary = lx.O_TMPFILE &^ abi.O_DIRECTORY
	if flags&createDirectory == createDirectory ||
		flags&temporary != 0 && (flags&abi.O_DIRECTORY == 0 || flags&abi.O_ACCMODE == abi.O_RDONLY) {
		return abi.EINVAL.Result()
	}
	if t.w != nil { // it waits for the other end of a pipe
		return s.meet(t, t.held, flags)
	}
	from, path, e := s.path(t, fd, addr)
	switch {
	case e != 0:
		return fail(e)
	case !t.p.table.Free():
		return abi.EMFILE.Result()
	}
	p, o, e := v.OpenPath(t.waiter, from, path, flags, mode)
	if e == abi.ENXIO && p.Node != nil && p.Node.Mode()&abi.S_IFMT == abi.S_IFIFO {
		return s.openFifo(t, p, flags&(lx.O_FILE|abi.O_CLOEXEC))
	}
	if e != 0 {
		return fail(e)
	}
	f := &file{path: p, open: o, flags: flags & lx.O_FILE, dir: v.Dir, leaf: v.Leaf}
	if flags&abi.O_PATH == 0 {
		f.flags |= abi.O_LARGEFILE
	} else if n, ok := p.Node.(vfs.Holder); ok {
		n.Hold()
	}
	if d, ok := o.(*devOpen); ok {
		f.open, f.dev = nil, d.d
	}
	f.setAttributes()
	if s.events.Tell != nil {
		s.opened(f, flags, v.Made)
	}
	return s.enter(t, f, uint64(flags))
}

// opened tells that a file was opened.
func (s *Server) opened(f *file, flags uint32, made bool) {
	s.did(f, vfs.InOpen)
	if flags&abi.O_TRUNC != 0 && !made {
		s.did(f, vfs.InModify)
	}
}

// sysStat: path, address of a struct stat.
func sysStat(s *Server, t *task) uint64 { return s.statPath(t, here, t.Args[0], t.Args[1], 0) }

// sysLstat doesn't follow a link.
func sysLstat(s *Server, t *task) uint64 {
	return s.statPath(t, here, t.Args[0], t.Args[1], abi.AT_SYMLINK_NOFOLLOW)
}

// sysNewfstatat: directory, path, address, flags.
func sysNewfstatat(s *Server, t *task) uint64 {
	if t.Args[3]&^(abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH|lx.NoAutoMnt|lx.StatSync) != 0 {
		return abi.EINVAL.Result()
	}
	return s.statPath(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3])
}

func (s *Server) statPath(t *task, fd, addr, to, flags uint64) uint64 {
	p, e := s.lookup(t, fd, addr, flags)
	if e != 0 {
		return fail(e)
	}
	return s.stat(t, p.Node, to)
}

// sysFstat: descriptor, address.
func sysFstat(s *Server, t *task) uint64 {
	f := s.fileOrPath(t, t.Args[0])
	if f == nil {
		return abi.EBADF.Result()
	}
	return s.stat(t, f.attributes, t.Args[1])
}

func (s *Server) stat(t *task, n vfs.Attributes, to uint64) uint64 {
	st := &s.attributes
	if t.waiter != nil {
		st = new(abi.Stat)
	}
	if _, e := n.Stat(t.waiter, st); e != 0 {
		return fail(e)
	}
	b := s.scratch[:abi.StatSize]
	abi.PutStat(b, st)
	return s.put(t, to, b)
}

// sysStatx: directory, path, flags, mask, address.
func sysStatx(s *Server, t *task) uint64 {
	const reserved = 1 << 31
	flags := t.Args[2]
	if flags&^(abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH|lx.NoAutoMnt|lx.StatSync) != 0 ||
		flags&lx.StatSync == lx.StatSync || t.Args[3]&reserved != 0 {
		return abi.EINVAL.Result()
	}
	p, e := s.lookup(t, t.Args[0], t.Args[1], flags)
	if e != 0 {
		return fail(e)
	}
	var st abi.Stat
	birth, e := p.Node.Stat(t.waiter, &st)
	if e != 0 {
		return fail(e)
	}
	b := s.scratch[:lx.StatxSize]
	lx.PutStatx(b, &st, birth)
	return s.put(t, t.Args[4], b)
}

// sysAccess: path, mode.
func sysAccess(s *Server, t *task) uint64 { return s.access(t, here, t.Args[0], t.Args[1], 0) }

// sysFaccessat: directory, path, mode.
func sysFaccessat(s *Server, t *task) uint64 { return s.access(t, t.Args[0], t.Args[1], t.Args[2], 0) }

// sysFaccessat2 has flags.
func sysFaccessat2(s *Server, t *task) uint64 {
	if t.Args[3]&^(lx.AccessEff|abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH) != 0 {
		return abi.EINVAL.Result()
	}
	return s.access(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3])
}

func (s *Server) access(t *task, fd, addr, mode, flags uint64) uint64 {
	const execute, write, all = 1, 2, 7
	if mode&^all != 0 {
		return abi.EINVAL.Result()
	}
	p, e := s.lookup(t, fd, addr, flags)
	if e != 0 {
		return fail(e)
	}
	m := p.Node.Mode()
	regular := m&abi.S_IFMT == abi.S_IFREG
	if mode&execute != 0 && !vfs.IsDir(p.Node) {
		var st abi.Stat
		if _, e := p.Node.Stat(t.waiter, &st); e != 0 {
			return fail(e)
		}
		if st.Mode&0o111 == 0 {
			return abi.EACCES.Result()
		}
	}
	if mode&write != 0 && p.Mount.ReadOnly && (regular || vfs.IsDir(p.Node) || vfs.IsLink(p.Node)) {
		return abi.EROFS.Result()
	}
	return 0
}

// sysReadlink: path, buffer, length.
func sysReadlink(s *Server, t *task) uint64 {
	return s.readlink(t, here, t.Args[0], t.Args[1], t.Args[2])
}

// sysReadlinkat: directory, path, buffer, length.
func sysReadlinkat(s *Server, t *task) uint64 {
	return s.readlink(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3])
}

func (s *Server) readlink(t *task, fd, addr, to, room uint64) uint64 {
	if int32(room) <= 0 {
		return abi.EINVAL.Result()
	}
	path, e := s.text(t, addr)
	if e != 0 {
		return fail(e)
	}
	var p vfs.Path
	if path == "" { // a link that was opened with O_PATH
		if p, e = s.ofDescriptor(t, fd); e == 0 && !vfs.IsLink(p.Node) {
			return abi.ENOENT.Result()
		}
	} else if p, e = t.from(fd, path); e == 0 {
		p, e = t.p.view.Lookup(t.waiter, p, path, false)
	}
	if e != 0 {
		return fail(e)
	}
	target, e := p.Node.Readlink(t.waiter)
	if e != 0 {
		return fail(e)
	}
	n := copy(s.scratch[:min(room, uint64(len(s.scratch)))], target)
	if r := s.put(t, to, s.scratch[:n]); r != 0 {
		return r
	}
	return uint64(n)
}

// sysGetcwd: buffer, length.
func sysGetcwd(s *Server, t *task) uint64 {
	name, e := t.p.view.Name(t.p.view.Cwd)
	switch {
	case e != 0:
		return fail(e)
	case uint64(len(name)) >= t.Args[1]:
		return abi.ERANGE.Result()
	case len(name) >= abi.PATH_MAX:
		return abi.ENAMETOOLONG.Result()
	}
	n := copy(s.scratch[:], name)
	s.scratch[n] = 0
	if r := s.put(t, t.Args[0], s.scratch[:n+1]); r != 0 {
		return r
	}
	return uint64(n + 1)
}

// sysChdir: path.
func sysChdir(s *Server, t *task) uint64 {
	p, e := s.directory(t)
	if e == 0 {
		t.p.view.Cwd = p
		t.p.movedPlaces()
	}
	return fail(e)
}

// directory gives the one that a call's first argument is the path of.
func (s *Server) directory(t *task) (vfs.Path, abi.Errno) {
	p, e := s.lookup(t, here, t.Args[0], 0)
	if e == 0 && !vfs.IsDir(p.Node) {
		e = abi.ENOTDIR
	}
	return p, e
}

// sysFchdir: descriptor.
func sysFchdir(s *Server, t *task) uint64 {
	f := s.fileOrPath(t, t.Args[0])
	switch {
	case f == nil:
		return abi.EBADF.Result()
	case !vfs.IsDir(f.path.Node):
		return abi.ENOTDIR.Result()
	}
	t.p.view.Cwd = f.path
	t.p.movedPlaces()
	return 0
}

// sysChroot: path.
func sysChroot(s *Server, t *task) uint64 {
	p, e := s.directory(t)
	switch {
	case e != 0:
	case !t.p.who.caps.have(capChroot):
		e = abi.EPERM
	default:
		t.p.view.Root = p
		t.p.movedPlaces()
	}
	return fail(e)
}

// sysUmask: the bits.
func sysUmask(_ *Server, t *task) uint64 {
	old := t.p.view.Umask
	t.p.view.Umask = uint32(t.Args[0]) & 0o777
	t.p.movedPlaces()
	return uint64(old)
}
