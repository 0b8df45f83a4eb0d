// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// openHow is a struct open_how.
type openHow struct{ flags, mode, resolve uint64 }

// knownOpenFlags are those that openat2(2) knows; openat(2) ignores others.
const knownOpenFlags = lx.O_FILE | abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC | abi.O_CLOEXEC

// sysOpenat2: directory, path, address of a struct open_how, its size.
func sysOpenat2(s *Server, t *task) uint64 {
	h, e := s.openHow(t, t.Args[2], t.Args[3])
	if e == 0 {
		e = h.check()
	}
	if e != 0 {
		return fail(e)
	}
	return s.openBounded(t, t.Args[0], t.Args[1], &h)
}

// openHow reads the structure, which may be longer than it is known here if the rest is zero.
func (s *Server) openHow(t *task, addr, size uint64) (h openHow, e abi.Errno) {
	const most = abi.PageSize
	switch {
	case size < lx.OpenHowSize:
		return h, abi.EINVAL
	case size > most:
		return h, abi.E2BIG
	}
	b := s.scratch[:size]
	if !s.get(t, addr, b) {
		return h, abi.EFAULT
	}
	for _, c := range b[lx.OpenHowSize:] {
		if c != 0 {
			return h, abi.E2BIG
		}
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return openHow{word(0), word(1), word(2)}, 0
}

// check refuses what openat(2) would ignore.
func (h *openHow) check() abi.Errno {
	const resolves = lx.ResolveNoXdev | lx.ResolveNoMagicLinks | lx.ResolveNoSymlinks | lx.ResolveBeneath | lx.ResolveInRoot | lx.ResolveCached
	const scopes = lx.ResolveBeneath | lx.ResolveInRoot
	const withPath = abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW | abi.O_CLOEXEC
	const temporary = lx.O_TMPFILE &^ abi.O_DIRECTORY
	makes := h.flags&(abi.O_CREAT|temporary) != 0
	switch {
	case h.flags&^knownOpenFlags != 0, h.resolve&^resolves != 0, h.resolve&scopes == scopes:
		return abi.EINVAL
	case makes && h.mode&^0o7777 != 0, !makes && h.mode != 0:
		return abi.EINVAL
	case h.flags&(abi.O_DIRECTORY|abi.O_CREAT) == abi.O_DIRECTORY|abi.O_CREAT:
		return abi.EINVAL
	case h.flags&abi.O_PATH != 0 && h.flags&^withPath != 0:
		return abi.EINVAL
	case h.resolve&lx.ResolveCached != 0 && (makes || h.flags&abi.O_TRUNC != 0):
		return abi.EAGAIN
	}
	return 0
}

// openBounded opens with a view of its own, whose walks have bounds.
func (s *Server) openBounded(t *task, fd, addr uint64, h *openHow) uint64 {
	path, e := s.text(t, addr)
	if e == 0 && path == "" {
		e = abi.ENOENT
	}
	if e == 0 && path[0] == '/' && h.resolve&lx.ResolveBeneath != 0 {
		e = abi.EXDEV // whatever the directory is
	}
	if e != 0 {
		return fail(e)
	}
	v := t.p.view
	if v.Bounds = vfs.Bounds(h.resolve &^ lx.ResolveCached); h.resolve&(lx.ResolveBeneath|lx.ResolveInRoot) != 0 {
		top, e := t.from(fd, "")
		if e == 0 && !vfs.IsDir(top.Node) {
			e = abi.ENOTDIR
		}
		if e != 0 {
			return fail(e)
		}
		v.Root = top
	}
	return s.openIn(t, &v, fd, addr, uint32(h.flags), uint32(h.mode))
}
