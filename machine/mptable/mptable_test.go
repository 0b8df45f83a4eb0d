// SPDX-License-Identifier: Apache-2.0

package mptable

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"

	"loam/machine/phys"
)

func window(t testing.TB, b []byte) phys.Window {
	t.Cleanup(func() { runtime.KeepAlive(b) })
	return phys.WindowOf(b)
}

// pointer is a floating pointer to a table at pa.
func pointer(pa uint32) []byte {
	b := slices.Concat([]byte("_MP_"), binary.LittleEndian.AppendUint32(nil, pa), []byte{1, 4, 0, 0, 0, 0, 0, 0})
	b[10] = -sum(b)
	return b
}

// pcmp is a table of entries with the count that its header claims.
func pcmp(count uint16, entries ...[]byte) []byte {
	b := make([]byte, headerSize)
	copy(b, "PCMP")
	b[6] = 4
	copy(b[8:], "LOAM    TEST        ")
	binary.LittleEndian.PutUint16(b[34:], count)
	binary.LittleEndian.PutUint32(b[36:], 0xfee00000)
	b = append(b, slices.Concat(entries...)...)
	binary.LittleEndian.PutUint16(b[4:], uint16(len(b)))
	seal(b)
	return b
}

func seal(b []byte) { b[7] = 0; b[7] = -sum(b) }

func processor(id, flags byte) []byte {
	return slices.Concat([]byte{0, id, 0x14, flags, 0xb1, 0x0f, 6, 0, 0xfd, 0xfb, 0xcb, 0x1f}, make([]byte, 8))
}

func bus(id byte, name string) []byte { return append([]byte{1, id}, name...) }

func ioapic(id, flags byte, pa uint32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{2, id, 0x14, flags}, pa)
}

func interrupt(kind, flags, bus, irq, apic, input byte) []byte {
	return []byte{3, kind, flags, 0, bus, irq, apic, input}
}

func local() []byte { return []byte{4, 3, 0, 0, 0, 0, 0, 0} }

// qboot is what QEMU 7.2's microvm has at 0x9fc10 for three processors; the
// count of entries is zero.
func qboot() []byte {
	entries := [][]byte{processor(0, 3), processor(1, 1), processor(2, 1), bus(0, "ISA   "),
		ioapic(4, 1, 0xfec00000), interrupt(0, 0, 0, 0, 4, 2), interrupt(0, 0, 0, 1, 4, 1)}
	for irq := byte(3); irq < 16; irq++ {
		entries = append(entries, interrupt(0, 0, 0, irq, 4, irq))
	}
	return pcmp(0, append(entries, local(), []byte{4, 1, 0, 0, 0, 0, 0xff, 1})...)
}

const (
	microAt = 0x9fc00
	romAt   = 0xf5ba0
	tableAt = 0x9fc10
)

func memory(at int, table []byte) []byte {
	mem := make([]byte, 1<<20)
	copy(mem[at:], pointer(tableAt))
	copy(mem[tableAt:], table)
	return mem
}

func TestMicroVM(t *testing.T) {
	mem := window(t, memory(microAt, qboot()))
	pa, code := Scan(mem)
	if pa != microAt || code != OK {
		t.Fatalf("Scan: %#x, %v", pa, code)
	}
	var m Machine
	if code := Find(mem, pa, &m); code != OK {
		t.Fatal(code)
	}
	if got := m.CPUs[:m.CPUCount]; !slices.Equal(got, []CPU{{0, true}, {1, false}, {2, false}}) {
		t.Errorf("processors %v", got)
	}
	if got := m.IOAPICs[:m.IOCount]; !slices.Equal(got, []IOAPIC{{0xfec00000, 4}}) {
		t.Errorf("controllers %v", got)
	}
	if m.LocalAPIC != 0xfee00000 || m.IMCR || m.Dropped+m.Duplicates+m.Disabled != 0 {
		t.Errorf("%#x %v %d %d %d", m.LocalAPIC, m.IMCR, m.Dropped, m.Duplicates, m.Disabled)
	}
	if m.RouteCount != 15 || m.Routes[0] != (Route{Source: 0, IOAPIC: 4, Input: 2}) ||
		m.Routes[14] != (Route{Source: 15, IOAPIC: 4, Input: 15}) {
		t.Errorf("routes %v", m.Routes[:m.RouteCount])
	}
}

