// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"loam/user/virtio/virtiotest"
)

const testType = DeviceEntropy

// bench is an echo device with two queues, memory, and ways to reach it.
type bench struct {
	dev   *virtiotest.Device
	arena *Arena
	data  Memory
	held  []virtiotest.Chain
	hold  bool
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := make([]byte, 1<<18)
	m, err := NewMemory(b, testAddress)
	if err != nil {
		t.Fatal(err)
	}
	x := &bench{arena: NewArena(m)}
	x.data, err = x.arena.Cut(4096)
	if err != nil {
		t.Fatal(err)
	}
	x.dev = &virtiotest.Device{
		Type: testType, Guest: virtiotest.Guest{Bytes: b, Address: testAddress},
		Features: transportFeatures | 1<<5 | 1<<35 | 1<<38 | 1<<55, Max: []int{64, 16}, Config: []byte("0123456789abcdef"),
	}
	x.dev.Serve = func(_ int, c virtiotest.Chain) (int, bool) {
		if x.hold {
			x.held = append(x.held, c)
			return 0, false
		}
		return c.Write(0, c.Read()), true
	}
	return x
}

// over are the ways to reach a device. signalled says whether it has been notified since.
var over = map[string]func(t testing.TB, d *virtiotest.Device) (tr Transport, signalled func() bool){
	"mmio": func(t testing.TB, d *virtiotest.Device) (Transport, func() bool) {
		tr, err := NewMMIO(virtiotest.NewMMIO(d))
		if err != nil {
			t.Fatal(err)
		}
		return tr, d.Pending
	},
	"pci INTx": func(t testing.TB, d *virtiotest.Device) (Transport, func() bool) {
		p := virtiotest.NewPCI(d)
		return openPCI(t, p, 0), d.Pending
	},
	"pci MSI-X": func(t testing.TB, d *virtiotest.Device) (Transport, func() bool) {
		p := virtiotest.NewPCI(d)
		return openPCI(t, p, 3), func() bool {
			n := len(p.Sent)
			p.Take()
			return len(p.Sent) > n
		}
	},
}

