// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"strings"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// Extended attributes, of files in memory. Those of the namespaces user, trusted and security are kept, and
// mean nothing; others: ENOTSUP.

const (
	mostExtendedName  = 255
	mostExtendedValue = 64 << 10
	mostExtendedList  = 64 << 10
	onlyCreate        = 1 // XATTR_CREATE
	onlyReplace       = 2 // XATTR_REPLACE
)

// extendedOf gives the file that a call is about: a path, which a call whose name begins with l doesn't follow to a link's target,
// or a descriptor.
func (s *Server) extendedOf(t *task) (vfs.Path, abi.Errno) {
	switch int(t.Number) {
	case lx.SysFsetxattr, lx.SysFgetxattr, lx.SysFlistxattr, lx.SysFremovexattr:
		f := s.file(t, t.Args[0])
		if f == nil {
			return vfs.Path{}, abi.EBADF
		}
		t.p.view.Dir, t.p.view.Leaf = f.dir, f.leaf
		return f.path, 0
	case lx.SysLsetxattr, lx.SysLgetxattr, lx.SysLlistxattr, lx.SysLremovexattr:
		return s.lookup(t, here, t.Args[0], abi.AT_SYMLINK_NOFOLLOW)
	}
	return s.lookup(t, here, t.Args[0], 0)
}

// extendedName reads the name of an attribute.
func (s *Server) extendedName(t *task) (string, abi.Errno) {
	name, e := s.text(t, t.Args[1])
	switch {
	case e == abi.ENAMETOOLONG || e == 0 && (name == "" || len(name) > mostExtendedName):
		return "", abi.ERANGE
	case e != 0:
		return "", e
	}
	return name, 0
}

// mayExtend checks that a kind of file has attributes of a namespace: missing is the error where one is asked for.
func mayExtend(n vfs.Node, name string, missing abi.Errno) (vfs.Extended, abi.Errno) {
	x, ok := n.(vfs.Extended)
	space, rest, dot := strings.Cut(name, ".")
	kind := n.Mode() & abi.S_IFMT
	switch {
	case space == "user" && dot && kind != abi.S_IFREG && kind != abi.S_IFDIR:
		return nil, missing
	case !ok || !dot || space != "user" && space != "trusted" && space != "security":
		return nil, abi.ENOTSUP
	case rest == "":
		return nil, abi.EINVAL
	}
	return x, 0
}

// sysSetxattr: file, name, value, its length, flags.
func sysSetxattr(s *Server, t *task) uint64 {
	flags := uint32(t.Args[4])
	if flags&^(onlyCreate|onlyReplace) != 0 {
		return abi.EINVAL.Result()
	}
	name, e := s.extendedName(t)
	switch {
	case e != 0:
		return fail(e)
	case t.Args[3] > mostExtendedValue:
		return abi.E2BIG.Result()
	}
	value := make([]byte, t.Args[3])
	if len(value) > 0 && !s.get(t, t.Args[2], value) {
		return abi.EFAULT.Result()
	}
	return s.changeExtended(t, name, value, func(there bool) abi.Errno {
		switch {
		case there && flags&onlyCreate != 0:
			return abi.EEXIST
		case !there && flags&onlyReplace != 0:
			return abi.ENODATA
		}
		return 0
	})
}

// changeExtended sets an attribute of the call's file, or removes it where value is nil, if may
// allows that, told whether the attribute is there.
func (s *Server) changeExtended(t *task, name string, value []byte, may func(there bool) abi.Errno) uint64 {
	p, e := s.extendedOf(t)
	switch {
	case e != 0:
		return fail(e)
	case p.Mount.ReadOnly:
		return abi.EROFS.Result()
	}
	x, e := mayExtend(p.Node, name, abi.EPERM)
	if e != 0 {
		return fail(e)
	}
	_, there := x.Extended(name)
	if e = may(there); e != 0 {
		return fail(e)
	}
	if e = x.SetExtended(name, value); e == 0 {
		s.didPath(t.p, p.Node, vfs.InAttrib)
	}
	return fail(e)
}

// sysGetxattr: file, name, room for the value, its size; 0: how large it is.
func sysGetxattr(s *Server, t *task) uint64 {
	name, e := s.extendedName(t)
	if e != 0 {
		return fail(e)
	}
	p, e := s.extendedOf(t)
	if e != 0 {
		return fail(e)
	}
	x, e := mayExtend(p.Node, name, abi.ENODATA)
	if e != 0 {
		return fail(e)
	}
	value, ok := x.Extended(name)
	if !ok {
		return abi.ENODATA.Result()
	}
	return s.putSized(t, value, t.Args[2], t.Args[3])
}

// putSized answers with bytes, or with how many there are where there is no room.
func (s *Server) putSized(t *task, b []byte, to, room uint64) uint64 {
	switch {
	case room == 0:
	case uint64(len(b)) > room:
		return abi.ERANGE.Result()
	case len(b) > 0:
		if r := s.put(t, to, b); r != 0 {
			return r
		}
	}
	return uint64(len(b))
}

// sysListxattr: file, room for the names, its size; 0: how much they take.
func sysListxattr(s *Server, t *task) uint64 {
	p, e := s.extendedOf(t)
	if e != 0 {
		return fail(e)
	}
	x, ok := p.Node.(vfs.Extended)
	if !ok {
		return 0 // as of Linux's file systems that have none
	}
	var b []byte
	for _, name := range x.ExtendedNames() {
		b = append(append(b, name...), 0)
	}
	if len(b) > mostExtendedList {
		return abi.E2BIG.Result()
	}
	return s.putSized(t, b, t.Args[1], t.Args[2])
}

// sysRemovexattr: file, name.
func sysRemovexattr(s *Server, t *task) uint64 {
	name, e := s.extendedName(t)
	if e != 0 {
		return fail(e)
	}
	return s.changeExtended(t, name, nil, func(there bool) abi.Errno {
		if !there {
			return abi.ENODATA
		}
		return 0
	})
}
