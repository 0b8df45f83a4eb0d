// SPDX-License-Identifier: Apache-2.0

package acpi

import "encoding/binary"

// Sizes of the lists of a Machine.
const (
	MaxCPUs      = 256
	MaxIOAPICs   = 8
	MaxOverrides = 32
)

// Types of MADT entries that are read; the others are skipped.
const (
	entryLocalAPIC   = 0
	entryIOAPIC      = 1
	entryOverride    = 2
	entryAPICAddress = 5
	entryX2APIC      = 9
)

// Local APIC ids that mean all of them.
const (
	allAPIC   = 0xff
	allX2APIC = 0xffff_ffff
)

// MADT sizes and flags.
const (
	madtHeader  = 44
	flagPCAT    = 1 << 0 // there are two 8259 controllers to mask
	flagEnabled = 1 << 0
)

// CPU is a processor that can be started.
type CPU struct {
	APIC uint32 // local APIC id
	UID  uint32 // ACPI processor id
}

// IOAPIC is an interrupt controller for devices.
type IOAPIC struct {
	Address uint64 // of its registers, physical
	Base    uint32 // global interrupt number of its first input
	ID      uint8
}

// Override says that an ISA interrupt is not identity-mapped.
type Override struct {
	Source    uint8  // ISA interrupt
	Interrupt uint32 // global interrupt number
	ActiveLow bool
	Level     bool // level-triggered, else edge-triggered
}

// Machine is what the MADT lists, in its order.
type Machine struct {
	LocalAPIC uint64 // physical address of the local APIC's registers
	Legacy    bool   // there are 8259 controllers, which must be masked

	CPUs      [MaxCPUs]CPU
	CPUCount  int
	IOAPICs   [MaxIOAPICs]IOAPIC
	IOCount   int
	Overrides [MaxOverrides]Override
	OverCount int

	Duplicates int // processors listed again, as firmware does that lists both ways
	Disabled   int // processors that can't be started
	Dropped    int // entries beyond the size of a list, and malformed ones
}

// Route returns how the ISA interrupt irq arrives: its global number and how
// it signals.
func (m *Machine) Route(irq uint8) Override {
	for i := range m.OverCount {
		if m.Overrides[i].Source == irq {
			return m.Overrides[i]
		}
	}
	return Override{Source: irq, Interrupt: uint32(irq)}
}

// parse reads a MADT whose header has been checked.
func (m *Machine) parse(b []byte) Code {
	if len(b) < madtHeader {
		return BadLength
	}
	m.LocalAPIC = uint64(binary.LittleEndian.Uint32(b[36:]))
	m.Legacy = b[40]&flagPCAT != 0
	b = b[madtHeader:]
	for len(b) >= 2 {
		n := int(b[1])
		if n < 2 || n > len(b) {
			m.Dropped++ // no way to find the next entry
			return OK
		}
		m.entry(b[0], b[:n])
		b = b[n:]
	}
	return OK
}

func (m *Machine) entry(kind byte, b []byte) {
	le := binary.LittleEndian
	switch {
	case kind == entryLocalAPIC && len(b) >= 8:
		m.addCPU(CPU{APIC: uint32(b[3]), UID: uint32(b[2])}, le.Uint32(b[4:]), allAPIC)
	case kind == entryX2APIC && len(b) >= 16:
		m.addCPU(CPU{APIC: le.Uint32(b[4:]), UID: le.Uint32(b[12:])}, le.Uint32(b[8:]), allX2APIC)
	case kind == entryIOAPIC && len(b) >= 12:
		if m.IOCount == MaxIOAPICs {
			m.Dropped++
			return
		}
		m.IOAPICs[m.IOCount] = IOAPIC{uint64(le.Uint32(b[4:])), le.Uint32(b[8:]), b[2]}
		m.IOCount++
	case kind == entryOverride && len(b) >= 10:
		m.addOverride(b[3], le.Uint32(b[4:]), le.Uint16(b[8:]))
	case kind == entryAPICAddress && len(b) >= 12:
		m.LocalAPIC = le.Uint64(b[4:])
	case kind <= entryOverride || kind == entryAPICAddress || kind == entryX2APIC:
		m.Dropped++ // too short for its type
	}
}

// addCPU adds a processor once; firmware may list one both ways. all is the id
// that means every processor: nobody may start that.
func (m *Machine) addCPU(c CPU, flags, all uint32) {
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
	if m.CPUCount == MaxCPUs || c.APIC == all {
		m.Dropped++
		return
	}
	m.CPUs[m.CPUCount] = c
	m.CPUCount++
}

func (m *Machine) addOverride(source byte, gsi uint32, flags uint16) {
	if m.OverCount == MaxOverrides {
		m.Dropped++
		return
	}
	// Polarity in bits 0-1, trigger in bits 2-3; "as the bus" means active
	// high and edge on ISA.
	m.Overrides[m.OverCount] = Override{
		Source: source, Interrupt: gsi,
		ActiveLow: flags&3 == 3, Level: flags>>2&3 == 3,
	}
	m.OverCount++
}
