// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

// TestRefused: functions whose registers nobody gets, and what is said of them.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(x *bench, p *virtiotest.PCI)
		says   string // empty: it is handed out
	}{
		"well":             {func(*bench, *virtiotest.PCI) {}, ""},
		"memory":           {func(_ *bench, p *virtiotest.PCI) { put32(p.Space[0x20:], 0x1000000c) }, "its registers at 0x10000000: device or resource busy"},
		"local APIC":       {func(_ *bench, p *virtiotest.PCI) { put32(p.Space[0x20:], 0xfee0000c) }, "device or resource busy"},
		"config space":     {func(_ *bench, p *virtiotest.PCI) { put32(p.Space[0x20:], 0xb800000c) }, errConfig.Error()},
		"itself":           {func(_ *bench, p *virtiotest.PCI) { put32(p.Space[0x14:], 0xfe012000) }, errOwn.Error()},
		"other virtio":     {func(x *bench, _ *virtiotest.PCI) { x.add(5, 0xfe010000) }, errOverlap.Error()},
		"beside":           {func(x *bench, _ *virtiotest.PCI) { x.add(5, 0xfe004000) }, ""},
		"its page":         {func(x *bench, _ *virtiotest.PCI) { put32(x.other(5).space[0x10:], 0xfe010fe0) }, errOverlap.Error()},
		"other":            {func(x *bench, _ *virtiotest.PCI) { put32(x.other(5).space[0x18:], 0xfe012000) }, errOverlap.Error()},
		"other's ports":    {func(x *bench, _ *virtiotest.PCI) { put32(x.other(5).space[0x10:], 0xfe012001) }, ""},
		"other, elsewhere": {func(x *bench, _ *virtiotest.PCI) { put32(x.other(5).space[0x10:], 0xfe014000) }, ""},
		"other, 64 bits": {func(x *bench, _ *virtiotest.PCI) {
			o := x.other(5)
			put32(o.space[0x10:], 0xfe01200c)
			put32(o.space[0x14:], 1)
		}, ""},
		"bridge's": {func(x *bench, _ *virtiotest.PCI) { put32(x.other(5).space[0x10:], 0xfe010000) }, errOverlap.Error()},
		"behind a bridge": {func(x *bench, _ *virtiotest.PCI) {
			o := x.other(5)
			o.space[headerType] = typeBridge
			put32(o.space[headerMemory:], 0xfe00fe00)
		}, errOverlap.Error()},
		"behind a bridge, 64 bits": {func(x *bench, p *virtiotest.PCI) {
			o := x.other(5)
			o.space[headerType] = typeBridge
			put32(o.space[headerPrefetch:], 0x00110001)
			put32(o.space[headerPrefetch+4:], 0)
			put32(o.space[headerPrefetch+8:], 1)
		}, errOverlap.Error()},
		"bridge without": {func(x *bench, _ *virtiotest.PCI) {
			o := x.other(5)
			o.space[headerType] = typeBridge
			put32(o.space[headerMemory:], 0x0000fff0)
			put32(o.space[headerPrefetch:], 0x0001fff1)
		}, ""},
		"loop":          {func(_ *bench, p *virtiotest.PCI) { p.Space[0x41] = 0x74 }, "virtio: "},
		"legacy":        {func(_ *bench, p *virtiotest.PCI) { p.Space[0x85] = 0 }, virtio.ErrLegacy.Error()},
		"BAR":           {func(_ *bench, p *virtiotest.PCI) { p.Masks[4] = 0xffefc000 }, "virtio: "},
		"no reset":      {func(x *bench, _ *virtiotest.PCI) { x.stuck = true }, "virtio: "},
		"no interrupt":  {func(x *bench, p *virtiotest.PCI) { x.messages = false; p.Space[0x3d] = 0 }, errNoLine.Error()},
		"line is taken": {func(x *bench, _ *virtiotest.PCI) { x.messages = false; x.lines[20] = true }, errLine.Error() + ", 20"},
	} {
		x := newBench(t)
		p := x.add(4, 0xfe000000)
		c.change(x, p)
		_, handles, err := x.take(x.bus(), 0)
		said := strings.Join(x.said, "\n")
		if (err == nil) != (c.says == "") || !strings.Contains(said, c.says) || (said == "") != (c.says == "") || c.says != "" && !strings.HasPrefix(said, "00:04.0: ") {
			t.Errorf("%s: %v, %v, %q", name, err, handles, said)
		}
		if err != nil && (len(x.given) != 0 && name != "no reset" || command(p)&4 != 0) {
			t.Errorf("%s: %v is left, command %#x", name, x.given, command(p))
		}
	}
}

