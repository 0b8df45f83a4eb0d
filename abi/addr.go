// SPDX-License-Identifier: Apache-2.0

package abi

// UserAddr is an address that a user program gave: an allegation, not a
// pointer. Nothing in the kernel can follow it; package kernel/space turns it
// into memory after checking it.
type UserAddr uint64

// PageSize is the size of a page in bytes, the smallest that can be mapped.
const PageSize = 4096

// UserLimitAMD64 is the first address that is not the user's on amd64: all below
// the hole is, but for the last page, so that no instruction can end at the first
// non-canonical address (SYSRET to that one faults in ring 0).
const UserLimitAMD64 = 1<<47 - PageSize

// UserLimitRISCV64 is the first address that is not the user's on riscv64, under
// Sv39: the lower half ends at 256 GiB, and its last quarter is for the heap of
// the kernel's Go runtime, which takes no address of the upper half there.
const UserLimitRISCV64 = 0x30_0000_0000

// Add returns a+n and whether the sum stayed within 64 bits.
func (a UserAddr) Add(n uint64) (UserAddr, bool) {
	s := a + UserAddr(n)
	return s, s >= a
}

// Aligned reports whether a is a multiple of n, a power of two.
func (a UserAddr) Aligned(n uint64) bool { return uint64(a)&(n-1) == 0 }

// Below reports whether all n bytes from a lie below limit, with no wrap.
func (a UserAddr) Below(limit, n uint64) bool {
	return uint64(a) <= limit && n <= limit-uint64(a)
}
