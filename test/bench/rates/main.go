// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command rates measures how fast data comes from a machine's devices and goes there, by
// the same calls on Loam and on Linux: a line "NAME COUNT ns" for each figure, where COUNT is bytes or files.
//
//	rates folder DIR [DEVICE]   files of a folder of the host's, mounted there before on Linux
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
	"time"
)

func main() {
	args := os.Args[1:]
	if text := os.Getenv("rates"); text != "" {
		args = strings.Split(text, ",")
		begin(args)
		defer powerOff()
	}
	if len(args) < 2 || args[0] != "folder" {
		fmt.Fprintln(os.Stderr, "rates: usage: rates folder DIR")
		os.Exit(2)
	}
	if err := folder(args[1]); err != nil {
		fmt.Println("rates:", err)
	}
}

// report tells a figure.
func report(name string, count int64, begun time.Time) {
	fmt.Printf("%s %d %d\n", name, count, time.Since(begun).Nanoseconds())
}

// once is what is read or written by one call.
const once = 1 << 20

// folder reads and writes the files that the host has made ready (host/bench).
func folder(dir string) error {
	buffer := make([]byte, once)
	begun := time.Now()
	n, err := readAll(filepath.Join(dir, "large"), buffer)
	if err != nil {
		return err
	}
	report("folder_read", n, begun)
	begun = time.Now()
	if err := write(filepath.Join(dir, "out"), buffer, n); err != nil {
		return err
	}
	report("folder_write", n, begun)
	begun = time.Now()
	files, err := tree(filepath.Join(dir, "tree"), buffer)
	if err != nil {
		return err
	}
	report("folder_tree", files, begun)
	return nil
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
