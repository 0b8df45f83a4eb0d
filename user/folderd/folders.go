// SPDX-License-Identifier: Apache-2.0

package folderd

import (
	"context"

	"loam/user/ipc"
	"loam/user/ninep"
)

//go:generate go run loam/tools/ipcgen Folders
//go:generate go run loam/tools/ipcgen Folder

// Folders is what a folder's endpoint serves: sessions.
type Folders interface {
	// Attach begins a session, for a process, of which the handle must have Wait: its end is
	// the session's. The session is an endpoint that serves a Folder, to be called and to
	// be handed on. Errors: EACCES nothing is granted to the caller; EINVAL the handle isn't
	// a process's; EMFILE the caller has MaxSessions.
	Attach(ctx context.Context, process ipc.Handle) (session ipc.Handle, info Info, err error)
}

// Info says what a session is of.
type Info struct {
	ReadOnly bool
	MaxData  uint32 // bytes that Read and Write carry at most
}

// Root is the number of a session's own folder.
const Root = 0

// Bounds.
const (
	MaxSessions = 16       // of one badge
	MaxFiles    = 16 << 10 // open in a session: what a program of the personality may have
	MaxData     = 60 << 10 // bytes of a Read or Write: 15 pages
	maxEntries  = 60 << 10 // bytes of entries in a List
)

// Folder is what a session's endpoint serves. Files and directories that are open have
// numbers, from 1 on, the least that is free. A path begins at a directory with a number, or
// at Root, and doesn't leave it (EXDEV). Errors are Linux's; EBADF is a number that isn't open.
type Folder interface {
	// Open opens a file by the flags of open(2), as package folder's OpenFile. Where a directory
	// was opened, paths can begin. EMFILE: MaxFiles are open.
	Open(ctx context.Context, at uint32, path string, flags int32, mode uint32) (file uint32, directory bool, err error)
	// Close gives a number back.
	Close(ctx context.Context, file uint32) error
	// Read reads at an offset, at most n and MaxData bytes; none at the end.
	Read(ctx context.Context, file uint32, offset int64, n uint32) (data []byte, err error)
	// Write writes at an offset, or at the end of a file with O_APPEND, at most MaxData bytes, and
	// tells how many.
	Write(ctx context.Context, file uint32, offset int64, data []byte) (n uint32, err error)
	// Share gives memory that client and server share, for ReadTo and WriteFrom, to be mapped by
	// who can read and write it. A session keeps it to its end. Errors: EBUSY another
	// session of the same grant has it, or there is none for this one.
	Share(ctx context.Context) (memory ipc.Handle, size uint32, err error)
	// ReadTo is Read of n bytes, and not more than fit behind to, an offset in the memory of Share.
	// Of large reads each byte is copied less often. EINVAL: to is not in that memory.
	ReadTo(ctx context.Context, file uint32, offset int64, to, n uint32) (got uint32, err error)
	// ReadOn is ReadTo for who reads a file from its begin to its end, and wants to work while the host does:
	// if it gives n bytes, the more bytes behind them are begun to be read, to the offset next in the memory. The
	// call that asks for just those, to there, with begun set, gets what was read then; any other reads anew. Who
	// reads to a part of the memory waits for what was begun to there; who writes there uses Settle first.
	// EINVAL: next is not in the memory.
	ReadOn(ctx context.Context, file uint32, offset int64, to, n uint32, begun bool, next, more uint32) (got uint32, err error)
	// Settle waits for what was begun to be read to n bytes of the memory, and forgets it.
	Settle(ctx context.Context, to, n uint32) error
	// WriteFrom is Write of n bytes from an offset in the memory of Share. What the client
	// writes there meanwhile is written to the file, or not.
	WriteFrom(ctx context.Context, file uint32, offset int64, from, n uint32) (put uint32, err error)
	// Sync has the host put a file on its medium.
	Sync(ctx context.Context, file uint32, dataOnly bool) error
	// List gives entries of a directory, those behind the one with the offset, "." and ".."
	// among them; none at the end.
	List(ctx context.Context, file uint32, offset uint64) (entries []Entry, err error)
	// Stat gives the attributes of what a path leads to, or of an open file with an empty
	// path.
	Stat(ctx context.Context, at uint32, path string, follow bool) (a ninep.Attr, err error)
	// Walk goes down plain names, neither "." nor ".." among them, as far as there are directories:
	// for who has mounts, and links of its own, to look at.
	Walk(ctx context.Context, at uint32, path string) (w Walked, err error)
	// Change changes them, the size among them.
	Change(ctx context.Context, at uint32, path string, follow bool, a ninep.SetAttr) error
	// Space tells of the host's file system.
	Space(ctx context.Context) (s ninep.StatFS, err error)
	// Mkdir makes a directory.
	Mkdir(ctx context.Context, at uint32, path string, mode uint32) error
	// Symlink makes a symbolic link, and Readlink gives the target of one.
	Symlink(ctx context.Context, target string, at uint32, path string) error
	Readlink(ctx context.Context, at uint32, path string) (target string, err error)
	// Unlink removes a file, and Rmdir an empty directory.
	Unlink(ctx context.Context, at uint32, path string) error
	Rmdir(ctx context.Context, at uint32, path string) error
	// Rename gives what has the one path the other; Link gives it the other, too.
	Rename(ctx context.Context, at uint32, path string, to uint32, new string) error
	Link(ctx context.Context, at uint32, path string, to uint32, new string) error
}

// Walked is how far Walk has come.
type Walked struct {
	Names uint32     // of the path
	Attr  ninep.Attr // of what that is: no directory, if it isn't the path's end and Errno is 0
	Errno uint32     // why it went no further from a directory
}

// Entry is an entry of a directory.
type Entry struct {
	Offset uint64 // what List takes to go on behind this one
	Inode  uint64
	Type   uint8 // as d_type of getdents(2); 0 says nothing
	Name   string
}
