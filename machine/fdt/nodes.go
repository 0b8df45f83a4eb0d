// SPDX-License-Identifier: Apache-2.0

package fdt

import (
	"math/bits"

	"loam/machine/riscv64"
)

// node deals with a node that has ended, below up.
func (r *reader) node(n, up *node) Code {
	switch {
	case r.is(n.device, "cpu") && r.named(n.parent, "cpus"):
		return r.hart(n, up)
	case r.is(n.compatible, "riscv,cpu-intc"):
		up.controller = n.phandle
	case !r.enabled(n):
	case r.is(n.device, "memory"):
		return r.ranges(n, up, true)
	case r.named(n.parent, "reserved-memory"):
		return r.ranges(n, up, false)
	case !up.translated:
		return r.device(n, up)
	}
	return OK
}

// ranges adds all of a node's reg that has a size, to memory or to what is
// reserved of it.
func (r *reader) ranges(n, up *node, memory bool) Code {
	each := int(up.address+up.size) * 4
	if n.reg.Len == 0 && n.reg.At == 0 {
		return OK // reserved memory that wants to be placed
	}
	if each == 0 || int(n.reg.Len)%each != 0 {
		return BadProperty
	}
	for k := range int(n.reg.Len) / each {
		x, ok := r.regAt(n, up, k)
		if !ok {
			return BadProperty
		}
		switch {
		case x.Size == 0:
		case memory:
			r.info.addMemory(x)
		default:
			r.info.addReserved(x)
		}
	}
	return OK
}

// hart adds a hart.
func (r *reader) hart(n, up *node) Code {
	id, ok := Cells(n.reg.Of(r.blob), 0, int(min(up.address, 3)))
	if !ok {
		return BadProperty
	}
	h := Hart{ID: id, Enabled: r.enabled(n), controller: n.controller, ContextM: -1, ContextS: -1}
	switch {
	case r.is(n.mmu, "riscv,sv39"):
		h.Bits = 39
	case r.is(n.mmu, "riscv,sv48"):
		h.Bits = 48
	case r.is(n.mmu, "riscv,sv57"):
		h.Bits = 57
	}
	if isa := trim(r.blob, n.isa).Of(r.blob); len(isa) > 0 {
		h.ISA, _ = riscv64.ParseISA(isa)
	}
	for v := n.isas.Of(r.blob); len(v) > 0; {
		s, ok := Blob(v).text(0, uint64(len(v)))
		if !ok {
			break
		}
		h.ISA |= riscv64.Named(s)
		v = v[len(s)+1:]
	}
	add(r.info.Harts[:], &r.info.HartCount, h, &r.info.LeftOut)
	return OK
}

// device adds a device of a kind that the kernel knows.
func (r *reader) device(n, up *node) Code {
	c := n.compatible
	first, ok := r.regAt(n, up, 0)
	if !ok || c.Len == 0 {
		return OK
	}
	second, _ := r.regAt(n, up, 1)
	d := Device{Range: first, parent: n.interruptParent, Shift: uint8(min(n.shift, 8)), Width: 1, Clock: n.clock}
	if n.width == 2 || n.width == 4 {
		d.Width = uint8(n.width)
	}
	d.IRQ, _ = Cell(n.interrupts.Of(r.blob), 0)
	i := r.info
	switch {
	case r.is(c, "ns16550a"), r.is(c, "ns16550"), r.is(c, "snps,dw-apb-uart"):
		if i.UART.Size == 0 || r.isConsole(n) {
			i.UART = d
		}
	case r.is(c, "virtio,mmio"):
		add(i.Virtio[:], &i.VirtioCount, d, &i.LeftOut)
	case r.is(c, "sifive,test0"), r.is(c, "sifive,test1"):
		i.Test = first
	case r.is(c, "google,goldfish-rtc"):
		i.RTC = first
	case r.is(c, "riscv,plic0"), r.is(c, "sifive,plic-1.0.0"), r.is(c, "thead,c900-plic"):
		if r.plics++; r.plics == 1 {
			i.PLIC = PLIC{first, n.sources, n.phandle, n.interruptCells, 0}
			if n.hasAddress {
				i.PLIC.addressCells = n.address
			}
			r.control(controller{plic, n.extended, first, second})
		} else {
			i.LeftOut++
		}
	case r.is(c, "pci-host-ecam-generic"):
		return r.hostBridge(n, up, first)
	case r.is(c, "riscv,clint0"), r.is(c, "sifive,clint0"):
		r.control(controller{clint, n.extended, first, second})
	case r.is(c, "riscv,aclint-mswi"):
		r.control(controller{soft, n.extended, first, second})
	case r.is(c, "riscv,aclint-mtimer"):
		r.control(controller{timer, n.extended, first, second})
	}
	return OK
}

func (r *reader) control(c controller) { add(r.found[:], &r.controls, c, &r.info.LeftOut) }

// isConsole reports whether a node's name is the last one of stdout-path, but for
// its options. (/chosen comes before or behind: the first UART is a good guess.)
func (r *reader) isConsole(n *node) bool {
	path, name := r.info.console.Of(r.blob), n.name.Of(r.blob)
	end := 0
	for end < len(path) && path[end] != ':' {
		end++
	}
	start := end
	for start > 0 && path[start-1] != '/' {
		start--
	}
	return start < end && string(path[start:end]) == string(name)
}

// resolve tells the harts what the controllers have for them.
func (r *reader) resolve() Code {
	i := r.info
	if i.Initrd.Size < i.Initrd.Start {
		return BadProperty
	}
	i.Initrd.Size -= i.Initrd.Start // it was the end
	for k := range r.controls {
		c := &r.found[k%MaxDevices]
		v := c.extended.Of(r.blob)
		for at := 0; at+1 < len(v)/4; at += 2 {
			phandle, _ := Cell(v, at)
			cause, _ := Cell(v, at+1)
			h := i.hart(phandle)
			if h == nil {
				if phandle == 0 {
					return BadReference
				}
				continue // a hart that was left out, or is no CPU of ours
			}
			h.attach(c, uint64(at/2), cause)
		}
	}
	if r.controls == 0 {
		return OK
	}
	return i.check()
}

// attach notes what entry k of a controller is for the hart.
func (h *Hart) attach(c *controller, k uint64, cause uint32) {
	const clintCompare, clintTime = 0x4000, 0xbff8
	switch c.kind {
	case plic:
		switch cause {
		case supervisorExternal:
			h.ContextS = int32(k)
		case machineExternal:
			h.ContextM = int32(k)
		}
	case clint: // two entries a hart
		switch cause {
		case machineSoft:
			h.Soft = c.base.Start + 4*(k/2)
		case machineTimer:
			h.Compare, h.Time = c.base.Start+clintCompare+8*(k/2), c.base.Start+clintTime
		}
	case soft:
		h.Soft = c.base.Start + 4*k
	case timer:
		h.Compare, h.Time = c.second.Start+8*k, c.base.Start
	}
}

// check looks whether what harts were given lies where registers can be.
func (i *Info) check() Code {
	for k := range i.Harts[:min(i.HartCount, MaxHarts)] {
		h := &i.Harts[k]
		for _, at := range [...]uint64{h.Compare, h.Time} {
			if bits.TrailingZeros64(at) < 3 {
				return BadProperty
			}
		}
	}
	return OK
}
