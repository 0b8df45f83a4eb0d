// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// sysMkdir: path, mode.
func sysMkdir(s *Server, t *task) uint64 { return s.mkdir(t, here, t.Args[0], t.Args[1]) }

// sysMkdirat: directory, path, mode.
func sysMkdirat(s *Server, t *task) uint64 { return s.mkdir(t, t.Args[0], t.Args[1], t.Args[2]) }

func (s *Server) mkdir(t *task, fd, addr, mode uint64) uint64 {
	from, path, e := s.path(t, fd, addr)
	if e == 0 {
		e = t.p.view.Mkdir(t.waiter, from, path, uint32(mode))
	}
	return fail(e)
}

// sysMknod: path, mode.
func sysMknod(s *Server, t *task) uint64 { return s.mknod(t, here, t.Args[0], t.Args[1]) }

// sysMknodat: directory, path, mode.
func sysMknodat(s *Server, t *task) uint64 { return s.mknod(t, t.Args[0], t.Args[1], t.Args[2]) }

func (s *Server) mknod(t *task, fd, addr, mode uint64) uint64 {
	from, path, e := s.path(t, fd, addr)
	if e == 0 {
		e = t.p.view.Mknod(t.waiter, from, path, uint32(mode))
	}
	return fail(e)
}

// sysUnlink: path.
func sysUnlink(s *Server, t *task) uint64 { return s.remove(t, here, t.Args[0], false) }

// sysRmdir: path.
func sysRmdir(s *Server, t *task) uint64 { return s.remove(t, here, t.Args[0], true) }

// sysUnlinkat: directory, path, flags.
func sysUnlinkat(s *Server, t *task) uint64 {
	if t.Args[2]&^abi.AT_REMOVEDIR != 0 {
		return abi.EINVAL.Result()
	}
	return s.remove(t, t.Args[0], t.Args[1], t.Args[2] != 0)
}

func (s *Server) remove(t *task, fd, addr uint64, directory bool) uint64 {
	from, path, e := s.path(t, fd, addr)
	switch {
	case e != 0:
	case directory:
		e = t.p.view.Rmdir(t.waiter, from, path)
	default:
		e = t.p.view.Unlink(t.waiter, from, path)
	}
	return fail(e)
}

// sysSymlink: target, path.
func sysSymlink(s *Server, t *task) uint64 { return s.symlink(t, t.Args[0], here, t.Args[1]) }

// sysSymlinkat: target, directory, path.
func sysSymlinkat(s *Server, t *task) uint64 { return s.symlink(t, t.Args[0], t.Args[1], t.Args[2]) }

func (s *Server) symlink(t *task, target, fd, addr uint64) uint64 {
	text, e := s.text(t, target)
	if e == 0 && text == "" {
		e = abi.ENOENT // before the other path is looked at
	}
	if e != 0 {
		return fail(e)
	}
	from, path, e := s.path(t, fd, addr)
	if e == 0 {
		e = t.p.view.Symlink(t.waiter, text, from, path)
	}
	return fail(e)
}

// sysLink: old, new.
func sysLink(s *Server, t *task) uint64 { return s.link(t, here, t.Args[0], here, t.Args[1], 0) }

// sysLinkat: directory, old, directory, new, flags.
func sysLinkat(s *Server, t *task) uint64 {
	if t.Args[4]&^(lx.FollowLink|abi.AT_EMPTY_PATH) != 0 {
		return abi.EINVAL.Result()
	}
	return s.link(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3], t.Args[4])
}

func (s *Server) link(t *task, fd, addr, to, addr2, flags uint64) uint64 {
	follow := uint64(abi.AT_SYMLINK_NOFOLLOW)
	if flags&lx.FollowLink != 0 {
		follow = 0
	}
	old, e := s.lookup(t, fd, addr, flags&abi.AT_EMPTY_PATH|follow)
	if e != 0 {
		return fail(e)
	}
	from, path, e := s.path(t, to, addr2)
	if e == 0 {
		e = t.p.view.Link(t.waiter, old, from, path)
	}
	return fail(e)
}

// sysRename: old, new.
func sysRename(s *Server, t *task) uint64 { return s.rename(t, here, t.Args[0], here, t.Args[1], 0) }

