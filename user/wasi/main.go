// SPDX-License-Identifier: Apache-2.0

// Command wasi is Loam's WASI runner: the guest's only process when the
// program to run is a WebAssembly module. The kernel starts it with the
// module's arguments and environment as its own; the module and its compiled
// code are files of the boot archive. Package runner does the work.
package main

import (
	"io"
	"os"

	"loam/user/sys"
	"loam/user/wasi/runner"
)

func main() {
	os.Exit(runner.Run(&runner.Machine{
		File:    sys.BootFile,
		Args:    os.Args,
		Env:     os.Environ(),
		Stdin:   sys.Stream(0),
		Stdout:  sys.Stream(1),
		Stderr:  sys.Stream(2),
		Random:  random{},
		Reserve: runner.Reserve,
	}))
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
