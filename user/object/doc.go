// SPDX-License-Identifier: Apache-2.0

// Package object gives Go programs the objects of Loam's kernel: processes,
// threads, address spaces and notifications behind handles.
//
// It is a thin layer. Each method is one call, named as in package abi, which
// has the rights and errors of each; an error is a syscall.Errno. What the
// package adds is types, so that a handle of one kind can't be used as one of
// another by mistake, and that waits go on after a signal.
//
// A handle is a number, not a resource of Go's: copies of it name the same
// thing, nothing closes it but Close, and who uses it after that gets EBADF. All
// functions may be called from any goroutine. A goroutine that waits holds its
// thread, as in a system call.
//
// On another kernel than Loam's every call answers ENOSYS.
//
// Rejected: finalizers that close. When they run is up to the collector, and the
// other side of a handle often waits for its being closed.
package object
