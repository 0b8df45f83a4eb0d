// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Command files uses files, pipes, timers and streams as any Go program does, by package os, and
// prints what comes of it. It is run on Loam and on the host, and must print the same.
//
//	files tree DIR   makes, reads, renames, lists and removes files in a folder, which is there
//	files echo       copies standard input to standard output, and tells how much on standard error
//	files wait       pipes, timers and goroutines
//	files many N     N open files at once
//	files all DIR... all of these
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 3 && os.Args[1] == "tree":
		err = tree(os.Args[2])
	case len(os.Args) >= 3 && os.Args[1] == "all":
		for _, dir := range os.Args[2:] {
			if err == nil {
				err = tree(dir)
			}
		}
		if err == nil {
			err = wait()
		}
		if err == nil {
			err = many("500")
		}
		if err == nil {
			err = echo()
		}
	case len(os.Args) == 3 && os.Args[1] == "many":
		err = many(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == "echo":
		err = echo()
	case len(os.Args) == 2 && os.Args[1] == "wait":
		err = wait()
	default:
		err = errors.New("usage: files tree DIR | all DIR... | echo | wait | many N")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "files:", err)
		os.Exit(1)
	}
}

// show prints what an operation gave: of an error what it is, without the path, which isn't the
// same everywhere.
func show(what string, v any, err error) {
	var e syscall.Errno
	switch {
	case errors.As(err, &e):
		fmt.Printf("%s: %v (%d)\n", what, e, int(e))
	case err != nil:
		fmt.Printf("%s: %v\n", what, err)
	default:
		fmt.Printf("%s: %v\n", what, v)
	}
}

// about tells what is the same everywhere.
func about(i fs.FileInfo, err error) (string, error) {
	if err != nil {
		return "", err
	}
	size := i.Size()
	if i.IsDir() {
		size = 0
	}
	links := uint64(0)
	if st, ok := i.Sys().(*syscall.Stat_t); ok && !i.IsDir() {
		links = uint64(st.Nlink)
	}
	return fmt.Sprintf("%s %v %d %d", i.Name(), i.Mode(), size, links), nil
}

// tree works in a folder.
func tree(dir string) error {
	syscall.Umask(0o022)
	if err := os.Chdir(dir); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(".", "work")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chdir(tmp); err != nil {
		return err
	}
	names()
	content()
	wrong()
	show("list", "", list("."))
	root, err := os.OpenRoot(".")
	if err != nil {
		return err
	}
	_, err = root.Open("../secret")
	show("out of the root", err != nil, nil)
	show("close", "", root.Close())
	show("chdir", "", os.Chdir(".."))
	show("remove all", "", os.RemoveAll(filepath.Base(tmp)))
	_, err = os.Stat(filepath.Base(tmp))
	show("gone", "", err)
	return nil
}

// ok shows an error.
func ok(what string, err error) { show(what, "done", err) }

func names() {
	ok("mkdir", os.Mkdir("a", 0o755))
	ok("mkdir all", os.MkdirAll("a/b/c", 0o755))
	ok("write", os.WriteFile("a/one", []byte("one\n"), 0o644))
	ok("write", os.WriteFile("a/b/two", []byte("two, longer\n"), 0o600))
	ok("symlink", os.Symlink("a/one", "link"))
	ok("symlink", os.Symlink("nowhere", "dangling"))
	ok("symlink", os.Symlink("loop", "loop"))
	ok("link", os.Link("a/one", "a/same"))
	ok("rename", os.Rename("a/b/two", "a/b/c/moved"))
	ok("rename over", os.Rename("a/same", "a/one"))
	ok("rename directory", os.Rename("a/b", "a/d"))
	ok("chmod", os.Chmod("a/d/c/moved", 0o640))
	for _, name := range []string{"a", "a/one", "a/d/c/moved", "link", "dangling", "loop", "a/b"} {
		v, err := about(os.Stat(name))
		show("stat "+name, v, err)
		v, err = about(os.Lstat(name))
		show("lstat "+name, v, err)
	}
	v, err := os.Readlink("link")
	show("readlink", v, err)
	p, err := filepath.EvalSymlinks("link")
	show("real", p, err)
	b, err := os.ReadFile("link")
	show("read", string(b), err)
	entries, err := os.ReadDir("a")
	show("entries", len(entries), err)
	ok("remove full", os.Remove("a"))
	ok("remove", os.Remove("dangling"))
	ok("remove", os.Remove("loop"))
}

