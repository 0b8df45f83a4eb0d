// SPDX-License-Identifier: Apache-2.0

package fdt

import "testing"

// bridge is the host bridge of QEMU's virt, with interrupts 32 to 35 of the PLIC,
// whose phandle is 9; what is given replaces properties of the same name.
func bridge(instead ...prop) *tree {
	var routes []uint32
	for device := range uint32(4) {
		for pin := range uint32(4) {
			routes = append(routes, device<<11, 0, 0, pin+1, 9, 32+(device+pin)%4)
		}
	}
	t := n("pci@30000000", text("compatible", "pci-host-ecam-generic"), text("device_type", "pci"),
		cells("#address-cells", 3), cells("#size-cells", 2), cells("#interrupt-cells", 1),
		cells("reg", 0, 0x30000000, 0, 0x10000000), cells("bus-range", 0, 255),
		cells("ranges", 0x1000000, 0, 0, 0, 0x3000000, 0, 0x10000,
			0x42000000, 0, 0x30000000, 0, 0x30000000, 0, 0x10000000, // prefetching
			0x2000000, 0, 0x40000000, 0, 0x40000000, 0, 0x40000000,
			0x3000000, 4, 0, 4, 0, 4, 0),
		cells("interrupt-map-mask", 0x1800, 0, 0, 7), cells("interrupt-map", routes...))
	for _, p := range instead {
		for k := range t.props {
			if t.props[k].name == p.name {
				t.props[k] = p
			}
		}
	}
	return t
}

// soc is a machine with such a bridge and a PLIC behind it.
func soc(b *tree, plic ...any) Blob {
	plic = append(plic, text("compatible", "riscv,plic0"), cells("reg", 0, 0xc000000, 0, 0x600000), cells("phandle", 9),
		cells("riscv,ndev", 96))
	return blob(n("", cells("#address-cells", 2), cells("#size-cells", 2), b, n("plic", plic...)))
}

func TestPCI(t *testing.T) {
	b := blob(virt())
	var i Info
	if code := Read(b, &i); code != OK {
		t.Fatal(code)
	}
	p := i.PCI
	if p.Range != (Range{0x30000000, 0x10000000}) || p.FirstBus != 0 || p.LastBus != 255 ||
		p.IO != (Window{0, 0x3000000, 0x10000}) || p.Memory != (Window{0x40000000, 0x40000000, 0x40000000}) {
		t.Errorf("%+v", p)
	}
	for device := range uint8(32) {
		for pin := uint8(1); pin <= 4; pin++ {
			want := uint32(32 + (device+pin-1)%4)
			if got := i.PCIRoute(b, 0, device, device%8, pin); got != want {
				t.Errorf("device %d, pin %d: %d, want %d", device, pin, got, want)
			}
		}
		if got := i.PCIRoute(b, 0, device, 0, 0); got != 0 {
			t.Errorf("no pin: %d", got)
		}
	}
	if got := new(Info).PCIRoute(b, 0, 0, 0, 1); got != 0 {
		t.Errorf("no bridge: %d", got)
	}
}

// TestPCIRoutes: rows as controllers of other shapes have them.
func TestPCIRoutes(t *testing.T) {
	rows := cells("interrupt-map", 0x10000, 0, 0, 1, 9, 77, 50, 4, 0x20800, 0, 0, 2, 9, 77, 97, 4, 0x20800, 0, 0, 2, 9, 77, 51, 4,
		0, 0, 0, 1, 8, 77, 52, 4, 0x30000, 0, 0, 1, 9, 77, 53, 4)
	mask := cells("interrupt-map-mask", 0xffff00, 0, 0, 7)
	wide := []any{cells("#interrupt-cells", 2), cells("#address-cells", 1)}
	for name, c := range map[string]struct {
		b           Blob
		bus, device uint8
		pin         uint8
		want        uint32
	}{
		"the first row":             {soc(bridge(rows, mask), wide...), 1, 0, 1, 50},
		"not beyond the sources":    {soc(bridge(rows, mask), wide...), 2, 1, 2, 51},
		"another device":            {soc(bridge(rows, mask), wide...), 2, 2, 2, 0},
		"behind a row of another's": {soc(bridge(rows, mask), wide...), 3, 0, 1, 0},
		"cells that aren't given":   {soc(bridge(rows, mask)), 1, 0, 1, 0},
		"too many cells":            {soc(bridge(rows, mask), cells("#interrupt-cells", 1<<31), cells("#address-cells", 1)), 1, 0, 1, 0},
		"a cut row":                 {soc(bridge(cells("interrupt-map", 0, 0, 0, 1, 9, 77, 50), mask), wide...), 0, 0, 1, 0},
		"no rows":                   {soc(bridge(cells("interrupt-map"), mask), wide...), 0, 0, 1, 0},
	} {
		var i Info
		if code := Read(c.b, &i); code != OK {
			t.Errorf("%s: %v", name, code)
		}
		if got := i.PCIRoute(c.b, c.bus, c.device, 0, c.pin); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestBadPCI: a bridge that can't be is refused, and one with less space has fewer
// buses.
func TestBadPCI(t *testing.T) {
	for name, c := range map[string]struct {
		instead prop
		want    Code
	}{
		"addresses of two cells":       {cells("#address-cells", 2), BadProperty},
		"sizes of one cell":            {cells("#size-cells", 1), BadProperty},
		"no bus at all":                {cells("reg", 0, 0x30000000, 0, 0xfffff), BadProperty},
		"buses in the wrong order":     {cells("bus-range", 3, 2), BadProperty},
		"a bus too many":               {cells("bus-range", 0, 256), BadProperty},
		"half a range of buses":        {cells("bus-range", 0), BadProperty},
		"a range that is cut":          {cells("ranges", 0x1000000, 0, 0, 0, 0x3000000, 0), BadProperty},
		"physical addresses that wrap": {cells("ranges", 0x1000000, 0, 0, ^uint32(0), ^uint32(0), 0, 2), BadProperty},
		"addresses on the bus that do": {cells("ranges", 0x2000000, ^uint32(0), ^uint32(0), 0, 0, 0, 2), BadProperty},
		"no ranges":                    {cells("ranges"), OK},
	} {
		var i Info
		if code := Read(soc(bridge(c.instead)), &i); code != c.want || code != OK && i.PCI != (PCI{}) {
			t.Errorf("%s: %v, want %v", name, code, c.want)
		}
	}
	var i Info
	if code := Read(soc(bridge(cells("reg", 0, 0x30000000, 0, 0x2fffff))), &i); code != OK || i.PCI.LastBus != 1 {
		t.Errorf("%v, %+v", code, i.PCI)
	}
	if code := Read(soc(n("two", cells("#address-cells", 2), cells("#size-cells", 2), prop{"ranges", nil}, bridge(), bridge())), &i); code != OK || i.LeftOut != 1 {
		t.Errorf("two bridges: %v, %d left out", code, i.LeftOut)
	}
}
