// SPDX-License-Identifier: Apache-2.0

package bootinfo

import (
	"encoding/binary"
	"runtime"
	"testing"

	"loam/machine/phys"
)

const (
	testSelf    = 0x1000
	testModules = 0x1100
	testLine    = 0x1ff0 // runs over a page boundary
	testMap     = 0x3000
)

type mapEntry struct {
	base, size uint64
	kind       MemoryKind
}

// ram builds a memory with a start info in it.
func ram(size int, line string, entries ...mapEntry) []byte {
	b := make([]byte, size)
	le := binary.LittleEndian
	s := b[testSelf:]
	le.PutUint32(s, startMagic)
	le.PutUint32(s[4:], 1)
	le.PutUint32(s[12:], 1)
	le.PutUint64(s[16:], testModules)
	le.PutUint64(s[24:], testLine)
	le.PutUint64(s[32:], 0xe0000)
	le.PutUint64(s[40:], testMap)
	le.PutUint32(s[48:], uint32(len(entries)))
	le.PutUint64(b[testModules:], 0x5000)
	le.PutUint64(b[testModules+8:], 0x1800)
	copy(b[testLine:], line+"\x00")
	for i, e := range entries {
		m := b[testMap+i*memoryMapEntry:]
		le.PutUint64(m, e.base)
		le.PutUint64(m[8:], e.size)
		le.PutUint32(m[16:], uint32(e.kind))
	}
	return b
}

// window keeps b alive to the end of the test, which a window alone does not.
func window(t testing.TB, b []byte) phys.Window {
	t.Cleanup(func() { runtime.KeepAlive(b) })
	return phys.WindowOf(b)
}

func TestParse(t *testing.T) {
	const line = "mode=run tsc=1000000000 v=1"
	mem := window(t, ram(0x8000, line,
		mapEntry{1 << 20, 7 << 20, MemoryRAM},
		mapEntry{2 << 20, 4096, MemoryReserved},
		mapEntry{0, 0x9fc00, MemoryRAM}))
	var info Info
	if code := Parse(mem, testSelf, &info); code != OK {
		t.Fatal(code)
	}
	if got := string(info.CommandLineBytes(mem)); got != line {
		t.Errorf("command line %q", got)
	}
	if info.ModuleCount != 1 || info.Modules[0] != (Range{0x5000, 0x1800}) || info.RSDP != 0xe0000 || info.Version != 1 {
		t.Errorf("%+v", info)
	}
	var m Map
	info.Usable(mem, &m)
	m.Finish()
	want := []Range{{1 << 20, 1 << 20}, {2<<20 + 4096, 6<<20 - 4096}}
	if m.Len() != len(want) || m.At(0) != want[0] || m.At(1) != want[1] {
		t.Errorf("%d ranges: %+v %+v", m.Len(), m.At(0), m.At(1))
	}
}

// TestUsableKeepsBootData puts the start info above 1 MiB.
func TestUsableKeepsBootData(t *testing.T) {
	const base = 1 << 20
	low := ram(0x8000, "", mapEntry{base, 0x10000, MemoryRAM})
	b := make([]byte, base+0x10000)
	copy(b[base:], low)
	le := binary.LittleEndian
	s := b[base+testSelf:]
	for _, off := range []int{16, 24, 40} {
		le.PutUint64(s[off:], le.Uint64(s[off:])+base)
	}
	le.PutUint64(b[base+testModules:], base+0x5000)
	mem := window(t, b)
	var info Info
	if code := Parse(mem, base+testSelf, &info); code != OK {
		t.Fatal(code)
	}
	var m Map
	info.Usable(mem, &m)
	m.Finish()
	// Taken: 1 (start info, modules, line), 3 (map), 5 and 6 (module).
	want := []Range{{base, 0x1000}, {base + 0x2000, 0x1000}, {base + 0x4000, 0x1000}, {base + 0x7000, 0x9000}}
	if m.Len() != len(want) {
		t.Fatalf("%d ranges", m.Len())
	}
	for i := range want {
		if m.At(i) != want[i] {
			t.Errorf("range %d: %+v", i, m.At(i))
		}
	}
}

func TestParseRefuses(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		name string
		at   uint64
		edit func(b []byte)
		want Code
	}{
		{"sound", testSelf, func([]byte) {}, OK},
		{"outside", 0x8000, func([]byte) {}, BadAddress},
		{"wraps", ^uint64(0) - 8, func([]byte) {}, BadAddress},
		{"cut", 0x8000 - 39, func([]byte) {}, BadAddress},
		{"magic", testSelf, func(b []byte) { b[testSelf]++ }, BadMagic},
		{"version 0", testSelf, func(b []byte) { le.PutUint32(b[testSelf+4:], 0) }, NoMemoryMap},
		{"later version", testSelf, func(b []byte) { le.PutUint32(b[testSelf+4:], 9) }, OK},
		{"no map", testSelf, func(b []byte) { le.PutUint32(b[testSelf+48:], 0) }, NoMemoryMap},
		{"long map", testSelf, func(b []byte) { le.PutUint32(b[testSelf+48:], MaxMapEntries+1) }, TooLong},
		{"map outside", testSelf, func(b []byte) { le.PutUint32(b[testSelf+48:], MaxMapEntries) }, BadAddress},
		{"map wraps", testSelf, func(b []byte) { le.PutUint64(b[testSelf+40:], ^uint64(0)) }, BadAddress},
		{"modules", testSelf, func(b []byte) { le.PutUint32(b[testSelf+12:], 1<<31) }, TooLong},
		{"modules outside", testSelf, func(b []byte) { le.PutUint64(b[testSelf+16:], 0x7fff) }, BadAddress},
		{"module outside", testSelf, func(b []byte) { le.PutUint64(b[testModules+8:], ^uint64(0)) }, BadAddress},
		{"line outside", testSelf, func(b []byte) { le.PutUint64(b[testSelf+24:], 1<<40) }, BadAddress},
		{"no line", testSelf, func(b []byte) { le.PutUint64(b[testSelf+24:], 0) }, OK},
		{"endless line", testSelf, func(b []byte) {
			for i := range 5000 {
				b[testLine+i] = 'x'
			}
			le.PutUint64(b[testSelf+40:], 0x4000)
		}, TooLong},
	} {
		b := ram(0x8000, "mode=run", mapEntry{0, 1 << 20, MemoryRAM})
		c.edit(b)
		var info Info
		if got := Parse(window(t, b), c.at, &info); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	mem := window(t, ram(0x8000, "mode=run", mapEntry{0, 1 << 20, MemoryRAM}))
	var info Info
	var m Map
	n := testing.AllocsPerRun(100, func() {
		Parse(mem, testSelf, &info)
		info.Usable(mem, &m)
		m.Finish()
		Lookup(info.CommandLineBytes(mem), "mode")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ram(0x4000, "mode=run", mapEntry{0, 1 << 30, MemoryRAM}, mapEntry{5, 7, MemoryReserved}), uint16(testSelf))
	f.Fuzz(func(t *testing.T, b []byte, at uint16) {
		mem := window(t, b)
		var info Info
		if Parse(mem, uint64(at), &info) != OK {
			return
		}
		if len(info.CommandLineBytes(mem)) != int(info.CommandLine.Size) {
			t.Fatal("command line not readable")
		}
		var m Map
		info.Usable(mem, &m)
		checkInvariants(t, &m)
		m.Finish()
		checkFinished(t, &m)
		if m.Len() > 0 && m.At(0).Base < lowMemory {
			t.Fatalf("low memory handed out: %+v", m.At(0))
		}
	})
}
