// SPDX-License-Identifier: Apache-2.0

//go:build !(linux && (amd64 || riscv64))

// Command wasicalls needs the calls of Linux.
package main

func main() {}
