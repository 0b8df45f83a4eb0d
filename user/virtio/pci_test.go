// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"loam/user/virtio/virtiotest"
)

func newFunction(t testing.TB) *virtiotest.PCI { return virtiotest.NewPCI(newBench(t).dev) }

func readPCI(p ConfigSpace, ports bool) ([numBARs]BAR, PCILayout, error) {
	bars, err := ReadBARs(p)
	if err != nil {
		return bars, PCILayout{}, err
	}
	l, err := ReadPCI(p, bars, ports)
	return bars, l, err
}

// TestLayout: what a function like QEMU's says.
func TestLayout(t *testing.T) {
	p := newFunction(t)
	before := p.Space
	bars, l, err := readPCI(p, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := ([numBARs]BAR{1: {Address: 0xfebd1000, Size: 0x1000}, 4: {Address: 0xfe000000, Size: 0x4000, Prefetchable: true, Wide: true}}); bars != want {
		t.Errorf("%+v", bars)
	}
	want := PCILayout{
		ID: testType, Common: Region{4, 0, 0x1000}, ISR: Region{4, 0x1000, 0x1000}, Device: Region{4, 0x2000, 0x1000}, Notify: Region{4, 0x3000, 0x1000},
		Multiplier: 4, Pin: 1, Line: 11, MSIX: MSIX{At: 0x84, Vectors: 3, Table: Region{1, 0, 48}, Pending: Region{1, 0x800, 8}},
	}
	if l != want {
		t.Errorf("%+v", l)
	}
	if p.Space != before || p.Err != nil {
		t.Error("the function is not as before", p.Err)
	}
}

// TestPCIFunctions: functions that aren't as they ought to be.
func TestPCIFunctions(t *testing.T) {
	put16 := binary.LittleEndian.PutUint16
	put32 := binary.LittleEndian.PutUint32
	isFault := func(f Fault) func(error) bool {
		return func(err error) bool { var d *DeviceError; return errors.As(err, &d) && d.Fault == f }
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	well := func(err error) bool { return err == nil }
	for name, c := range map[string]struct {
		change func(p *virtiotest.PCI, s []byte)
		want   func(error) bool
	}{
		"nothing":       {func(_ *virtiotest.PCI, s []byte) { put16(s, 0xffff) }, is(ErrNoDevice)},
		"other vendor":  {func(_ *virtiotest.PCI, s []byte) { put16(s, 0x8086) }, is(ErrNotVirtio)},
		"other device":  {func(_ *virtiotest.PCI, s []byte) { put16(s[2:], 0x1080) }, is(ErrNotVirtio)},
		"bridge":        {func(_ *virtiotest.PCI, s []byte) { s[0xe] = 1 }, is(ErrNotVirtio)},
		"multifunction": {func(_ *virtiotest.PCI, s []byte) { s[0xe] = 0x80 }, well},
		"last":          {func(_ *virtiotest.PCI, s []byte) { put16(s[2:], 0x107f) }, well},
		"transitional":  {func(_ *virtiotest.PCI, s []byte) { put16(s[2:], 0x1005) }, well},
		"old gap":       {func(_ *virtiotest.PCI, s []byte) { put16(s[2:], 0x1006) }, is(ErrNotVirtio)},
		"legacy":        {func(_ *virtiotest.PCI, s []byte) { s[0x85] = 0 }, is(ErrLegacy)},
		"no list":       {func(_ *virtiotest.PCI, s []byte) { s[6] = 0 }, is(ErrLegacy)},
		"loop":          {func(_ *virtiotest.PCI, s []byte) { s[0x41] = 0x74 }, isFault(FaultLoop)},
		"itself":        {func(_ *virtiotest.PCI, s []byte) { s[0x85] = 0x84 }, isFault(FaultLoop)},
		"into header":   {func(_ *virtiotest.PCI, s []byte) { s[0x41] = 0x3c }, isFault(FaultCapability)},
		"no common":     {func(_ *virtiotest.PCI, s []byte) { s[0x51] = 0 }, isFault(FaultCapability)},
		"short common":  {func(_ *virtiotest.PCI, s []byte) { put32(s[0x4c:], 0x37) }, isFault(FaultCapability)},
		"odd common":    {func(_ *virtiotest.PCI, s []byte) { put32(s[0x48:], 2) }, isFault(FaultCapability)},
		"outside":       {func(_ *virtiotest.PCI, s []byte) { put32(s[0x48:], 0x3004) }, isFault(FaultCapability)},
		"far outside":   {func(_ *virtiotest.PCI, s []byte) { put32(s[0x48:], 0xfffffffc) }, isFault(FaultCapability)},
		"too long":      {func(_ *virtiotest.PCI, s []byte) { put32(s[0x4c:], 0xffffffff) }, isFault(FaultCapability)},
		"no such BAR":   {func(_ *virtiotest.PCI, s []byte) { s[0x44] = 2 }, isFault(FaultCapability)},
		"reserved BAR":  {func(_ *virtiotest.PCI, s []byte) { s[0x44] = 6 }, isFault(FaultCapability)}, // ignored, and then there is none
		"reserved type": {func(_ *virtiotest.PCI, s []byte) { s[0x77] = 200 }, well},
		"short notify":  {func(_ *virtiotest.PCI, s []byte) { s[0x52] = 16 }, isFault(FaultCapability)},
		"multiplier":    {func(_ *virtiotest.PCI, s []byte) { put32(s[0x60:], 6) }, isFault(FaultNotify)},
		"multiplier 1":  {func(_ *virtiotest.PCI, s []byte) { put32(s[0x60:], 1) }, isFault(FaultNotify)},
		"over the end":  {func(_ *virtiotest.PCI, s []byte) { s[0x41] = 0xf4; copy(s[0xf4:], []byte{9, 0, 16, 1}) }, isFault(FaultCapability)},
		"pin":           {func(_ *virtiotest.PCI, s []byte) { s[0x3d] = 5 }, isFault(FaultCapability)},
		"MSI-X twice":   {func(_ *virtiotest.PCI, s []byte) { s[0x41] = 0xa0; copy(s[0xa0:], s[0x84:0x90]); s[0xa1] = 0 }, isFault(FaultCapability)},
		"MSI-X table":   {func(_ *virtiotest.PCI, s []byte) { put32(s[0x88:], 0xff0|1) }, isFault(FaultCapability)},
		"MSI-X pending": {func(_ *virtiotest.PCI, s []byte) { put32(s[0x8c:], 0x1000|1) }, isFault(FaultCapability)},
		"MSI-X BAR":     {func(_ *virtiotest.PCI, s []byte) { put32(s[0x88:], 7) }, isFault(FaultCapability)},
		"BAR type":      {func(_ *virtiotest.PCI, s []byte) { s[0x20] = 2 }, isFault(FaultBAR)},
		"BAR holes":     {func(p *virtiotest.PCI, _ []byte) { p.Masks[4] = 0xffefc000 }, isFault(FaultBAR)},
		"BAR half":      {func(p *virtiotest.PCI, _ []byte) { p.Masks[5] = 0xfffffff }, isFault(FaultBAR)},
		"last BAR wide": {func(p *virtiotest.PCI, s []byte) {
			s[0x20], s[0x24] = 0, 4
			p.Masks[5] = 0xfffff000
		}, isFault(FaultBAR)},
	} {
		p := newFunction(t)
		c.change(p, p.Space[:])
		if _, _, err := readPCI(p, false); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLarge: of structures larger than anybody needs a part is used.
func TestLarge(t *testing.T) {
	p := newFunction(t)
	p.Masks[4] = 0xc0000000
	for _, at := range []int{0x40, 0x50, 0x64, 0x74} {
		binary.LittleEndian.PutUint32(p.Space[at+8:], 0)
		binary.LittleEndian.PutUint32(p.Space[at+12:], 1<<30)
	}
	binary.LittleEndian.PutUint32(p.Space[0x20:], 0xc)
	bars, l, err := readPCI(p, false)
	if err != nil || bars[4].Size != 1<<30 || l.Common.Size != 4096 || l.ISR.Size != 4096 || l.Device.Size != 4096 || l.Notify.Size != 1<<20 {
		t.Errorf("%v %+v %+v", err, bars[4], l)
	}
}

// fickle is a function whose BAR 1 doesn't keep to one size.
type fickle struct{ *virtiotest.PCI }

func (f fickle) Read(at, width int) uint32 {
	v := f.PCI.Read(at, width)
	if at == 0x14 && v != 0xfebd1000 {
		return 0xff000000
	}
	return v
}

func TestFickle(t *testing.T) {
	var d *DeviceError
	if _, err := ReadBARs(fickle{newFunction(t)}); !errors.As(err, &d) || d.Fault != FaultBAR {
		t.Error(err)
	}
}

// TestPorts: a structure behind I/O ports is the first choice of who has ports only.
func TestPorts(t *testing.T) {
	for _, ports := range []bool{false, true} {
		p := newFunction(t)
		binary.LittleEndian.PutUint32(p.Space[0x10:], 0xc041) // BAR 0
		p.Masks[0] = 0xffc0
		p.Space[0x34] = 0xa0
		copy(p.Space[0xa0:], []byte{9, 0x84, 20, 2, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0})
		bars, l, err := readPCI(p, ports)
		if err != nil || bars[0] != (BAR{Address: 0xc040, Size: 64, Ports: true}) {
			t.Fatal(err, bars[0])
		}
		want := Region{4, 0x3000, 0x1000}
		if ports {
			want = Region{0, 0, 4}
		}
		if l.Notify != want {
			t.Errorf("ports %v: %+v", ports, l.Notify)
		}
	}
}

// TestDoorbell: a queue whose doorbell would be outside is refused.
func TestDoorbell(t *testing.T) {
	x := newBench(t)
	p := virtiotest.NewPCI(x.dev)
	binary.LittleEndian.PutUint32(p.Space[0x60:], 1<<31)
	d, err := Open(openPCI(t, p, 0), Want{ID: testType})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = d.Queue(0, 8, 0, x.arena); err != nil { // at 0 * 1<<31
		t.Error(err)
	}
	var f *DeviceError
	if _, err = d.Queue(1, 8, 0, x.arena); !errors.As(err, &f) || f.Fault != FaultNotify || f.Queue != 1 {
		t.Error(err)
	}
}

// TestLastDoorbell: one that ends where the doorbells do is well, one byte further isn't.
func TestLastDoorbell(t *testing.T) {
	for size, want := range map[uint32]error{6: nil, 5: ErrDevice} {
		x := newBench(t)
		p := virtiotest.NewPCI(x.dev)
		binary.LittleEndian.PutUint32(p.Space[0x5c:], size)
		d, err := Open(openPCI(t, p, 0), Want{ID: testType})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = d.Queue(1, 8, 0, x.arena); !errors.Is(err, want) {
			t.Error(size, err)
		}
	}
}

func TestMSIX(t *testing.T) {
	p := newFunction(t)
	_, l, err := readPCI(p, false)
	if err != nil {
		t.Fatal(err)
	}
	EnablePCI(p)
	table := virtiotest.PCIRegisters{PCI: p, BAR: l.MSIX.Table.BAR, Offset: int(l.MSIX.Table.Offset), Length: int(l.MSIX.Table.Size)}
	if err := EnableMSIX(p, l.MSIX, table, []Message{{0x1_fee01000, 0x41}, {0xfee02000, 0x42}}); err != nil {
		t.Fatal(err)
	}
	words := [12]uint32{0xfee01000, 1, 0x41, 0, 0xfee02000, 0, 0x42, 0, 0, 0, 0, 1}
	for i, want := range words {
		if v := table.Read32(4 * i); v != want {
			t.Errorf("word %d is %#x, not %#x", i, v, want)
		}
	}
	if c, command := p.Read(0x86, 2), p.Read(4, 2); c != 0x8002 || command != 0x406 {
		t.Errorf("control %#x, command %#x", c, command)
	}
	DisableMSIX(p, l.MSIX)
	if c, command := p.Read(0x86, 2), p.Read(4, 2); c != 0x0002 || command != 0x006 {
		t.Errorf("control %#x, command %#x", c, command)
	}
	for _, n := range []int{0, 4} {
		if err := EnableMSIX(p, l.MSIX, table, make([]Message, n)); !errors.Is(err, ErrVectors) {
			t.Error(n, err)
		}
	}
	if err := EnableMSIX(p, MSIX{}, table, make([]Message, 1)); !errors.Is(err, ErrVectors) {
		t.Error(err)
	}
	if p.Err != nil {
		t.Error(p.Err)
	}
}

// wild is a configuration space, and registers, with any content: base address
// registers take what their masks allow, and everything else reads as it comes.
type wild struct {
	space [configSize]byte
	masks [numBARs]uint32
	next  script
	reads int
}

func (w *wild) Read(at, width int) (v uint32) {
	w.reads++
	for i := range width {
		v |= uint32(w.space[at+i]) << (8 * i)
	}
	return v
}

func (w *wild) Write(at, width int, v uint32) {
	if at >= pciBAR && at < pciBAR+4*numBARs && width == 4 {
		m := w.masks[(at-pciBAR)/4]
		old := binary.LittleEndian.Uint32(w.space[at:])
		binary.LittleEndian.PutUint32(w.space[at:], v&m|old&^m)
	}
}

// wildRegisters are registers that read as the fuzzer likes.
type wildRegisters struct {
	t    *testing.T
	w    *wild
	size int
}

func (r wildRegisters) in(at, n int) {
	if at < 0 || at+n > r.size || at%n != 0 {
		r.t.Fatalf("%d bytes at %d of %d", n, at, r.size)
	}
	r.w.reads++
}

func (r wildRegisters) Size() int                { return r.size }
func (r wildRegisters) Read8(at int) uint8       { r.in(at, 1); return r.w.next.byte() }
func (r wildRegisters) Read16(at int) uint16     { r.in(at, 2); return uint16(r.w.next.word()) }
func (r wildRegisters) Read32(at int) uint32     { r.in(at, 4); return r.w.next.word() }
func (r wildRegisters) Write8(at int, _ uint8)   { r.in(at, 1) }
func (r wildRegisters) Write16(at int, _ uint16) { r.in(at, 2) }
func (r wildRegisters) Write32(at int, _ uint32) { r.in(at, 4) }

// FuzzPCICapabilities: whatever a function says of itself, reading it ends, what comes
// out lies within what the function has, and a driver that goes by it touches nothing else.
func FuzzPCICapabilities(f *testing.F) {
	p := newFunction(f)
	seed := func() {
		b := append([]byte(nil), p.Space[:]...)
		for _, m := range p.Masks {
			b = binary.LittleEndian.AppendUint32(b, m)
		}
		registers := []byte{0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 11, 2, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0}
		f.Add(append(b, registers...))
	}
	seed()
	p.Space[0x41] = 0x74
	seed()
	p.Space[0x41], p.Masks[4] = 0, 0xffffe00c
	seed()
	f.Fuzz(func(t *testing.T, data []byte) {
		w := &wild{}
		data = data[copy(w.space[:], data):]
		s := script(data)
		for i := range w.masks {
			w.masks[i] = s.word()
		}
		w.next = s
		bars, l, err := readPCI(w, w.space[0xff]&1 != 0)
		if w.reads > 1000 {
			t.Fatalf("%d reads", w.reads)
		}
		if err != nil {
			return
		}
		for _, r := range []Region{l.Common, l.Notify, l.ISR, l.Device, l.MSIX.Table, l.MSIX.Pending} {
			if r.BAR < 0 || r.BAR >= numBARs || r.Offset+r.Size > bars[r.BAR].Size || r.Offset+r.Size < r.Offset {
				t.Fatalf("%+v of %+v", r, bars)
			}
		}
		if l.Common.Size+l.ISR.Size+l.Device.Size > 3*mostMapped || l.Notify.Size > mostDoorbells {
			t.Fatalf("%+v", l)
		}
		if l.Common.Size < commonSize || l.Notify.Size < 2 || l.ISR.Size == 0 || l.MSIX.Table.Size != uint64(16*l.MSIX.Vectors) {
			t.Fatalf("%+v", l)
		}
		driveWild(t, w, l)
	})
}

// driveWild has a driver use the layout.
func driveWild(t *testing.T, w *wild, l PCILayout) {
	open := func(r Region) (Registers, error) { return wildRegisters{t, w, int(r.Size)}, nil }
	vectors := min(l.MSIX.Vectors, w.next.n(4))
	if vectors > 0 {
		table, _ := open(l.MSIX.Table)
		if err := EnableMSIX(w, l.MSIX, table, make([]Message, vectors)); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := NewPCI(l, open, vectors)
	if err != nil {
		t.Fatal(err)
	}
	driveAny(t, tr, l.ID)
}

// driveAny has a driver open a device whose registers read as anything.
func driveAny(t *testing.T, tr Transport, id uint32) {
	m, err := NewMemory(make([]byte, 1<<17), testAddress)
	if err != nil {
		t.Fatal(err)
	}
	a := NewArena(m)
	d, err := open(tr, Want{ID: id}, func(time.Duration) {})
	if err != nil {
		return
	}
	for i := range 3 {
		q, err := d.Queue(i, 32, 2, a)
		if err != nil {
			continue
		}
		_, _ = q.Add([]Element{m.Element(0, 1)}, nil)
		_ = d.Kick(q)
		_, _, _ = q.Used()
	}
	d.Start()
	_, _ = d.Interrupt()
	_ = d.Config(func(c *Config) { c.Uint64(8); c.Byte(3) })
	_ = d.SetConfig(0, make([]byte, 8))
	_ = d.Reset()
}

// FuzzMMIO: whatever a device's registers read as, a driver comes to an end.
func FuzzMMIO(f *testing.F) {
	magic := []byte{0x76, 0x69, 0x72, 0x74, 2, 0, 0, 0, 4, 0, 0, 0}
	f.Add(append(magic, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0))
	f.Add(append(magic, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := &wild{next: data}
		tr, err := NewMMIO(wildRegisters{t, w, mmioConfig + len(data)%64})
		if err == nil {
			driveAny(t, tr, tr.ID())
		}
	})
}
