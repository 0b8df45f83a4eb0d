// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import "unsafe"

// at is a pointer to an address that Go did not give.
func at(address uintptr) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(nil), address)) }

// addressOf is where a variable lies that doesn't move.
func addressOf(p *uint32) uintptr { return uintptr(unsafe.Pointer(p)) }
