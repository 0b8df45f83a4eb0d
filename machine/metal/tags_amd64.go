//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// detectTags looks at the boot CPU.
func detectTags() {
	signature, _, c, _ := cpuid(amd64.LeafFeatures, 0)
	_, vendor, _, _ := cpuid(amd64.LeafVendor, 0)
	const genu = 0x756e6547 // EBX of "GenuineIntel"
	hasTags = c>>17&1 != 0 && !amd64.GlobalSurvives(signature, vendor == genu)
}

// keptRoot is what writeKept loads a root by whose translations are right.
func keptRoot(root, tag uint64) uint64 {
	if !hasTags {
		return root
	}
	return root | tag | amd64.CR3NoFlush
}

func writeKept(word uint64) { writeCR3(word) }

// loadTagged loads the root of the space that has an identifier here; what is kept
// under it is wrong if stale.
func loadTagged(root, tag uint64, stale bool) {
	v := root | tag
	if !stale {
		v |= amd64.CR3NoFlush
	}
	writeCR3(v)
}
