// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// OpenPath opens what a path leads to, or makes it, as openat(2) does. With O_PATH nothing is
// opened, and o is nil; it comes with O_DIRECTORY, O_NOFOLLOW and O_CLOEXEC alone. mode is that of a new file, without the umask's bits.
func (v *View) OpenPath(w Waiter, from Path, path string, flags, mode uint32) (p Path, o Open, e abi.Errno) {
	if flags&lx.O_TMPFILE == lx.O_TMPFILE {
		return v.temporary(w, from, path, flags, mode)
	}
	k, e := v.parent(w, from, path)
	for ; e == 0; e = k.stop() {
		p, o, e = k.open(flags, mode)
		if e != again {
			k.note()
			return p, o, e
		}
	}
	return Path{}, nil, e
}

// Temporarer is a directory in which a regular file without a name can be made.
type Temporarer interface {
	Temporary(w Waiter, mode uint32) (Node, Open, abi.Errno)
}

// temporary is OpenPath with O_TMPFILE, to write: the path is a directory's.
func (v *View) temporary(w Waiter, from Path, path string, flags, mode uint32) (Path, Open, abi.Errno) {
	p, e := v.Lookup(w, from, path, flags&abi.O_NOFOLLOW == 0)
	if e != 0 {
		return p, nil, e
	}
	d, ok := p.Node.(Temporarer)
	switch {
	case !IsDir(p.Node):
		return p, nil, abi.ENOTDIR
	case p.Mount.ReadOnly:
		return p, nil, abi.EROFS
	case !ok:
		return p, nil, abi.ENOTSUP
	}
	v.Dir = nil
	n, o, e := d.Temporary(w, mode&0o7777&^v.Umask)
	if e == 0 {
		v.own(w, n, p.Node)
	}
	return Path{p.Mount, n}, o, e
}

// again says that a link was followed, and the walk goes on.
const again abi.Errno = 601

// open opens the last name.
func (k *walker) open(flags, mode uint32) (Path, Open, abi.Errno) {
	creates := flags&abi.O_CREAT != 0
	if creates && k.kind == lastName && k.slash {
		return Path{}, nil, abi.EISDIR
	}
	p, e := k.child()
	if e == abi.ENOENT && creates && k.kind == lastName {
		return k.create(flags, mode)
	}
	if e != 0 {
		return p, nil, e
	}
	exclusive := creates && flags&abi.O_EXCL != 0
	if exclusive {
		return p, nil, abi.EEXIST
	}
	if k.atLink(p) && (flags&abi.O_NOFOLLOW == 0 || k.slash) {
		if e := k.follow(p); e != 0 {
			return p, nil, e
		}
		return p, nil, again
	}
	return k.existing(p, flags)
}

// existing opens a file that is there.
func (k *walker) existing(p Path, flags uint32) (Path, Open, abi.Errno) {
	dir := IsDir(p.Node)
	writes := flags&abi.O_ACCMODE != abi.O_RDONLY || flags&abi.O_TRUNC != 0
	switch {
	case flags&abi.O_CREAT != 0 && dir:
		return p, nil, abi.EISDIR
	case (k.slash || flags&abi.O_DIRECTORY != 0) && !dir:
		return p, nil, abi.ENOTDIR
	case flags&abi.O_PATH != 0:
		return p, nil, 0
	case IsLink(p.Node):
		return p, nil, abi.ELOOP
	case dir && writes:
		return p, nil, abi.EISDIR
	case writes && p.Mount.ReadOnly && p.Node.Mode()&abi.S_IFMT == abi.S_IFREG:
		return p, nil, abi.EROFS
	}
	o, e := p.Node.Open(k.w, flags)
	k.v.Made = false
	return p, o, e
}

// create makes the last name as a regular file.
func (k *walker) create(flags, mode uint32) (Path, Open, abi.Errno) {
	if k.at.Mount.ReadOnly {
		return Path{}, nil, abi.EROFS
	}
	n, o, e := k.at.Node.Create(k.w, k.name, flags&^abi.O_TRUNC, mode&0o7777&^k.v.Umask)
	if k.v.Made = e == 0; k.v.Made {
		k.v.own(k.w, n, k.at.Node)
		k.tell(InCreate, false)
	}
	return Path{k.at.Mount, n}, o, e
}

// owns reports whether new files are somebody's but user 0's.
func (v *View) owns() bool { return v.UID|v.GID != 0 }

