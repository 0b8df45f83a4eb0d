//go:build !loam

// SPDX-License-Identifier: Apache-2.0

// Command kernel is Loam's kernel. It runs on a bare machine only; built
// without the tag loam it says so.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "kernel: this is built for no machine; ./x build makes the kernel's image")
	os.Exit(1)
}
