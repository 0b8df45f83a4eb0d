// SPDX-License-Identifier: Apache-2.0

// Package tmpfs is a file system in memory, as Linux's tmpfs is: the tree that a sandbox
// begins with. All of it is Go's memory, up to a limit of bytes, in which files count with
// what is allocated for them, not with their size: ENOSPC.
//
// A file's content is chunks of 64 KiB. One that was never written is a hole, and the first
// and last parts of small files are smaller, so a file of a line takes 512 bytes. A directory
// keeps its entries in the order in which they were made; each has a number that stays its own,
// which is the position that a program goes on from while others make and remove entries.
//
// Nothing here locks or waits.
package tmpfs

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// Magic is the file system's number for statfs(2).
const Magic = 0x0102_1994

// nodeCost is what a file is charged for beside its content, in bytes: roughly what it takes.
const nodeCost = 512

// FS is a file system.
type FS struct {
	Limit int64               // bytes that it may take
	Now   func() abi.Timespec // the time of changes
	Dev   uint64              // st_dev

	used  int64
	files uint64
	last  uint64 // the last inode number
	root  *node
}

// New makes an empty one.
func New(limit int64, dev uint64, now func() abi.Timespec) *FS {
	fs := &FS{Limit: limit, Dev: dev, Now: now}
	fs.root, _ = fs.node(abi.S_IFDIR | 0o755)
	fs.root.nlink = 2
	return fs
}

// Root gives the root.
func (fs *FS) Root() vfs.Node { return fs.root }

// Another gives the root of another tree of the file system, which nothing leads to.
func (fs *FS) Another(mode uint32) vfs.Node {
	n, e := fs.node(abi.S_IFDIR | mode)
	if e != 0 {
		return nil
	}
	n.nlink = 2
	return n
}

// Used is how many bytes are taken.
func (fs *FS) Used() int64 { return fs.used }

// charge takes n bytes of the limit, or gives them back.
func (fs *FS) charge(n int64) bool {
	if n > 0 && fs.used+n > fs.Limit {
		return false
	}
	fs.used += n
	return true
}

// node makes a file that has no name yet.
func (fs *FS) node(mode uint32) (*node, abi.Errno) {
	if !fs.charge(nodeCost) {
		return nil, abi.ENOSPC
	}
	fs.last++
	fs.files++
	now := fs.Now()
	return &node{fs: fs, ino: fs.last, mode: mode, times: times{now, now, now, now}, content: content{seals: lx.SealSeal}}, 0
}

// times are of access, change of the content, change of anything, and birth.
type times struct{ a, m, c, b abi.Timespec }

// node is a file.
type node struct {
	vfs.Base
	fs       *FS
	ino      uint64
	mode     uint32
	uid, gid uint32
	nlink    uint32
	opens    int32
	times    times
	content
	directory
	target string // of a link

	extended     map[string][]byte // attributes
	extendedCost int64             // charged for them
}

// Mode is for vfs.Node.
func (n *node) Mode() uint32 { return n.mode }

func (n *node) isDir() bool { return n.mode&abi.S_IFMT == abi.S_IFDIR }

// Stat is for vfs.Node.
func (n *node) Stat(_ vfs.Waiter, s *abi.Stat) (abi.Timespec, abi.Errno) {
	s.Dev, s.Ino, s.Nlink, s.Mode, s.UID, s.GID, s.Rdev = n.fs.Dev, n.ino, n.nlink, n.mode, n.uid, n.gid, 0
	s.Blksize, s.Atim, s.Mtim, s.Ctim = 4096, n.times.a, n.times.m, n.times.c
	switch n.mode & abi.S_IFMT {
	case abi.S_IFDIR:
		s.Size, s.Blocks = int64(2+n.live)*20, 0
	case abi.S_IFLNK:
		s.Size, s.Blocks = int64(len(n.target)), 0
	default:
		s.Size, s.Blocks = n.size, n.pages*(pageSize/512)
	}
	return n.times.b, 0
}

