// SPDX-License-Identifier: Apache-2.0

// Package hostfs is a folder of the host's as a file system of a sandbox: vfs.Node over what a folder
// service serves (package folderd).
//
// A node is a path in the folder, so two are the same file if they have the same path, and what the
// host changes is seen. Links are the walk's business: nothing here is followed.
// All operations wait for the service, and answer lx.Wait to who may not.
//
// # The service's death
//
// A session dies with the service, and open files with the session. The next operation attaches
// again. One whose call was not received is made again, one that was is EIO: what it did is
// not known. Files that were open stay EIO; the program opens them again, or gives up.
//
// # Large reads and writes
//
// Data goes through memory that the session shares with the service, in two halves, so that two
// calls at once have one each; others, and small ones, take the way of messages.
//
// # Reading ahead
//
// A call to the host costs as much as copying half a MiB. So one that reads on where the last has
// ended asks for more, which stays in its half for the reads that follow. And where reads come fast, the service begins to
// read what is behind that to the other half (folderd.Folder.ReadOn): the host is at it while the program is, and nobody
// here waits for it, until somebody asks for what is there. It isn't a cache: it is good for 10 ms at
// most, until a program of the sandbox changes some file here, and until one hears something from outside of the
// sandbox (FS.News), such as a line on its standard input, which may say that a file has changed. So a program
// that is told of a change sees it, and one that looks by itself sees it 10 ms later at most. That a
// file has ended is known for as long.
//
// # Differences from Linux
//
// A directory that is open or somebody's working directory is a path: when another gets its name,
// it is that one. O_APPEND writes where the file's end is seen to be; a host that appends at the same
// moment may write there too. The numbers of inodes are QEMU's (multidevs=remap).
package hostfs

import (
	"context"
	"strings"
	"sync"

	"loam/abi"
	"loam/user/folderd"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
	"loam/user/ninep"
)

// Magic is the file system's number for statfs(2): Linux's of 9P.
const Magic = 0x0102_1997

// Session is a folder's session, and memory that is shared with the service, if there is some.
type Session struct {
	Folder folderd.Folder
	Share  []byte
	Data   uint32 // bytes that one message of data has at most
}

// FS is a folder.
type FS struct {
	Dev  uint64
	Dial func(ctx context.Context) (*Session, error)

	// Now is a clock in ns; nil: nothing is read ahead. News counts what has come to the programs
	// from elsewhere, after which they may know of changes: what was read ahead before is old. Neither waits.
	Now  func() int64
	News func() uint64

	mu      sync.Mutex // guards what follows
	session *session   // nil: none yet
	changes uint64     // to contents
	uses    uint64     // of halves
}

// session is one, with its memory.
type session struct {
	Session
	halves [2]half
}

// Root gives the folder itself.
func (fs *FS) Root() vfs.Node { return node{fs, "", abi.S_IFDIR} }

// get gives the session, and attaches if there is none.
func (fs *FS) get(ctx context.Context) (*session, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.session != nil {
		return fs.session, nil
	}
	c, err := fs.Dial(ctx)
	if err != nil {
		return nil, err
	}
	n := &session{Session: *c}
	if size := len(c.Share) / len(n.halves); size > 0 {
		for i := range n.halves {
			n.halves[i] = half{bytes: c.Share[i*size : (i+1)*size], at: uint32(i * size)}
		}
	}
	fs.session = n
	return n, nil
}

// lost forgets a session that is no more.
func (fs *FS) lost(n *session) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.session == n {
		fs.session = nil
	}
}

// do makes calls to the service, where w may wait.
func (fs *FS) do(w vfs.Waiter, f func(ctx context.Context, n *session) error) (e abi.Errno) {
	if w == nil {
		return lx.Wait
	}
	w.Do(func() {
		ctx := context.Background() // the service has a limit of its own
		for range 2 {
			n, err := fs.get(ctx)
			if err == nil {
				err = f(ctx, n)
			}
			e = lx.Errno(err)
			if e != abi.ECONNREFUSED && e != abi.ECONNRESET {
				return
			}
			fs.lost(n)
			if e == abi.ECONNRESET {
				break
			}
		}
		e = abi.EIO
	})
	return e
}

