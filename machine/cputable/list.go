// SPDX-License-Identifier: Apache-2.0

package cputable

import (
	"loam/machine/acpi"
	"loam/machine/amd64"
	"loam/machine/mptable"
	"loam/machine/phys"
)

// MaxCPUs bounds the list, the processor that runs included.
const MaxCPUs = 64

// Source is where a List comes from.
type Source uint8

// The sources.
const (
	None Source = iota // no table: the processor that runs, default addresses
	ACPI               // ACPI's MADT
	MP                 // MP configuration table
)

// String names the source for the boot log.
func (s Source) String() string {
	switch s {
	case ACPI:
		return "ACPI"
	case MP:
		return "MP tables"
	}
	return "no table"
}

// List is what the machine has. The zero List is of no use: see Find.
type List struct {
	Source Source
	// Why the other sources do not count. A table that lists no processor is OK
	// and doesn't count either; one that wasn't looked for is not there.
	ACPICode acpi.Code
	MPCode   mptable.Code

	CPUs  [MaxCPUs]uint32 // ids of local APICs; the one that runs is the first
	Count int             // at least 1

	LocalAPIC  uint64 // physical address of the local APIC's registers
	IOAPIC     uint64 // physical address of the first I/O APIC's registers
	IOBase     uint32 // global interrupt number of its first input
	IOAPICs    int    // how many there are
	Legacy     bool   // there are 8259 controllers to mask (true if unknown)
	IMCR       bool   // section 3.6.2.1 of the MP specification applies
	Duplicates int    // processors that were listed again
	Disabled   int    // processors that firmware says can't be started
	TooMany    int    // processors beyond MaxCPUs
	Malformed  int    // entries that make no sense, or too many of another kind
	Unlisted   bool   // the table doesn't list the processor that runs

	routes     [acpi.MaxOverrides]acpi.Override
	routeCount int

	fromACPI acpi.Machine
	fromMP   mptable.Machine
}

// Find fills l. rsdp is the physical address of ACPI's root pointer from the
// loader, or 0; boot is the id of the local APIC of the processor that runs.
// Call it before memory below 1 MiB is used for anything else: MP tables lie
// there.
func Find(mem phys.Window, rsdp uint64, boot uint32, l *List) {
	*l = List{}
	l.CPUs[0], l.Count, l.Unlisted = boot, 1, true
	l.LocalAPIC, l.IOAPIC, l.Legacy = amd64.APICBaseDefault, amd64.IOAPICBaseDefault, true
	l.ACPICode, l.MPCode = acpi.NoRSDP, mptable.NoPointer
	switch l.Source = l.read(mem, rsdp); l.Source {
	case ACPI:
		l.takeACPI()
	case MP:
		l.takeMP()
	default:
		l.Unlisted = false
	}
}

// Route returns how the ISA interrupt irq arrives: its global number (input
// IOBase+n of the first I/O APIC is number IOBase+n) and how it signals.
func (l *List) Route(irq uint8) acpi.Override {
	for i := range l.routeCount {
		if l.routes[i].Source == irq {
			return l.routes[i]
		}
	}
	return acpi.Override{Source: irq, Interrupt: uint32(irq)}
}

// read fills fromACPI or fromMP from the first source that counts.
func (l *List) read(mem phys.Window, rsdp uint64) Source {
	if rsdp != 0 {
		if l.readACPI(mem, rsdp) {
			return ACPI
		}
	} else if pointer, code := mptable.ScanMemory(mem); code == mptable.OK && l.readMP(mem, pointer) {
		return MP
	}
	if found, code := acpi.Scan(mem); code == acpi.OK && l.readACPI(mem, found) {
		return ACPI
	}
	if pointer, code := mptable.Scan(mem); code == mptable.OK && l.readMP(mem, pointer) {
		return MP
	}
	return None
}

func (l *List) readACPI(mem phys.Window, rsdp uint64) bool {
	l.ACPICode = acpi.Find(mem, rsdp, &l.fromACPI)
	return l.ACPICode == acpi.OK && l.fromACPI.CPUCount > 0
}

func (l *List) readMP(mem phys.Window, pointer uint64) bool {
	l.MPCode = mptable.Find(mem, pointer, &l.fromMP)
	return l.MPCode == mptable.OK && l.fromMP.CPUCount > 0
}

func (l *List) takeACPI() {
	m := &l.fromACPI
	l.Duplicates, l.Disabled, l.Malformed = m.Duplicates, m.Disabled, m.Dropped
	l.Legacy = m.Legacy
	for i := range m.CPUCount {
		l.addCPU(m.CPUs[i].APIC)
	}
	l.setLocalAPIC(m.LocalAPIC)
	for i := range m.IOCount {
		l.addIOAPIC(m.IOAPICs[i].Address, m.IOAPICs[i].Base)
	}
	l.routes, l.routeCount = m.Overrides, m.OverCount
}

func (l *List) takeMP() {
	m := &l.fromMP
	l.Duplicates, l.Disabled, l.Malformed = m.Duplicates, m.Disabled, m.Dropped
	l.IMCR = m.IMCR
	for i := range m.CPUCount {
		l.addCPU(uint32(m.CPUs[i].APIC))
	}
	l.setLocalAPIC(m.LocalAPIC)
	id := uint8(mptable.All) // of the controller that was kept
	for i := range m.IOCount {
		l.addIOAPIC(m.IOAPICs[i].Address, 0)
		if l.IOAPICs == 1 && id == mptable.All {
			id = m.IOAPICs[i].ID
		}
	}
	for i := range m.RouteCount {
		r := &m.Routes[i]
		if r.IOAPIC != id && r.IOAPIC != mptable.All || l.routeCount == len(l.routes) {
			continue // an input of another controller has no number here
		}
		l.routes[l.routeCount] = acpi.Override{Source: r.Source, Interrupt: uint32(r.Input),
			ActiveLow: r.ActiveLow, Level: r.Level}
		l.routeCount++
	}
}

// addCPU adds a processor, of which no other has the same id.
func (l *List) addCPU(id uint32) {
	if id == l.CPUs[0] {
		l.Unlisted = false
		return
	}
	if l.Count == MaxCPUs {
		l.TooMany++
		return
	}
	l.CPUs[l.Count] = id
	l.Count++
}

// setLocalAPIC keeps the default if pa can't be the registers' page.
func (l *List) setLocalAPIC(pa uint64) {
	if pa == 0 || pa%4096 != 0 || pa&^amd64.PTEAddrMask != 0 {
		l.Malformed++
		return
	}
	l.LocalAPIC = pa
}

// addIOAPIC keeps the controller with the lowest interrupt numbers, the first
// of equal ones. Registers lie on a multiple of 1 KiB (82093AA, 3.0).
func (l *List) addIOAPIC(pa uint64, base uint32) {
	if pa == 0 || pa%1024 != 0 {
		l.Malformed++
		return
	}
	if l.IOAPICs == 0 || base < l.IOBase {
		l.IOAPIC, l.IOBase = pa, base
	}
	l.IOAPICs++
}
