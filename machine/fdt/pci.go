// SPDX-License-Identifier: Apache-2.0

package fdt

// PCI is a host bridge whose configuration space lies in memory ("ECAM";
// Documentation/devicetree/bindings/pci/host-generic-pci.yaml). Without one its
// size is 0.
type PCI struct {
	Range           // configuration space, 1 MiB for each bus from FirstBus on
	FirstBus uint8  // bus-range
	LastBus  uint8  // at most as many as configuration space has room for
	IO       Window // I/O ports
	Memory   Window // registers in memory below 4 GiB, without prefetching
	routes   Span   // interrupt-map: rows of cells
	mask     [4]uint32
}

// Window is a part of the bus's addresses that processors reach by physical ones.
type Window struct {
	Bus  uint64 // address on the bus: what a base address register is set to
	CPU  uint64 // the physical address that leads there
	Size uint64 // bytes; 0: none
}

// Cells of a PCI address and what its first says (IEEE 1275 PCI bus binding 2.1,
// section 2.2.1).
const (
	pciAddress = 3 // cells
	pciPin     = 1
	pciSize    = 2

	pciSpace    = 3 << 24
	pciIO       = 1 << 24
	pciMemory32 = 2 << 24
	pciPrefetch = 1 << 30

	pciBusShift, pciDeviceShift, pciFunctionShift = 16, 11, 8

	busBytes = 1 << 20 // of configuration space
)

// hostBridge notes a host bridge, the first that there is.
func (r *reader) hostBridge(n, up *node, ecam Range) Code {
	i := r.info
	if i.PCI.Size != 0 {
		i.LeftOut++
		return OK
	}
	address, size := r.cells(n)
	if address != pciAddress || size != pciSize || ecam.Size < busBytes {
		return BadProperty
	}
	p := PCI{Range: ecam, LastBus: 255, routes: n.value(routes)}
	if v := n.value(buses).Of(r.blob); len(v) > 0 {
		first, _ := Cell(v, 0)
		last, ok := Cell(v, 1)
		if !ok || len(v) != 8 || first > last || last > 255 {
			return BadProperty
		}
		p.FirstBus, p.LastBus = uint8(first), uint8(last)
	}
	p.LastBus = uint8(min(uint64(p.LastBus), uint64(p.FirstBus)+ecam.Size/busBytes-1))
	for k := range p.mask {
		p.mask[k], _ = Cell(n.value(routeMask).Of(r.blob), k)
	}
	parent, _ := r.cells(up)
	if code := p.windows(n.value(ranges).Of(r.blob), parent); code != OK {
		return code
	}
	i.PCI = p
	return OK
}

// windows reads ranges: rows of an address on the bus, one of the parent, a size.
func (p *PCI) windows(v []byte, parent uint32) Code {
	if parent == 0 || parent > 2 {
		return BadProperty
	}
	row := pciAddress + int(parent) + pciSize
	if len(v)%(4*row) != 0 {
		return BadProperty
	}
	for at := 0; at < len(v)/4; at += row {
		kind, _ := Cell(v, at)
		var w Window
		w.Bus, _ = Cells(v, at+1, pciAddress-1)
		w.CPU, _ = Cells(v, at+pciAddress, int(parent))
		w.Size, _ = Cells(v, at+pciAddress+int(parent), pciSize)
		if w.Bus+w.Size < w.Bus || w.CPU+w.Size < w.CPU {
			return BadProperty
		}
		switch {
		case kind&pciSpace == pciIO && p.IO.Size == 0:
			p.IO = w
		case kind&pciSpace == pciMemory32 && kind&pciPrefetch == 0 && p.Memory.Size == 0:
			p.Memory = w
		}
	}
	return OK
}

// PCIRoute returns the interrupt of the PLIC to which a pin (1: INTA, to 4: INTD) of
// a device's function on a bus leads; 0: none. b is the blob that info was read from.
func (i *Info) PCIRoute(b Blob, bus, device, function, pin uint8) uint32 {
	const widest = 3 // cells of what other controllers want; how long their rows are isn't known
	p, c := &i.PCI, &i.PLIC
	if c.interruptCells == 0 || c.interruptCells > widest || c.addressCells > widest {
		return 0
	}
	unit := uint32(bus)<<pciBusShift | uint32(device&31)<<pciDeviceShift | uint32(function&7)<<pciFunctionShift
	// A row: an address and a pin, the controller, an address there, the interrupt.
	const controller = pciAddress + pciPin
	interrupt := controller + 1 + int(c.addressCells)
	row := interrupt + int(c.interruptCells)
	v := p.routes.Of(b)
	for at := 0; at+row <= len(v)/4; at += row {
		first, _ := Cell(v, at)
		which, _ := Cell(v, at+pciAddress)
		to, _ := Cell(v, at+controller)
		irq, _ := Cell(v, at+interrupt)
		switch {
		case to != c.phandle:
			return 0
		case (first^unit)&p.mask[0] == 0 && (which^uint32(pin))&p.mask[3] == 0 && irq <= c.Sources:
			return irq
		}
	}
	return 0
}
