// SPDX-License-Identifier: Apache-2.0

//go:build !linux || !(amd64 || riscv64)

// Command processes is for Linux.
package main

func main() {}
