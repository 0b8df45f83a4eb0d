// SPDX-License-Identifier: Apache-2.0

// Package phys is how the machine floor reaches physical memory by address.
//
// A [Memory] is one number: the virtual address at which physical address 0
// appears. In the kernel that is the base of the direct map; on a host it is
// the start of a byte slice, so the frame allocator and the page-table code
// run unchanged under plain go test. Every accessor is an addition and inlines
// to it. Nothing is checked here: an address must lie in RAM that the direct
// map covers, and its owner must be the caller. The frame allocator and the
// page-table code are the callers; other code asks them.
//
// Rejected: an interface (an indirect call per page-table level), and an
// explicit bounds check (the kernel's direct map faults on its own, and the
// fault names the address).
//
// Device registers are not memory: they need the accessors in assembly of the
// machine package, since the compiler may drop or merge plain stores.
package phys

// PageSize is the size of a page frame in bytes, PageShift its logarithm.
const (
	PageSize  = 1 << PageShift
	PageShift = 12
)
