// SPDX-License-Identifier: Apache-2.0

package cputable

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"

	"loam/machine/acpi"
	"loam/machine/mptable"
	"loam/machine/phys"
)

const (
	rsdpAt = 0xf3490 // as on QEMU's microvm
	rsdtAt = 0x40000
	madtAt = 0x41000
	mpAt   = 0x9fc00
)

var le = binary.LittleEndian

func u32(v uint32) []byte { return le.AppendUint32(nil, v) }

// seal makes the bytes of b sum to zero by the one at.
func seal(b []byte, at int) []byte {
	b[at] = 0
	var s byte
	for _, c := range b {
		s += c
	}
	b[at] = -s
	return b
}

func sdt(signature string, body ...[]byte) []byte {
	b := append(append([]byte(signature), make([]byte, 32)...), slices.Concat(body...)...)
	le.PutUint32(b[4:], uint32(len(b)))
	return seal(b, 9)
}

func lapic(id, flags byte) []byte        { return []byte{0, 8, id, id, flags, 0, 0, 0} }
func x2apic(id uint32) []byte            { return slices.Concat([]byte{9, 16, 0, 0}, u32(id), u32(1), u32(id)) }
func ioapic(pa, base uint32) []byte      { return slices.Concat([]byte{1, 12, 0, 0}, u32(pa), u32(base)) }
func override(irq, gsi, f byte) []byte   { return []byte{2, 10, 0, irq, gsi, 0, 0, 0, f, 0} }
func mpCPU(id, flags byte) []byte        { return append([]byte{0, id, 20, flags}, make([]byte, 16)...) }
func mpIOAPIC(id byte, pa uint32) []byte { return append([]byte{2, id, 17, 1}, u32(pa)...) }
func mpRoute(irq, apic, pin byte) []byte { return []byte{3, 0, 0, 0, 0, irq, apic, pin} }

var mpISA = []byte("\x01\x00ISA   ")

// madt is a table of entries with flag PCAT_COMPAT.
func madt(address uint32, entries ...[]byte) []byte {
	return sdt("APIC", u32(address), u32(1), slices.Concat(entries...))
}

// q35 is what QEMU 7.2 gives a q35 of n processors.
func q35(n byte) []byte {
	var e [][]byte
	for id := range n {
		e = append(e, lapic(id, 1))
	}
	return madt(0xfee00000, append(e, ioapic(0xfec00000, 0), override(0, 2, 0), override(5, 5, 0xd),
		override(9, 9, 0xd), override(10, 10, 0xd), override(11, 11, 0xd), []byte{4, 6, 255, 0, 0, 1})...)
}

func pcmp(address uint32, entries ...[]byte) []byte {
	b := append([]byte("PCMP"), make([]byte, 40)...)
	b = append(b, slices.Concat(entries...)...)
	le.PutUint16(b[4:], uint16(len(b)))
	le.PutUint32(b[36:], address)
	return seal(b, 7)
}

// qboot is what microvm's firmware makes for n processors.
func qboot(n byte) []byte {
	var e [][]byte
	for id := range n {
		e = append(e, mpCPU(id, 1))
	}
	e = append(e, mpISA, mpIOAPIC(n+1, 0xfec00000), mpRoute(0, n+1, 2), mpRoute(1, n+1, 1), mpRoute(4, n+1, 4))
	return pcmp(0xfee00000, e...)
}

// machine is memory with either kind of table, or both, or none.
func machine(t testing.TB, madt, pcmp []byte) phys.Window {
	mem := make([]byte, 1<<20)
	t.Cleanup(func() { runtime.KeepAlive(mem) })
	put(mem, madt, pcmp)
	return phys.WindowOf(mem)
}

