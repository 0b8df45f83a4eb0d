//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"unsafe"
)

var pages [2 * 4096]byte

// page is one that begins where a page begins, wherever the linker put it: to touch two costs more.
func page() []byte {
	at := -uintptr(unsafe.Pointer(&pages)) & 4095
	return pages[at:][:4096]
}

// forwardedPage makes writes of a page.
func forwardedPage() {
	forwardedChild(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&page()[0])), 4096, 4096)
}
