// SPDX-License-Identifier: Apache-2.0

// Package tables makes tables of fixed length outside of the Go heap.
//
// A kernel makes its tables once, at its start, as long as they can ever have to
// be, and uses the first entries of each. On the Go heap such a table costs what
// the machine may never use: the allocator of Go's runtime searches for a span of
// that size, sets up the span page by page, and the collector knows it ever after.
// A [Source] gives a range of addresses instead, which gets memory page by page as
// it is touched (package metal's: TableRange). The collector never sees the
// range. So the elements must have no pointers, which [Make] checks.
//
// A table that grows into pages it never had takes frames that nobody is charged for.
// So its owner asks [Source.Short] before it uses an entry for the first time, and
// says that the table is full when frames are scarce: what a program can cause stops
// before the reserve of the frame allocator does.
//
// Without a Source the table comes from the Go heap: so packages that make tables
// run under plain go test.
//
// Rejected: a generic allocator of the Go heap's kind, for nothing here is ever
// given back; mapping frames for the whole table at once, which on a machine of
// 512 MiB would take 70 MiB for entries that nobody uses.
package tables

import "loam/machine/frame"

// Source is where tables come from. A nil Source is the Go heap.
type Source struct {
	// Range returns the address of a new range of size bytes that reads zero, aligned
	// to Align. The range stays for ever.
	Range func(size uint64) uintptr
	// Frames is what backs the ranges; nil: there is always enough.
	Frames *frame.Allocator
}

// Short reports whether no table should grow for a program's sake.
func (s *Source) Short() bool { return s != nil && s.Frames != nil && s.Frames.Scarce() }

// Align is the alignment of every range, in bytes: a cache line.
const Align = 64
