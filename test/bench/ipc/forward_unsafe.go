//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"unsafe"
)

var page [4096]byte

// forwardedPage makes writes of a page.
func forwardedPage() {
	forwardedChild(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&page)), uintptr(len(page)), uintptr(len(page)))
}
