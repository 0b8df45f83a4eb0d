//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/ns16550"

// Keys come from COM1's receiver and the PS/2 keyboard.

// startKeys turns the consoles' input on. The line comes first: an edge on one that
// is masked is lost (82093AA, 3.2.4), and a key may be waiting already.
func startKeys() {
	routeIRQ(irqCOM1)
	routeIRQ(irqKeyboard)
	outb(com1+ns16550.Enable, ns16550.EnableReceived)
}

func receiveKeys(vector uint32) bool {
	const ps2Data, ps2Status, ps2Full = 0x60, 0x64, 1
	got := false
	if vector == vectorIRQ+irqCOM1 {
		for inb(com1+ns16550.Status)&ns16550.StatusReceived != 0 {
			got = putKey(inb(com1+ns16550.Data)) || got
		}
		return got
	}
	for inb(ps2Status)&ps2Full != 0 {
		if b := scanCode(inb(ps2Data)); b != 0 {
			got = putKey(b) || got
		}
	}
	return got
}

var shifted, controlled bool

// Scan code set 1, as the controller translates it (IBM PS/2 technical
// reference): a US layout.
const (
	plainKeys = "\x00\x1b1234567890-=\b\tqwertyuiop[]\n\x00asdfghjkl;'`\x00\\zxcvbnm,./\x00*\x00 "
	shiftKeys = "\x00\x1b!@#$%^&*()_+\b\tQWERTYUIOP{}\n\x00ASDFGHJKL:\"~\x00|ZXCVBNM<>?\x00*\x00 "
)

func scanCode(code byte) byte {
	const leftShift, rightShift, control, released = 0x2a, 0x36, 0x1d, 0x80
	down := code&released == 0
	switch code &^ released {
	case leftShift, rightShift:
		shifted = down
		return 0
	case control:
		controlled = down
		return 0
	}
	if !down || int(code) >= len(plainKeys) {
		return 0
	}
	b := plainKeys[code]
	if shifted {
		b = shiftKeys[code]
	}
	if controlled {
		b &= 0x1f
	}
	return b
}
