// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"sync/atomic"
	"unsafe"

	"loam/user/sys"
)

// word gives the word at the start of b, for several threads.
func word(b []byte) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&b[0])) }

func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// optionsAt gives the options of a message that lie at the start of b.
func optionsAt(b []byte) *sys.MessageOptions { return (*sys.MessageOptions)(unsafe.Pointer(&b[0])) }

// run calls the code at the start of b, a function without arguments.
func run(b []byte) {
	code := unsafe.Pointer(&b[0])
	f := unsafe.Pointer(&code)
	(*(*func())(unsafe.Pointer(&f)))()
}
