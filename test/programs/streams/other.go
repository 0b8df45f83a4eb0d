// SPDX-License-Identifier: Apache-2.0

//go:build !(linux && (amd64 || riscv64))

// Command streams needs Loam's calls.
package main

func main() { panic("runs on Loam only") }
