//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

// Local APIC and IOAPIC (SDM vol. 3A chapter 10; 82093AA data sheet), at the
// addresses that every PC and QEMU's microvm have.
const (
	lapicBase  = 0xfee00000
	ioapicBase = 0xfec00000

	lapicEOI      = 0x0b0
	lapicSpurious = 0x0f0
	lapicTimer    = 0x320
	lapicInitial  = 0x380
	lapicCount    = 0x390
	lapicDivide   = 0x3e0

	lapicEnable    = 1 << 8
	lapicMasked    = 1 << 16
	lapicDivideBy1 = 0b1011

	ioapicSelect = 0x00
	ioapicWindow = 0x10

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
	lapicWrite(lapicSpurious, lapicEnable|vectorSpurious)
	lapicWrite(lapicDivide, lapicDivideBy1)
	lapicWrite(lapicTimer, vectorTimer) // one-shot
}

// routeIRQ sends an ISA interrupt line, edge-triggered, to this CPU.
func routeIRQ(line uint32) {
	const redirection = 0x10
	ioapicWrite(redirection+2*line+1, 0) // destination: APIC id 0
	ioapicWrite(redirection+2*line, vectorIRQ+line)
}

func ioapicWrite(reg, v uint32) {
	mmioWrite32(deviceMap+ioapicBase+ioapicSelect, reg)
	mmioWrite32(deviceMap+ioapicBase+ioapicWindow, v)
}

func endOfInterrupt() { lapicWrite(lapicEOI, 0) }