// SetGroup is the set-group-id bit.
const SetGroup = 0o2000

// own gives a new file to who has made it. In a folder of the host's it stays whose the host lets it be.
func (v *View) own(w Waiter, n, in Node) {
	if !v.owns() {
		return
	}
	c := Change{Valid: SetUID | SetGID, UID: v.UID, GID: v.GID}
	if in.Mode()&SetGroup != 0 { // whose files are of its group
		c.Valid = SetUID
	}
	_ = n.Change(w, &c)
}

// fresh goes to where a path's last name is to be made. It may have slashes behind it if a
// directory is.
func (v *View) fresh(w Waiter, from Path, path string, directory bool) (walker, abi.Errno) {
	k, e := v.parent(w, from, path)
	if e != 0 {
		return k, e
	}
	if k.kind != lastName {
		return k, abi.EEXIST
	}
	_, e = k.child()
	switch {
	case e == 0:
		return k, abi.EEXIST
	case e != abi.ENOENT:
		return k, e
	case k.slash && !directory:
		return k, abi.ENOENT
	case k.at.Mount.ReadOnly:
		return k, abi.EROFS
	}
	return k, 0
}

// Mkdir makes a directory.
func (v *View) Mkdir(w Waiter, from Path, path string, mode uint32) abi.Errno {
	k, e := v.fresh(w, from, path, true)
	if e != 0 {
		return e
	}
	return k.make(abi.S_IFDIR|mode&0o1777&^v.Umask, "")
}

// Symlink makes a link. The target isn't empty.
func (v *View) Symlink(w Waiter, target string, from Path, path string) abi.Errno {
	k, e := v.fresh(w, from, path, false)
	if e != 0 {
		return e
	}
	return k.make(abi.S_IFLNK|0o777, target)
}

// make makes the last name as another kind of file than a regular one.
func (k *walker) make(mode uint32, target string) abi.Errno {
	e := k.at.Node.Make(k.w, k.name, mode, target)
	if e == 0 {
		if k.v.owns() {
			if n, e := k.at.Node.Lookup(k.w, k.name); e == 0 {
				k.v.own(k.w, n, k.at.Node)
			}
		}
		k.tell(InCreate, mode&abi.S_IFMT == abi.S_IFDIR)
	}
	return e
}

// Mknod makes a regular file, or the name of a pipe or socket. Devices: EPERM, for there are none here that
// a program makes; others: EINVAL.
func (v *View) Mknod(w Waiter, from Path, path string, mode uint32) abi.Errno {
	kind := mode & abi.S_IFMT
	switch kind {
	case 0, abi.S_IFREG, abi.S_IFCHR, abi.S_IFBLK, abi.S_IFIFO, abi.S_IFSOCK:
	case abi.S_IFDIR:
		return abi.EPERM
	default:
		return abi.EINVAL
	}
	k, e := v.fresh(w, from, path, false)
	switch {
	case e != 0:
		return e
	case kind == abi.S_IFSOCK || kind == abi.S_IFIFO:
		return k.make(kind|mode&0o7777&^v.Umask, "")
	case kind != 0 && kind != abi.S_IFREG:
		return abi.EPERM
	}
	n, _, e := k.at.Node.Create(w, k.name, NoOpen, mode&0o7777&^v.Umask)
	if e == 0 {
		v.own(w, n, k.at.Node)
		k.tell(InCreate, false)
	}
	return e
}

// Link gives a file another path. follow says whether a link at the old one's end is followed.
func (v *View) Link(w Waiter, old Path, to Path, path string) abi.Errno {
	k, e := v.fresh(w, to, path, false)
	switch {
	case e != 0:
		return e
	case k.at.Mount != old.Mount:
		return abi.EXDEV
	case IsDir(old.Node):
		return abi.EPERM
	}
	if e = k.at.Node.Link(w, k.name, old.Node); e == 0 && v.watched() {
		v.Events.Tell(Event{Bits: InAttrib, Node: old.Node})
		k.tell(InCreate, false)
	}
	return e
}

// Unlink removes a name that isn't a directory's.
func (v *View) Unlink(w Waiter, from Path, path string) abi.Errno {
	k, e := v.parent(w, from, path)
	if e != 0 {
		return e
	}
	if k.kind != lastName {
		return abi.EISDIR
	}
	p, e := k.child()
	switch {
	case e != 0:
		return e
	case k.slash && IsDir(p.Node):
		return abi.EISDIR
	case k.slash:
		return abi.ENOTDIR
	case k.at.Mount.ReadOnly:
		return abi.EROFS
	case IsDir(p.Node):
		return abi.EISDIR
	}
	return k.remove(p.Node, false)
}

