//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/paging"

// KernelTables is the root whose kernel part every address space shares.
func KernelTables() paging.Tables { return paging.Tables{Root: kernelRoot} }

// NowInto stores Now at *at, split into seconds and, in the next word,
// nanoseconds: the answer of a clock call.
//
//go:noescape
func NowInto(at *uint64)
