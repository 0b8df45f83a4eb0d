// SPDX-License-Identifier: Apache-2.0

package amd64

// GlobalSurvives reports whether a processor, by EAX of LeafFeatures and whether
// it is Intel's, has the erratum that INVLPG leaves global translations while
// process-context identifiers are on: Intel Core of the 12th and 13th generation
// and Processor N (specification update 682436, ADL063; Linux, arch/x86/mm/init.c,
// setup_pcid). Newer microcode mends it; which does is not asked here.
func GlobalSurvives(signature uint32, intel bool) bool {
	if !intel || signature>>8&0xf != 6 || signature>>20&0xff != 0 {
		return false
	}
	switch signature>>12&0xf0 | signature>>4&0xf {
	case 0x97, 0x9a, 0xb7, 0xba, 0xbf, 0xbe:
		return true
	}
	return false
}
