// SPDX-License-Identifier: Apache-2.0

package amd64

// Local APIC: where it is, SDM 3A 10.4.4 figure 10-5.
const (
	APICBaseDefault = 0xfee0_0000
	APICBaseBSP     = 1 << 8
	APICBaseX2      = 1 << 10
	APICBaseEnable  = 1 << 11
)

// Offsets of local APIC registers, SDM 3A 10.4.1 table 10-1. In x2APIC mode
// the register is the MSR at MSRX2APIC + offset>>4.
const (
	APICID           = 0x020
	APICVersion      = 0x030
	APICTaskPriority = 0x080
	APICEOI          = 0x0b0
	APICLogical      = 0x0d0
	APICSpurious     = 0x0f0
	APICInService    = 0x100 // 8 registers, 16 bytes apart
	APICRequest      = 0x200 // 8 registers, 16 bytes apart
	APICErrorStatus  = 0x280
	APICCommand      = 0x300 // low half; the high half is 16 above
	APICCommandHigh  = 0x310
	APICLVTTimer     = 0x320
	APICLVTThermal   = 0x330
	APICLVTPerf      = 0x340
	APICLVTLINT0     = 0x350
	APICLVTLINT1     = 0x360
	APICLVTError     = 0x370
	APICTimerInitial = 0x380
	APICTimerCurrent = 0x390
	APICTimerDivide  = 0x3e0
)

// Bits of those registers.
const (
	APICSoftEnable    = 1 << 8  // in APICSpurious, SDM 3A 10.9
	APICMasked        = 1 << 16 // in each LVT entry, SDM 3A 10.5.1
	APICTimerOneShot  = 0 << 17
	APICTimerPeriodic = 1 << 17
	APICTimerDeadline = 2 << 17
	APICDeliverNMI    = 4 << 8
	APICDeliverExtINT = 7 << 8
	APICDivide1       = 0xb // SDM 3A 10.5.4 figure 10-10
	APICDivide16      = 0x3
)

// Bits of the interrupt command register, SDM 3A 10.6.1 figure 10-12.
const (
	ICRFixed      = 0 << 8
	ICRNMI        = 4 << 8
	ICRInit       = 5 << 8
	ICRStartup    = 6 << 8
	ICRPending    = 1 << 12
	ICRAssert     = 1 << 14
	ICRLevel      = 1 << 15
	ICRSelf       = 1 << 18
	ICRAll        = 2 << 18
	ICRAllOthers  = 3 << 18
	icrXAPICShift = 56
	icrX2Shift    = 32
)

// ICR returns the interrupt command that sends mode (one of the constants
// above, or-ed) with a vector to the local APIC id. In x2APIC mode it is one
// 64-bit write; else write the high half first.
func ICR(mode uint64, vector uint8, id uint32, x2 bool) uint64 {
	if x2 {
		return mode | uint64(vector) | uint64(id)<<icrX2Shift
	}
	return mode | uint64(vector) | uint64(id)<<icrXAPICShift
}

// StartupVector returns the vector of a start-up interrupt that makes a
// processor begin at pa, a page below 1 MiB, SDM 3A 8.4.
func StartupVector(pa uint32) (uint8, bool) {
	return uint8(pa >> 12), pa%4096 == 0 && pa < 1<<20
}

// I/O APIC: 82093AA datasheet (Intel 290566-001), section 3.
const (
	IOAPICBaseDefault = 0xfec0_0000
	IOAPICSelect      = 0x00 // MMIO offset: which register Window reaches
	IOAPICWindow      = 0x10
	IOAPICID          = 0x00 // register
	IOAPICVersion     = 0x01 // register: number of inputs less one in bits 16-23
	ioapicTable       = 0x10 // register: two for each input
)

// Bits of an I/O APIC's redirection entry, section 3.2.4.
const (
	RedirectLow    = 1 << 13 // active low
	RedirectLevel  = 1 << 15
	RedirectMasked = 1 << 16
)

// IOAPICInputs returns the number of inputs from the version register.
func IOAPICInputs(version uint32) uint32 { return version>>16&0xff + 1 }

// RedirectRegister returns the register of the low half of an input's entry;
// the high half is the next one.
func RedirectRegister(input uint32) uint32 { return ioapicTable + input*2 }

// Redirect returns the redirection entry that sends an input as a vector to
// the local APIC id, fixed delivery, physical destination. flags are the
// constants above, or-ed.
func Redirect(vector uint8, id uint8, flags uint64) uint64 {
	return uint64(vector) | flags | uint64(id)<<56
}

// Message returns what a device writes, and where, to send a vector to the local APIC
// id, which must be Reachable without x2APIC mode: fixed delivery, physical destination, by
// edge. SDM 3A 10.11 (11.11 in editions since 2023), figures 10-24 and 10-25.
func Message(vector uint8, id uint8) (address uint64, data uint32) {
	return APICBaseDefault | uint64(id)<<12, uint32(vector)
}
