// SPDX-License-Identifier: Apache-2.0

// Package asid decides under which tag a CPU's translation buffer keeps the
// translations of an address space, so that coming back to a space finds them
// still there: process-context identifiers on amd64 (SDM vol. 3A, 4.10.1), address
// space identifiers on RISC-V (privileged architecture 12.1.11).
//
// Each CPU has a few tags of its own ([Tags]) and notes for each whose translations
// it has, and which state of that space they are from. A space has a number that
// no other ever has, and counts its changes that take translations away. Who loads
// a space ([Tags.Pick]) is told the tag, and whether what the CPU has under it must
// be forgotten: it was another space's, or the space has changed since. A CPU that
// has a space loaded is told of changes at once, forgets what they say, and notes
// that ([Tags.Seen]). So only CPUs that have the space loaded are ever interrupted,
// as without tags, and a tag is never used again without its old translations being
// gone.
//
// Tag 0 is left for the kernel's own root.
//
// Rejected: tags that are one space's on all CPUs (they run out, and then all CPUs
// must forget everything at once; and a space that has run here and there must be
// forgotten everywhere when it changes); more tags a CPU (what comes back later
// than after five others finds little of what it left). Linux does the same
// (arch/x86/mm/tlb.c).
package asid

// Count is how many tags a CPU gives to spaces, from 1 on.
const Count = 6

// Tags are those of one CPU. The zero value knows no space.
type Tags struct {
	spaces  [Count]uint64 // whose translations there are; 0: nobody's
	changes [Count]uint64 // up to which of its changes they are right
	loaded  uint32        // index of the tag in use
	next    uint32        // the next to be given to another space
}

// Pick gives the tag under which this CPU is to load a space, from 1 to Count, and
// whether the translations that it has under it must go. space is the space's
// number, which is not 0; changes is how often it has changed.
func (t *Tags) Pick(space, changes uint64) (tag uint64, stale bool) {
	for i := range t.spaces {
		if t.spaces[i] == space {
			t.loaded = uint32(i)
			stale = t.changes[i] != changes
			t.changes[i] = changes
			return uint64(i) + 1, stale
		}
	}
	i := t.next % Count
	if t.next = i + 1; t.next == Count {
		t.next = 0
	}
	t.loaded = i
	t.spaces[i], t.changes[i] = space, changes
	return uint64(i) + 1, true
}

// Seen notes that the CPU has forgotten what the changes of the space that it has
// loaded have made wrong.
func (t *Tags) Seen(changes uint64) { t.changes[t.loaded%Count] = changes }

// Loaded gives the tag in use, less 1.
func (t *Tags) Loaded() uint32 { return t.loaded }

// Return says that what Loaded told is in use again: the tag still belongs to its
// space, and its translations are right.
func (t *Tags) Return(loaded uint32) { t.loaded = loaded }
