// SPDX-License-Identifier: Apache-2.0

package acpi

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

func seal(b []byte, at int) { b[at] = 0; b[at] = -sum(b) }

func sdt(signature string, body []byte) []byte {
	b := make([]byte, headerSize)
	copy(b, signature)
	b = append(b, body...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	seal(b, 9)
	return b
}

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func madt(entries ...[]byte) []byte {
	return sdt("APIC", slices.Concat(u32(0xfee00000), u32(1), slices.Concat(entries...)))
}

func lapic(uid, id byte, flags uint32) []byte {
	return slices.Concat([]byte{0, 8, uid, id}, u32(flags))
}

const (
	rsdpAt  = 0xf5a60
	rootAt  = 0x8000
	otherAt = 0x9000
	madtAt  = 0xa000
)

// firmware builds memory with tables of either revision.
func firmware(revision byte, apic []byte) []byte {
	mem := make([]byte, 1<<20)
	p := make([]byte, rsdpSizeV2)
	copy(p, rsdpSignature)
	p[15] = revision
	other := sdt("FACP", make([]byte, 100))
	copy(mem[otherAt:], other)
	copy(mem[madtAt:], apic)
	if revision < 2 {
		copy(p[16:], u32(rootAt))
		copy(mem[rootAt:], sdt("RSDT", slices.Concat(u32(otherAt), u32(madtAt))))
	} else {
		copy(p[24:], u64(rootAt))
		copy(mem[rootAt:], sdt("XSDT", slices.Concat(u64(otherAt), u64(1<<50), u64(madtAt))))
	}
	p[8] = 0
	p[8] = -sum(p[:rsdpSizeV1])
	seal(p, 32)
	copy(mem[rsdpAt:], p)
	return mem
}

func full() []byte {
	return madt(
		lapic(0, 0, 1), lapic(1, 1, 1), lapic(2, 2, 0), lapic(3, 3, 2), lapic(9, 1, 1),
		slices.Concat([]byte{1, 12, 7, 0}, u32(0xfec00000), u32(0)),
		slices.Concat([]byte{2, 10, 0, 0}, u32(2), []byte{0, 0}),
		slices.Concat([]byte{2, 10, 0, 9}, u32(9), []byte{0x0f, 0}),
		[]byte{4, 6, 255, 0, 0, 1},
		slices.Concat([]byte{9, 16, 0, 0}, u32(300), u32(1), u32(44)),
	)
}

func TestFind(t *testing.T) {
	for _, revision := range []byte{0, 2} {
		mem := window(t, firmware(revision, full()))
		rsdp, code := Scan(mem)
		if rsdp != rsdpAt || code != OK {
			t.Fatalf("Scan: %#x, %v", rsdp, code)
		}
		var m Machine
		if code := Find(mem, rsdp, &m); code != OK {
			t.Fatal(code)
		}
		if got, want := m.CPUs[:m.CPUCount], []CPU{{0, 0}, {1, 1}, {300, 44}}; !slices.Equal(got, want) {
			t.Errorf("processors %v", got)
		}
		if m.IOCount != 1 || m.IOAPICs[0] != (IOAPIC{0xfec00000, 0, 7}) {
			t.Errorf("controllers %v", m.IOAPICs[:m.IOCount])
		}
		if m.LocalAPIC != 0xfee00000 || !m.Legacy || m.Dropped != 0 || m.Duplicates != 1 || m.Disabled != 2 {
			t.Errorf("%#x %v %d %d %d", m.LocalAPIC, m.Legacy, m.Dropped, m.Duplicates, m.Disabled)
		}
		for irq, want := range map[uint8]Override{
			0: {0, 2, false, false}, 9: {9, 9, true, true}, 3: {3, 3, false, false},
		} {
			if got := m.Route(irq); got != want {
				t.Errorf("interrupt %d: %+v", irq, got)
			}
		}
	}
}

// TestScan puts the pointer at the ends of where it may be, and beside.
func TestScan(t *testing.T) {
	good := firmware(0, full())[rsdpAt : rsdpAt+rsdpSizeV1]
	for at, found := range map[int]bool{
		biosStart: true, biosStart + scanStep - 16: true, biosEnd - 32: true, biosStart + 0x70: true,
		biosStart - 16: false, biosStart + 8: false, biosEnd - 16: false, // its last bytes are missing
	} {
		b := make([]byte, biosEnd)
		copy(b[at:], good)
		if pa, code := Scan(window(t, b)); (code == OK) != found || found && pa != uint64(at) {
			t.Errorf("at %#x: %#x, %v", at, pa, code)
		}
	}
	if _, code := Scan(window(t, make([]byte, biosStart+100))); code != NoRSDP {
		t.Error(code)
	}
}

func TestHostileTables(t *testing.T) {
	le := binary.LittleEndian
	reseal := func(b []byte, at, n int) { seal(b[at:at+n], 9) }
	var many [][]byte
	for i := range 400 {
		many = append(many, slices.Concat([]byte{9, 16, 0, 0}, u32(uint32(i)), u32(1), u32(0)))
	}
	for _, c := range []struct {
		name    string
		apic    []byte
		edit    func(b []byte)
		want    Code
		dropped int
		cpus    int
	}{
		{"no RSDP", full(), func(b []byte) { b[rsdpAt]++ }, NoRSDP, 0, 0},
		{"RSDP checksum", full(), func(b []byte) { b[rsdpAt+8]++ }, NoRSDP, 0, 0},
		{"XSDT checksum", full(), func(b []byte) { b[rootAt+40]++ }, BadChecksum, 0, 0},
		{"XSDT signature", full(), func(b []byte) { b[rootAt]++ }, BadTable, 0, 0},
		{"XSDT short", full(), func(b []byte) { le.PutUint32(b[rootAt+4:], 35) }, BadLength, 0, 0},
		{"XSDT long", full(), func(b []byte) { le.PutUint32(b[rootAt+4:], 1<<31) }, BadLength, 0, 0},
		{"XSDT beyond memory", full(), func(b []byte) { le.PutUint32(b[rootAt+4:], 1<<20) }, BadAddress, 0, 0},
		{"no MADT", full(), func(b []byte) { b[madtAt]++ }, NoMADT, 0, 0},
		{"MADT checksum", full(), func(b []byte) { b[madtAt+45]++ }, BadChecksum, 0, 0},
		{"MADT short", full(), func(b []byte) {
			le.PutUint32(b[madtAt+4:], madtHeader-1)
			reseal(b, madtAt, madtHeader-1)
		}, BadLength, 0, 0},
		{"empty MADT", madt(), func([]byte) {}, OK, 0, 0},
		{"entry of length 0", madt(lapic(0, 0, 1), []byte{0, 0, 1, 1, 1, 0, 0, 0}), func([]byte) {}, OK, 1, 1},
		{"entry beyond table", madt(lapic(0, 0, 1), []byte{0, 9, 1, 1, 1, 0, 0, 0}), func([]byte) {}, OK, 1, 1},
		{"short entry", madt([]byte{0, 4, 1, 1}, lapic(0, 0, 1)), func([]byte) {}, OK, 1, 1},
		{"id of all", madt(lapic(0, 0, 1), lapic(1, 255, 1)), func([]byte) {}, OK, 1, 1},
		{"x2APIC id of all", madt(slices.Concat([]byte{9, 16, 0, 0}, u32(^uint32(0)), u32(1), u32(0))),
			func([]byte) {}, OK, 1, 0},
		{"x2APIC id 255", madt(slices.Concat([]byte{9, 16, 0, 0}, u32(255), u32(1), u32(0))),
			func([]byte) {}, OK, 0, 1},
		{"too many", madt(many...), func([]byte) {}, OK, 400 - MaxCPUs, MaxCPUs},
	} {
		b := firmware(2, c.apic)
		c.edit(b)
		var m Machine
		got := Find(window(t, b), rsdpAt, &m)
		if got != c.want || got == OK && (m.Dropped != c.dropped || m.CPUCount != c.cpus) {
			t.Errorf("%s: %v, %d dropped, %d processors", c.name, got, m.Dropped, m.CPUCount)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	mem := window(t, firmware(2, full()))
	var m Machine
	if n := testing.AllocsPerRun(10, func() { Scan(mem); Find(mem, rsdpAt, &m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMADT(f *testing.F) {
	f.Add(full()[headerSize:])
	f.Fuzz(func(t *testing.T, body []byte) {
		var m Machine
		m.parse(slices.Concat(make([]byte, headerSize), body))
		if m.CPUCount > MaxCPUs || m.IOCount > MaxIOAPICs || m.OverCount > MaxOverrides {
			t.Fatal("a list overflowed")
		}
	})
}