// TestLine: which line a function has that sends no messages, or whose table of them a driver
// could reach.
func TestLine(t *testing.T) {
	for name, c := range map[string]struct {
		device uint8
		change func(x *bench, p *virtiotest.PCI)
		want   uint32 // 0: a message; 1: none
	}{
		"message":       {4, func(*bench, *virtiotest.PCI) {}, 0},
		"no messages":   {4, func(x *bench, _ *virtiotest.PCI) { x.messages = false }, 20},
		"no MSI-X":      {7, func(_ *bench, p *virtiotest.PCI) { p.Space[0x34] = 0x74 }, 23},
		"INTB":          {24, func(_ *bench, p *virtiotest.PCI) { p.Space[0x34], p.Space[0x3d] = 0x74, 2 }, 21},
		"the chipset's": {25, func(_ *bench, p *virtiotest.PCI) { p.Space[0x34] = 0x74 }, 1},
		"reachable":     {6, func(_ *bench, p *virtiotest.PCI) { put32(p.Space[0x88:], 0x2800|4) }, 22},
		"behind all":    {6, func(_ *bench, p *virtiotest.PCI) { p.Masks[4] = 0xffff8000; put32(p.Space[0x88:], 0x4000|4) }, 0},
	} {
		x := newBench(t)
		p := x.add(c.device, 0xfe000000)
		c.change(x, p)
		f, _, err := x.take(x.bus(), 0)
		if (err != nil) != (c.want == 1) && name != "behind all" { // where the model has no table
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil && (f.Vectors == 0) != (c.want > 1) {
			t.Errorf("%s: %d vectors", name, f.Vectors)
		}
		if c.want > 1 && (!x.lines[c.want] || len(x.lines) != 1 || command(p) != readyPin) {
			t.Errorf("%s: lines %v, command %#x", name, x.lines, command(p))
		}
	}
}

// TestAssign: ranges without an address get one in the window, where nothing else is.
func TestAssign(t *testing.T) {
	x := newBench(t)
	p, q := x.add(4, 0), x.add(5, 0)
	x.add(6, 0xd0000000)
	put32(x.other(7).space[0x10:], 0xd0004000)
	b := x.bus()
	var all []span
	for i := range uint32(3) {
		if _, _, err := x.take(b, i); err != nil {
			t.Fatal(i, err, x.said)
		}
	}
	for _, f := range b.functions {
		for _, s := range f.spans {
			for _, o := range all {
				if s.meets(o) {
					t.Errorf("%#x and %#x", s, o)
				}
			}
			if s.at < 0xd0000000 || s.end > 0xe0000000 {
				t.Errorf("%#x is outside", s)
			}
			all = append(all, s)
		}
	}
	for _, p := range []*virtiotest.PCI{p, q} {
		at := binary.LittleEndian.Uint32(p.Space[0x20:])
		if at&15 != 12 || at&^15 < 0xd0000000 || command(p) != ready {
			t.Errorf("%#x, %#x", at, command(p))
		}
	}
	for _, window := range []span{{}, {0xd0000000, 0xd0001000}, {0x1_0000_0000, 0x2_0000_0000}} {
		x := newBench(t)
		x.add(4, 0)
		b := x.bus()
		b.window = window
		b.functions = nil
		for _, p := range x.devices {
			put32(p.Space[0x14:], 0)
			put32(p.Space[0x20:], 12)
		}
		b.prepare(x.space)
		if _, _, err := x.take(b, 0); err != syscall.ENOTSUP || !strings.Contains(x.said[0], errPlace.Error()) {
			t.Error(window, err, x.said)
		}
	}
}

// TestPlace compares place with a look at every multiple of the size.
func TestPlace(t *testing.T) {
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed, 1))
		window := spanOf(r.Uint64N(64), r.Uint64N(200))
		taken := make([]span, r.IntN(6))
		for i := range taken {
			taken[i] = spanOf(r.Uint64N(256), r.Uint64N(40))
		}
		size := uint64(1) << r.IntN(6)
		want := uint64(0)
		for at := size; want == 0 && at+size <= window.end; at += size {
			if s := (span{at, at + size}); at >= window.at && !slices.ContainsFunc(taken, s.meets) {
				want = at
			}
		}
		if at, ok := place(window, size, taken); ok != (want != 0) || ok && at != want {
			t.Fatalf("%v, %d, %v: %d %v, want %d", window, size, taken, at, ok, want)
		}
	}
	for _, size := range []uint64{0, 3, 1 << 63} {
		if at, ok := place(span{0, 1<<64 - 1}, size, []span{{0, 1 << 62}, {1 << 63, 1<<64 - 1}}); ok {
			t.Errorf("%#x: %#x", size, at)
		}
	}
}

