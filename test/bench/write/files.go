//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"reflect"
	"syscall"
)

var (
	name  = [...]byte{'/', 't', 'm', 'p', '/', 'b', 'e', 'n', 'c', 'h', 0}
	stat  syscall.Stat_t
	steps = [...]func() error{open, fill, look, closeFile, remove}
)

const here = -100 // AT_FDCWD

var fd uintptr

// made makes a call that gives want.
func made(what string, want uintptr, nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	n, _, e := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 || n != want {
		return fmt.Errorf("%s: %d: %w", what, n, e)
	}
	return nil
}

func open() error {
	path, at := reflect.ValueOf(&name).Pointer(), here
	n, _, e := syscall.RawSyscall6(syscall.SYS_OPENAT, uintptr(at), path, syscall.O_CREAT|syscall.O_RDWR, 0o600, 0, 0)
	if e != 0 {
		return fmt.Errorf("open: %w", e)
	}
	fd = n
	return nil
}

func fill() error {
	return made("write", uintptr(len(page)), syscall.SYS_WRITE, fd, reflect.ValueOf(&page).Pointer(), uintptr(len(page)))
}

func look() error {
	return made("read", uintptr(len(page)), syscall.SYS_PREAD64, fd, reflect.ValueOf(&page).Pointer(), uintptr(len(page)), 0)
}

func closeFile() error { return made("close", 0, syscall.SYS_CLOSE, fd) }

func remove() error {
	at := here
	return made("remove", 0, syscall.SYS_UNLINKAT, uintptr(at), reflect.ValueOf(&name).Pointer(), 0)
}

// files measures calls about files in memory.
func files() error {
	if err := open(); err != nil {
		return err
	}
	one, err := measured(500, func() error { return made("fstat", 0, syscall.SYS_FSTAT, fd, reflect.ValueOf(&stat).Pointer()) })
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "fstat_forwarded %.1f ns\n", one)
	if err := closeFile(); err != nil {
		return err
	}
	one, err = measured(100, func() error {
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "tmpfs_file_4kib %.1f ns\n", one)
	return readAll()
}

// large is read one piece behind the other, as programs do that copy files.
const large = 64 << 20

var piece [64 << 10]byte

// readAll measures what reading a large file takes.
func readAll() error {
	if err := open(); err != nil {
		return err
	}
	size, buffer := uintptr(len(piece)), reflect.ValueOf(&piece).Pointer()
	for range large / len(piece) {
		if err := made("write", size, syscall.SYS_WRITE, fd, buffer, size); err != nil {
			return err
		}
	}
	all, err := measured(1, func() error {
		if err := made("lseek", 0, syscall.SYS_LSEEK, fd, 0, 0); err != nil {
			return err
		}
		for range large / len(piece) {
			if err := made("read", size, syscall.SYS_READ, fd, buffer, size); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "tmpfs_read_64mib %.0f ns\n", all)
	if err := closeFile(); err != nil {
		return err
	}
	return remove()
}