// content reads and writes.
func content() {
	f, err := os.OpenFile("data", os.O_CREATE|os.O_RDWR, 0o666)
	show("open", "", err)
	for i := range 1000 {
		fmt.Fprintf(f, "line %d\n", i)
	}
	v, err := about(f.Stat())
	show("stat", v, err)
	n, err := f.Seek(-10, io.SeekEnd)
	show("seek", n, err)
	b, err := io.ReadAll(f)
	show("tail", string(b), err)
	k, err := f.WriteAt([]byte("LINE"), 7)
	show("write at", k, err)
	at := make([]byte, 20)
	k, err = f.ReadAt(at, 0)
	show("read at", string(at[:k]), err)
	k, err = f.ReadAt(at, 8885)
	show("read at the end", string(at[:k]), err)
	ok("truncate", f.Truncate(20))
	ok("grow", f.Truncate(40))
	ok("sync", f.Sync())
	_, _ = f.Seek(0, io.SeekStart)
	b, err = io.ReadAll(f)
	show("all", fmt.Sprintf("%q", b), err)
	ok("close", f.Close())
	ok("close again", f.Close())
	f, err = os.OpenFile("data", os.O_APPEND|os.O_WRONLY, 0)
	show("append", "", err)
	_, err = f.WriteString("appended")
	show("append", "", err)
	_ = f.Close()
	large := make([]byte, 300_000)
	for i := range large {
		large[i] = byte(i * 7 >> 3)
	}
	ok("large", os.WriteFile("large", large, 0o644))
	got, err := os.ReadFile("large")
	show("large", string(got) == string(large), err)
	src, err := os.Open("large")
	show("open", "", err)
	dst, err := os.Create("copy")
	show("create", "", err)
	copied, err := io.Copy(dst, src)
	show("copy", copied, err)
	_, _ = src.Close(), dst.Close()
	got, err = os.ReadFile("copy")
	show("copy", string(got) == string(large), err)
}

// wrong is what can't be.
func wrong() {
	_, err := os.Open("nothing")
	ok("open nothing", err)
	_, err = os.OpenFile("data", os.O_CREATE|os.O_EXCL, 0o600)
	ok("exclusive", err)
	_, err = os.OpenFile("a", os.O_WRONLY, 0)
	ok("write a directory", err)
	_, err = os.ReadFile("a")
	ok("read a directory", err)
	_, err = os.Stat("data/x")
	ok("below a file", err)
	_, err = os.ReadDir("data")
	ok("list a file", err)
	ok("mkdir again", os.Mkdir("a", 0o755))
	ok("rename nothing", os.Rename("nothing", "x"))
	ok("rename into itself", os.Rename("a", "a/d/x"))
	ok("rename over a directory", os.Rename("data", "a"))
	ok("rename over a file", os.Rename("a", "data"))
	ok("link a directory", os.Link("a", "b"))
	ok("a long name", os.WriteFile(string(make([]byte, 300)), nil, 0o600))
	ok("remove nothing", os.Remove("nothing"))
}

// list prints all that is there.
func list(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		v, err := about(d.Info())
		show("  "+path, v, err)
		return nil
	})
}

// echo copies standard input.
func echo() error {
	n, err := io.Copy(os.Stdout, os.Stdin)
	fmt.Fprintln(os.Stderr, n, "bytes")
	return err
}

// many opens files.
func many(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	var all []*os.File
	for i := range n {
		f, err := os.CreateTemp("", "many")
		if err != nil {
			return fmt.Errorf("file %d: %w", i, err)
		}
		fmt.Fprint(f, i)
		all = append(all, f)
	}
	sum := 0
	for i, f := range all {
		_, _ = f.Seek(0, io.SeekStart)
		b, err := io.ReadAll(f)
		if err != nil || string(b) != strconv.Itoa(i) {
			return fmt.Errorf("file %d has %q: %w", i, b, err)
		}
		sum += len(b)
		_, _ = f.Close(), os.Remove(f.Name())
	}
	fmt.Println(n, "files,", sum, "bytes")
	return nil
}
