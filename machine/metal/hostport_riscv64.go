//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/bootinfo"
	"loam/machine/ns16550"
)

// The port of the host channel is a 16550 on PCI, both ways (pci_riscv64.go).

var hostPort uart

// hostRegisters is where its registers are; empty without one.
var hostRegisters bootinfo.Range

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
	hostPort.write(ns16550.Enable, ns16550.EnableReceived)
}

// portWrite sends bytes, at least one.
func portWrite(p []byte) {
	if hostPort.at != 0 {
		portOut(hostPort.at+ns16550.Data, hostPort.at+ns16550.Status, &p[0], uint64(len(p)))
	}
}

func portReadable() bool { return hostPort.read(ns16550.Status)&ns16550.StatusReceived != 0 }
func portRead() byte     { return hostPort.read(ns16550.Data) }

// portInterrupts turns the receiver's interrupts on or off.
func portInterrupts(on bool) {
	if on {
		hostPort.write(ns16550.Enable, ns16550.EnableReceived)
	} else {
		hostPort.write(ns16550.Enable, 0)
	}
}
