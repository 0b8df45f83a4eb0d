//go:build loamcheck

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
)

// A loam built with the tag loamcheck, for tests, boots the kernel in the file
// that LOAM_KERNEL names.
func init() {
	name := os.Getenv("LOAM_KERNEL")
	if name == "" {
		return
	}
	b, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "loam:", err)
		os.Exit(125)
	}
	kernelImage = b
}
