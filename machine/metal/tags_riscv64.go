//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/asid"
	"loam/machine/riscv64"
)

// enoughTags reports whether this hart has enough bits of address-space identifiers:
// those it hasn't read as 0 (privileged specification, 4.1.11).
func enoughTags() bool {
	satp := readSatp()
	writeSatp(satp | riscv64.Satp(0, riscv64.MaxASID))
	enough := riscv64.SatpASID(readSatp()) >= leastASIDs
	writeSatp(satp)
	forgetAll()
	return enough
}

// leastASIDs is how large an identifier has to be; they are all ones.
const leastASIDs = asid.Count | asid.Count>>1 | asid.Count>>2

// keptRoot is what writeKept loads a root by whose translations are right. Without
// identifiers there is none: satp alone forgets nothing.
func keptRoot(root, tag uint64) uint64 {
	if !hasTags {
		return 0
	}
	return riscv64.Satp(root, uint16(tag))
}

func writeKept(word uint64) { writeSatp(word) }

// loadTagged loads the root of the space that has an identifier here; what is kept
// under it is wrong if stale. Then it goes before the root comes, too: what leads to
// tables that are others' memory by now must not be followed, not even in advance, for
// a global translation found so would stay.
func loadTagged(root, tag uint64, stale bool) {
	if stale {
		forgetSpace(tag)
	}
	writeSatp(riscv64.Satp(root, uint16(tag)))
	if stale {
		forgetSpace(tag)
	}
}