func TestSpan(t *testing.T) {
	if s := spanOf(1<<64-2, 5); s != (span{1<<64 - 2, 1<<64 - 1}) || !s.meets(span{0, 1<<64 - 1}) {
		t.Errorf("%#x", s)
	}
	if s := (span{0x1fff, 0x2001}).pages(); s != (span{0x1000, 0x3000}) {
		t.Errorf("%#x", s)
	}
	if (span{5, 5}).meets(span{0, 9}) || (span{0, 9}).meets(span{5, 5}) || (span{0, 5}).meets(span{5, 9}) || !(span{0, 6}).meets(span{5, 9}) {
		t.Error("meets")
	}
}

func TestParse(t *testing.T) {
	o, err := parse(strings.Fields("grant=2:1f.7 grant=2:4 grant=18446744073709551615:a.0 ecam=0x30000000 window=0x40000000:0x1000000 line=32"))
	if err != nil || o.config != 0x30000000 || o.window != (span{0x40000000, 0x41000000}) || o.lines != (lines{32, 32}) ||
		!slices.Equal(o.grants[2], []virtio.Function{{Device: 31, Function: 7}, {Device: 4}}) ||
		!slices.Equal(o.grants[1<<64-1], []virtio.Function{{Device: 10}}) || len(o.grants) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
	for _, text := range []string{
		"", "line=32", "grant=0:4", "grant=2", "grant=2:", "grant=2:20", "grant=2:4.8", "grant=2:4.", "grant=x:4", "grant=2:4 grant=3:4", "grant=2:4 grant=2:4.0",
		"grant=2:4 what", "grant=2:4 ecam=x", "grant=2:4 ecam=0x1000", "grant=2:4 window=1", "grant=2:4 window=1:0", "grant=2:4 window=x:1", "grant=2:4 line=70000",
	} {
		if o, err := parse(strings.Fields(text)); err == nil {
			t.Errorf("%q: %+v", text, o)
		}
	}
}

// TestChipset: where a Q35 has configuration space, and whose lines are known.
func TestChipset(t *testing.T) {
	for name, c := range map[string]struct {
		id, subsystem uint32
		bar           uint64
		config        span
		lines         lines
	}{
		"QEMU's":         {bridgeQ35, machineQEMU, 0xb0000001, span{0xb0000000, 0xc0000000}, lines{20, 25}},
		"off":            {bridgeQ35, machineQEMU, 0xb0000000, span{}, lines{20, 25}},
		"another's":      {bridgeQ35, 0x1234_8086, 0xe8000003, span{0xe8000000, 0xf0000000}, lines{}},
		"64 MiB":         {bridgeQ35, machineQEMU, 0x8_fc000005, span{0x8_fc000000, 0x9_00000000}, lines{20, 25}},
		"reserved":       {bridgeQ35, machineQEMU, 0xb0000007, span{}, lines{20, 25}},
		"another bridge": {0x1237_8086, machineQEMU, 0xb0000001, span{}, lines{}},
	} {
		p := &plain{t: t}
		put32(p.space[0:], c.id)
		put32(p.space[headerSubsystem:], c.subsystem)
		binary.LittleEndian.PutUint64(p.space[expressBAR:], c.bar)
		b := &bus{}
		b.chipset(p)
		if b.config != c.config || b.lines != c.lines {
			t.Errorf("%s: %#x, %v", name, b.config, b.lines)
		}
	}
}