func put(mem, madt, pcmp []byte) {
	if madt != nil {
		p := append([]byte("RSD PTR "), make([]byte, 12)...)
		le.PutUint32(p[16:], rsdtAt)
		copy(mem[rsdpAt:], seal(p, 8))
		copy(mem[rsdtAt:], sdt("RSDT", u32(madtAt)))
		copy(mem[madtAt:], madt)
	}
	if pcmp != nil {
		p := append([]byte("_MP_"), make([]byte, 12)...)
		le.PutUint32(p[4:], mpAt+16)
		p[8] = 1
		copy(mem[mpAt:], seal(p, 10))
		copy(mem[mpAt+16:], pcmp)
	}
}

func ids(l *List) []uint32 { return l.CPUs[:l.Count] }

func TestSources(t *testing.T) {
	bad := q35(4)
	bad[60]++
	badMP := qboot(3)
	badMP[60]++
	for _, c := range []struct {
		name       string
		madt, pcmp []byte
		rsdp       uint64
		source     Source
		text       string
		cpus       []uint32
		acpi       acpi.Code
		mp         mptable.Code
	}{
		{"ACPI from the loader", q35(4), nil, rsdpAt, ACPI, "ACPI", []uint32{0, 1, 2, 3}, acpi.OK, mptable.NoPointer},
		{"ACPI by search", q35(4), nil, 0, ACPI, "ACPI", []uint32{0, 1, 2, 3}, acpi.OK, mptable.NoPointer},
		{"ACPI though the loader errs", q35(2), nil, rsdpAt + 16, ACPI, "ACPI", []uint32{0, 1}, acpi.OK, mptable.NoPointer},
		{"both", q35(4), qboot(1), rsdpAt, ACPI, "ACPI", []uint32{0, 1, 2, 3}, acpi.OK, mptable.NoPointer},
		{"both, the loader knows none", q35(4), qboot(3), 0, MP, "MP tables", []uint32{0, 1, 2}, acpi.NoRSDP, mptable.OK},
		{"both, but MP is broken", q35(4), badMP, 0, ACPI, "ACPI", []uint32{0, 1, 2, 3}, acpi.OK, mptable.BadChecksum},
		{"MP", nil, qboot(3), 0, MP, "MP tables", []uint32{0, 1, 2}, acpi.NoRSDP, mptable.OK},
		{"MP, as ACPI is broken", bad, qboot(3), rsdpAt, MP, "MP tables", []uint32{0, 1, 2}, acpi.BadChecksum, mptable.OK},
		{"MP, as ACPI lists none", madt(0xfee00000, lapic(0, 0)), qboot(2), rsdpAt, MP, "MP tables", []uint32{0, 1}, acpi.OK, mptable.OK},
		{"none", nil, nil, 0, None, "no table", []uint32{0}, acpi.NoRSDP, mptable.NoPointer},
		{"both broken", bad, badMP, rsdpAt, None, "no table", []uint32{0}, acpi.BadChecksum, mptable.BadChecksum},
		{"both list none", madt(0), pcmp(0), rsdpAt, None, "no table", []uint32{0}, acpi.OK, mptable.OK},
	} {
		var l List
		Find(machine(t, c.madt, c.pcmp), c.rsdp, 0, &l)
		if l.Source != c.source || l.Source.String() != c.text || !slices.Equal(ids(&l), c.cpus) ||
			l.ACPICode != c.acpi || l.MPCode != c.mp {
			t.Errorf("%s: %v, %v, %v, %v", c.name, l.Source, ids(&l), l.ACPICode, l.MPCode)
		}
		if l.LocalAPIC != 0xfee00000 || l.IOAPIC != 0xfec00000 || l.IOBase != 0 || l.Unlisted || l.Malformed != 0 || !l.Legacy && c.source == None {
			t.Errorf("%s: %#x %#x %+v", c.name, l.LocalAPIC, l.IOAPIC, l.Unlisted)
		}
	}
}

