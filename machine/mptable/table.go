// SPDX-License-Identifier: Apache-2.0

package mptable

import (
	"encoding/binary"

	"loam/machine/phys"
)

// Sizes of the lists of a Machine.
const (
	MaxCPUs    = 255 // all ids but that of all processors
	MaxIOAPICs = 8
	MaxRoutes  = 32
)

// All as the I/O APIC of a Route means each of them; as a local APIC's id it
// is no processor's.
const All = 0xff

// Types of entries, 4.3 table 4-3, and their sizes.
const (
	entryProcessor = 0
	entryBus       = 1
	entryIOAPIC    = 2
	entryInterrupt = 3
	entryLocal     = 4

	processorSize = 20
	otherSize     = 8
)

// Flags of entries and of the floating pointer.
const (
	flagEnabled  = 1 << 0 // processor and I/O APIC
	flagBoot     = 1 << 1 // processor
	interruptINT = 0      // type of an interrupt that the I/O APIC gives a vector
	featureIMCR  = 1 << 7 // feature byte 2
)

// CPU is a processor that can be started.
type CPU struct {
	APIC uint8 // local APIC id
	Boot bool  // the firmware started this one
}

// IOAPIC is an interrupt controller for devices.
type IOAPIC struct {
	Address uint64 // of its registers, physical
	ID      uint8
}

// Route says which input of which I/O APIC an ISA interrupt arrives at.
type Route struct {
	Source    uint8 // ISA interrupt
	IOAPIC    uint8 // ID, or All
	Input     uint8
	ActiveLow bool
	Level     bool // level-triggered, else edge-triggered
}

// Machine is what the table lists, in its order.
type Machine struct {
	LocalAPIC uint64 // physical address of the local APIC's registers
	IMCR      bool   // interrupts may be wired past the APICs: section 3.6.2.1

	CPUs       [MaxCPUs]CPU
	CPUCount   int
	IOAPICs    [MaxIOAPICs]IOAPIC
	IOCount    int
	Routes     [MaxRoutes]Route
	RouteCount int

	Duplicates int // processors listed again
	Disabled   int // processors that can't be started
	Dropped    int // entries beyond the size of a list, and malformed ones

	isa [256 / 64]uint64 // set of the buses that are ISA
}

// Find lists the processors and interrupt controllers that the table behind
// the floating pointer at physical address pointer describes. m is meaningful
// only if the code is OK.
func Find(mem phys.Window, pointer uint64, m *Machine) Code {
	*m = Machine{}
	p := mem.Bytes(pointer, pointerSize)
	if pointer == 0 || p == nil || !isPointer(p) {
		return NoPointer
	}
	pa := uint64(binary.LittleEndian.Uint32(p[4:]))
	if p[11] != 0 || pa == 0 {
		return NoTable
	}
	b, code := table(mem, pa)
	if code != OK {
		return code
	}
	m.IMCR = p[12]&featureIMCR != 0
	m.parse(b)
	return OK
}

// parse reads a table, whose header is there and has been checked.
func (m *Machine) parse(b []byte) {
	m.LocalAPIC = uint64(binary.LittleEndian.Uint32(b[36:]))
	b = b[headerSize:]
	for len(b) > 0 {
		n := otherSize
		if b[0] == entryProcessor {
			n = processorSize
		}
		if b[0] > entryLocal || n > len(b) {
			m.Dropped++ // no way to find the next entry
			return
		}
		m.entry(b[:n])
		b = b[n:]
	}
}

// entry adds one entry. Buses come before the interrupts that name them: the
// table is sorted by type (4.3).
func (m *Machine) entry(b []byte) {
	switch b[0] {
	case entryProcessor:
		m.addCPU(CPU{APIC: b[1], Boot: b[3]&flagBoot != 0}, b[3])
	case entryBus:
		if string(b[2:5]) == "ISA" || string(b[2:6]) == "EISA" {
			m.isa[b[1]/64] |= 1 << (b[1] % 64)
		}
	case entryIOAPIC:
		m.addIOAPIC(IOAPIC{uint64(binary.LittleEndian.Uint32(b[4:])), b[1]}, b[3])
	case entryInterrupt:
		if bus := b[4]; b[1] == interruptINT && m.isa[bus/64]>>(bus%64)&1 != 0 {
			m.addRoute(b)
		}
	}
}

func (m *Machine) addCPU(c CPU, flags byte) {
	if flags&flagEnabled == 0 {
		m.Disabled++
		return
	}
	for i := range m.CPUCount {
		if m.CPUs[i].APIC == c.APIC {
			m.Duplicates++
			return
		}
	}
	if m.CPUCount == MaxCPUs || c.APIC == All {
		m.Dropped++
		return
	}
	m.CPUs[m.CPUCount] = c
	m.CPUCount++
}

func (m *Machine) addIOAPIC(a IOAPIC, flags byte) {
	if flags&flagEnabled == 0 {
		return
	}
	if m.IOCount == MaxIOAPICs {
		m.Dropped++
		return
	}
	m.IOAPICs[m.IOCount] = a
	m.IOCount++
}

func (m *Machine) addRoute(b []byte) {
	if m.RouteCount == MaxRoutes {
		m.Dropped++
		return
	}
	// Polarity in bits 0-1, trigger in bits 2-3; "as the bus" means active
	// high and edge on ISA.
	flags := b[2]
	m.Routes[m.RouteCount] = Route{
		Source: b[5], IOAPIC: b[6], Input: b[7],
		ActiveLow: flags&3 == 3, Level: flags>>2&3 == 3,
	}
	m.RouteCount++
}
