// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"loam/test/programs/cases"
)

// secret is what lies outside of the folder, as the host has written it.
const secret = "nobody may see this"

// escapes are the ways out. The links in the folder are the host's.
func escapes() []cases.Case {
	var all []cases.Case
	links, err := os.ReadDir(data)
	if err != nil || len(links) == 0 {
		return []cases.Case{{Name: "the folder", Run: func() error { return fmt.Errorf("%d entries, %v", len(links), err) }}}
	}
	paths := []string{"../secret", "../../secret", "../out/secret", "sub/../../secret", "sub/../../out/secret", "./../secret", "sub/deep/../../../secret"}
	for _, l := range links {
		for _, tail := range []string{"", "/secret", "/../secret", "/../out/secret", "/out/secret", "/in/secret"} {
			paths = append(paths, l.Name()+tail)
		}
	}
	for _, p := range paths {
		all = append(all, cases.Case{Name: "read " + p, Run: func() error { return reads(filepath.Join(data, "x") + "/../" + p) }},
			cases.Case{Name: "read at " + p, Run: func() error { return readsAt(p) }})
	}
	return append(all,
		cases.Case{Name: "new files", Run: newFiles},
		cases.Case{Name: "hard links out", Run: hardLinks},
		cases.Case{Name: "links of its own", Run: ownLinks},
		cases.Case{Name: "renamed while opened", Run: renamed},
		cases.Case{Name: "by /proc", Run: byProc},
	)
}

// reads wants a path not to lead to the secret.
func reads(path string) error {
	b, err := os.ReadFile(path)
	if err == nil && bytes.Contains(b, []byte(secret)) {
		return fmt.Errorf("%s is the secret", path)
	}
	return nil
}

// readsAt is reads of a path that begins at the open folder.
func readsAt(path string) error {
	d, err := unix.Open(data, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(d)
	f, err := unix.Openat(d, path, unix.O_RDONLY, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(f)
	b := make([]byte, 100)
	n, _ := unix.Read(f, b)
	if bytes.Contains(b[:max(n, 0)], []byte(secret)) {
		return fmt.Errorf("%s is the secret", path)
	}
	return nil
}

// newFiles tries to make files outside; the host looks whether there are any.
func newFiles() error {
	for _, p := range []string{"../new", "../out/new", "absnew", "dangling", "absdir/new", "updir/new", "up/new", "sub/../../new"} {
		_ = os.WriteFile(data+"/"+p, []byte("new"), 0o644)
		_ = os.Mkdir(data+"/"+p+"dir", 0o755)
		_ = os.Symlink("x", data+"/"+p+"link")
		_ = os.Rename(data+"/sub/deep/f", data+"/"+p+"moved")
	}
	if _, err := os.Stat(data + "/sub/deep/f"); err != nil { // it may be here, where .. is the machine's own root
		return os.WriteFile(data+"/sub/deep/f", []byte("fine"), 0o644)
	}
	return nil
}

func hardLinks() error {
	for _, p := range []string{"../secret", "upfile", "absolute", "updir/secret", "absdir/secret"} {
		_ = os.Remove(data + "/linked")
		for _, flags := range []int{0, unix.AT_SYMLINK_FOLLOW} {
			if unix.Linkat(unix.AT_FDCWD, data+"/"+p, unix.AT_FDCWD, data+"/linked", flags) == nil {
				if err := reads(data + "/linked"); err != nil {
					return err
				}
			}
			_ = os.Remove(data + "/linked")
		}
	}
	if err := os.Link(data+"/sub/deep/f", "/outside"); err == nil {
		return fmt.Errorf("a hard link from the folder to another file system")
	}
	return nil
}

// ownLinks makes links that lead out, as the host's do, and goes through them.
func ownLinks() error {
	for i, target := range []string{"../secret", "../../secret", "..", "../out", "/", "/proc/self/root", "/proc/self/cwd/../secret", strings.Repeat("../", 40) + "secret"} {
		link := fmt.Sprintf("%s/own%d", data, i)
		if err := os.Symlink(target, link); err != nil {
			return err
		}
		for _, tail := range []string{"", "/secret", "/out/secret", "/../secret"} {
			if err := reads(link + tail); err != nil {
				return err
			}
		}
		if got, err := os.Readlink(link); err != nil || got != target {
			return fmt.Errorf("readlink: %q, %v", got, err)
		}
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	return nil
}

// renamed opens a directory, moves it up within the folder, and goes up from there.
func renamed() error {
	if err := os.MkdirAll(data+"/a/b/c", 0o755); err != nil {
		return err
	}
	d, err := unix.Open(data+"/a/b/c", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(d)
	if err := os.Rename(data+"/a/b/c", data+"/c"); err != nil {
		return err
	}
	for _, p := range []string{"../secret", "../../secret", "../../../secret", "../../../out/secret", "../../out/secret"} {
		f, err := unix.Openat(d, p, unix.O_RDONLY, 0)
		if err != nil {
			continue
		}
		b := make([]byte, 100)
		n, _ := unix.Read(f, b)
		_ = unix.Close(f)
		if bytes.Contains(b[:max(n, 0)], []byte(secret)) {
			return fmt.Errorf("%s from a directory that was moved is the secret", p)
		}
	}
	return os.RemoveAll(data + "/c")
}

// byProc goes by the links of /proc to what is open.
func byProc() error {
	d, err := os.Open(data)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, p := range []string{"", "/..", "/../out"} {
		if err := reads(fmt.Sprintf("/proc/self/fd/%d%s/secret", d.Fd(), p)); err != nil {
			return err
		}
	}
	return nil
}

// raceTime is how long race goes on, and raceLimit how long until something could be opened: of few tries, as a busy
// computer makes them, all may meet the link.
const (
	raceTime  = 4 * time.Second
	raceLimit = time.Minute
)

// race reads through a directory that is something else every moment: the host swaps race/d for a
// link to outside, and this program moves race/e up and down.
func race() error {
	var over atomic.Bool
	start := time.Now()
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed error
	opened := 0
	try := func(path string) {
		b, err := os.ReadFile(path)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			opened++
		}
		if bytes.Contains(b, []byte(secret)) {
			failed = fmt.Errorf("%s is the secret", path)
		}
	}
	if err := os.MkdirAll(data+"/race/x/y/e", 0o755); err != nil {
		return err
	}
	wait.Add(1)
	go func() {
		defer wait.Done()
		for !over.Load() {
			_ = os.Rename(data+"/race/x/y/e", data+"/race/e")
			_ = os.Rename(data+"/race/e", data+"/race/x/y/e")
		}
	}()
	for took := time.Duration(0); took < raceTime || opened == 0 && took < raceLimit; took = time.Since(start) {
		try(data + "/race/d/secret")
		try(data + "/race/d/../d/secret")
		try(data + "/race/x/y/e/../../../../secret")
		try(data + "/race/x/y/e/../../../../../secret")
		try(data + "/race/e/../../../secret")
	}
	over.Store(true)
	wait.Wait()
	fmt.Println("opened", opened > 0)
	return failed
}

// refused wants a call that would change something to fail, with EROFS where not said otherwise.
func refused(err error, also ...syscall.Errno) error {
	if err == nil {
		return fmt.Errorf("it was done")
	}
	for _, e := range append(also, syscall.EROFS) {
		if isErrno(err, e) {
			return nil
		}
	}
	return fmt.Errorf("refused, but by %w", err)
}
