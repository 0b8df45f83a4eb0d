// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Command memory needs Linux's calls.
package main

func main() {}