// A PC with PCI, a second controller that is off, level interrupts and
// processors that can't be started.
func TestPC(t *testing.T) {
	b := memory(romAt, pcmp(99, processor(6, 0), processor(2, 1), processor(0, 3), processor(2, 1),
		bus(0, "PCI   "), bus(1, "ISA   "), bus(200, "EISA  "),
		ioapic(8, 1, 0xfec00000), ioapic(9, 0, 0xfec01000),
		interrupt(0, 0xf, 0, 0x7c, 8, 10), interrupt(3, 0, 1, 0, 8, 0), interrupt(0, 0xf, 1, 9, 8, 9),
		interrupt(0, 5, 1, 1, All, 1), interrupt(0, 0, 200, 4, 8, 4), interrupt(0, 0, 77, 3, 8, 3)))
	b[romAt+12] = 0x80
	b[romAt+10] -= 0x80
	mem := window(t, b)
	pa, code := Scan(mem)
	if pa != romAt || code != OK {
		t.Fatalf("Scan: %#x, %v", pa, code)
	}
	var m Machine
	if code := Find(mem, pa, &m); code != OK {
		t.Fatal(code)
	}
	if got := m.CPUs[:m.CPUCount]; !slices.Equal(got, []CPU{{2, false}, {0, true}}) ||
		m.Duplicates != 1 || m.Disabled != 1 || m.Dropped != 0 || !m.IMCR {
		t.Errorf("processors %v, %+v", got, m)
	}
	if got := m.Routes[:m.RouteCount]; !slices.Equal(got, []Route{
		{9, 8, 9, true, true}, {1, All, 1, false, false}, {4, 8, 4, false, false}}) || m.IOCount != 1 {
		t.Errorf("routes %v, %d controllers", got, m.IOCount)
	}
}

// TestScan puts the pointer at each place, and at some where it is not to be
// found.
func TestScan(t *testing.T) {
	for _, c := range []struct {
		name          string
		at            int
		segment, size uint16
		found         bool
	}{
		{"start of EBDA", 0x80000, 0x8000, 0, true},
		{"end of the first KiB of EBDA", 0x803f0, 0x8000, 0, true},
		{"second KiB of EBDA", 0x80400, 0x8000, 0, false},
		{"EBDA is elsewhere", 0x80000, 0x8040, 0, false},
		{"last KiB of 512 KiB", 0x7fc00, 0, 512, true},
		{"not the last KiB of 512 KiB", 0x7fbf0, 0, 512, false},
		{"no data area", microAt, 0, 0, true},
		{"a nonsensical data area", microAt, 0xffff, 0xffff, true},
		{"ROM", romStart, 0, 640, true},
		{"end of ROM", romEnd - 16, 0x9fc0, 639, true},
		{"before ROM", romStart - 16, 0x9fc0, 639, false},
		{"not aligned", romStart + 8, 0x9fc0, 639, false},
	} {
		b := make([]byte, 1<<20)
		binary.LittleEndian.PutUint16(b[ebdaSegment:], c.segment)
		binary.LittleEndian.PutUint16(b[baseKiB:], c.size)
		copy(b[c.at:], pointer(0x1000))
		pa, code := Scan(window(t, b))
		if (code == OK) != c.found || c.found && pa != uint64(c.at) || !c.found && (pa != 0 || code != NoPointer) {
			t.Errorf("%s: %#x, %v", c.name, pa, code)
		}
		want := c.found && c.at < romStart
		if pa, code := ScanMemory(window(t, b)); (code == OK) != want || want && pa != uint64(c.at) {
			t.Errorf("%s, memory only: %#x, %v", c.name, pa, code)
		}
	}
	for _, size := range []int{0, 1, ebdaSegment + 1, microAt + 15, 1<<20 - 1} {
		if _, code := Scan(window(t, make([]byte, size))); code != NoPointer {
			t.Errorf("%d bytes of memory: %v", size, code)
		}
	}
}

