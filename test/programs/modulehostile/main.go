// SPDX-License-Identifier: Apache-2.0

//go:build wasip1

// Command modulehostile is a module that wants what it wasn't granted, and more than there is, by WASI's own calls. Its
// folder, descriptor 3, has a link "up" to what is around it, from the host, where there is a file "secret".
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"loam/test/programs/cases"
)

// Errors of WASI's.
const (
	badf, fault, inval, nametoolong, notcapable, notsock = 8, 21, 28, 37, 76, 57
)

const folder = 3

func main() {
	cases.Main([]cases.Case{
		{Name: "paths", Run: paths},
		{Name: "names", Run: names},
		{Name: "sockets", Run: sockets},
		{Name: "descriptors", Run: descriptors},
		{Name: "lists", Run: lists},
		{Name: "files", Run: files},
	})
}

// open opens a path below the folder.
func open(path string, follow uint32) (fd, errno uint32) {
	p, n := text(path)
	errno = pathOpen(folder, follow, p, n, 0, 2, 0, 0, at(&fd))
	return fd, errno
}

// want is nil if a call's error is what is wanted.
func want(what string, got, errno uint32) error {
	if got == errno {
		return nil
	}
	return fmt.Errorf("%s: error %d, not %d", what, got, errno)
}

// paths tries every way out of the folder.
func paths() error {
	all := os.Symlink("..", "/mine")
	for _, path := range []string{"..", "../secret", "/secret", "/", "sub/../../secret", "./../secret", "up/secret", "mine/secret", "sub/up2/secret",
		"up/../up/secret", "/proc/self/environ", "../../boot/module", strings.Repeat("../", 100) + "secret", "up", "mine"} {
		_, e := open(path, 1)
		all = errors.Join(all, want(path, e, notcapable))
	}
	for _, path := range []string{"../secret", "up/secret", "mine/secret", "/secret"} {
		p, n := text(path)
		new, size := text("taken")
		all = errors.Join(all, want("unlink "+path, pathUnlink(folder, p, n), notcapable), want("rename "+path, pathRename(folder, p, n, folder, new, size), notcapable),
			want("rename to "+path, pathRename(folder, new, size, folder, p, n), notcapable), want("mkdir "+path+"2", pathMkdir(folder, p, n), notcapable))
	}
	return all
}

// names are such as no file has.
func names() error {
	_, long := open(strings.Repeat("x", 1<<20), 0)
	_, deep := open(strings.Repeat("a/", 1<<19), 0)
	_, nul := open("sub\x00/../../secret", 0)
	all := errors.Join(want("a long name", long, nametoolong), want("a deep path", deep, nametoolong))
	if nul == 0 {
		all = errors.Join(all, errors.New("a name with a NUL is one"))
	}
	return all
}

// sockets has calls of sockets on what is none, and on none.
func sockets() error {
	var all error
	var vector, result, flags uint32 // an empty buffer, as far as it comes to that
	for fd, errno := range map[int32]uint32{0: notsock, 1: notsock, folder: notsock, 4: badf, 1 << 20: badf, -1: badf} {
		all = errors.Join(all, want(fmt.Sprint("accept ", fd), sockAccept(fd, 0, at(&result)), errno),
			want(fmt.Sprint("receive ", fd), sockRecv(fd, at(&vector), 1, 0, at(&result), at(&flags)), errno),
			want(fmt.Sprint("shutdown ", fd), sockShutdown(fd, 3), errno))
	}
	return all
}

// descriptors wants a number for which there is no table.
func descriptors() error {
	return errors.Join(want("to no descriptor", renumber(folder, 1<<32-1), badf), want("from none", renumber(1<<31, folder), badf))
}

// lists are longer than the memory is large.
func lists() error {
	var result uint32
	here := at(&result)
	return errors.Join(want("poll", pollOneoff(here, here, 1<<28, here), inval), want("poll no more than can be", pollOneoff(here, here, 1<<17, here), inval),
		want("random", randomGet(here, 1<<32-1), fault), want("write", fdWrite(1, 1<<32-8, 1<<29, here), fault))
}

// files opens thousands, and then goes on.
func files() error {
	const many = 2000
	if err := os.WriteFile("/file", nil, 0o644); err != nil {
		return err
	}
	var list []uint32
	for range many {
		fd, e := open("file", 0)
		if e != 0 {
			return fmt.Errorf("error %d after %d files", e, len(list))
		}
		list = append(list, fd)
	}
	for _, fd := range list {
		if err := syscall.Close(int(fd)); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile("/file", []byte("again"), 0o644), os.Remove("/file"))
}
