// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// rounds makes one round of calls that don't wait, below a folder of its own, and checks what comes of each.
func rounds(dir string) error {
	return errors.Join(fileRound(dir), nameRound(dir), pipeRound(), socketRound())
}

// fileRound writes and reads a file.
func fileRound(dir string) error {
	fd, err := unix.Open(filepath.Join(dir, "file"), unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	text, got := pattern(5000), make([]byte, 6000)
	if n, err := unix.Write(fd, text); n != len(text) || err != nil {
		return fmt.Errorf("write: %d, %w", n, err)
	}
	if n, err := unix.Pwrite(fd, text[:100], 4990); n != 100 || err != nil {
		return fmt.Errorf("pwrite: %d, %w", n, err)
	}
	if at, err := unix.Seek(fd, 0, 0); at != 0 || err != nil {
		return fmt.Errorf("lseek: %d, %w", at, err)
	}
	if n, err := unix.Read(fd, got); n != 5090 || err != nil || !bytes.Equal(got[:4990], text[:4990]) || !bytes.Equal(got[4990:5090], text[:100]) {
		return fmt.Errorf("read: %d, %w", n, err)
	}
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || s.Size != 5090 {
		return fmt.Errorf("fstat: %d, %w", s.Size, err)
	}
	if err := errors.Join(unix.Ftruncate(fd, 17), unix.Fsync(fd), unix.Fchmod(fd, 0o640)); err != nil {
		return fmt.Errorf("ftruncate, fsync, fchmod: %w", err)
	}
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100)
	if err != nil {
		return fmt.Errorf("dup: %w", err)
	}
	if n, err := unix.Pread(other, got, 10); n != 7 || err != nil {
		return fmt.Errorf("pread: %d, %w", n, err)
	}
	return unix.Close(other)
}

// nameRound makes names and takes them away.
func nameRound(dir string) error {
	sub := filepath.Join(dir, "sub")
	a, b := filepath.Join(sub, "a"), filepath.Join(sub, "b")
	var s unix.Stat_t
	for _, step := range []struct {
		name string
		call func() error
	}{
		{"mkdir", func() error { return unix.Mkdir(sub, 0o700) }},
		{"symlink", func() error { return unix.Symlink("b", a) }},
		{"link", func() error { return unix.Link(filepath.Join(dir, "file"), b) }},
		{"stat by a link", func() error { return unix.Stat(a, &s) }},
		{"rename", func() error { return unix.Rename(a, filepath.Join(sub, "c")) }},
		{"unlink", func() error { return unix.Unlink(b) }},
		{"readdir", func() error {
			list, err := os.ReadDir(sub)
			if err == nil && (len(list) != 1 || list[0].Name() != "c") {
				err = fmt.Errorf("%v", list)
			}
			return err
		}},
		{"unlink of a link", func() error { return unix.Unlink(filepath.Join(sub, "c")) }},
		{"rmdir", func() error { return unix.Rmdir(sub) }},
	} {
		if err := step.call(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if err := unix.Stat(sub, &s); !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("stat of what is gone: %w", err)
	}
	return nil
}

// pipeRound has bytes go through a pipe that doesn't wait.
func pipeRound() error {
	r, w, err := newPipe(unix.O_NONBLOCK)
	if err != nil {
		return fmt.Errorf("pipe2: %w", err)
	}
	defer func() { _, _ = unix.Close(r), unix.Close(w) }()
	got := make([]byte, 100)
	if _, err := unix.Read(r, got); !errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("read of nothing: %w", err)
	}
	if n, err := unix.Write(w, []byte("seven..")); n != 7 || err != nil {
		return fmt.Errorf("write to a pipe: %d, %w", n, err)
	}
	if n, err := unix.Read(r, got); n != 7 || err != nil || string(got[:7]) != "seven.." {
		return fmt.Errorf("read of a pipe: %d, %w", n, err)
	}
	return nil
}

// socketRound has a message go through a pair of sockets.
func socketRound() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
	if err := unix.Sendmsg(fds[0], []byte("message"), unix.UnixRights(fds[0]), nil, 0); err != nil {
		return fmt.Errorf("sendmsg: %w", err)
	}
	got, control := make([]byte, 100), make([]byte, 64)
	n, c, _, _, err := unix.Recvmsg(fds[1], got, control, unix.MSG_CMSG_CLOEXEC)
	if n != 7 || err != nil {
		return fmt.Errorf("recvmsg: %d, %w", n, err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:c])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("control messages: %d, %w", len(messages), err)
	}
	rights, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(rights) != 1 {
		return fmt.Errorf("files: %d, %w", len(rights), err)
	}
	return unix.Close(rights[0])
}

// beside makes rounds, and runs programs, for a time.
func beside(d time.Duration) (int, error) {
	dir, err := os.MkdirTemp("", "beside")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	for n, start := 0, time.Now(); ; n++ {
		if time.Since(start) > d && n > 0 {
			return n, nil
		}
		if err := rounds(dir); err != nil {
			return n, err
		}
		if n%20 == 0 {
			if err := oneChild(n); err != nil {
				return n, err
			}
		}
	}
}
