// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openMany opens so many files, of which each has its own content, and as many as there may be.
func openMany(n int) error {
	const others = 40 // descriptors of Go's runtime, streams, and room
	limit := unix.Rlimit{Cur: uint64(n + others), Max: uint64(n + others)}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("setrlimit: %w", err)
	}
	dir, err := os.MkdirTemp("", "open")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fds := make([]int, n)
	for i := range fds {
		fds[i], err = unix.Open(filepath.Join(dir, fmt.Sprint(i)), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return fmt.Errorf("file %d: %w", i, err)
		}
		if _, err := unix.Write(fds[i], fmt.Append(nil, "file ", i)); err != nil {
			return err
		}
	}
	for i, fd := range fds {
		got := make([]byte, 100)
		k, err := unix.Pread(fd, got, 0)
		if err != nil || string(got[:k]) != fmt.Sprint("file ", i) {
			return fmt.Errorf("file %d: %q, %w", i, got[:k], err)
		}
	}
	fmt.Println("open", n)
	if err := lastDescriptor(fds, n+others); err != nil {
		return err
	}
	for i, fd := range fds { // their names go first
		err := errors.Join(os.Remove(filepath.Join(dir, fmt.Sprint(i))), unix.Close(fd))
		if err != nil {
			return err
		}
	}
	_, err = unix.Pread(fds[n/2], make([]byte, 1), 0)
	fmt.Println("closed", err)
	return nil
}

// lastDescriptor takes all that may be had, and one more by each way.
func lastDescriptor(fds []int, most int) error {
	var more []int
	var err error
	for {
		var fd int
		if fd, err = unix.Dup(fds[0]); err != nil {
			break
		}
		more = append(more, fd)
	}
	fmt.Println("one too many", err, more[len(more)-1] == most-1)
	_, _, err = newPipe(0)
	fmt.Println("a pipe", err)
	_, err = unix.Open("/dev/null", unix.O_RDONLY, 0)
	fmt.Println("a device", err)
	_, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	fmt.Println("a socket", err)
	fmt.Println("beyond", unix.Dup3(fds[0], most, 0))
	polled := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		polled[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	n, err := again(func() (int, error) { return unix.Poll(polled, 0) })
	fmt.Println("ready", n, err)
	for _, fd := range more {
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// full writes until there is no room, makes room, and writes again.
func full(dir string) error {
	for range 3 {
		total, err := fillFolder(dir)
		fmt.Println("no room", total > 1<<20, err)
		small := filepath.Join(dir, "small")
		err = os.WriteFile(small, pattern(100_000), 0o600)
		fmt.Println("nor for a small one", errors.Is(err, unix.ENOSPC))
		for i := range 2 { // what is there is as it was
			b, err := os.ReadFile(filepath.Join(dir, fmt.Sprint("big", i)))
			fmt.Println("unharmed", len(b) >= 1<<20 && bytes.Equal(b[:1<<20], pattern(1<<20)), err)
		}
		if err := errors.Join(os.Remove(filepath.Join(dir, "big0")), os.Remove(small)); err != nil {
			return err
		}
		err = os.WriteFile(small, pattern(100_000), 0o600)
		fmt.Println("room again", err, oneChild(1))
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return err
		}
		for _, name := range left {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillFolder makes files of 4 MiB until there is no room.
func fillFolder(dir string) (total int, err error) {
	piece := pattern(1 << 20)
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint("big", i)))
		if err != nil {
			return total, errors.Unwrap(err)
		}
		for range 4 {
			n, err := f.Write(piece)
			total += n
			if err != nil {
				f.Close()
				return total, errors.Unwrap(err)
			}
		}
		f.Close()
	}
}

// gone uses a folder that is taken away while it is used: it says when it is ready, and goes on when it has read a line.
func gone(dir string) error {
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(sub, "file"))
	if err != nil {
		return err
	}
	if _, err := f.WriteString("before"); err != nil {
		return err
	}
	if err := os.Chdir(sub); err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	say := func(what string, err error) {
		var e unix.Errno
		if errors.As(err, &e) {
			err = e
		}
		fmt.Println(what, err)
	}
	_, err = f.WriteAt([]byte("after"), 2)
	say("write to a file that was open", err)
	got := make([]byte, 100)
	n, _ := f.ReadAt(got, 0)
	fmt.Printf("it has %q\n", got[:n])
	say("close", f.Close())
	_, err = os.Stat(filepath.Join(sub, "file"))
	say("stat", err)
	_, err = os.ReadFile(filepath.Join(sub, "file"))
	say("read", err)
	say("write", os.WriteFile(filepath.Join(sub, "new"), []byte("x"), 0o600))
	say("write below", os.WriteFile(filepath.Join(dir, "new"), []byte("x"), 0o600))
	say("mkdir", os.Mkdir(filepath.Join(sub, "dir"), 0o700))
	say("rename", os.Rename(filepath.Join(sub, "file"), filepath.Join(sub, "other")))
	say("remove", os.Remove(filepath.Join(sub, "file")))
	say("write in the working directory", os.WriteFile("here", []byte("x"), 0o600))
	say("link", os.Symlink("x", filepath.Join(sub, "link")))
	elsewhere, err := os.MkdirTemp("", "else")
	if err != nil {
		return err
	}
	return errors.Join(rounds(elsewhere), oneChild(7), os.RemoveAll(elsewhere))
}
