// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package low

import "syscall"

// Page is a page's size in bytes.
const Page = 4096

// Rights of memory.
const (
	None      = syscall.PROT_NONE
	ReadOnly  = syscall.PROT_READ
	ReadWrite = syscall.PROT_READ | syscall.PROT_WRITE
)

// LargePage is a large page's size in bytes.
const LargePage = 2 << 20

const anonymous = syscall.MAP_PRIVATE | syscall.MAP_ANON

// Map maps size bytes of zeros somewhere and gives their address.
func Map(size uintptr) uintptr {
	return Must(syscall.SYS_MMAP, 0, size, ReadWrite, anonymous, ^uintptr(0), 0)
}

// MapAt maps size bytes of zeros at an address, in place of what is there.
func MapAt(addr, size uintptr) {
	Must(syscall.SYS_MMAP, addr, size, ReadWrite, anonymous|syscall.MAP_FIXED, ^uintptr(0), 0)
}

// MapLargeAt is MapAt of memory that is one large page as soon as it is touched, where
// the system has any.
func MapLargeAt(addr uintptr) {
	const hugePages = 14
	MapAt(addr, LargePage)
	_, _ = Call(syscall.SYS_MADVISE, addr, LargePage, hugePages)
}

// Unmap takes memory away.
func Unmap(addr, size uintptr) { Must(syscall.SYS_MUNMAP, addr, size) }

// Protect changes the rights of memory.
func Protect(addr, size, rights uintptr) { Must(syscall.SYS_MPROTECT, addr, size, rights) }

// Forget gives memory back that stays mapped and then reads as zero.
func Forget(addr, size uintptr) {
	Must(syscall.SYS_MADVISE, addr, size, syscall.MADV_DONTNEED)
}

// Move moves mapped memory to another address, in place of what is there.
func Move(from, to, size uintptr) {
	const mayMove, fixed = 1, 2
	Must(syscall.SYS_MREMAP, from, size, size, mayMove|fixed, to)
}