// Rmdir removes an empty directory.
func (v *View) Rmdir(w Waiter, from Path, path string) abi.Errno {
	k, e := v.parent(w, from, path)
	if e != 0 {
		return e
	}
	switch k.kind {
	case lastDot:
		return abi.EINVAL
	case lastDotDot:
		return abi.ENOTEMPTY
	case lastRoot:
		return abi.EBUSY
	}
	p, e := k.child()
	switch {
	case e != 0:
		return e
	case k.at.Mount.ReadOnly:
		return abi.EROFS
	case !IsDir(p.Node):
		return abi.ENOTDIR
	case p.Mount != k.at.Mount:
		return abi.EBUSY
	}
	return k.remove(p.Node, true)
}

// remove removes the last name, which is n's.
func (k *walker) remove(n Node, directory bool) abi.Errno {
	e := k.at.Node.Remove(k.w, k.name, n, directory)
	if e == 0 {
		k.unlinked(n)
	}
	return e
}

// Last is the way to the last name of a path.
type Last struct{ k walker }

// Last goes to the directory of a path's last name: for Rename, whose two paths are walked one
// after the other.
func (v *View) Last(w Waiter, from Path, path string) (Last, abi.Errno) {
	k, e := v.parent(w, from, path)
	return Last{k}, e
}

// RenameFlags checks those of renameat2(2).
func RenameFlags(flags uint32) abi.Errno {
	const known = lx.NoReplace | lx.Exchange
	if flags&^known != 0 || flags == known {
		return abi.EINVAL
	}
	return 0
}

// Rename is renameat2(2).
func (v *View) Rename(w Waiter, from, to *Last, flags uint32) abi.Errno {
	a, b := &from.k, &to.k
	switch {
	case a.at.Mount != b.at.Mount:
		return abi.EXDEV
	case a.kind != lastName:
		return abi.EBUSY
	case b.kind != lastName && flags&lx.NoReplace != 0:
		return abi.EEXIST
	case b.kind != lastName:
		return abi.EBUSY
	case a.at.Mount.ReadOnly:
		return abi.EROFS
	}
	return v.rename(w, a, b, flags)
}

// rename renames a's name to b's.
func (v *View) rename(w Waiter, a, b *walker, flags uint32) abi.Errno {
	p, e := a.child()
	if e != 0 {
		return e
	}
	over, e := b.child()
	if e != 0 && e != abi.ENOENT {
		return e
	}
	exchange := flags&lx.Exchange != 0
	there := e == 0
	switch {
	case there && flags&lx.NoReplace != 0:
		return abi.EEXIST
	case !there && exchange:
		return abi.ENOENT
	case exchange && b.slash && !IsDir(over.Node):
		return abi.ENOTDIR
	case !IsDir(p.Node) && (a.slash || !exchange && b.slash):
		return abi.ENOTDIR
	case IsDir(p.Node) && b.at.within(p.Node):
		return abi.EINVAL
	case there && a.at.within(over.Node):
		if exchange {
			return abi.EINVAL
		}
		return abi.ENOTEMPTY
	case p.Mount != a.at.Mount || there && over.Mount != b.at.Mount:
		return abi.EBUSY
	case there && p.Node == over.Node:
		return 0
	case there && !exchange && IsDir(p.Node) && !IsDir(over.Node):
		return abi.ENOTDIR
	case there && !exchange && !IsDir(p.Node) && IsDir(over.Node):
		return abi.EISDIR
	}
	if !there {
		over.Node = nil
	}
	if e = a.at.Node.Rename(w, a.name, p.Node, b.at.Node, b.name, over.Node, flags); e != 0 {
		return e
	}
	if exchange {
		moved(a, b, p.Node, nil)
		moved(b, a, over.Node, nil)
		return 0
	}
	moved(a, b, p.Node, over.Node)
	return 0
}

// within reports whether a directory is n, or below it in the same file system.
func (p Path) within(n Node) bool {
	for d := p.Node; d != nil; d, _, _ = d.Parent() {
		if d == n {
			return true
		}
		if d == p.Mount.Root {
			return false
		}
	}
	return false
}