// node is a file: a path.
type node struct {
	fs   *FS
	path string // from the folder on; empty: the folder itself
	kind uint32 // S_IFDIR and so on
}

// name gives the path for the service.
func (n node) name() string {
	if n.path == "" {
		return "."
	}
	return n.path
}

func (n node) below(name string) string {
	if n.path == "" {
		return name
	}
	return n.path + "/" + name
}

// Mode is for vfs.Node, and so are the others.
func (n node) Mode() uint32 { return n.kind }

// Parent tells where a directory is.
func (n node) Parent() (vfs.Node, string, abi.Errno) {
	if n.path == "" {
		return nil, "", 0
	}
	i := strings.LastIndexByte(n.path, '/')
	return node{n.fs, n.path[:max(i, 0)], abi.S_IFDIR}, n.path[i+1:], 0
}

// Lookup looks a name up.
func (n node) Lookup(w vfs.Waiter, name string) (vfs.Node, abi.Errno) {
	path := n.below(name)
	var a ninep.Attr
	e := n.fs.do(w, func(ctx context.Context, s *session) (err error) {
		a, err = s.Folder.Stat(ctx, folderd.Root, path, false)
		return err
	})
	if e != 0 {
		return nil, e
	}
	return node{n.fs, path, a.Mode & abi.S_IFMT}, 0
}

// Descend is for vfs.Descender: one call for all names.
func (n node) Descend(w vfs.Waiter, path string) (vfs.Node, int, abi.Errno) {
	var to folderd.Walked
	whole := n.below(path)
	e := n.fs.do(w, func(ctx context.Context, s *session) (err error) {
		to, err = s.Folder.Walk(ctx, folderd.Root, whole)
		return err
	})
	if e != 0 {
		return nil, 0, e
	}
	// Names of this directory's own path: it isn't what it was, if they aren't all there.
	own := 0
	if n.path != "" {
		own = 1 + strings.Count(n.path, "/")
	}
	names := int(min(to.Names, 1<<20)) - own
	if names < 0 || names == 0 && to.Attr.Mode&abi.S_IFMT != abi.S_IFDIR {
		return nil, 0, abi.ENOENT
	}
	all := strings.Split(whole, "/")
	if own+names > len(all) {
		return nil, 0, abi.EIO
	}
	at := node{n.fs, strings.Join(all[:own+names], "/"), to.Attr.Mode & abi.S_IFMT}
	return at, names, abi.Errno(to.Errno)
}

// Stat tells the attributes.
func (n node) Stat(w vfs.Waiter, st *abi.Stat) (abi.Timespec, abi.Errno) {
	var a ninep.Attr
	e := n.fs.do(w, func(ctx context.Context, s *session) (err error) {
		a, err = s.Folder.Stat(ctx, folderd.Root, n.name(), false)
		return err
	})
	if e == 0 {
		n.fs.fill(st, &a)
	}
	return abi.Timespec{}, e
}

// fill translates attributes.
func (fs *FS) fill(st *abi.Stat, a *ninep.Attr) {
	*st = abi.Stat{Dev: fs.Dev, Ino: a.QID.Path, Nlink: uint32(a.Nlink), Mode: a.Mode, UID: a.UID, GID: a.GID, Rdev: a.Rdev,
		Size: int64(a.Size), Blksize: int32(min(a.Blksize, 1<<20)), Blocks: int64(a.Blocks),
		Atim: timespec(a.Atime), Mtim: timespec(a.Mtime), Ctim: timespec(a.Ctime)}
}

func timespec(t ninep.Time) abi.Timespec { return abi.Timespec{Sec: int64(t.Sec), Nsec: int64(t.Nsec)} }

// Change changes them.
func (n node) Change(w vfs.Waiter, c *vfs.Change) abi.Errno {
	if c.Valid&vfs.SetSize != 0 {
		defer n.fs.changed()
	}
	return n.fs.do(w, func(ctx context.Context, s *session) error {
		return s.Folder.Change(ctx, folderd.Root, n.name(), false, setAttr(c))
	})
}

