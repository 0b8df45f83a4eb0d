// SPDX-License-Identifier: Apache-2.0

package riscv64

// SatpSv39 is the mode of satp that switches Sv39 on, section 4.1.11.
const SatpSv39 = 8 << 60

// Satp returns the satp value for the root table at the physical address pa
// and an address-space identifier.
func Satp(root uint64, asid uint16) uint64 {
	return SatpSv39 | uint64(asid)<<44 | root>>12
}
