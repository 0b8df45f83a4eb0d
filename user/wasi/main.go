// SPDX-License-Identifier: Apache-2.0

// Command wasi is Loam's WASI runner. It is the guest's only process when the
// program to run is a WebAssembly module: the kernel starts it with the
// module's arguments and environment as its own; the module and its compiled
// code are files of the boot archive. In a machine without a module it is a
// command, by which programs of the machine start modules that are files there:
//
//	wasi [-v] [--cache DIR] [--dir PATH[::NAME]]... MODULE.wasm [ARGUMENT...]
//
// Package runner does the work.
package main

import (
	"io"
	"os"

	"loam/user/sys"
	"loam/user/wasi/runner"
)

func main() {
	m := &runner.Machine{
		File:    sys.BootFile,
		Args:    os.Args,
		Env:     os.Environ(),
		Stdin:   sys.Stream(0),
		Stdout:  sys.Stream(1),
		Stderr:  sys.Stream(2),
		Random:  random{},
		Reserve: runner.Reserve,
	}
	if len(os.Args) > 1 && !given() {
		if code := command(m, os.Args[1:]); code != 0 {
			os.Exit(code)
		}
	}
	os.Exit(runner.Run(m))
}

// given reports whether the machine was made for a module. It asks for the file that
// comes with one and is small: files of the boot archive stay mapped.
func given() bool {
	_, err := sys.BootFile(runner.FileConfig)
	return err == nil
}

// random is the kernel's random source as a reader.
type random struct{}

var _ io.Reader = random{}

// Read implements io.Reader.
func (random) Read(p []byte) (int, error) {
	if err := sys.Random(p); err != nil {
		return 0, err
	}
	return len(p), nil
}