func TestHostileTables(t *testing.T) {
	le := binary.LittleEndian
	var many [][]byte
	for i := range 300 {
		many = append(many, processor(byte(i), 1))
	}
	many = append(many, bus(0, "ISA   "))
	for i := range byte(40) {
		many = append(many, ioapic(i, 1, 0xfec00000), interrupt(0, 0, 0, i, 1, i))
	}
	again := func(b []byte) { b[microAt+10] = 0; b[microAt+10] = -sum(b[microAt : microAt+16]) }
	whole := func(b []byte, n int) { seal(b[tableAt : tableAt+n]) }
	for _, c := range []struct {
		name    string
		table   []byte
		edit    func(b []byte)
		want    Code
		dropped int
		cpus    int
	}{
		{"as it should be", qboot(), func([]byte) {}, OK, 0, 3},
		{"no pointer", qboot(), func(b []byte) { b[microAt]++; again(b) }, NoPointer, 0, 0},
		{"pointer's checksum", qboot(), func(b []byte) { b[microAt+12]++ }, NoPointer, 0, 0},
		{"pointer's length", qboot(), func(b []byte) { b[microAt+8] = 2; again(b) }, NoPointer, 0, 0},
		{"default configuration", qboot(), func(b []byte) { b[microAt+11] = 5; again(b) }, NoTable, 0, 0},
		{"no table", qboot(), func(b []byte) { le.PutUint32(b[microAt+4:], 0); again(b) }, NoTable, 0, 0},
		{"table beyond memory", qboot(), func(b []byte) { le.PutUint32(b[microAt+4:], 1<<20-43); again(b) }, BadAddress, 0, 0},
		{"table at the top", qboot(), func(b []byte) { le.PutUint32(b[microAt+4:], ^uint32(0)); again(b) }, BadAddress, 0, 0},
		{"table ends beyond memory", qboot(), func(b []byte) {
			copy(b[1<<20-headerSize:], b[tableAt:])
			le.PutUint32(b[microAt+4:], 1<<20-headerSize)
			again(b)
		}, BadAddress, 0, 0},
		{"signature", qboot(), func(b []byte) { b[tableAt]++ }, BadTable, 0, 0},
		{"checksum", qboot(), func(b []byte) { b[tableAt+50]++ }, BadChecksum, 0, 0},
		{"short", qboot(), func(b []byte) { le.PutUint16(b[tableAt+4:], headerSize-1); whole(b, headerSize-1) }, BadLength, 0, 0},
		{"empty", pcmp(7), func([]byte) {}, OK, 0, 0},
		{"entry cut off", pcmp(2, processor(0, 3), processor(1, 1)[:19]), func([]byte) {}, OK, 1, 1},
		{"bus cut off", pcmp(2, processor(0, 3), bus(0, "ISA")), func([]byte) {}, OK, 1, 1},
		{"unknown entry", pcmp(3, processor(0, 3), []byte{5, 8, 0, 0, 0, 0, 0, 0}, processor(1, 1)), func([]byte) {}, OK, 1, 1},
		{"id of all", pcmp(2, processor(0, 3), processor(All, 1)), func([]byte) {}, OK, 1, 1},
		{"too many", pcmp(0, many...), func([]byte) {}, OK, 1 + 40 - MaxIOAPICs + 40 - MaxRoutes, MaxCPUs},
	} {
		b := memory(microAt, c.table)
		c.edit(b)
		var m Machine
		got := Find(window(t, b), microAt, &m)
		if got != c.want || got == OK && (m.Dropped != c.dropped || m.CPUCount != c.cpus) {
			t.Errorf("%s: %v, %d dropped, %d processors", c.name, got, m.Dropped, m.CPUCount)
		}
	}
}

func TestCodes(t *testing.T) {
	seen := make(map[string]bool)
	for c := range BadTable + 2 {
		if s := c.String(); s == "" || seen[s] {
			t.Errorf("code %d is %q", c, s)
		} else {
			seen[s] = true
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	mem := window(t, memory(microAt, qboot()))
	var m Machine
	if n := testing.AllocsPerRun(10, func() { Scan(mem); Find(mem, microAt, &m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzTable(f *testing.F) {
	f.Add(qboot()[headerSize:])
	f.Fuzz(func(t *testing.T, body []byte) {
		var m Machine
		m.parse(slices.Concat(make([]byte, headerSize), body))
		if m.CPUCount > MaxCPUs || m.IOCount > MaxIOAPICs || m.RouteCount > MaxRoutes {
			t.Fatal("a list overflowed")
		}
		seen := make(map[uint8]bool)
		for _, c := range m.CPUs[:m.CPUCount] {
			if seen[c.APIC] || c.APIC == All {
				t.Fatalf("processor %d twice, or all of them", c.APIC)
			}
			seen[c.APIC] = true
		}
		if n := len(body)/otherSize + 1; m.CPUCount+m.IOCount+m.RouteCount+m.Dropped+m.Duplicates+m.Disabled > n {
			t.Fatal("more entries than bytes")
		}
	})
}
