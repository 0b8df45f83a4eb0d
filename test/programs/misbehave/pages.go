// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import "syscall"

const (
	page = 4096

	protNone = 0
	protR    = syscall.PROT_READ
	protRW   = syscall.PROT_READ | syscall.PROT_WRITE
	protRX   = syscall.PROT_READ | syscall.PROT_EXEC
	protRWX  = protRW | protRX

	anonymous = syscall.MAP_ANON | syscall.MAP_PRIVATE
	fixed     = anonymous | syscall.MAP_FIXED
	noReplace = anonymous | 0x100000

	minusOne = ^uintptr(0)

	hole = 0x1234567000 // where neither a program nor a stack nor mmap puts anything
)

// pages maps n pages with a hole behind them.
func pages(n uintptr, prot uintptr) uintptr {
	addr := must(syscall.SYS_MMAP, 0, (n+1)*page, protRW, anonymous, minusOne, 0)
	must(syscall.SYS_MUNMAP, addr+n*page, page)
	if prot != protRW {
		must(syscall.SYS_MPROTECT, addr, n*page, prot)
	}
	return addr
}

// scratch is a page that can be used by anybody for a moment.
var scratch = pages(1, protRW)

// code puts machine code on a page of its own, and behind it codeEnd.
func code(b ...byte) uintptr {
	addr := pages(1, protRW)
	copy(mem(addr, page), append(b, codeEnd...))
	must(syscall.SYS_MPROTECT, addr, page, protRX)
	flushCode()
	return addr
}

// free gives back what pages or code gave.
func free(addr uintptr) { must(syscall.SYS_MUNMAP, addr, page) }
