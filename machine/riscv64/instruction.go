// SPDX-License-Identifier: Apache-2.0

package riscv64

// Instructions that Go's assembler has no name for or encodes otherwise, as words:
// volume I, chapters 2 to 4, and sections 3.3.2, 3.3.3 and 4.2.1.
const (
	WFI    = 0x10500073
	SRET   = 0x10200073
	MRET   = 0x30200073
	FenceI = 0x0000100f

	// Pause is a FENCE that orders nothing (Zihintpause, volume I chapter 4): a hart
	// without the extension does nothing.
	Pause = 0x0100000f

	// EBreak is the form of 4 bytes. Its compressed form, of 2, is what Go's assembler
	// makes of EBREAK; both are breakpoints, and the half-word there tells them apart.
	EBreak           = 0x00100073
	EBreakLow        = EBreak & 0xffff
	EBreakCompressed = 0x9002
	ECall            = 0x00000073

	// SFENCE.VMA, section 4.2.1: of all addresses and all spaces, global translations
	// too; of the page whose address is in X5; of the space whose identifier is in X5.
	FenceVMAAll     = 0x12000073
	FenceVMAPageX5  = FenceVMAAll | 5<<15
	FenceVMASpaceX5 = FenceVMAAll | 5<<20
)

// FenceVMA returns SFENCE.VMA with an address in register va and an identifier in
// register asid, by number, section 4.2.1. 0 is all of them: all addresses; all
// spaces, and of global translations too, which an identifier leaves.
func FenceVMA(va, asid uint32) uint32 {
	return FenceVMAAll | va&31<<15 | asid&31<<20
}

// InstructionLen returns how many bytes an instruction has by its first half-word,
// volume I section 1.5: 2 or 4; nothing here is longer.
func InstructionLen(first uint16) int {
	if first&3 == 3 {
		return 4
	}
	return 2
}
