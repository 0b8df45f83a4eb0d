// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package vdso

// Build writes this architecture's image to the text page; other hosts count as
// riscv64.
func Build(page *[PageSize]byte) { BuildRISCV64(page) }
