//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"unsafe"
)

var pages [2 * 4096]byte

// forwardedPage makes writes of a page: one that begins where a page begins, wherever the linker
// put it, for two that are touched cost more.
func forwardedPage() {
	at := (uintptr(unsafe.Pointer(&pages)) + 4095) &^ 4095
	forwardedChild(syscall.SYS_WRITE, 1, at, 4096, 4096)
}
