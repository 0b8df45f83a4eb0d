//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// Identifiers of address spaces (PCID, ASID): which one a space gets on a CPU is
// package asid's matter, here is what the processor is told.

// hasTags says whether all CPUs keep translations by identifier.
var hasTags bool

// Kept gives what UseKept takes to load the root again that is loaded: with what the
// CPU knows of it, as long as nothing else but what UseKept loads comes between, and the
// space hasn't changed. 0: that can't be.
func (cpu *CPU) Kept() (word uint64, tag uint32) {
	return keptRoot(cpu.root, uint64(cpu.tags.Loaded())+1), cpu.tags.Loaded()
}

// UseKept loads what Kept was told of, and its root.
func (cpu *CPU) UseKept(word, root uint64, tag uint32) {
	cpu.root = root
	cpu.tags.Return(tag)
	writeKept(word)
}

// UseSpace loads the root of a space, with what the CPU still knows of it if it keeps
// translations by identifier: see asid.Tags.Pick for number and changes.
func (cpu *CPU) UseSpace(root, number, changes uint64) {
	if hasTags {
		cpu.useTagged(root, number, changes)
		return
	}
	cpu.root = root
	loadRoot(root)
}

// useTagged is UseSpace with identifiers.
func (cpu *CPU) useTagged(root, number, changes uint64) {
	tag, stale := cpu.tags.Pick(number, changes)
	cpu.root = root
	loadTagged(root, tag, stale)
}

// SeenChanges notes that the CPU has forgotten what changes of the loaded space
// have made wrong, up to that one.
func (cpu *CPU) SeenChanges(changes uint64) { cpu.tags.Seen(changes) }
