//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// Identifiers of address spaces (PCID, ASID): which one a space gets on a CPU is
// package asid's matter, here is what the processor is told.

// hasTags says whether all CPUs keep translations by identifier.
var hasTags bool

// UseSpace loads the root of a space, with what the CPU still knows of it if it keeps
// translations by identifier: see asid.Tags.Pick for number and changes.
func (cpu *CPU) UseSpace(root, number, changes uint64) {
	if !hasTags {
		cpu.UseRoot(root)
		return
	}
	tag, stale := cpu.tags.Pick(number, changes)
	cpu.root = root
	loadTagged(root, tag, stale)
}

// SeenChanges notes that the CPU has forgotten what changes of the loaded space
// have made wrong, up to that one.
func (cpu *CPU) SeenChanges(changes uint64) { cpu.tags.Seen(changes) }
