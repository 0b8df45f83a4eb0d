// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Command process needs Loam's calls.
package main

func main() { panic("runs on Loam only") }
