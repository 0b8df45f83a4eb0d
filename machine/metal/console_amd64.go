//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/ns16550"

// The console's serial port is COM1.

const (
	com1 = 0x3f8
	com2 = 0x2f8
)

var vga bool // the VGA console is live

func startSerial() {
	outb(com1+ns16550.Line, ns16550.LineDivisor)
	outb(com1+ns16550.DivisorL, 1) // 115200 baud
	outb(com1+ns16550.DivisorH, 0)
	outb(com1+ns16550.Line, ns16550.Line8N1)
	outb(com1+ns16550.FIFO, ns16550.FIFOOn|ns16550.FIFOReset)
	outb(com1+ns16550.Modem, ns16550.ModemReady|ns16550.ModemOut2)
}

// reopenSerial makes the port fit to be written to, whatever a driver did to it.
func reopenSerial() { outb(com1+ns16550.Line, ns16550.Line8N1) }

func serialPut(b byte) {
	for inb(com1+ns16550.Status)&ns16550.StatusEmpty == 0 {
	}
	outb(com1+ns16550.Data, b)
}

// startScreen turns the VGA console on, if there is one.
func startScreen() {
	if vga = hasVGA(); vga {
		vgaClear()
	}
}

// reopenScreen goes on where a driver's cursor is.
func reopenScreen() {
	if vga {
		vgaResume()
	}
}

func screenPut(b byte) {
	if vga {
		vgaPut(b)
	}
}

// logConsoles names the consoles.
func logConsoles() {
	puts("COM1")
	if vga {
		puts(", VGA text 80x25")
	}
}