func setAttr(c *vfs.Change) ninep.SetAttr {
	a := ninep.SetAttr{Mode: c.Mode, UID: c.UID, GID: c.GID, Size: uint64(c.Size),
		Atime: ninep.Time{Sec: uint64(c.Atime.Sec), Nsec: uint64(c.Atime.Nsec)},
		Mtime: ninep.Time{Sec: uint64(c.Mtime.Sec), Nsec: uint64(c.Mtime.Nsec)}}
	for _, x := range []struct{ bit, set uint32 }{{vfs.SetMode, ninep.SetMode}, {vfs.SetUID, ninep.SetUID}, {vfs.SetGID, ninep.SetGID},
		{vfs.SetSize, ninep.SetSize}, {vfs.SetAtime, ninep.SetAtime | ninep.SetAtimeSet}, {vfs.SetMtime, ninep.SetMtime | ninep.SetMtimeSet}} {
		if c.Valid&x.bit != 0 {
			a.Valid |= x.set
		}
	}
	if c.Valid&vfs.AtimeNow != 0 {
		a.Valid &^= ninep.SetAtimeSet
	}
	if c.Valid&vfs.MtimeNow != 0 {
		a.Valid &^= ninep.SetMtimeSet
	}
	return a
}

// Statfs tells of the host's file system.
func (n node) Statfs(w vfs.Waiter, st *lx.Statfs) abi.Errno {
	var s ninep.StatFS
	e := n.fs.do(w, func(ctx context.Context, c *session) (err error) {
		s, err = c.Folder.Space(ctx)
		return err
	})
	*st = lx.Statfs{Type: Magic, Bsize: uint64(s.Bsize), Blocks: s.Blocks, Bfree: s.Bfree, Bavail: s.Bavail,
		Files: s.Files, Ffree: s.Ffree, FSID: s.FSID, Namelen: uint64(s.Namelen)}
	return e
}

// Readlink reads a link.
func (n node) Readlink(w vfs.Waiter) (target string, e abi.Errno) {
	if n.kind != abi.S_IFLNK {
		return "", abi.EINVAL
	}
	e = n.fs.do(w, func(ctx context.Context, s *session) (err error) {
		target, err = s.Folder.Readlink(ctx, folderd.Root, n.path)
		return err
	})
	return target, e
}

// Make makes a directory or a link.
func (n node) Make(w vfs.Waiter, name string, mode uint32, target string) abi.Errno {
	path := n.below(name)
	if kind := mode & abi.S_IFMT; kind != abi.S_IFLNK && kind != abi.S_IFDIR {
		return abi.EPERM // names of pipes and sockets mean nothing outside
	}
	return n.fs.do(w, func(ctx context.Context, s *session) error {
		if mode&abi.S_IFMT == abi.S_IFLNK {
			return s.Folder.Symlink(ctx, target, folderd.Root, path)
		}
		return s.Folder.Mkdir(ctx, folderd.Root, path, mode&0o7777)
	})
}

// Link makes another name.
func (n node) Link(w vfs.Waiter, name string, to vfs.Node) abi.Errno {
	path, old := n.below(name), to.(node)
	return n.fs.do(w, func(ctx context.Context, s *session) error {
		return s.Folder.Link(ctx, folderd.Root, old.path, folderd.Root, path)
	})
}

// Remove removes a name.
func (n node) Remove(w vfs.Waiter, name string, _ vfs.Node, directory bool) abi.Errno {
	path := n.below(name)
	return n.fs.do(w, func(ctx context.Context, s *session) error {
		if directory {
			return s.Folder.Rmdir(ctx, folderd.Root, path)
		}
		return s.Folder.Unlink(ctx, folderd.Root, path)
	})
}

// Rename gives a file another name. 9P has no exchange.
func (n node) Rename(w vfs.Waiter, name string, _ vfs.Node, to vfs.Node, newName string, _ vfs.Node, flags uint32) abi.Errno {
	if flags&lx.Exchange != 0 {
		return abi.EINVAL
	}
	path, newPath := n.below(name), to.(node).below(newName)
	return n.fs.do(w, func(ctx context.Context, s *session) error {
		return s.Folder.Rename(ctx, folderd.Root, path, folderd.Root, newPath)
	})
}
