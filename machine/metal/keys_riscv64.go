//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/ns16550"

// Keys come from the console's receiver.

// startKeys turns the console's input on.
func startKeys() {
	if console.at == 0 || tree.UART.IRQ == 0 {
		return
	}
	routeIRQ(tree.UART.IRQ)
	console.write(ns16550.Enable, ns16550.EnableReceived)
}

func receiveKeys() bool {
	got := false
	for console.read(ns16550.Status)&ns16550.StatusReceived != 0 {
		got = putKey(console.read(ns16550.Data)) || got
	}
	return got
}
