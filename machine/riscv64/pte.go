// SPDX-License-Identifier: Apache-2.0

package riscv64

import "loam/machine/paging"

// Bits of a page-table entry, section 4.3.1 figure 4.18 and 4.4.1 figure 4.21.
const (
	PTEValid    = 1 << 0
	PTERead     = 1 << 1
	PTEWrite    = 1 << 2
	PTEExec     = 1 << 3
	PTEUser     = 1 << 4
	PTEGlobal   = 1 << 5
	PTEAccessed = 1 << 6
	PTEDirty    = 1 << 7
	PTESoft     = 8 // the first of two bits that the processor ignores (RSW)
	PTEAddrMask = 0x003f_ffff_ffff_fc00
	pteHeld     = PTEGlobal // in an entry without PTEValid: see paging
)

// UserEnd is where user addresses end. Above it, still in the lower half, is
// the kernel's Go heap: Go's runtime on riscv64 can't use upper-half addresses.
const UserEnd = 0x30_0000_0000

// Sv39 is the format of three-level page tables, section 4.4. Caching is a
// property of physical addresses there (PMA), so Device has no bit.
var Sv39 = paging.Format{
	Levels:   3,
	Large:    2,
	Bits:     39,
	UserEnd:  UserEnd,
	Kernel:   UserEnd,
	AddrMask: PTEAddrMask,
	AddrDown: 2,
	AddrUnit: 1 << 2,
	Valid:    PTEValid,
	LeafMask: PTERead | PTEWrite | PTEExec,
	DirMask:  PTEValid | PTERead | PTEWrite | PTEExec,
	UserDir:  PTEValid,
	KernDir:  PTEValid,
	BadAddr:  ^uint64(PTEAddrMask << 2),
	Leaf:     leafs,
	Soft:     [4]uint64{0, 1 << PTESoft, 2 << PTESoft, 3 << PTESoft},
	SoftAt:   PTESoft,
	Show: [6]uint8{
		1,  // Read: PTERead
		2,  // Write: PTEWrite
		3,  // Exec: PTEExec
		4,  // User: PTEUser
		5,  // Global: PTEGlobal
		54, // Device: reserved and zero
	},
}

// leafs holds the bits of a leaf by Prot, as constant data: the kernel uses it
// before any initialiser has run. Writable without readable is reserved, so
// every right brings PTERead; Write and Exec together have nothing.
var leafs = [64]uint64{
	0:  pteHeld,
	1:  PTEValid | PTERead | PTEAccessed,
	2:  PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty,
	3:  PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty,
	4:  PTEValid | PTERead | PTEAccessed | PTEExec,
	5:  PTEValid | PTERead | PTEAccessed | PTEExec,
	8:  pteHeld,
	9:  PTEValid | PTERead | PTEAccessed | PTEUser,
	10: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEUser,
	11: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEUser,
	12: PTEValid | PTERead | PTEAccessed | PTEExec | PTEUser,
	13: PTEValid | PTERead | PTEAccessed | PTEExec | PTEUser,
	16: pteHeld,
	17: PTEValid | PTERead | PTEAccessed | PTEGlobal,
	18: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal,
	19: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal,
	20: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal,
	21: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal,
	24: pteHeld,
	25: PTEValid | PTERead | PTEAccessed | PTEGlobal | PTEUser,
	26: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal | PTEUser,
	27: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal | PTEUser,
	28: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal | PTEUser,
	29: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal | PTEUser,
	32: pteHeld,
	33: PTEValid | PTERead | PTEAccessed,
	34: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty,
	35: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty,
	36: PTEValid | PTERead | PTEAccessed | PTEExec,
	37: PTEValid | PTERead | PTEAccessed | PTEExec,
	40: pteHeld,
	41: PTEValid | PTERead | PTEAccessed | PTEUser,
	42: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEUser,
	43: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEUser,
	44: PTEValid | PTERead | PTEAccessed | PTEExec | PTEUser,
	45: PTEValid | PTERead | PTEAccessed | PTEExec | PTEUser,
	48: pteHeld,
	49: PTEValid | PTERead | PTEAccessed | PTEGlobal,
	50: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal,
	51: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal,
	52: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal,
	53: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal,
	56: pteHeld,
	57: PTEValid | PTERead | PTEAccessed | PTEGlobal | PTEUser,
	58: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal | PTEUser,
	59: PTEValid | PTERead | PTEAccessed | PTEWrite | PTEDirty | PTEGlobal | PTEUser,
	60: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal | PTEUser,
	61: PTEValid | PTERead | PTEAccessed | PTEExec | PTEGlobal | PTEUser,
}
