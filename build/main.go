// SPDX-License-Identifier: Apache-2.0

// Command build is Loam's build: go run ./build TARGET.
package main

import (
	"flag"
	"fmt"
	"os"

	"loam/build/image"
)

func main() {
	if len(os.Args) < 2 || os.Args[1] != "image" {
		fmt.Fprintln(os.Stderr, "usage: go run ./build image -o OUT KERNEL_ELF")
		os.Exit(2)
	}
	if err := imageTarget(os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// imageTarget is "image -o OUT KERNEL_ELF".
func imageTarget(args []string) error {
	fs := flag.NewFlagSet("image", flag.ExitOnError)
	out := fs.String("o", "", "write the bootable image to `OUT`")
	_ = fs.Parse(args) // exits by itself
	if *out == "" || fs.NArg() != 1 {
		return fmt.Errorf("usage: image -o OUT KERNEL_ELF")
	}
	linked, err := os.ReadFile(fs.Arg(0))
	if err != nil {
		return err
	}
	b, err := image.Build(linked)
	if err != nil {
		return fmt.Errorf("%s: %w", fs.Arg(0), err)
	}
	return os.WriteFile(*out, b, 0o644)
}
