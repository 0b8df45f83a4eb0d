// SPDX-License-Identifier: Apache-2.0

package amd64

// x2APIC mode: SDM 3A 10.12 (11.12 in editions since 2023). The feature is
// X2APIC of Features, LeafFeatures ECX bit 21.

// X2APICSelf is the MSR whose low 8 bits are sent as a vector to the processor
// itself, SDM 3A 10.12.11. It has no counterpart in xAPIC mode.
const X2APICSelf = 0x83f

// X2APICMSR returns the MSR of the register at an xAPIC's offset, SDM 3A
// 10.12.1.2 table 10-6. Its upper 32 bits are reserved, but for APICCommand,
// which is whole; APICCommandHigh is none.
func X2APICMSR(offset uint32) uint32 { return MSRX2APIC + offset>>4 }

// APICIDOf returns the id from the register APICID: 8 bits at the top, or all
// of it in x2APIC mode.
func APICIDOf(reg uint32, x2 bool) uint32 {
	if x2 {
		return reg
	}
	return reg >> 24
}

// APICMode is what the bits APICBaseEnable and APICBaseX2 of MSRAPICBase
// select, SDM 3A 10.12.1 table 10-5.
type APICMode uint8

// The modes.
const (
	APICOff     APICMode = iota // no local APIC
	APICInvalid                 // never the case: writing it faults
	APICMemory                  // xAPIC: registers in memory
	APICMSRs                    // x2APIC: registers are MSRs
)

// APICModeOf returns the mode from MSRAPICBase.
func APICModeOf(base uint64) APICMode { return APICMode(base >> 10 & 3) }

// APICAddressOf returns the physical address of the registers from
// MSRAPICBase.
func APICAddressOf(base uint64) uint64 { return base & PTEAddrMask }

// APICBaseTo returns the next value of MSRAPICBase on the way to mode to, and
// whether that is a mode to go to. From off to x2APIC mode the way takes two
// writes, and from there to xAPIC mode it leads through off; a direct write
// faults (SDM 3A 10.12.5, figure 10-27). Without X2APIC never ask for APICMSRs.
func APICBaseTo(base uint64, to APICMode) (next uint64, ok bool) {
	from := APICModeOf(base)
	rest := base &^ (APICBaseEnable | APICBaseX2)
	switch {
	case to == APICInvalid || to > APICMSRs:
		return base, false
	case from == to:
		return base, true
	case to == APICMSRs && from == APICMemory:
		return rest | APICBaseEnable | APICBaseX2, true
	case to == APICOff || from == APICMSRs:
		return rest, true
	}
	return rest | APICBaseEnable, true
}
