//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/claim"
)

// Lines on amd64 are inputs of the first I/O APIC. One that fires by level is masked
// when it has fired, before the end of interrupt; one that fires by edges is left:
// an edge while it is masked would be lost (82093AA, 3.2.4).

// mostLines is more than the number of any line.
const mostLines = inputs

func hasLine(number uint32) bool {
	machineLock.Lock()
	n := amd64.IOAPICInputs(ioapicRead(amd64.IOAPICVersion))
	machineLock.Unlock()
	return number < n
}

// flags are those of the redirection entry.
func (l *line) flags() (f uint64) {
	if l.level {
		f |= amd64.RedirectLevel
	}
	if l.low {
		f |= amd64.RedirectLow
	}
	return f
}

func unmask(l *line) {
	if !l.on {
		l.on = true
		redirect(l.number-1, l.flags())
	}
}

func mask(l *line) {
	l.on = false
	redirect(l.number-1, l.flags()|amd64.RedirectMasked)
}

// fired is for a line whose interrupt has come.
func fired(l *line) {
	if l.level && l.on {
		l.on = false
		input := l.number - 1
		ioapicWrite(amd64.RedirectRegister(input), uint32(vectorOf(input))|uint32(l.flags())|amd64.RedirectMasked)
	}
}

// Ports is how many I/O ports there are.
const Ports = 1 << 16

// Ports that the kernel uses itself: the legacy interrupt controllers, which are to stay
// masked, the host channel, the emulator's exit device, and the console.
var (
	ownPorts    = [...]claim.Range{{First: 0x20, Count: 2}, {First: 0xa0, Count: 2}, {First: com2, Count: 8}, {First: debugPort, Count: 1}, {First: exitPort, Count: 4}, {First: com1, Count: 8}}
	serialPorts = [...]claim.Range{{First: com1, Count: 8}}
	screenPorts = [...]claim.Range{{First: 0x3c0, Count: 0x20}}
)

// OwnPorts are the ports that no program gets: in boot mode the console is not among
// them, see YieldConsoles.
func OwnPorts() []claim.Range {
	if bootMode {
		return ownPorts[:len(ownPorts)-1]
	}
	return ownPorts[:]
}

// ConsolesAt are the consoles that have some of a range of ports.
func ConsolesAt(r claim.Range) (c Consoles) {
	if claim.Any(serialPorts[:], r) {
		c |= ConsoleSerial
	}
	if claim.Any(screenPorts[:], r) {
		c |= ConsoleScreen
	}
	return c
}

// PortRead reads a port of a width of 1, 2 or 4 bytes.
func PortRead(port uint16, width uint8) uint32 {
	switch width {
	case 1:
		return uint32(inb(port))
	case 2:
		return uint32(inw(port))
	}
	return inl(port)
}

// PortWrite writes a port likewise.
func PortWrite(port uint16, width uint8, v uint32) {
	switch width {
	case 1:
		outb(port, uint8(v))
	case 2:
		outw(port, uint16(v))
	default:
		outl(port, v)
	}
}
