//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// The port of the host channel: out through the debug port, one string output
// instruction a piece; in through COM2.

const debugPort = 0xe9

// startPort turns the receiver on; its FIFO interrupts at a trigger level.
func startPort(trigger uint8) {
	const on = 0x07
	outb(com2+uartLine, 0x03)
	outb(com2+uartFIFO, on|trigger)
	outb(com2+uartModem, 0x0b)
	routeIRQ(irqCOM2) // before the edge that would be lost
	outb(com2+uartIER, 1)
}

// portWrite sends bytes, at least one.
func portWrite(p []byte) { outs(debugPort, &p[0], uint64(len(p))) }

func portReadable() bool { return inb(com2+uartStatus)&uartReceived != 0 }
func portRead() byte     { return inb(com2 + uartData) }

// portInterrupts turns the receiver's interrupts on or off.
func portInterrupts(on bool) {
	if on {
		outb(com2+uartIER, 1)
	} else {
		outb(com2+uartIER, 0)
	}
}
