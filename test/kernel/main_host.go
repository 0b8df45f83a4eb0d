//go:build !loam

// SPDX-License-Identifier: Apache-2.0

package main

func main() { panic("built for no machine: test/vm builds this with the tag loam") }
