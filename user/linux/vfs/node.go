// SPDX-License-Identifier: Apache-2.0

package vfs

import (
	"loam/abi"
	"loam/user/linux/lx"
)

// Waiter lets an operation wait. A nil one says that it may not.
type Waiter interface {
	// Do calls f, without the server's lock.
	Do(f func())
}

// Node is a file of a file system. Values of it can be compared: equal ones are the same file.
// Errors are Linux's, or lx.Wait when w is nil.
type Node interface {
	// Mode gives the kind of file, S_IFDIR and so on; it may have permission bits too.
	Mode() uint32
	// Stat tells the attributes; b is the time of birth, zero if that isn't known.
	Stat(w Waiter, s *abi.Stat) (b abi.Timespec, e abi.Errno)
	// Change changes those that c names.
	Change(w Waiter, c *Change) abi.Errno
	// Statfs tells of the file system.
	Statfs(w Waiter, s *lx.Statfs) abi.Errno
	// Readlink gives the target of a link; of others EINVAL.
	Readlink(w Waiter) (string, abi.Errno)
	// Open opens a file that is there. O_TRUNC is done already.
	Open(w Waiter, flags uint32) (Open, abi.Errno)

	// The rest is of directories: ENOTDIR.

	// Parent gives the directory that this one is in, and its name there. The root of a file
	// system has none (nil). ENOENT: it was removed; the directory is where it was.
	Parent() (Node, string, abi.Errno)
	// Lookup gives what has a name, neither "." nor "..", of lx.NameMax bytes at most.
	Lookup(w Waiter, name string) (Node, abi.Errno)
	// Create makes a regular file, which isn't there, and opens it if flags isn't NoOpen.
	Create(w Waiter, name string, flags, mode uint32) (Node, Open, abi.Errno)
	// Make makes another kind of file: a directory, a pipe's name, or a link to target.
	Make(w Waiter, name string, mode uint32, target string) abi.Errno
	// Link gives a file of the same file system another name.
	Link(w Waiter, name string, to Node) abi.Errno
	// Remove removes a name: of an empty directory, or of something else. What is there
	// has been looked up.
	Remove(w Waiter, name string, n Node, directory bool) abi.Errno
	// Rename gives n, which has a name here, another one, in a directory of the same file
	// system, in the place of what is there, if anything (over).
	Rename(w Waiter, name string, n Node, to Node, newName string, over Node, flags uint32) abi.Errno
}

// Attributes is what an open file has whose attributes are not asked of its node: there may be
// another file by that name.
type Attributes interface {
	Stat(w Waiter, s *abi.Stat) (abi.Timespec, abi.Errno)
	Change(w Waiter, c *Change) abi.Errno
}

// Extended is a file that has extended attributes, by names with a namespace. It doesn't wait.
type Extended interface {
	// Extended gives one.
	Extended(name string) (value []byte, ok bool)
	// ExtendedNames gives the names of all.
	ExtendedNames() []string
	// SetExtended sets one, or takes it away: nil.
	SetExtended(name string, value []byte) abi.Errno
}

// Sealed is a file that can be sealed: what its seals forbid it refuses by itself, but for mappings.
type Sealed interface {
	Seals() uint32 // lx.SealSeal and so on
	SetSeals(seals uint32)
}

// Holder is a file that is kept, though it has no name and nobody has it open, until Drop: for O_PATH.
type Holder interface {
	Hold()
	Drop()
}

// NoOpen has Create open nothing.
const NoOpen = ^uint32(0)

// Open is an open file. It has no position: that is whose who opened it.
type Open interface {
	// Read reads at an offset; less than there is room for at the end.
	Read(w Waiter, b lx.Buffer, off int64) (int, abi.Errno)
	// Write writes at an offset, or at the end if appending, and tells where it ended.
	Write(w Waiter, b lx.Buffer, off int64, appending bool) (n int, end int64, e abi.Errno)
	// Truncate gives the file a size.
	Truncate(w Waiter, size int64) abi.Errno
	// Allocate is fallocate(2).
	Allocate(w Waiter, mode uint32, off, n int64) abi.Errno
	// Seek gives where data or a hole is from an offset on (lx.SeekData, SeekHole): ENXIO
	// behind the end.
	Seek(w Waiter, off int64, whence int) (int64, abi.Errno)
	// Entries gives a directory's entries behind a position to f, until that wants no more.
	Entries(w Waiter, pos int64, f func(Entry) bool) abi.Errno
	// Sync has the file be where it stays.
	Sync(w Waiter, dataOnly bool) abi.Errno
	// Close gives it back. It mustn't wait.
	Close()
}

