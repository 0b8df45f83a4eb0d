// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command calls makes Linux's calls as programs do that aren't satisfied with package os, and prints what
// comes of them. It is run on Loam and on the host, and must print the same.
//
//	calls NAME... [DIR]   what the names say (families), in a folder
package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// families are the kinds of calls.
var families = map[string]func(dir string) error{
	"inet":   inet,
	"map":    mapping,
	"signal": signals,
	"socket": sockets,
	"wait":   waiting,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "calls:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: calls NAME... DIR")
	}
	dir, err := os.MkdirTemp(args[len(args)-1], "calls")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	syscall.Umask(0o022)
	for _, name := range args[:len(args)-1] {
		f := families[name]
		if f == nil {
			return errors.New("no family " + name)
		}
		if err := f(dir); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// show prints what a call gave: of an error what it is.
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

// call makes a call.
func call(nr uintptr, args ...uintptr) (uintptr, error) {
	var a [6]uintptr
	copy(a[:], args)
	r, _, e := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return r, e
	}
	return r, nil
}
