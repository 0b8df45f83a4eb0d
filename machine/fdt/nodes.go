// SPDX-License-Identifier: Apache-2.0

package fdt

import (
	"math/bits"

	"loam/machine/ns16550"
	"loam/machine/riscv64"
)

// node deals with a node that has ended, below up.
func (r *reader) node(n, up *node) Code {
	if n.has>>deviceType&1 != 0 && r.is(n, deviceType, "cpu") && r.named(up.name, "cpus") {
		return r.hart(n, up)
	}
	kind := unknown
	if n.has>>compatible&1 != 0 {
		kind = deviceOf(n.value(compatible).Of(r.blob))
	}
	switch {
	case kind == hartInterrupts:
		up.controller = r.number(n, phandle, 0)
	case n.has>>reg&1 == 0 || !r.enabled(n):
	case r.is(n, deviceType, "memory"):
		return r.ranges(n, up, true)
	case r.named(up.name, "reserved-memory"):
		return r.ranges(n, up, false)
	case !up.translated && kind != unknown:
		return r.device(kind, n, up)
	}
	return OK
}

// ranges adds all of a node's reg that has a size, to memory or to what is
// reserved of it.
func (r *reader) ranges(n, up *node, memory bool) Code {
	address, size := r.cells(up)
	each := int(address+size) * 4
	length := int(n.value(reg).Len)
	if each == 0 || length%each != 0 {
		return BadProperty
	}
	for k := range length / each {
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
	cells, _ := r.cells(up)
	id, ok := Cells(n.value(reg).Of(r.blob), 0, int(min(cells, 3)))
	if !ok {
		return BadProperty
	}
	// Field by field: a literal would be copied from a constant without a name, which
	// the image step can't let machine mode use.
	var h Hart
	h.ID, h.Enabled, h.controller = id, r.enabled(n), n.controller
	h.ContextM, h.ContextS = -1, -1
	switch {
	case r.is(n, mmu, "riscv,sv39"):
		h.Bits = 39
	case r.is(n, mmu, "riscv,sv48"):
		h.Bits = 48
	case r.is(n, mmu, "riscv,sv57"):
		h.Bits = 57
	}
	h.ISA = r.isa(trim(r.blob, n.value(isa)))
	for v := n.value(isas).Of(r.blob); len(v) > 0; {
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

// isa reads an ISA string. Mostly all harts have the same.
func (r *reader) isa(s Span) riscv64.ISA {
	text := s.Of(r.blob)
	if string(text) != string(r.lastISA.Of(r.blob)) {
		r.lastISA = s
		r.lastSet, _ = riscv64.ParseISA(text)
	}
	return r.lastSet
}

// device adds a device.
func (r *reader) device(kind device, n, up *node) Code {
	first, ok := r.regAt(n, up, 0)
	if !ok {
		return OK
	}
	i := r.info
	switch kind {
	case uart:
		if i.UART.Size == 0 || r.isConsole(n) {
			i.UART = r.registers(n, first)
		}
		if i.UART.Size < ns16550.Registers<<i.UART.Shift {
			return BadDevice
		}
	case uartSiFive:
		if i.Other.Size == 0 {
			i.Other = first
		}
	case virtio:
		add(i.Virtio[:], &i.VirtioCount, r.registers(n, first), &i.LeftOut)
	case finisher:
		i.Test = first
	case goldfish:
		i.RTC = first
	case pciHost:
		return r.hostBridge(n, up, first)
	default:
		r.interrupts(kind, n, up, first)
	}
	return OK
}

// interrupts adds a device that has interrupts for harts.
func (r *reader) interrupts(kind device, n, up *node, first Range) {
	second, _ := r.regAt(n, up, 1)
	c := controller{extended: n.value(extended), base: first, second: second}
	switch kind {
	case interruptsPLIC:
		if r.plics++; r.plics > 1 {
			r.info.LeftOut++
			return
		}
		r.info.PLIC = PLIC{first, r.number(n, sources, 0), r.number(n, phandle, 0),
			r.number(n, interruptCells, 0), r.number(n, addressCells, 0)}
		c.kind = plic
	case timerCLINT:
		c.kind = clint
	case softACLINT:
		c.kind = soft
	case timerACLINT:
		c.kind = timer
	}
	r.control(c)
}

// registers returns a device with what its node says of its registers.
func (r *reader) registers(n *node, at Range) Device {
	d := Device{Range: at, parent: n.interruptParent, Width: 1, Clock: r.number(n, clockFrequency, 0)}
	d.Shift = uint8(min(r.number(n, regShift, 0), 8))
	if width := r.number(n, regWidth, 0); width == 2 || width == 4 {
		d.Width = uint8(width)
	}
	d.IRQ, _ = Cell(n.value(interrupts).Of(r.blob), 0)
	return d
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
		return BadInitrd
	}
	i.Initrd.Size -= i.Initrd.Start // it was the end
	for k := range r.controls {     // at most MaxDevices
		c := &r.found[k%MaxDevices]
		v := c.extended.Of(r.blob)
		for at := 0; at+1 < len(v)/4; at += 2 {
			phandle, _ := Cell(v, at)
			cause, _ := Cell(v, at+1)
			h := r.hartOf(phandle)
			if h == nil {
				if phandle == 0 {
					return BadReference
				}
				continue // a hart that was left out, or is no CPU of ours
			}
			h.attach(c, uint64(at/2), cause)
		}
	}
	if code := i.checkDevices(); code != OK || r.controls == 0 {
		return code
	}
	return i.check()
}

// hartOf returns the hart whose own interrupt controller has a phandle, or nil. It
// looks around the one that it found last: controllers have harts in their order.
func (r *reader) hartOf(phandle uint32) *Hart {
	n := min(r.info.HartCount, MaxHarts)
	if phandle == 0 {
		return nil
	}
	for d := range n {
		k := r.lastHart + d
		if k >= n {
			k -= n
		}
		if h := &r.info.Harts[k%MaxHarts]; h.controller == phandle {
			r.lastHart = k
			return h
		}
	}
	return nil
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

// checkDevices looks whether a device lies in memory: who writes to its registers
// writes to what is somebody else's, and who waits for it waits for ever.
func (i *Info) checkDevices() Code {
	for _, r := range [...]Range{i.UART.Range, i.PLIC.Range, i.PCI.Range, {i.PCI.IO.CPU, i.PCI.IO.Size}, i.Other, i.Test, i.RTC} {
		if i.anyMemory(r) {
			return BadDevice
		}
	}
	for k := range i.Harts[:min(i.HartCount, MaxHarts)] {
		h := &i.Harts[k]
		for _, at := range [...]uint64{h.Soft, h.Compare, h.Time} {
			if at != 0 && i.anyMemory(Range{at, 1}) {
				return BadDevice
			}
		}
	}
	return OK
}
