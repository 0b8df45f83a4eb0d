//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/spin"
)

// Local APIC and IOAPIC (SDM vol. 3A chapter 10; 82093AA data sheet), at the
// addresses that every PC and QEMU's microvm have.
const (
	lapicBase  = amd64.APICBaseDefault
	ioapicBase = amd64.IOAPICBaseDefault

	vectorIRQ      = 32 // 32 + ISA interrupt line
	vectorTimer    = 48
	vectorKick     = 49
	vectorMore     = 50 // of the I/O APIC's input 16, and so on
	vectorSpurious = 63
	vectorMessage  = 64 // of the first message (messages.go)

	irqCOM2 = 3
)

// x2apic says that the local APICs are in x2APIC mode: their registers are MSRs.
var x2apic bool

func lapicRead(reg uintptr) uint32 {
	if x2apic {
		return uint32(rdmsr(amd64.X2APICMSR(uint32(reg))))
	}
	return mmioRead32(deviceMap + lapicBase + reg)
}

func lapicWrite(reg uintptr, v uint32) {
	if x2apic {
		wrmsr(amd64.X2APICMSR(uint32(reg)), uint64(v))
		return
	}
	mmioWrite32(deviceMap+lapicBase+reg, v)
}

// startAPIC turns the CPU's local APIC on; the boot CPU decides for all in which
// mode, and masks the legacy controllers.
func startAPIC(cpu *CPU) {
	const pic1Mask, pic2Mask = 0x21, 0xa1
	if cpu.id == 0 {
		outb(pic1Mask, 0xff)
		outb(pic2Mask, 0xff)
		_, _, c, _ := cpuid(1, 0)
		x2apic = c>>21&1 != 0 // SDM vol. 3A, 10.12.1
	}
	if x2apic {
		wrmsr(amd64.MSRAPICBase, rdmsr(amd64.MSRAPICBase)|amd64.APICBaseEnable|amd64.APICBaseX2)
	}
	cpu.apic = amd64.APICIDOf(lapicRead(amd64.APICID), x2apic)
	lapicWrite(amd64.APICSpurious, amd64.APICSoftEnable|vectorSpurious)
	lapicWrite(amd64.APICTaskPriority, 0)
	lapicWrite(amd64.APICTimerDivide, amd64.APICDivide1)
	lapicWrite(amd64.APICLVTTimer, amd64.APICTimerOneShot|vectorTimer)
}

// sendKick interrupts another CPU.
func sendKick(c *CPU) { sendIPI(amd64.IPIFixed(vectorKick, c.apic, x2apic)) }

// sendIPI writes the interrupt command register: SDM vol. 3A, 10.6.1; in x2APIC
// mode 10.12.9, with the fences of 10.12.3, for that write orders nothing.
// Interrupts are off, so the two halves of the register belong together.
func sendIPI(command uint64) {
	if x2apic {
		fence()
		wrmsr(amd64.X2APICMSR(amd64.APICCommand), command)
		return
	}
	for lapicRead(amd64.APICCommand)&amd64.ICRPending != 0 {
		spin.Pause()
	}
	low, high := amd64.CommandHalves(command)
	lapicWrite(amd64.APICCommandHigh, high)
	lapicWrite(amd64.APICCommand, low)
}

// routeIRQ sends an ISA interrupt line to the boot CPU, for the kernel itself.
func routeIRQ(line uint32) {
	slotOf[line] = kernelsLine
	redirect(line, 0)
}

// redirect sends an input to the boot CPU. flags are those of a redirection entry.
func redirect(input uint32, flags uint64) {
	entry := amd64.Redirect(vectorOf(input), uint8(cpus[0].apic), flags)
	ioapicWrite(amd64.RedirectRegister(input)+1, uint32(entry>>32))
	ioapicWrite(amd64.RedirectRegister(input), uint32(entry))
}

// Each input has a vector of its own, those of the ISA lines below the timer's.
const (
	isaLines = vectorTimer - vectorIRQ
	inputs   = isaLines + vectorSpurious - vectorMore // that have one
)

func vectorOf(input uint32) uint8 {
	if input < isaLines {
		return uint8(vectorIRQ + input)
	}
	return uint8(vectorMore + input - isaLines)
}

// numberOf is the input with a vector, or the message's number.
func numberOf(vector uint32) uint32 {
	switch {
	case vector < vectorTimer:
		return vector - vectorIRQ
	case vector >= vectorMessage:
		return mostLines + vector - vectorMessage
	}
	return vector - vectorMore + isaLines
}

func ioapicWrite(reg, v uint32) {
	mmioWrite32(deviceMap+ioapicBase+amd64.IOAPICSelect, reg)
	mmioWrite32(deviceMap+ioapicBase+amd64.IOAPICWindow, v)
}

func ioapicRead(reg uint32) uint32 {
	mmioWrite32(deviceMap+ioapicBase+amd64.IOAPICSelect, reg)
	return mmioRead32(deviceMap + ioapicBase + amd64.IOAPICWindow)
}

// endOfInterrupt is for the interrupt that came last. Each pays for it, so its way to the
// register has no calls in between.
func endOfInterrupt() {
	if x2apic {
		wrmsr(amd64.X2APICMSR(amd64.APICEOI), 0)
		return
	}
	mmioWrite32(deviceMap+lapicBase+amd64.APICEOI, 0)
}
