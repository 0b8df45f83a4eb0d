// SPDX-License-Identifier: Apache-2.0

package amd64

import "loam/machine/paging"

// Bits of a page-table entry, SDM 3A 4.5.4, tables 4-14 to 4-20.
const (
	PTEPresent   = 1 << 0
	PTEWrite     = 1 << 1
	PTEUser      = 1 << 2
	PTEThrough   = 1 << 3 // PWT: write-through
	PTENoCache   = 1 << 4 // PCD: with PWT, PAT entry 3: uncacheable after reset
	PTEAccessed  = 1 << 5
	PTEDirty     = 1 << 6
	PTELarge     = 1 << 7 // PS: a 2 MiB or 1 GiB leaf
	PTEGlobal    = 1 << 8
	PTESoft      = 9 // the first of three bits that the processor ignores
	PTENoExec    = 1 << 63
	PTEAddrMask  = 0x000f_ffff_ffff_f000
	pteHeld      = PTEGlobal // in an entry without PTEPresent: see paging
	pteDirectory = PTEPresent | PTEWrite | PTEAccessed
)

// UserEnd is where user addresses end. The last page of the lower half stays
// unmapped: a SYSCALL in its last bytes would return to a non-canonical
// address, and SYSRET to one faults in ring 0.
const UserEnd = 0x0000_7fff_ffff_f000

// KernelStart is where kernel addresses begin.
const KernelStart = 0xffff_8000_0000_0000

// Format is the format of 4-level page tables, SDM 3A 4.5.
var Format = paging.Format{
	Levels:   4,
	Large:    2,
	Bits:     48,
	UserEnd:  UserEnd,
	Kernel:   KernelStart,
	AddrMask: PTEAddrMask,
	AddrUnit: 1,
	Valid:    PTEPresent,
	LeafMask: PTELarge,
	DirMask:  PTEPresent | PTELarge,
	LargeBit: PTELarge,
	UserDir:  pteDirectory | PTEUser,
	KernDir:  pteDirectory,
	BadAddr:  ^uint64(PTEAddrMask),
	Leaf:     leafs,
	Soft:     [4]uint64{0, 1 << PTESoft, 2 << PTESoft, 3 << PTESoft},
	SoftAt:   PTESoft,
	Show: [6]uint8{
		0,                    // Read: PTEPresent
		1,                    // Write: PTEWrite
		63 | paging.Inverted, // Exec: PTENoExec
		2,                    // User: PTEUser
		8,                    // Global: PTEGlobal
		4,                    // Device: PTENoCache
	},
}

// leafs holds the bits of a leaf by Prot, with nothing for Write and Exec
// together. It is written out so that it is constant data: the kernel uses it
// before any initialiser has run.
var leafs = [64]uint64{
	0:  pteHeld | PTENoExec,
	1:  PTEPresent | PTEAccessed | PTENoExec,
	2:  PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec,
	3:  PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec,
	4:  PTEPresent | PTEAccessed,
	5:  PTEPresent | PTEAccessed,
	8:  pteHeld | PTENoExec,
	9:  PTEPresent | PTEAccessed | PTENoExec | PTEUser,
	10: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEUser,
	11: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEUser,
	12: PTEPresent | PTEAccessed | PTEUser,
	13: PTEPresent | PTEAccessed | PTEUser,
	16: pteHeld | PTENoExec,
	17: PTEPresent | PTEAccessed | PTENoExec | PTEGlobal,
	18: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal,
	19: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal,
	20: PTEPresent | PTEAccessed | PTEGlobal,
	21: PTEPresent | PTEAccessed | PTEGlobal,
	24: pteHeld | PTENoExec,
	25: PTEPresent | PTEAccessed | PTENoExec | PTEGlobal | PTEUser,
	26: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal | PTEUser,
	27: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal | PTEUser,
	28: PTEPresent | PTEAccessed | PTEGlobal | PTEUser,
	29: PTEPresent | PTEAccessed | PTEGlobal | PTEUser,
	32: pteHeld | PTENoExec,
	33: PTEPresent | PTEAccessed | PTENoExec | PTENoCache | PTEThrough,
	34: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTENoCache | PTEThrough,
	35: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTENoCache | PTEThrough,
	36: PTEPresent | PTEAccessed | PTENoCache | PTEThrough,
	37: PTEPresent | PTEAccessed | PTENoCache | PTEThrough,
	40: pteHeld | PTENoExec,
	41: PTEPresent | PTEAccessed | PTENoExec | PTENoCache | PTEThrough | PTEUser,
	42: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTENoCache | PTEThrough | PTEUser,
	43: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTENoCache | PTEThrough | PTEUser,
	44: PTEPresent | PTEAccessed | PTENoCache | PTEThrough | PTEUser,
	45: PTEPresent | PTEAccessed | PTENoCache | PTEThrough | PTEUser,
	48: pteHeld | PTENoExec,
	49: PTEPresent | PTEAccessed | PTENoExec | PTEGlobal | PTENoCache | PTEThrough,
	50: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal | PTENoCache | PTEThrough,
	51: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal | PTENoCache | PTEThrough,
	52: PTEPresent | PTEAccessed | PTEGlobal | PTENoCache | PTEThrough,
	53: PTEPresent | PTEAccessed | PTEGlobal | PTENoCache | PTEThrough,
	56: pteHeld | PTENoExec,
	57: PTEPresent | PTEAccessed | PTENoExec | PTEGlobal | PTENoCache | PTEThrough | PTEUser,
	58: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal | PTENoCache | PTEThrough | PTEUser,
	59: PTEPresent | PTEAccessed | PTEWrite | PTEDirty | PTENoExec | PTEGlobal | PTENoCache | PTEThrough | PTEUser,
	60: PTEPresent | PTEAccessed | PTEGlobal | PTENoCache | PTEThrough | PTEUser,
	61: PTEPresent | PTEAccessed | PTEGlobal | PTENoCache | PTEThrough | PTEUser,
}
