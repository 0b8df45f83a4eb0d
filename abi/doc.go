// SPDX-License-Identifier: Apache-2.0

// Package abi is the one description of what crosses the border between a
// user program and the kernel: call numbers, error numbers, flags, and the
// byte layout of structures. The kernel, user-mode servers and the loam
// command share it; it imports nothing of the project.
//
// # Two families of calls
//
// Runtime calls carry Linux's numbers and Linux's meaning, so that a program
// of the stock Go toolchain runs unmodified. Loam calls start at CallBase,
// far above anything Linux assigned.
//
// # Names
//
// What Linux defines keeps Linux's spelling (EINVAL, MAP_FIXED, SYS_FUTEX), so
// that a manual page and this package can be read side by side. What Loam
// defines is named as Go names things.
//
// # Layouts
//
// A structure that is copied to or from a user program has a size constant
// and a codec (Put and Get functions) over bytes. Rejected: casting user memory
// to Go structs. That needs unsafe, ties the kernel's structures to the
// border's layout and hides padding bytes, through which kernel memory leaks.
// The codecs write every byte of the structure, padding included, and compile
// to plain loads and stores. They panic when the slice is too short, which is
// a bug of the caller in the kernel, never of a user program.
//
// All integers are little-endian, as on both architectures.
//
// # Architectures
//
// Constants that the kernel switches on live in files with an architecture
// suffix, so a kernel for the wrong machine doesn't build. Tables used for
// diagnosis, and codecs, have no build tag and carry the architecture in their
// name, so that their tests run on any host. Files for "generic" stand for
// riscv64; every host that isn't amd64 builds them too.
//
// Sources: Linux include/uapi (numbers, flags, structures), the System V ABI's
// AMD64 supplement (auxiliary vector), and the manual pages of section 2.
package abi

//go:generate go run loam/tools/abidoc -abi . -page ../docs/loam-calls.md
