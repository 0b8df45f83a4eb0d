// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package main

import (
	"unsafe"

	"loam/user/object"
)

// register gives a register of the page at addr, which is mapped.
func register(addr uint64, at int) *uint32 {
	return (*uint32)(unsafe.Pointer(&object.Bytes(addr, page)[at]))
}