// sysRenameat: directory, old, directory, new.
func sysRenameat(s *Server, t *task) uint64 {
	return s.rename(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3], 0)
}

// sysRenameat2 has flags.
func sysRenameat2(s *Server, t *task) uint64 {
	return s.rename(t, t.Args[0], t.Args[1], t.Args[2], t.Args[3], uint32(t.Args[4]))
}

func (s *Server) rename(t *task, fd, addr, fd2, addr2 uint64, flags uint32) uint64 {
	e := vfs.RenameFlags(flags)
	if e != 0 {
		return fail(e)
	}
	from, e := s.lastName(t, fd, addr)
	if e != 0 {
		return fail(e)
	}
	to, e := s.lastName(t, fd2, addr2)
	if e == 0 {
		e = t.p.view.Rename(t.waiter, &from, &to, flags)
	}
	return fail(e)
}

// lastName goes to the directory of a path's last name.
func (s *Server) lastName(t *task, fd, addr uint64) (vfs.Last, abi.Errno) {
	from, path, e := s.path(t, fd, addr)
	if e != 0 {
		return vfs.Last{}, e
	}
	return t.p.view.Last(t.waiter, from, path)
}

// change changes attributes of a file.
func (s *Server) change(t *task, p vfs.Path, c *vfs.Change) uint64 {
	r := s.changeBy(t, p.Node, p.Mount, c)
	if r == 0 && s.events.Tell != nil {
		s.didPath(t.p, p.Node, changeBits(c))
	}
	return r
}

func (s *Server) changeBy(t *task, n vfs.Attributes, m *vfs.Mount, c *vfs.Change) uint64 {
	switch {
	case c.Valid&vfs.BadTime != 0:
		return abi.EINVAL.Result()
	case m.ReadOnly:
		return abi.EROFS.Result()
	}
	return fail(n.Change(t.waiter, c))
}

// changePath changes attributes of what a path leads to.
func (s *Server) changePath(t *task, fd, addr, flags uint64, c *vfs.Change) uint64 {
	p, e := s.lookup(t, fd, addr, flags)
	switch {
	case e != 0:
		return fail(e)
	case c.Valid&vfs.SetMode != 0 && vfs.IsLink(p.Node):
		return abi.ENOTSUP.Result()
	}
	return s.change(t, p, c)
}

// changeOpen changes attributes of an open file.
func (s *Server) changeOpen(t *task, c *vfs.Change) uint64 {
	f := s.file(t, t.Args[0])
	if f == nil {
		return abi.EBADF.Result()
	}
	r := s.changeBy(t, f.attributes, f.path.Mount, c)
	if r == 0 {
		s.did(f, changeBits(c))
	}
	return r
}

func modeOf(mode uint64) *vfs.Change {
	return &vfs.Change{Valid: vfs.SetMode, Mode: uint32(mode) & 0o7777}
}

// sysChmod: path, mode.
func sysChmod(s *Server, t *task) uint64 {
	return s.changePath(t, here, t.Args[0], 0, modeOf(t.Args[1]))
}

// sysFchmod: descriptor, mode.
func sysFchmod(s *Server, t *task) uint64 { return s.changeOpen(t, modeOf(t.Args[1])) }

// sysFchmodat: directory, path, mode.
func sysFchmodat(s *Server, t *task) uint64 {
	return s.changePath(t, t.Args[0], t.Args[1], 0, modeOf(t.Args[2]))
}

// sysFchmodat2 has flags.
func sysFchmodat2(s *Server, t *task) uint64 {
	if t.Args[3]&^(abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH) != 0 {
		return abi.EINVAL.Result()
	}
	return s.changePath(t, t.Args[0], t.Args[1], t.Args[3], modeOf(t.Args[2]))
}

// ownerOf gives a change of owner and group, -1: as it is.
func ownerOf(uid, gid uint64) *vfs.Change {
	c := &vfs.Change{Valid: vfs.Chown, UID: uint32(uid), GID: uint32(gid)}
	if c.UID != 1<<32-1 {
		c.Valid |= vfs.SetUID
	}
	if c.GID != 1<<32-1 {
		c.Valid |= vfs.SetGID
	}
	return c
}