// changed notes a change: of the content too, or of what is about it alone.
func (n *node) changed(content bool) {
	now := n.fs.Now()
	n.times.c = now
	if content {
		n.times.m = now
	}
}

// accessed notes an access, as a mount with relatime does: the first after a change.
func (n *node) accessed() {
	a := n.times.a
	if !before(n.times.m, a) || !before(n.times.c, a) {
		n.times.a = n.fs.Now()
	}
}

func before(a, b abi.Timespec) bool { return a.Sec < b.Sec || a.Sec == b.Sec && a.Nsec < b.Nsec }

// Change is for vfs.Node.
func (n *node) Change(_ vfs.Waiter, c *vfs.Change) abi.Errno {
	if c.Valid&vfs.SetSize != 0 {
		if e := n.resize(c.Size); e != 0 {
			return e
		}
	}
	if c.Valid&vfs.SetMode != 0 {
		if n.seals&lx.SealExec != 0 && (n.mode^c.Mode)&0o111 != 0 {
			return abi.EPERM
		}
		n.mode = n.mode&abi.S_IFMT | c.Mode&0o7777
	}
	if c.Valid&vfs.Chown != 0 && !n.isDir() {
		const setUID, setGID, groupRuns = 0o4000, 0o2000, 0o010
		if n.mode &^= setUID; n.mode&groupRuns != 0 {
			n.mode &^= setGID
		}
	}
	if c.Valid&vfs.SetUID != 0 {
		n.uid = c.UID
	}
	if c.Valid&vfs.SetGID != 0 {
		n.gid = c.GID
	}
	now := n.fs.Now()
	setTime(&n.times.a, c.Valid, vfs.SetAtime, vfs.AtimeNow, c.Atime, now)
	setTime(&n.times.m, c.Valid, vfs.SetMtime, vfs.MtimeNow, c.Mtime, now)
	n.times.c = now
	return 0
}

func setTime(t *abi.Timespec, valid, set, isNow uint32, to, now abi.Timespec) {
	switch {
	case valid&set == 0:
	case valid&isNow != 0:
		*t = now
	default:
		*t = to
	}
}

// resize gives a regular file another size.
func (n *node) resize(size int64) abi.Errno {
	switch {
	case n.isDir():
		return abi.EISDIR
	case n.mode&abi.S_IFMT != abi.S_IFREG:
		return abi.EINVAL
	case size > maxSize:
		return abi.EFBIG
	case size < n.size && n.seals&lx.SealShrink != 0, size > n.size && n.seals&lx.SealGrow != 0:
		return abi.EPERM
	}
	n.truncate(n.fs, size)
	n.changed(true)
	return 0
}

// Statfs is for vfs.Node.
func (n *node) Statfs(_ vfs.Waiter, s *lx.Statfs) abi.Errno {
	fs := n.fs
	all, free := uint64(fs.Limit)/4096, uint64(max(fs.Limit-fs.used, 0))/4096
	*s = lx.Statfs{Type: Magic, Bsize: 4096, Blocks: all, Bfree: free, Bavail: free,
		Files: fs.files + uint64(max(fs.Limit-fs.used, 0))/nodeCost, Ffree: uint64(max(fs.Limit-fs.used, 0)) / nodeCost,
		FSID: fs.Dev, Namelen: lx.NameMax}
	return 0
}

// Readlink is for vfs.Node.
func (n *node) Readlink(vfs.Waiter) (string, abi.Errno) {
	if n.mode&abi.S_IFMT != abi.S_IFLNK {
		return "", abi.EINVAL
	}
	return n.target, 0
}

// unlinked takes a name of the file away, and gives all back with the last.
func (n *node) unlinked() {
	n.nlink--
	n.changed(false)
	n.release()
}

