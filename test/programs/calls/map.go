// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

const (
	readOnly  = syscall.PROT_READ
	readWrite = syscall.PROT_READ | syscall.PROT_WRITE
	page      = 4096
)

// fault reports whether f met a page that can't be had.
func fault(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = errors.New("fault")
		}
	}()
	f()
	return nil
}

// mapping maps files.
func mapping(dir string) error {
	name := filepath.Join(dir, "mapped")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	content := make([]byte, 3*page+100)
	for i := range content {
		content[i] = byte(i >> 6)
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	shared, err := syscall.Mmap(int(f.Fd()), 0, 8*page, readWrite, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	again, err := syscall.Mmap(int(f.Fd()), page, page, readOnly, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	own, err := syscall.Mmap(int(f.Fd()), 0, len(content), readWrite, syscall.MAP_PRIVATE)
	if err != nil {
		return err
	}
	fmt.Println("as the file", string(shared[:len(content)]) == string(content), string(own) == string(content), shared[len(content)])
	shared[page+7], own[page+8] = 'S', 'P'
	fmt.Printf("what is shared %c %c, and what isn't %v\n", shared[page+7], again[7], shared[page+8] == content[page+8])
	b := make([]byte, 2)
	_, err = f.ReadAt(b, page+7)
	show("read", b[0] == 'S', err)
	_, err = f.WriteAt([]byte("W"), page+20)
	show("write", string(shared[page+20:page+21]), err)
	show("behind the end", "", fault(func() { shared[4*page] = 1 }))
	show("grow", "", f.Truncate(6*page))
	show("behind the old end", "", fault(func() { shared[4*page] = 'g' }))
	_, err = f.ReadAt(b, 4*page)
	show("read", string(b[:1]), err)
	show("behind the end", "", fault(func() { shared[7*page] = 1 }))
	st, err := f.Stat()
	show("size", st.Size(), err)
	_, err = call(syscall.SYS_MSYNC, address(shared), 4*page, 4)
	show("msync", "", err)
	_, err = call(syscall.SYS_MSYNC, address(shared)+1, 4*page, 4)
	show("msync", "", err)
	show("protect", "", syscall.Mprotect(again, readWrite))
	again[9] = 'p'
	fmt.Printf("written %c\n", shared[page+9])
	show("unmap", "", syscall.Munmap(shared))
	show("unmap", "", syscall.Munmap(again))
	all, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	fmt.Printf("in the file %d %c %c %c\n", len(all), all[page+7], all[page+9], all[4*page])
	show("remove", "", os.Remove(name))
	fmt.Println("still mapped", own[page+8] == 'P', own[5] == content[5])
	show("unmap", "", syscall.Munmap(own))
	wrongMaps(dir)
	return memfd()
}

// wrongMaps maps what can't be mapped.
func wrongMaps(dir string) {
	name := filepath.Join(dir, "wrong")
	show("write", "", os.WriteFile(name, []byte("text"), 0o600))
	try := func(what string, open, prot, flags int, length uintptr, offset int64) {
		f, err := os.OpenFile(name, open, 0)
		if err != nil {
			show(what, "", err)
			return
		}
		defer f.Close()
		a, err := call(syscall.SYS_MMAP, 0, length, uintptr(prot), uintptr(flags), f.Fd(), uintptr(offset))
		show(what, "mapped", err)
		if err == nil {
			_, err = call(syscall.SYS_MUNMAP, a, length)
			show("unmap", "", err)
		}
	}
	try("read-only, shared to be written", os.O_RDONLY, readWrite, syscall.MAP_SHARED, page, 0)
	try("read-only, shared", os.O_RDONLY, readOnly, syscall.MAP_SHARED, page, 0)
	try("read-only, private to be written", os.O_RDONLY, readWrite, syscall.MAP_PRIVATE, page, 0)
	try("write-only", os.O_WRONLY, readOnly, syscall.MAP_PRIVATE, page, 0)
	try("nothing", os.O_RDWR, readOnly, syscall.MAP_PRIVATE, 0, 0)
	try("between pages", os.O_RDWR, readOnly, syscall.MAP_PRIVATE, page, 100)
	try("neither shared nor private", os.O_RDWR, readOnly, 0, page, 0)
	try("no access", os.O_RDWR, 0, syscall.MAP_SHARED, page, 0)
	try("far behind the end", os.O_RDWR, readOnly, syscall.MAP_SHARED, page, 1<<20)
	try("to execute", os.O_RDWR, readOnly|syscall.PROT_EXEC, syscall.MAP_PRIVATE, page, 0)
	f, err := os.Open(dir)
	if err == nil {
		_, err = syscall.Mmap(int(f.Fd()), 0, page, readOnly, syscall.MAP_PRIVATE)
		f.Close()
	}
	show("a directory", "", err)
	_, err = syscall.Mmap(99, 0, page, readOnly, syscall.MAP_PRIVATE)
	show("no descriptor", "", err)
	r, w, err := os.Pipe()
	if err == nil {
		_, err = syscall.Mmap(int(r.Fd()), 0, page, readOnly, syscall.MAP_PRIVATE)
		r.Close()
		w.Close()
	}
	show("a pipe", "", err)
	fixed(name)
}

// fixed maps at addresses.
func fixed(name string) {
	const noReplace = 0x100000
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		show("open", "", err)
		return
	}
	defer f.Close()
	b, err := syscall.Mmap(-1, 0, 4*page, readWrite, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		show("mmap", "", err)
		return
	}
	b[0], b[2*page] = 'a', 'c'
	at := address(b) + page
	got, err := call(syscall.SYS_MMAP, at, page, readOnly, syscall.MAP_SHARED|noReplace, f.Fd(), 0)
	show("where something is", got, err)
	got, err = call(syscall.SYS_MMAP, at, page, readOnly, syscall.MAP_SHARED|syscall.MAP_FIXED, f.Fd(), 0)
	show("in the place of something", got == at, err)
	fmt.Printf("%c %s %c\n", b[0], b[page:page+4], b[2*page])
	got, err = call(syscall.SYS_MMAP, at, page, readOnly, syscall.MAP_SHARED, f.Fd(), 0)
	show("near something", got != at && got != 0, err)
	if err == nil {
		_, _ = call(syscall.SYS_MUNMAP, got, page)
	}
	got, err = call(syscall.SYS_MMAP, at+1, page, readOnly, syscall.MAP_SHARED|syscall.MAP_FIXED, f.Fd(), 0)
	show("between pages", got, err)
	show("unmap", "", syscall.Munmap(b))
}

// memfd has a file without a name.
func memfd() error {
	text := []byte("a name\x00")
	fd, err := call(memfdCreate, address(text), 1)
	if err != nil {
		return err
	}
	f := os.NewFile(fd, "memfd")
	defer f.Close()
	show("truncate", "", f.Truncate(2*page))
	b, err := syscall.Mmap(int(fd), 0, 2*page, readWrite, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	copy(b[page:], "in memory")
	got := make([]byte, 9)
	_, err = f.ReadAt(got, page)
	show("memfd", string(got), err)
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	show("memfd", link, err)
	_, err = call(memfdCreate, address(text), 1<<20)
	show("memfd", "", err)
	return syscall.Munmap(b)
}