// TestROM holds ACPI against MP tables in ROM, where they are second choice.
func TestROM(t *testing.T) {
	const at = 0xf5b90
	for _, c := range []struct {
		madt []byte
		want Source
	}{{q35(4), ACPI}, {nil, MP}} {
		b := make([]byte, 1<<20)
		t.Cleanup(func() { runtime.KeepAlive(b) })
		put(b, c.madt, nil)
		p := append([]byte("_MP_"), u32(at+16)...)
		copy(b[at:], seal(append(p, 1, 4, 0, 0, 0, 0, 0, 0), 10))
		copy(b[at+16:], qboot(1))
		var l List
		if Find(phys.WindowOf(b), 0, 0, &l); l.Source != c.want {
			t.Errorf("%v, want %v", l.Source, c.want)
		}
	}
}

func TestRoutes(t *testing.T) {
	var l List
	Find(machine(t, q35(2), nil), rsdpAt, 0, &l)
	for irq, want := range map[uint8]acpi.Override{
		0: {Source: 0, Interrupt: 2}, 4: {Source: 4, Interrupt: 4}, 9: {Source: 9, Interrupt: 9, ActiveLow: false, Level: true},
	} {
		if got := l.Route(irq); got != want {
			t.Errorf("ACPI, interrupt %d: %+v", irq, got)
		}
	}
	// The first usable controller is not the first in the table.
	Find(machine(t, nil, pcmp(0xfee00000, mpCPU(0, 3), mpISA, mpIOAPIC(6, 0xfec00010),
		mpIOAPIC(7, 0xfec01000), mpIOAPIC(8, 0xfec02000),
		mpRoute(3, 8, 9), mpRoute(3, 7, 10), mpRoute(4, 0xff, 11), mpRoute(5, 6, 12))), 0, 0, &l)
	for irq, want := range map[uint8]uint32{3: 10, 4: 11, 5: 5, 6: 6} {
		if got := l.Route(irq); got != (acpi.Override{Source: irq, Interrupt: want}) {
			t.Errorf("MP, interrupt %d: %+v", irq, got)
		}
	}
	if l.IOAPIC != 0xfec01000 || l.IOAPICs != 2 || l.Malformed != 1 {
		t.Errorf("%#x is the first of %d, %d malformed", l.IOAPIC, l.IOAPICs, l.Malformed)
	}
}

// TestProcessors checks what becomes of odd lists.
func TestProcessors(t *testing.T) {
	var many, manyMP [][]byte
	for id := range byte(100) {
		many, manyMP = append(many, lapic(id, 1)), append(manyMP, mpCPU(id, 1))
	}
	for _, c := range []struct {
		name       string
		madt, pcmp []byte
		boot       uint32
		first      []uint32
		want       List
	}{
		{"boot processor not the first", q35(4), nil, 2, []uint32{2, 0, 1, 3}, List{Count: 4}},
		{"the same, MP", nil, qboot(4), 3, []uint32{3, 0, 1, 2}, List{Count: 4}},
		{"boot processor not listed", q35(2), nil, 9, []uint32{9, 0, 1}, List{Count: 3, Unlisted: true}},
		{"disabled", madt(0xfee00000, lapic(0, 1), lapic(1, 0), lapic(2, 2), lapic(3, 1)), nil, 0,
			[]uint32{0, 3}, List{Count: 2, Disabled: 2}},
		{"disabled, MP", nil, pcmp(0xfee00000, mpCPU(0, 3), mpCPU(1, 0), mpCPU(2, 1)), 0,
			[]uint32{0, 2}, List{Count: 2, Disabled: 1}},
		{"twice", madt(0xfee00000, lapic(0, 1), lapic(1, 1), x2apic(1), x2apic(0x100)), nil, 0,
			[]uint32{0, 1, 0x100}, List{Count: 3, Duplicates: 1}},
		{"all of them", madt(0xfee00000, lapic(0, 1), lapic(0xff, 1), x2apic(^uint32(0))), nil, 0,
			[]uint32{0}, List{Count: 1, Malformed: 2}},
		{"all of them, MP", nil, pcmp(0xfee00000, mpCPU(0, 3), mpCPU(0xff, 1)), 0, []uint32{0}, List{Count: 1, Malformed: 1}},
		{"too many", madt(0xfee00000, many...), nil, 99, []uint32{99, 0, 1, 2}, List{Count: MaxCPUs, TooMany: 36}},
		{"too many, MP", nil, pcmp(0xfee00000, manyMP...), 0, []uint32{0, 1, 2}, List{Count: MaxCPUs, TooMany: 36}},
		{"local APIC nowhere", madt(0, lapic(0, 1)), nil, 0, []uint32{0}, List{Count: 1, Malformed: 1}},
		{"local APIC askew", nil, pcmp(0xfee00010, mpCPU(0, 3)), 0, []uint32{0}, List{Count: 1, Malformed: 1}},
		{"I/O APICs nowhere", madt(0xfee00000, lapic(0, 1), ioapic(0, 0), ioapic(0xfec00200, 0)), nil, 0,
			[]uint32{0}, List{Count: 1, Malformed: 2}},
	} {
		var l List
		Find(machine(t, c.madt, c.pcmp), 0, c.boot, &l)
		got := List{Count: l.Count, Unlisted: l.Unlisted, Disabled: l.Disabled, Duplicates: l.Duplicates,
			TooMany: l.TooMany, Malformed: l.Malformed}
		if got != c.want || !slices.Equal(l.CPUs[:len(c.first)], c.first) {
			t.Errorf("%s: %v of %d, unlisted %v, %d disabled, %d twice, %d too many, %d malformed", c.name,
				ids(&l), got.Count, got.Unlisted, got.Disabled, got.Duplicates, got.TooMany, got.Malformed)
		}
		if l.LocalAPIC != 0xfee00000 || l.IOAPIC != 0xfec00000 {
			t.Errorf("%s: controllers at %#x and %#x", c.name, l.LocalAPIC, l.IOAPIC)
		}
	}
}