// release gives back what the file has, if it has no name and nobody has it open.
func (n *node) release() {
	if n.nlink > 0 || n.opens > 0 || n.fs == nil || n.gone {
		return
	}
	n.gone = true
	if n.memory != nil { // programs that map it keep it
		n.memory.Close()
		n.memory = nil
	}
	n.truncate(n.fs, 0)
	n.fs.charge(-nodeCost - n.cost - n.extendedCost)
	n.fs.files--
}

// Open is for vfs.Node.
func (n *node) Open(_ vfs.Waiter, flags uint32) (vfs.Open, abi.Errno) {
	switch n.mode & abi.S_IFMT {
	case abi.S_IFREG, abi.S_IFDIR:
	default: // a socket's name; a pipe's is the server's
		return nil, abi.ENXIO
	}
	if flags&abi.O_TRUNC != 0 && n.mode&abi.S_IFMT == abi.S_IFREG {
		if n.size > 0 && n.seals&lx.SealShrink != 0 {
			return nil, abi.EPERM
		}
		n.truncate(n.fs, 0)
		n.changed(true)
	}
	n.opens++
	return &open{n: n}, 0
}

// unwritable are the seals of which each forbids to write.
const unwritable = lx.SealWrite | lx.SealFutureWrite

// Seals is for vfs.Sealed.
func (n *node) Seals() uint32 { return n.seals }

// SetSeals is for vfs.Sealed.
func (n *node) SetSeals(seals uint32) { n.seals = seals }

// Gone is for vfs.Goner.
func (n *node) Gone() bool { return n.gone }

// Hold is for vfs.Holder.
func (n *node) Hold() { n.opens++ }

// Drop is for vfs.Holder.
func (n *node) Drop() {
	n.opens--
	n.release()
}

// open is an open file or directory.
type open struct {
	vfs.BaseOpen
	n *node
}

// Close is for vfs.Open.
func (o *open) Close() { o.n.Drop() }

// Read is for vfs.Open.
func (o *open) Read(_ vfs.Waiter, b lx.Buffer, off int64) (int, abi.Errno) {
	if o.n.isDir() {
		return 0, abi.EISDIR
	}
	o.n.accessed()
	return o.n.read(b, off)
}

// Write is for vfs.Open.
func (o *open) Write(_ vfs.Waiter, b lx.Buffer, off int64, appending bool) (int, int64, abi.Errno) {
	if appending {
		off = o.n.size
	}
	switch {
	case b.Len() == 0:
		return 0, off, 0
	case o.n.seals&unwritable != 0:
		return 0, off, abi.EPERM
	}
	k, e := o.n.write(o.n.fs, b, off)
	if k > 0 {
		o.n.changed(true)
		e = 0
	}
	return k, off + int64(k), e
}

// Truncate is for vfs.Open.
func (o *open) Truncate(_ vfs.Waiter, size int64) abi.Errno { return o.n.resize(size) }

// Allocate is for vfs.Open. Of the modes that Linux has its tmpfs has these.
func (o *open) Allocate(_ vfs.Waiter, mode uint32, off, length int64) abi.Errno {
	n := o.n
	switch {
	case n.isDir():
		return abi.EISDIR
	case mode == lx.PunchHole|lx.KeepSize && n.seals&unwritable != 0:
		return abi.EPERM
	case mode == lx.PunchHole|lx.KeepSize:
		n.punch(n.fs, off, off+length)
		n.changed(true)
		return 0
	case mode&^lx.KeepSize != 0:
		return abi.ENOTSUP
	case off > maxSize-length:
		return abi.EFBIG
	case off+length > n.size && n.seals&lx.SealGrow != 0:
		return abi.EPERM
	}
	if e := n.allocate(n.fs, off, off+length); e != 0 {
		return e
	}
	if mode == 0 && off+length > n.size {
		n.size = off + length
	}
	n.changed(true)
	return 0
}

// Seek is for vfs.Open.
func (o *open) Seek(_ vfs.Waiter, off int64, whence int) (int64, abi.Errno) {
	if o.n.isDir() {
		return 0, abi.EINVAL
	}
	return o.n.seek(off, whence == lx.SeekHole)
}
