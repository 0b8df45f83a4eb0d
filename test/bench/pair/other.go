// SPDX-License-Identifier: Apache-2.0

//go:build !(linux && amd64)

// Command pair needs the calls of Linux on x86-64.
package main

func main() {}