// TestControllers checks that the controller of the first interrupts wins and
// that addresses are taken from the tables.
func TestControllers(t *testing.T) {
	var l List
	Find(machine(t, madt(0xfed00000, lapic(0, 1), ioapic(0xfec01000, 24), ioapic(0xfec04000, 0),
		ioapic(0xfec02000, 48)), nil), rsdpAt, 0, &l)
	if l.LocalAPIC != 0xfed00000 || l.IOAPIC != 0xfec04000 || l.IOBase != 0 || l.IOAPICs != 3 {
		t.Errorf("%#x, %#x, %d, %d", l.LocalAPIC, l.IOAPIC, l.IOBase, l.IOAPICs)
	}
}

func TestAllocatesNothing(t *testing.T) {
	var l List
	both, mp := machine(t, q35(4), qboot(4)), machine(t, nil, qboot(4))
	if n := testing.AllocsPerRun(10, func() { Find(both, 0, 0, &l); Find(mp, 0, 0, &l); l.Route(4) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzFind gives both parsers any tables that have the right checksum.
func FuzzFind(f *testing.F) {
	f.Add(q35(3)[36:], qboot(3)[44:], uint32(0))
	f.Fuzz(func(t *testing.T, body, entries []byte, boot uint32) {
		if len(body) > 1<<15 || len(entries) > 1<<15 {
			return
		}
		for _, mem := range []phys.Window{
			machine(t, sdt("APIC", body), nil), machine(t, nil, pcmp(0xfee00000, entries)),
		} {
			var l List
			Find(mem, rsdpAt, boot, &l)
			if l.Count < 1 || l.Count > MaxCPUs || l.CPUs[0] != boot {
				t.Fatalf("%d processors, the first is %d", l.Count, l.CPUs[0])
			}
			seen := make(map[uint32]bool)
			for _, id := range ids(&l) {
				if seen[id] || id == ^uint32(0) && id != boot {
					t.Fatalf("processor %#x", id)
				}
				seen[id] = true
			}
			if l.LocalAPIC%4096 != 0 || l.LocalAPIC == 0 || l.IOAPIC%1024 != 0 || l.IOAPIC == 0 {
				t.Fatalf("controllers at %#x and %#x", l.LocalAPIC, l.IOAPIC)
			}
		}
	})
}
