//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/fdt"
	"loam/machine/pci"
)

// The host channel's port is the first serial port on the first bus of the PCI host
// bridge. No firmware has given it an address: that is done here, before the kernel
// has its own tables, through the early direct map.

const portRegisters = 8 // bytes of a 16550

// findPort looks for the port and leaves its physical address, in the early direct
// map, in hostPort.
func findPort() {
	p := &tree.PCI
	if p.Size < pci.BusBytes || p.Start >= earlyMapped-pci.BusBytes || p.IO.CPU >= earlyMapped {
		return
	}
	for device := range uint8(pci.Devices) {
		at := uintptr(earlyDirect + p.Start + pci.At(0, device, 0, 0))
		if id := mmioRead32(at + pci.ID); pci.Vendor(id) == pci.NoVendor {
			continue
		}
		if pci.ClassOf(mmioRead32(at+pci.Class)) == pci.ClassSerial && enablePort(at, device, p) {
			return
		}
	}
}

// enablePort gives a serial port its I/O ports and turns it on.
func enablePort(at uintptr, device uint8, p *fdt.PCI) bool {
	mmioWrite32(at+pci.Base, pci.Probe)
	need, ok := pci.Decode(mmioRead32(at+pci.Base), 0)
	if !ok || need.Kind != pci.Ports || need.Size < portRegisters {
		return false
	}
	ports := pci.Space{Next: p.IO.Bus, End: p.IO.Bus + p.IO.Size}
	port, ok := ports.Place(need.Size)
	if !ok {
		return false
	}
	mmioWrite32(at+pci.Base, uint32(port))
	mmioWrite32(at+pci.Command, pci.CommandIO)
	hostIRQ = tree.PCIRoute(blob(), p.FirstBus, device, 0, pci.Pin(mmioRead32(at+pci.Interrupt)))
	hostPort = uart{at: uintptr(earlyDirect + p.IO.CPU + (port - p.IO.Bus))}
	return true
}
