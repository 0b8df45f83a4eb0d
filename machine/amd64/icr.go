// SPDX-License-Identifier: Apache-2.0

package amd64

// Values of the interrupt command register (SDM 3A 10.6.1, figures 10-12 and
// 10-28; chapter 11 in editions since 2023). In x2APIC mode a value is written
// at once to the MSR X2APICMSR(APICCommand). Else CommandHalves go to
// APICCommandHigh and then APICCommand, whose write sends the interrupt, and
// only when ICRPending is clear there; x2APIC mode has no such bit.
//
// All are edge-triggered with the level bit set, as the manual wants of all
// but the de-asserting INIT, which only the 82489DX needs.

// APICBroadcast is the xAPIC's id of all processors, X2APICBroadcast the
// x2APIC's.
const (
	APICBroadcast   = 0xff
	X2APICBroadcast = 0xffff_ffff
)

// Reachable says whether an interrupt can be sent to one local APIC by its
// id: without x2APIC mode (x2) only the low 255 ids have a number.
func Reachable(id uint32, x2 bool) bool {
	if x2 {
		return id != X2APICBroadcast
	}
	return id < APICBroadcast
}

// IPIFixed returns the command that sends a vector (from Exceptions on) to
// one local APIC, which must be Reachable.
func IPIFixed(vector uint8, id uint32, x2 bool) uint64 {
	return ICR(ICRFixed|ICRAssert, vector, id, x2)
}

// IPIFixedOthers returns the command that sends a vector to all other local
// APICs, those whose processor was never started as well.
func IPIFixedOthers(vector uint8) uint64 {
	return ICRFixed | ICRAssert | ICRAllOthers | uint64(vector)
}

// IPINMI returns the command that sends a non-maskable interrupt to one local
// APIC, which must be Reachable.
func IPINMI(id uint32, x2 bool) uint64 { return ICR(ICRNMI|ICRAssert, 0, id, x2) }

// IPINMIOthers returns the command that sends a non-maskable interrupt to all
// other local APICs. A processor that waits for its start-up ignores it; one
// that halts without an interrupt table resets the machine.
func IPINMIOthers() uint64 { return ICRNMI | ICRAssert | ICRAllOthers }

// IPIInit returns the command that makes the processor of one local APIC, which
// must be Reachable, wait for a start-up, SDM 3A 8.4.4.
func IPIInit(id uint32, x2 bool) uint64 { return ICR(ICRInit|ICRAssert, 0, id, x2) }

// IPIStart returns the command that starts the processor of one local APIC, which
// must be Reachable, in real mode at a page (see StartupVector). It is sent 10
// ms after IPIInit, and once more 200 us later: a processor that isn't waiting
// ignores it. SDM 3A 8.4.4.1, MultiProcessor Specification 1.4 B.4.
func IPIStart(vector uint8, id uint32, x2 bool) uint64 {
	return ICR(ICRStartup|ICRAssert, vector, id, x2)
}

// CommandHalves splits a command for the two 32-bit registers of xAPIC mode.
func CommandHalves(command uint64) (low, high uint32) {
	return uint32(command), uint32(command >> 32)
}
