// SPDX-License-Identifier: Apache-2.0

// Package payload carries what runs in the machine inside the host binary:
// the kernel images and the system programs, as "./x build" put them into the
// folder files. On a fresh clone that folder holds only a README, so every
// package builds before anything else has been built; asking for a file then
// gives [ErrNotBuilt].
//
// Rejected: committing the built files (large, and they could differ from
// their sources unnoticed), looking for them beside the binary (bin/loam is
// one file that can be copied anywhere).
package payload

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

//go:embed files
var files embed.FS

// ErrNotBuilt is what [Kernel] and [Program] return for a file that this
// binary was built without.
var ErrNotBuilt = errors.New("run ./x build")

// OpenKernel opens the bootable kernel image for an architecture, by its GOARCH
// name.
func OpenKernel(arch string) (fs.File, error) {
	f, err := files.Open("files/kernel-" + arch)
	if err != nil {
		return nil, fmt.Errorf("this loam was built without its kernel for %s: %w", arch, ErrNotBuilt)
	}
	return f, nil
}

// OpenProgram opens the system program called name (the last element of its
// package's path, such as "wasi") for an architecture: a static Linux ELF
// executable.
func OpenProgram(name, arch string) (fs.File, error) {
	f, err := files.Open("files/" + name + "-" + arch)
	if err != nil {
		return nil, fmt.Errorf("this loam was built without its system program %s for %s: %w", name, arch, ErrNotBuilt)
	}
	return f, nil
}

// Kernel returns a copy of what OpenKernel opens.
func Kernel(arch string) ([]byte, error) { return content(OpenKernel(arch)) }

// Program returns a copy of what OpenProgram opens.
func Program(name, arch string) ([]byte, error) { return content(OpenProgram(name, arch)) }

func content(f fs.File, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