// Entry is an entry of a directory.
type Entry struct {
	Name string
	Ino  uint64
	Type uint8 // lx.DT_
	Next int64 // the position behind it, above 2: "." and ".." are 1 and 2
}

// Change is what Node.Change changes.
type Change struct {
	Valid        uint32 // bits Set...
	Mode         uint32 // permission bits
	UID, GID     uint32
	Size         int64
	Atime, Mtime abi.Timespec
}

// Bits of Change.Valid.
const (
	SetMode = 1 << iota
	SetUID
	SetGID
	SetSize
	SetAtime
	SetMtime
	AtimeNow // with SetAtime: it is now
	MtimeNow
	Chown   // it is chown(2), also if it changes neither: a file that isn't a directory loses its set-id bits
	BadTime // a time can't be: EINVAL, once it is known of which file
)

// Base answers for a kind of file what that can't do.
type Base struct{}

// Stat is for Node, and so are the others.
func (Base) Stat(Waiter, *abi.Stat) (abi.Timespec, abi.Errno) { return abi.Timespec{}, abi.EIO }

// Change changes nothing.
func (Base) Change(Waiter, *Change) abi.Errno { return abi.EPERM }

// Statfs knows nothing.
func (Base) Statfs(Waiter, *lx.Statfs) abi.Errno { return abi.ENOSYS }

// Readlink is of no link.
func (Base) Readlink(Waiter) (string, abi.Errno) { return "", abi.EINVAL }

// Open opens nothing.
func (Base) Open(Waiter, uint32) (Open, abi.Errno) { return nil, abi.ENXIO }

// Parent is of no directory.
func (Base) Parent() (Node, string, abi.Errno) { return nil, "", abi.ENOTDIR }

// Lookup is of no directory, and so are the others.
func (Base) Lookup(Waiter, string) (Node, abi.Errno) { return nil, abi.ENOTDIR }

// Create makes nothing.
func (Base) Create(Waiter, string, uint32, uint32) (Node, Open, abi.Errno) {
	return nil, nil, abi.EPERM
}

// Make makes nothing.
func (Base) Make(Waiter, string, uint32, string) abi.Errno { return abi.EPERM }

// Link makes nothing.
func (Base) Link(Waiter, string, Node) abi.Errno { return abi.EPERM }

// Remove removes nothing.
func (Base) Remove(Waiter, string, Node, bool) abi.Errno { return abi.EPERM }

// Rename renames nothing.
func (Base) Rename(Waiter, string, Node, Node, string, Node, uint32) abi.Errno { return abi.EPERM }

// BaseOpen answers for open files what they can't do.
type BaseOpen struct{}

// Read is for Open, and so are the others.
func (BaseOpen) Read(Waiter, lx.Buffer, int64) (int, abi.Errno) { return 0, abi.EINVAL }

// Write writes nothing.
func (BaseOpen) Write(Waiter, lx.Buffer, int64, bool) (int, int64, abi.Errno) {
	return 0, 0, abi.EINVAL
}

// Truncate changes nothing.
func (BaseOpen) Truncate(Waiter, int64) abi.Errno { return abi.EINVAL }

// Allocate changes nothing.
func (BaseOpen) Allocate(Waiter, uint32, int64, int64) abi.Errno { return abi.ENODEV }

// Seek finds nothing.
func (BaseOpen) Seek(Waiter, int64, int) (int64, abi.Errno) { return 0, abi.EINVAL }

// Entries is of no directory.
func (BaseOpen) Entries(Waiter, int64, func(Entry) bool) abi.Errno { return abi.ENOTDIR }

// Sync has nothing to do.
func (BaseOpen) Sync(Waiter, bool) abi.Errno { return 0 }

// Close has nothing to give back.
func (BaseOpen) Close() {}

// IsDir reports whether a node is a directory.
func IsDir(n Node) bool { return n.Mode()&abi.S_IFMT == abi.S_IFDIR }

// IsLink reports whether a node is a symbolic link.
func IsLink(n Node) bool { return n.Mode()&abi.S_IFMT == abi.S_IFLNK }
