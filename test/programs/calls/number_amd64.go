// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

// Numbers of calls that package syscall lacks.
const (
	memfdCreate = 319
)
