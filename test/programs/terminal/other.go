// SPDX-License-Identifier: Apache-2.0

//go:build !(linux && (amd64 || riscv64))

// Command terminal needs a Linux terminal.
package main

func main() {}
