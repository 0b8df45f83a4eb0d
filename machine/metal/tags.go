//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// Process-context identifiers: which one a space gets on a CPU is package asid's
// matter, here is what the processor is told.

// hasTags says whether all CPUs keep translations by identifier (CR4.PCIDE).
var hasTags bool

// detectTags looks at the boot CPU.
func detectTags() {
	signature, _, c, _ := cpuid(amd64.LeafFeatures, 0)
	_, vendor, _, _ := cpuid(amd64.LeafVendor, 0)
	const genu = 0x756e6547 // EBX of "GenuineIntel"
	hasTags = c>>17&1 != 0 && !amd64.GlobalSurvives(signature, vendor == genu)
}

// UseSpace loads the root of a space, with what the CPU still knows of it if it keeps
// translations by identifier: see asid.Tags.Pick for number and changes.
func (cpu *CPU) UseSpace(root, number, changes uint64) {
	if !hasTags {
		cpu.UseRoot(root)
		return
	}
	tag, stale := cpu.tags.Pick(number, changes)
	cpu.root = root
	v := root | tag
	if !stale {
		v |= amd64.CR3NoFlush
	}
	writeCR3(v)
}

// SeenChanges notes that the CPU has forgotten what changes of the loaded space
// have made wrong, up to that one.
func (cpu *CPU) SeenChanges(changes uint64) { cpu.tags.Seen(changes) }
