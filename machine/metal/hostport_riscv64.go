//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// The port of the host channel is a 16550 on PCI, both ways (pci_riscv64.go).

var hostPort uart

// startPort turns the receiver on; its FIFO interrupts at a trigger level.
func startPort(trigger uint8) {
	if hostPort.at == 0 {
		if bootMode {
			return
		}
		machineFatal("no port for the host channel: a serial port on PCI (QEMU: -device pci-serial)")
	}
	hostPort.start(trigger)
	routeIRQ(hostIRQ)
	hostPort.write(uartIER, 1)
}

// portWrite sends bytes, at least one.
func portWrite(p []byte) {
	if hostPort.at != 0 {
		portOut(hostPort.at+uartData, hostPort.at+uartStatus, &p[0], uint64(len(p)))
	}
}

func portReadable() bool { return hostPort.read(uartStatus)&uartReceived != 0 }
func portRead() byte     { return hostPort.read(uartData) }

// portInterrupts turns the receiver's interrupts on or off.
func portInterrupts(on bool) {
	if on {
		hostPort.write(uartIER, 1)
	} else {
		hostPort.write(uartIER, 0)
	}
}