// openPCI does what looks after the bus, and makes the transport.
func openPCI(t testing.TB, p *virtiotest.PCI, vectors int) Transport {
	t.Helper()
	bars, err := ReadBARs(p)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ReadPCI(p, bars, false)
	if err != nil {
		t.Fatal(err)
	}
	EnablePCI(p)
	open := func(r Region) (Registers, error) {
		return virtiotest.PCIRegisters{PCI: p, BAR: r.BAR, Offset: int(r.Offset), Length: int(r.Size)}, nil
	}
	if vectors > 0 {
		table, _ := open(l.MSIX.Table)
		messages := make([]Message, vectors)
		for i := range messages {
			messages[i] = Message{0xfee00000 + uint64(i)<<12, uint32(0x40 + i)}
		}
		if err := EnableMSIX(p, l.MSIX, table, messages); err != nil {
			t.Fatal(err)
		}
	} else {
		DisableMSIX(p, l.MSIX)
	}
	tr, err := NewPCI(l, open, vectors)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestDevice: over each transport, with each kind of queue, from reset to reset.
func TestDevice(t *testing.T) {
	for name, reach := range over {
		for _, without := range []uint64{0, FeatureRingPacked, FeatureEventIndex, FeatureIndirect | FeatureVersion1, FeatureRingPacked | FeatureEventIndex | FeatureIndirect} {
			t.Run(fmt.Sprintf("%s/%#x", name, without), func(t *testing.T) {
				x := newBench(t)
				tr, signalled := reach(t, x.dev)
				d, err := Open(tr, Want{ID: testType, Features: 1<<5 | 1<<6, Need: FeatureVersion1 | 1<<5, Without: without})
				if err != nil {
					t.Fatal(err)
				}
				if want := (transportFeatures|1<<5)&^without | requiredIfOffered; x.dev.Accepted != want || !d.Has(want) || d.Has(1<<6) {
					t.Errorf("features %#x, not %#x", x.dev.Accepted, want)
				}
				x.use(t, d, signalled)
				if err := d.Reset(); err != nil || x.dev.Accepted != 0 {
					t.Error(err)
				}
				if x.dev.Err != nil {
					t.Error(x.dev.Err)
				}
			})
		}
	}
}

// use makes requests of both queues.
func (x *bench) use(t *testing.T, d *Device, signalled func() bool) {
	for i, want := range []int{64, 16} {
		q, err := d.Queue(i, 100, 4, x.arena)
		if err != nil || q.Index() != i || q.Size() > 100 || !q.config.Packed && q.Size() != want {
			t.Fatal(err, q)
		}
		defer x.request(t, d, q, signalled)
	}
	if _, err := d.Queue(2, 100, 0, x.arena); !errors.Is(err, ErrNoQueue) {
		t.Error(err)
	}
	d.Start()
}

func (x *bench) request(t *testing.T, d *Device, q *Queue, signalled func() bool) {
	for i := range 300 {
		copy(x.data.Bytes(), fmt.Sprintf("%08d", i))
		id, err := q.Add([]Element{x.data.Element(0, 4), x.data.Element(4, 4)}, []Element{x.data.Element(100, 8), x.data.Element(120, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Kick(q); err != nil {
			t.Fatal(err)
		}
		if !signalled() {
			t.Fatalf("no notification of request %d", i)
		}
		if c, err := d.Interrupt(); err != nil || c&CauseQueue == 0 || x.dev.Pending() {
			t.Fatal(c, err)
		}
		u, ok, err := q.Used()
		if !ok || err != nil || u != (Used{id, 8}) || string(x.data.Bytes()[100:108]) != fmt.Sprintf("%08d", i) {
			t.Fatal(u, ok, err)
		}
		if more, err := q.Arm(); more || err != nil {
			t.Fatal(more, err)
		}
	}
}

func TestVectors(t *testing.T) {
	for vectors, want := range map[int][]int{1: {0, 0, 0}, 2: {0, 1, 1}, 3: {0, 1, 2}} {
		x := newBench(t)
		p := virtiotest.NewPCI(x.dev)
		d, err := Open(openPCI(t, p, vectors), Want{ID: testType})
		if err != nil {
			t.Fatal(err)
		}
		var queues [2]*Queue
		for i := range queues {
			if queues[i], err = d.Queue(i, 8, 0, x.arena); err != nil {
				t.Fatal(err)
			}
		}
		d.Start()
		x.dev.Change(func([]byte) {})
		_, _ = queues[0].Add([]Element{x.data.Element(0, 1)}, nil)
		if err := d.Kick(queues[0]); err != nil {
			t.Fatal(err)
		}
		p.Take()
		if !slices.Equal(p.Sent, want) {
			t.Errorf("%d vectors: %v, not %v", vectors, p.Sent, want)
		}
	}
	// A device that has no vectors to give is opened again without.
	x := newBench(t)
	p := virtiotest.NewPCI(x.dev)
	p.NoVectors = true
	if _, err := Open(openPCI(t, p, 3), Want{ID: testType}); !errors.Is(err, ErrVectors) {
		t.Error(err)
	}
	d, err := Open(openPCI(t, p, 0), Want{ID: testType})
	if err != nil {
		t.Fatal(err)
	}
	x.use(t, d, x.dev.Pending)
	if x.dev.Err != nil {
		t.Error(x.dev.Err)
	}
}

// twisted are registers that read as something else.
type twisted struct {
	Registers
	read8  map[int]func(uint8) uint8
	read32 map[int]func(uint32) uint32
}

func (w twisted) Read8(at int) uint8 {
	if f := w.read8[at]; f != nil {
		return f(w.Registers.Read8(at))
	}
	return w.Registers.Read8(at)
}

func (w twisted) Read32(at int) uint32 {
	if f := w.read32[at]; f != nil {
		return f(w.Registers.Read32(at))
	}
	return w.Registers.Read32(at)
}

func always(v uint32) func(uint32) uint32 { return func(uint32) uint32 { return v } }

// TestBadDevices: each thing that can be wrong from reset to start.
func TestBadDevices(t *testing.T) {
	isFault := func(f Fault) func(error) bool {
		return func(err error) bool { var d *DeviceError; return errors.As(err, &d) && d.Fault == f }
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	generation := uint32(0)
	for name, c := range map[string]struct {
		at   int
		read func(uint32) uint32
		want func(error) bool
	}{
		"magic":       {mmioMagic, always(0), is(ErrNotVirtio)},
		"version 1":   {mmioVersion, always(1), is(ErrLegacy)},
		"version 3":   {mmioVersion, always(3), is(ErrNotVirtio)},
		"nothing":     {mmioDeviceID, always(0), is(ErrNoDevice)},
		"other type":  {mmioDeviceID, always(77), is(ErrNotVirtio)},
		"old":         {mmioDeviceFeatures, always(0), is(ErrLegacy)},
		"reset":       {mmioStatus, always(1), isFault(FaultReset)},
		"features":    {mmioStatus, func(v uint32) uint32 { return v &^ StatusFeaturesOK }, is(ErrFeatures)},
		"in use":      {mmioQueueReady, always(1), isFault(FaultQueueInUse)},
		"no queue":    {mmioQueueNumMax, always(0), is(ErrNoQueue)},
		"large queue": {mmioQueueNumMax, always(maxEntries + 1), isFault(FaultQueueSize)},
		"generation":  {mmioGeneration, func(uint32) uint32 { generation++; return generation }, isFault(FaultGeneration)},
		"needs reset": {mmioStatus, func(v uint32) uint32 {
			if v&StatusDriverOK != 0 {
				v |= StatusNeedsReset
			}
			return v
		}, isFault(FaultNeedsReset)},
		"forgets": {mmioStatus, func(v uint32) uint32 {
			if v&StatusDriverOK != 0 {
				v = 0
			}
			return v
		}, isFault(FaultStatus)},
	} {
		x := newBench(t)
		err := x.bringUp(twisted{Registers: virtiotest.NewMMIO(x.dev), read32: map[int]func(uint32) uint32{c.at: c.read}})
		if !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	x := newBench(t)
	if err := x.bringUp(virtiotest.NewMMIO(x.dev)); err != nil || x.dev.Err != nil {
		t.Error(err, x.dev.Err)
	}
	largest := twisted{Registers: virtiotest.NewMMIO(x.dev), read32: map[int]func(uint32) uint32{mmioQueueNumMax: always(maxEntries)}}
	if err := x.bringUp(largest); err != nil {
		t.Error(err)
	}
	x.dev.Refuse = FeatureEventIndex
	if err := x.bringUp(virtiotest.NewMMIO(x.dev)); !errors.Is(err, ErrFeatures) {
		t.Error(err)
	}
	if err := x.bringUp(Mapped(make([]byte, 0xff))); !errors.Is(err, ErrMemory) {
		t.Error(err)
	}
	empty := virtiotest.NewMMIO(x.dev)
	empty.Version, empty.Type = 1, 0 // as QEMU's empty places are
	if _, err := NewMMIO(empty); !errors.Is(err, ErrNoDevice) {
		t.Error(err)
	}
}

// bringUp does all that a driver does before its first request.
func (x *bench) bringUp(r Registers) error {
	tr, err := NewMMIO(r)
	if err != nil {
		return err
	}
	d, err := open(tr, Want{ID: testType}, func(time.Duration) {})
	if err != nil {
		return err
	}
	if _, err := d.Queue(0, 8, 0, x.arena); err != nil {
		return err
	}
	d.Start()
	if err := d.Config(func(c *Config) { c.Uint64(0) }); err != nil {
		return err
	}
	x.dev.Change(func([]byte) {})
	_, err = d.Interrupt()
	return err
}

func TestConfig(t *testing.T) {
	for name, reach := range over {
		x := newBench(t)
		tr, _ := reach(t, x.dev)
		d, err := Open(tr, Want{ID: testType})
		if err != nil {
			t.Fatal(err)
		}
		tries := 0
		err = d.Config(func(c *Config) {
			tries++
			a := c.Uint64(0)
			if tries == 1 {
				x.dev.Change(func(b []byte) { b[0]++ })
				return
			}
			var b [3]byte
			c.Bytes(13, b[:])
			if a != 0x3736353433323131 || c.Byte(9) != '9' || c.Uint16(10) != 0x6261 || c.Uint32(12) != 0x66656463 || string(b[:]) != "def" {
				t.Errorf("%s: %#x % x", name, a, b)
			}
		})
		if err != nil || tries != 2 {
			t.Error(name, err, tries)
		}
		wrote := [2]int{}
		x.dev.Written = func(at, n int) { wrote = [2]int{at, n} }
		for _, field := range []string{"A", "AB", "ABCD", "ABCDEFGH"} {
			err := d.SetConfig(8, []byte(field))
			if n := min(len(field), 4); err != nil || string(x.dev.Config[8:8+len(field)]) != field || wrote != [2]int{8 + len(field) - n, n} {
				t.Error(name, err, string(x.dev.Config), wrote)
			}
		}
		if x.dev.Err != nil {
			t.Error(name, x.dev.Err)
		}
		size := tr.Config().Size()
		for _, at := range []int{-1, size - 7, size, 1 << 62} {
			if err := d.Config(func(c *Config) { c.Uint64(at) }); !errors.Is(err, ErrConfig) {
				t.Error(name, at, err)
			}
			if err := d.SetConfig(at, make([]byte, 8)); !errors.Is(err, ErrConfig) {
				t.Error(name, at, err)
			}
		}
		if err := d.SetConfig(0, make([]byte, 3)); !errors.Is(err, ErrConfig) {
			t.Error(name, err)
		}
	}
}

// TestMapped: registers in memory, and parts of them.
func TestMapped(t *testing.T) {
	b := make(Mapped, 16)
	p := Part(b, 4, 8)
	p.Write8(0, 1)
	p.Write16(2, 0x302)
	p.Write32(4, 0x7060504)
	if p.Size() != 8 || p.Read8(0) != 1 || p.Read16(2) != 0x302 || p.Read32(4) != 0x7060504 || b.Read32(4) != 0x3020001 || b.Size() != 16 {
		t.Errorf("% x", b)
	}
	if b.Read8(4) != 1 || b.Read16(6) != 0x302 {
		t.Errorf("% x", b)
	}
	for _, r := range [][2]int{{-1, 1}, {0, 17}, {16, 1}, {1, -1}} {
		if Part(b, r[0], r[1]) != nil {
			t.Error(r)
		}
	}
}
