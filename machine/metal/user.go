//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/paging"

// What the kernel floor needs to know of a user thread's processor state that
// is not in its Context, and of the roots of address spaces.

// KernelTables is the root whose kernel part every address space shares.
func KernelTables() paging.Tables { return paging.Tables{Root: kernelRoot} }

// XCR0 is the set of state components that XSAVE and XRSTOR move.
func XCR0() uint64 { return thisCPU().xcr0 }

// UserGSBase is the GS base of the user thread that Enter returned from.
func UserGSBase() uint64 { return userGSBase() }

// SetUserGSBase sets it. The address must be canonical.
func SetUserGSBase(v uint64) { setUserGSBase(v) }

// NowInto stores Now at *at, split into seconds and, in the next word,
// nanoseconds: the answer of a clock call.
//
//go:noescape
func NowInto(at *uint64)

// perSecond is 2^75 / 5^9, rounded up: ns>>9 times it is the seconds times
// 2^75, exact for every ns below 2^63.
var perSecond uint64 = 0x44b82fa09b5a53
