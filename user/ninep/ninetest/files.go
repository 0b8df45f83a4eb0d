// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// files is what a server does its work by. os.Root is one.
type files interface {
	Lstat(name string) (fs.FileInfo, error)
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Mkdir(name string, perm fs.FileMode) error
	Symlink(target, name string) error
	Link(old, name string) error
	Remove(name string) error
	Readlink(name string) (string, error)
	Chmod(name string, mode fs.FileMode) error
	Lchown(name string, uid, gid int) error
	Chtimes(name string, atime, mtime time.Time) error
}

// open is a folder of the host's that nothing keeps anybody in.
type open string

func (o open) path(name string) string { return filepath.Join(string(o), name) }

func (o open) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(o.path(name)) }
func (o open) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(o.path(name), flag, perm)
}
func (o open) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(o.path(name), perm) }
func (o open) Symlink(target, name string) error         { return os.Symlink(target, o.path(name)) }
func (o open) Link(old, name string) error               { return os.Link(o.path(old), o.path(name)) }
func (o open) Remove(name string) error                  { return os.Remove(o.path(name)) }
func (o open) Readlink(name string) (string, error)      { return os.Readlink(o.path(name)) }
func (o open) Chmod(name string, mode fs.FileMode) error { return os.Chmod(o.path(name), mode) }
func (o open) Lchown(name string, uid, gid int) error    { return os.Lchown(o.path(name), uid, gid) }
func (o open) Chtimes(name string, atime, mtime time.Time) error {
	return os.Chtimes(o.path(name), atime, mtime)
}
