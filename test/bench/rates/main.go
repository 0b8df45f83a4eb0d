// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command rates measures how fast data comes from a machine's devices and goes there, by
// the same calls on Loam and on Linux: a line "NAME begins" and one "NAME COUNT" for each figure,
// where COUNT is of bytes, files or calls. Who reads them has the time: a clock here may be wrong, as Linux's
// is on an emulated CPU that was held up when the clock was compared with another.
//
//	rates folder DIR [DEVICE]   files of a folder of the host's, mounted there before on Linux
//	rates disk [DEVICE]         a disk, on Loam the one whose service is its first handle
//	rates streams SIZE [IN OUT] so many bytes from stdin to stdout, on Loam those of the console streams; how
//	                            fast they come the host counts, and nothing is said here
//
//	rates network ADDRESS       a server of the host's, of TCP
//	rates answer                HTTP at port 80, until the machine is ended
//
// On Linux it is the first program: the kernel's command line has the arguments, as rates=folder,DIR,DEVICE,
// and the modules in /modules are loaded in the order of their names.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	args := os.Args[1:]
	if text := os.Getenv("rates"); text != "" {
		args = strings.Split(text, ",")
		begin(args)
		defer powerOff()
	}
	if len(args) == 0 {
		args = []string{""}
	}
	var err error
	switch args[0] {
	case "folder":
		err = folder(args[1])
	case "disk":
		err = disk(strings.Join(args[1:], ""))
	case "streams":
		err = stream(args[1:])
	case "network":
		err = network(args[1])
	case "answer":
		err = answer()
	default:
		fmt.Fprintln(os.Stderr, "rates: usage: rates folder DIR, rates disk, rates streams SIZE, rates network ADDRESS, or rates answer")
		os.Exit(2)
	}
	if err != nil {
		fmt.Println("rates:", err)
	}
}

// measure tells a figure.
func measure(name string, do func() (int64, error)) error {
	fmt.Println(name, "begins")
	n, err := do()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Println(name, n)
	return nil
}

// once is what is read or written by one call.
const once = 1 << 20

// folder reads and writes the files that the host has made ready (host/bench).
func folder(dir string) error {
	buffer := make([]byte, once)
	size := int64(0)
	err := measure("folder_read", func() (n int64, err error) {
		size, err = readAll(filepath.Join(dir, "large"), buffer)
		return size, err
	})
	if err != nil {
		return err
	}
	err = measure("folder_write", func() (int64, error) { return size, write(filepath.Join(dir, "out"), buffer, size) })
	if err != nil {
		return err
	}
	err = measure("folder_small", func() (int64, error) { return pieces(filepath.Join(dir, "large"), buffer[:4096]) })
	if err != nil {
		return err
	}
	return measure("folder_tree", func() (int64, error) { return tree(filepath.Join(dir, "tree"), buffer) })
}

// readAll reads a file from its begin to its end.
func readAll(path string, buffer []byte) (n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for {
		m, err := f.Read(buffer)
		n += int64(m)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// write writes n bytes to a new file.
func write(path string, buffer []byte, n int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for n > 0 && err == nil {
		var m int
		m, err = f.Write(buffer[:min(n, int64(len(buffer)))])
		n -= int64(m)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// pieces reads a small piece of a file many times, and tells how many.
func pieces(path string, buffer []byte) (calls int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for calls < 2000 && err == nil {
		_, err = f.ReadAt(buffer, calls%16*int64(len(buffer)))
		calls++
	}
	return calls, err
}

// tree reads all files of a folder, and tells how many there are.
func tree(dir string, buffer []byte) (files int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		_, err = readAll(path, buffer)
		return err
	})
	return files, err
}