// wild is a function of any content. BARs take what their masks allow.
type wild struct {
	space [4096]byte
	masks [6]uint32
}

func (w *wild) Read(at, width int) (v uint32) {
	for i := range width {
		v |= uint32(w.space[at+i]) << (8 * i)
	}
	return v
}

func (w *wild) Write(at, width int, v uint32) {
	mask := uint32(0)
	switch {
	case at >= 0x10 && at < 0x28 && width == 4:
		mask = w.masks[(at-0x10)/4]
	case at == 4:
		mask = 0xffff
	}
	for i := range width {
		m := byte(mask >> (8 * i))
		w.space[at+i] = w.space[at+i]&^m | byte(v>>(8*i))&m
	}
}

// zeros are registers of a device that is always reset.
type zeros struct{ virtio.Registers }

func (zeros) Size() int           { return 1 << 20 }
func (zeros) Read8(int) uint8     { return 0 }
func (zeros) Read16(int) uint16   { return 0 }
func (zeros) Read32(int) uint32   { return 0 }
func (zeros) Write8(int, uint8)   {}
func (zeros) Write16(int, uint16) {}
func (zeros) Write32(int, uint32) {}

// wildMachine is one whose registers are all zeros.
type wildMachine struct{ *bench }

func (m wildMachine) Map(at, size uint64) (virtio.Registers, error) {
	if _, err := m.Memory(at, size); err != nil {
		return nil, err
	}
	delete(m.given, m.next)
	return zeros{}, nil
}

// FuzzBus: whatever functions say, pages that are handed out have nothing of
// configuration space, of other functions that are handed out, of memory, or of a table of
// MSI-X that is in use.
func FuzzBus(f *testing.F) {
	for _, at := range []uint64{0xfe000000, 0, 0xd0000000} {
		x := newBench(f)
		var seed []byte
		for i := range uint64(3) {
			if at != 0 {
				at += i << 20
			}
			p := x.add(4, at)
			for _, m := range p.Masks {
				seed = binary.LittleEndian.AppendUint32(seed, m)
			}
			seed = append(seed, p.Space[:]...)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := newBench(t)
		for device := uint8(1); len(b) > 0 && device < 5; device++ {
			w := &wild{}
			for i := range w.masks {
				var m [4]byte
				b = b[copy(m[:], b):]
				w.masks[i] = binary.LittleEndian.Uint32(m[:])
			}
			b = b[copy(w.space[:256], b):]
			x.functions[virtio.Function{Device: device}] = w
		}
		s := x.bus()
		s.machine = wildMachine{x}
		taken := map[*function][]span{}
		for i, at := range s.grants[1] {
			got, handles, err := x.take(s, uint32(i))
			if err != nil {
				continue
			}
			fn := s.functions[slices.IndexFunc(s.functions, func(f *function) bool { return f.at == at })]
			for _, h := range handles[1:] {
				taken[fn] = append(taken[fn], x.given[h])
			}
			if got.Vectors > 0 {
				for _, p := range taken[fn] {
					if table := fn.span(fn.layout.MSIX.Table); p.meets(table) {
						t.Errorf("%#x has some of the table at %#x", p, table)
					}
				}
			}
		}
		for fn, pages := range taken {
			for _, p := range pages {
				if p.empty() || p.meets(s.config) || slices.ContainsFunc(x.memory, p.meets) {
					t.Errorf("%v: %#x", fn, p)
				}
				for _, other := range s.functions {
					if other != fn && slices.ContainsFunc(other.spans, p.meets) {
						t.Errorf("%v: %#x is %v's", fn, p, other)
					}
				}
			}
		}
	})
}
