//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// The console's serial port is COM1.

const (
	com1 = 0x3f8
	com2 = 0x2f8
)

var vga bool // the VGA console is live

func startSerial() {
	outb(com1+uartLine, 0x80) // divisor latch
	outb(com1+uartData, 1)    // 115200 baud
	outb(com1+uartIER, 0)
	outb(com1+uartLine, 0x03) // 8 bits, no parity, 1 stop bit
	outb(com1+uartFIFO, 0x07)
	outb(com1+uartModem, 0x0b)
}

func serialPut(b byte) {
	for inb(com1+uartStatus)&uartSendEmpty == 0 {
	}
	outb(com1+uartData, b)
}

// startScreen turns the VGA console on, if there is one.
func startScreen() {
	if vga = hasVGA(); vga {
		vgaClear()
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
