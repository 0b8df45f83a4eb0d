// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"loam/test/programs/cases"
)

func isErrno(err error, e syscall.Errno) bool { return errors.Is(err, e) }

// changes are all calls that would change a folder, where /data/file, /data/dir, /data/empty and the
// link /data/link are, and nothing may be changed.
func changes() []cases.Case {
	const file, dir, none = data + "/file", data + "/dir", data + "/none"
	var all []cases.Case
	add := func(name string, do func() error) {
		all = append(all, cases.Case{Name: name, Run: func() error { return refused(do()) }})
	}
	open := func(path string, flags int) func() error {
		return func() error {
			f, err := os.OpenFile(path, flags, 0o666)
			if err == nil {
				_, _ = f.WriteString("changed")
				_ = f.Close()
			}
			return err
		}
	}
	add("open to write", open(file, os.O_WRONLY))
	add("open to read and write", open(file, os.O_RDWR))
	add("open to append", open(file, os.O_WRONLY|os.O_APPEND))
	add("open and truncate", open(file, os.O_WRONLY|os.O_TRUNC))
	add("open to read, and truncate", open(file, os.O_RDONLY|os.O_TRUNC))
	add("create", open(none, os.O_WRONLY|os.O_CREATE))
	add("create to read", open(none, os.O_RDONLY|os.O_CREATE))
	add("create anew", open(none, os.O_RDWR|os.O_CREATE|os.O_EXCL))
	add("open a link's file", open(data+"/link", os.O_WRONLY))
	add("mkdir", func() error { return os.Mkdir(none, 0o777) })
	add("rmdir", func() error { return syscall.Rmdir(data + "/empty") })
	add("unlink", func() error { return syscall.Unlink(file) })
	add("unlink a link", func() error { return syscall.Unlink(data + "/link") })
	add("rename", func() error { return os.Rename(file, none) })
	add("rename over", func() error { return os.Rename(file, dir+"/inner") })
	add("symlink", func() error { return os.Symlink("x", none) })
	add("link", func() error { return os.Link(file, none) })
	add("chmod", func() error { return os.Chmod(file, 0o777) })
	add("chmod of a directory", func() error { return os.Chmod(dir, 0o777) })
	add("chown", func() error { return os.Lchown(file, 1, 1) })
	add("times", func() error { return os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)) })
	add("truncate", func() error { return os.Truncate(file, 0) })
	add("mknod", func() error { return syscall.Mknod(none, syscall.S_IFIFO|0o666, 0) })
	add("a file without a name", open(data, unix.O_TMPFILE|os.O_RDWR))
	for _, f := range []struct {
		name string
		do   func(fd int) error
	}{
		{"write", func(fd int) error { _, err := syscall.Write(fd, []byte("changed")); return err }},
		{"pwrite", func(fd int) error { _, err := syscall.Pwrite(fd, []byte("changed"), 0); return err }},
		{"ftruncate", func(fd int) error { return syscall.Ftruncate(fd, 0) }},
		{"fchmod", func(fd int) error { return syscall.Fchmod(fd, 0o777) }},
		{"fchown", func(fd int) error { return syscall.Fchown(fd, 1, 1) }},
		{"fallocate", func(fd int) error { return syscall.Fallocate(fd, 0, 0, 1<<20) }},
		{"open again by /proc", func(fd int) error {
			g, err := syscall.Open(fmt.Sprintf("/proc/self/fd/%d", fd), syscall.O_RDWR, 0)
			if err == nil {
				_, err = syscall.Write(g, []byte("changed"))
			}
			return err
		}},
	} {
		all = append(all, cases.Case{Name: "open to read: " + f.name, Run: func() error {
			fd, err := syscall.Open(file, syscall.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer syscall.Close(fd)
			return refused(f.do(fd), syscall.EBADF, syscall.EINVAL, syscall.EOPNOTSUPP, syscall.ENOENT, syscall.ENOSYS)
		}})
	}
	return append(all, cases.Case{Name: "what can be read", Run: readable})
}

// readable: all of it can be read as before.
func readable() error {
	b, err := os.ReadFile(data + "/file")
	if err != nil || string(b) != "unchanged" {
		return fmt.Errorf("%q, %v", b, err)
	}
	entries, err := os.ReadDir(data)
	if err != nil || len(entries) != 4 {
		return fmt.Errorf("%d entries, %v", len(entries), err)
	}
	return nil
}