// sysChown: path, owner, group.
func sysChown(s *Server, t *task) uint64 {
	return s.changePath(t, here, t.Args[0], 0, ownerOf(t.Args[1], t.Args[2]))
}

// sysLchown doesn't follow a link.
func sysLchown(s *Server, t *task) uint64 {
	return s.changePath(t, here, t.Args[0], abi.AT_SYMLINK_NOFOLLOW, ownerOf(t.Args[1], t.Args[2]))
}

// sysFchown: descriptor, owner, group.
func sysFchown(s *Server, t *task) uint64 { return s.changeOpen(t, ownerOf(t.Args[1], t.Args[2])) }

// sysFchownat: directory, path, owner, group, flags.
func sysFchownat(s *Server, t *task) uint64 {
	if t.Args[4]&^(abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH) != 0 {
		return abi.EINVAL.Result()
	}
	return s.changePath(t, t.Args[0], t.Args[1], t.Args[4], ownerOf(t.Args[2], t.Args[3]))
}

// sysUtimensat: directory, path or 0 for the descriptor's file, two struct timespecs or 0, flags.
func sysUtimensat(s *Server, t *task) uint64 {
	c, e := s.timesOf(t, t.Args[2])
	switch {
	case e != 0:
		return fail(e)
	case c.Valid == 0:
		return 0
	case t.Args[3]&^(abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH) != 0:
		return abi.EINVAL.Result()
	case t.Args[1] == 0 && int32(t.Args[0]) != abi.AT_FDCWD:
		return s.changeOpen(t, c)
	}
	return s.changePath(t, t.Args[0], t.Args[1], t.Args[3], c)
}

// timesOf reads two struct timespecs; none: now.
func (s *Server) timesOf(t *task, addr uint64) (*vfs.Change, abi.Errno) {
	c := &vfs.Change{Valid: vfs.SetAtime | vfs.AtimeNow | vfs.SetMtime | vfs.MtimeNow}
	if addr == 0 {
		return c, 0
	}
	b := s.scratch[:2*abi.TimespecSize]
	if !s.get(t, addr, b) {
		return nil, abi.EFAULT
	}
	c.Valid = 0
	c.Atime, c.Mtime = abi.GetTimespec(b), abi.GetTimespec(b[abi.TimespecSize:])
	for i, v := range []abi.Timespec{c.Atime, c.Mtime} {
		set, now := uint32(vfs.SetAtime), uint32(vfs.AtimeNow)
		if i == 1 {
			set, now = vfs.SetMtime, vfs.MtimeNow
		}
		switch {
		case v.Nsec == lx.UtimeNow:
			c.Valid |= set | now
		case v.Nsec == lx.UtimeOmit:
		case uint64(v.Nsec) >= 1e9:
			c.Valid |= vfs.BadTime
		default:
			c.Valid |= set
		}
	}
	return c, 0
}

// sysUtimes: path, two struct timevals or 0; and futimesat(2), whose path begins at a descriptor.
func sysUtimes(s *Server, t *task) uint64 {
	fd, path, addr := uint64(here), t.Args[0], t.Args[1]
	if t.Number == lx.SysFutimesat {
		fd, path, addr = t.Args[0], t.Args[1], t.Args[2]
	}
	c := &vfs.Change{Valid: vfs.SetAtime | vfs.AtimeNow | vfs.SetMtime | vfs.MtimeNow}
	if addr != 0 {
		b := s.scratch[:2*abi.TimevalSize]
		if !s.get(t, addr, b) {
			return abi.EFAULT.Result()
		}
		a, m := abi.GetTimespec(b), abi.GetTimespec(b[abi.TimevalSize:])
		if uint64(a.Nsec) >= 1e6 || uint64(m.Nsec) >= 1e6 {
			return abi.EINVAL.Result()
		}
		c.Valid = vfs.SetAtime | vfs.SetMtime
		c.Atime, c.Mtime = abi.Timespec{Sec: a.Sec, Nsec: a.Nsec * 1000}, abi.Timespec{Sec: m.Sec, Nsec: m.Nsec * 1000}
	}
	return s.changePath(t, fd, path, 0, c)
}
