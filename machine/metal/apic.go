//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// Local APIC and IOAPIC (SDM vol. 3A chapter 10; 82093AA data sheet), at the
// addresses that every PC and QEMU's microvm have.
const (
	lapicBase  = amd64.APICBaseDefault
	ioapicBase = amd64.IOAPICBaseDefault

	vectorIRQ      = 32 // 32 + ISA interrupt line
	vectorTimer    = 48
	vectorSpurious = 63

	irqKeyboard = 1
	irqCOM2     = 3
	irqCOM1     = 4
)

func lapicRead(reg uintptr) uint32     { return mmioRead32(deviceMap + lapicBase + reg) }
func lapicWrite(reg uintptr, v uint32) { mmioWrite32(deviceMap+lapicBase+reg, v) }

// startAPIC turns the local APIC on and masks the legacy controllers.
func startAPIC() {
	const pic1Mask, pic2Mask = 0x21, 0xa1
	outb(pic1Mask, 0xff)
	outb(pic2Mask, 0xff)
	lapicWrite(amd64.APICSpurious, amd64.APICSoftEnable|vectorSpurious)
	lapicWrite(amd64.APICTimerDivide, amd64.APICDivide1)
	lapicWrite(amd64.APICLVTTimer, amd64.APICTimerOneShot|vectorTimer)
}

// routeIRQ sends an ISA interrupt line, edge-triggered, to this CPU.
func routeIRQ(line uint32) {
	entry := amd64.Redirect(uint8(vectorIRQ+line), 0, 0)
	ioapicWrite(amd64.RedirectRegister(line)+1, uint32(entry>>32))
	ioapicWrite(amd64.RedirectRegister(line), uint32(entry))
}

func ioapicWrite(reg, v uint32) {
	mmioWrite32(deviceMap+ioapicBase+amd64.IOAPICSelect, reg)
	mmioWrite32(deviceMap+ioapicBase+amd64.IOAPICWindow, v)
}

func endOfInterrupt() { lapicWrite(amd64.APICEOI, 0) }
