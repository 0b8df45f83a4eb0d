// SPDX-License-Identifier: Apache-2.0

//go:build !(linux && (amd64 || riscv64))

// Command faults needs Linux's calls.
package main

func main() {}
