// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Package low holds what programs about several processors need below Go's
// standard library: which CPU a thread is on, calls that leave nothing to Go's
// runtime, memory at addresses of the program's own choice, and children.
//
// Everything works on Linux as well: where Loam has a call of its own, Linux's
// way is taken if the kernel doesn't know it.
package low
