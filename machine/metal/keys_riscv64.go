//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// Keys come from the console's receiver.

// startKeys turns the console's input on.
func startKeys() {
	if console.at == 0 || tree.UART.IRQ == 0 {
		return
	}
	routeIRQ(tree.UART.IRQ)
	console.write(uartIER, 1)
}

func receiveKeys() bool {
	got := false
	for console.read(uartStatus)&uartReceived != 0 {
		got = putKey(console.read(uartData)) || got
	}
	return got
}
