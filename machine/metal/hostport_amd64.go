//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/ns16550"

// The port of the host channel: out through the debug port, one string output
// instruction a piece; in through COM2.

const debugPort = 0xe9

// startPort turns the receiver on; its FIFO interrupts at a trigger level.
func startPort(trigger uint8) {
	const on = ns16550.FIFOOn | ns16550.FIFOReset
	outb(com2+ns16550.Line, ns16550.Line8N1)
	outb(com2+ns16550.FIFO, on|trigger)
	outb(com2+ns16550.Modem, ns16550.ModemReady|ns16550.ModemOut2)
	routeIRQ(irqCOM2) // before the edge that would be lost
	outb(com2+ns16550.Enable, ns16550.EnableReceived)
}

// portWrite sends bytes, at least one.
func portWrite(p []byte) { outs(debugPort, &p[0], uint64(len(p))) }

func portReadable() bool { return inb(com2+ns16550.Status)&ns16550.StatusReceived != 0 }
func portRead() byte     { return inb(com2 + ns16550.Data) }

// portInterrupts turns the receiver's interrupts on or off.
func portInterrupts(on bool) {
	if on {
		outb(com2+ns16550.Enable, ns16550.EnableReceived)
	} else {
		outb(com2+ns16550.Enable, 0)
	}
}
