// SPDX-License-Identifier: Apache-2.0

// Command modulepaths is a module that uses a folder, its "/", by every call that WASI has for paths. In the folder are
// links out of it, from the host.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"loam/test/programs/cases"
)

func main() {
	cases.Main([]cases.Case{
		{Name: "links", Run: links},
		{Name: "names", Run: names},
		{Name: "append", Run: appending},
		{Name: "attributes", Run: attributes},
		{Name: "directory", Run: directory},
		{Name: "ways out", Run: waysOut},
		{Name: "sleep", Run: sleep},
	})
}

func links() error {
	err := errors.Join(os.WriteFile("/file", []byte("text"), 0o644), os.Symlink("file", "/sym"), os.Link("/file", "/hard"), os.Symlink("none", "/dangling"))
	target, err2 := os.Readlink("/sym")
	through, err3 := os.ReadFile("/sym")
	same, err4 := os.ReadFile("/hard")
	if err = errors.Join(err, err2, err3, err4); err != nil || target != "file" || string(through) != "text" || string(same) != "text" {
		return fmt.Errorf("%q, %q, %q, %w", target, through, same, err)
	}
	if info, err := os.Lstat("/dangling"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		return fmt.Errorf("a dangling link: %v, %w", info, err)
	}
	return errors.Join(wants(os.ErrNotExist, second(os.Stat("/dangling"))), os.Remove("/dangling"))
}

func names() error {
	err := errors.Join(os.MkdirAll("/a/b", 0o755), os.Rename("/hard", "/a/b/moved"), wants(syscall.ENOTEMPTY, syscall.Rmdir("/a")),
		wants(os.ErrExist, os.Mkdir("/a", 0o755)), wants(syscall.ENOTDIR, second(os.Stat("/file/"))))
	return errors.Join(err, os.RemoveAll("/a"), wants(os.ErrNotExist, second(os.Stat("/a"))))
}

func appending() error {
	f, err := os.OpenFile("/log", os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("one ")
	_, err2 := f.Seek(0, 0)
	_, err3 := f.WriteString("two")
	if err := errors.Join(err, err2, err3, f.Sync()); err != nil {
		return err
	}
	if b, err := os.ReadFile("/log"); string(b) != "one two" || err != nil {
		return fmt.Errorf("%q, %w", b, err)
	}
	return errors.Join(f.Truncate(3), wantsSize("/log", 3))
}

func attributes() error {
	when := time.Unix(1_000_000_000, 123_000_000)
	if err := os.Chtimes("/file", when, when); err != nil {
		return err
	}
	info, err := os.Stat("/file")
	if err != nil || !info.ModTime().Equal(when) || !info.Mode().IsRegular() {
		return fmt.Errorf("%v, %w", info, err)
	}
	return wantsSize("/file", 4)
}

func directory() error {
	if err := os.Mkdir("/many", 0o755); err != nil {
		return err
	}
	for i := range 300 {
		if err := os.WriteFile(fmt.Sprintf("/many/a name of some length, number %d", i), nil, 0o644); err != nil {
			return err
		}
	}
	list, err := os.ReadDir("/many")
	if err != nil || len(list) != 300 {
		return fmt.Errorf("%d names, %w", len(list), err)
	}
	return os.RemoveAll("/many")
}

// waysOut tries to reach what is beside the folder by its links.
func waysOut() error {
	var all error
	for _, path := range []string{"/up/secret", "/absolute", "/sub/up2/secret"} {
		if b, err := os.ReadFile(path); err == nil {
			all = errors.Join(all, fmt.Errorf("%s: %q", path, b))
		}
		if os.WriteFile(path, []byte("changed"), 0o644) == nil {
			all = errors.Join(all, fmt.Errorf("%s could be written", path))
		}
		all = errors.Join(all, wants(syscall.Errno(76), second(os.Stat(path)))) // NOTCAPABLE
	}
	return errors.Join(all, wants(syscall.Errno(76), os.Symlink("/etc", "/etc")), wants(os.ErrNotExist, second(os.Stat("/proc/self"))))
}

func sleep() error {
	start := time.Now()
	time.Sleep(50 * time.Millisecond)
	if d := time.Since(start); d < 50*time.Millisecond {
		return fmt.Errorf("slept %v", d)
	}
	return nil
}

func second[T any](_ T, err error) error { return err }

// wants is nil if err is what is wanted.
func wants(want, err error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("%v, not %v", err, want)
}

func wantsSize(path string, n int64) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() != n {
		return fmt.Errorf("%s: %v, %w", path, info, err)
	}
	return nil
}
