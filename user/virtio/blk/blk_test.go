// SPDX-License-Identifier: Apache-2.0

package blk

import (
	"encoding/binary"
	"errors"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

const (
	address  = 0x8000_0000
	capacity = 256 // sectors
	all      = uint64(virtio.FeatureVersion1 | virtio.FeatureEventIndex | virtio.FeatureIndirect | virtio.FeatureRingPacked | features)
)

// model is an honest device, with a disk in memory, that does requests in any order.
type model struct {
	t       *testing.T
	dev     *virtiotest.Device
	disk    []byte
	flushed int
	held    []virtiotest.Chain
	hold    bool
	answer  func(c virtiotest.Chain) int // nil: an honest one
}

func put(b []byte, at int, v uint64, n int) {
	for i := range n {
		b[at+i] = byte(v >> (8 * i))
	}
}

// config is a struct virtio_blk_config.
func config() []byte {
	b := make([]byte, 60)
	put(b, 0, capacity, 8)
	put(b, 8, 4096, 4)  // size_max
	put(b, 12, 4, 4)    // seg_max
	put(b, 20, 1024, 4) // blk_size
	put(b, 24, 2, 1)    // physical_block_exp
	put(b, 25, 1, 1)    // alignment_offset
	put(b, 26, 8, 2)    // min_io_size
	put(b, 28, 64, 4)   // opt_io_size
	put(b, 36, 100, 4)  // max_discard_sectors
	put(b, 40, 99, 4)   // max_discard_seg
	put(b, 44, 8, 4)    // discard_sector_alignment
	put(b, 48, 50, 4)   // max_write_zeroes_sectors
	put(b, 52, 2, 4)    // max_write_zeroes_seg
	put(b, 56, 1, 1)    // write_zeroes_may_unmap
	return b
}

// world is a disk, its device, and memory for data.
type world struct {
	*model
	disk *Disk
	data virtio.Memory
}

func tryOpen(t *testing.T, features uint64, change func(*virtiotest.Device)) (*world, error) {
	t.Helper()
	o := Options{Requests: 16, Elements: 2}
	b := make([]byte, 1<<16+o.Bytes())
	m, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	x := &model{t: t, disk: make([]byte, capacity*SectorSize)}
	x.dev = &virtiotest.Device{
		Type: virtio.DeviceBlock, Features: features, Max: []int{64}, Config: config(),
		Guest: virtiotest.Guest{Bytes: b, Address: address}, Serve: x.serve,
	}
	if change != nil {
		change(x.dev)
	}
	tr, err := virtio.NewMMIO(virtiotest.NewMMIO(x.dev))
	if err != nil {
		t.Fatal(err)
	}
	a := virtio.NewArena(m)
	w := &world{model: x}
	if w.data, err = a.Cut(1 << 16); err != nil {
		t.Fatal(err)
	}
	w.disk, err = Open(tr, a, o)
	return w, err
}

func open(t *testing.T, features uint64) *world {
	t.Helper()
	w, err := tryOpen(t, features, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (x *model) serve(_ int, c virtiotest.Chain) (int, bool) {
	if x.hold {
		x.held = append(x.held, c)
		return 0, false
	}
	return x.do(c), true
}

// do does a request, as 5.2.6 has it, and gives how much was written.
func (x *model) do(c virtiotest.Chain) int {
	if x.answer != nil {
		return x.answer(c)
	}
	b, room := c.Read(), c.Room()-1
	kind, sector := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[8:])
	if binary.LittleEndian.Uint32(b[4:]) != 0 || kind != typeIn && kind != typeOut && sector != 0 {
		x.t.Errorf("header % x", b[:16])
	}
	b = b[16:]
	status := byte(statusOK)
	switch kind {
	case typeIn:
		c.Write(0, x.disk[sector*SectorSize:][:room])
	case typeOut:
		if len(b)%SectorSize != 0 || room != 0 {
			x.t.Errorf("a write of %d bytes, room for %d", len(b), room)
		}
		copy(x.disk[sector*SectorSize:][:len(b)], b)
	case typeFlush:
		x.flushed++
	case typeGetID:
		c.Write(0, append([]byte("a disk"), make([]byte, 14)...))
	case typeDiscard, typeWriteZeroes:
		for ; len(b) > 0; b = b[16:] {
			at, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
			if flags := binary.LittleEndian.Uint32(b[12:]); flags > 1 || flags == 1 && kind == typeDiscard {
				status = statusUnsupp
			}
			clear(x.disk[at*SectorSize:][:n*SectorSize])
		}
	default:
		status = statusUnsupp
	}
	c.Write(room, []byte{status})
	return room + 1
}

// finish has the device do one of the requests that it holds.
func (x *model) finish(i int) {
	c := x.held[i]
	x.held = append(x.held[:i], x.held[i+1:]...)
	x.dev.Finish(requestq, c, x.do(c))
}

// wait kicks, and gives the only request that is done.
func (w *world) wait(tag Tag, err error) error {
	w.t.Helper()
	if err != nil {
		return err
	}
	if err := w.disk.Kick(); err != nil {
		return err
	}
	d, ok, err := w.disk.Done()
	if err != nil {
		return err
	}
	if !ok || d.Tag != tag {
		w.t.Fatalf("%+v, %v: not request %d", d, ok, tag)
	}
	return d.Err
}

func TestInfo(t *testing.T) {
	want := Info{
		Sectors: capacity, BlockSize: 1024, WriteBack: true, MaxSegments: 4, MaxSegment: 4096,
		Discard: Ranges{100, MaxRanges, 8}, WriteZeroes: Ranges{50, 2, 1}, ZeroesMayUnmap: true,
		Topology: Topology{PhysicalBlock: 4096, AlignmentOffset: 1, MinIO: 8, OptIO: 64},
	}
	want.ReadOnly = true
	if i := open(t, all).disk.Info(); i != want {
		t.Errorf("%+v", i)
	}
	plain := Info{Sectors: capacity, BlockSize: 512, MaxSegments: 14, MaxSegment: 1<<32 - 1, Topology: Topology{PhysicalBlock: 512}}
	w := open(t, virtio.FeatureVersion1)
	if i := w.disk.Info(); i != plain {
		t.Errorf("%+v", i)
	}
	w.dev.Change(func(b []byte) { put(b, 0, 5, 8) })
	if c, err := w.disk.Device().Interrupt(); c&virtio.CauseConfig == 0 || err != nil {
		t.Error(c, err)
	}
	if err := w.disk.Refresh(); err != nil || w.disk.Info().Sectors != 5 {
		t.Error(err, w.disk.Info())
	}
}

// TestBadInfo: what a device can't be.
func TestBadInfo(t *testing.T) {
	for name, change := range map[string]func(*virtiotest.Device){
		"capacity":      func(d *virtiotest.Device) { put(d.Config, 0, maxSectors+1, 8) },
		"block size 0":  func(d *virtiotest.Device) { put(d.Config, 20, 0, 4) },
		"block size 3":  func(d *virtiotest.Device) { put(d.Config, 20, 1536, 4) },
		"large blocks":  func(d *virtiotest.Device) { put(d.Config, 20, 1<<31, 4) },
		"small segment": func(d *virtiotest.Device) { put(d.Config, 8, 511, 4) },
	} {
		w, err := tryOpen(t, all, change)
		var d *virtio.DeviceError
		if !errors.As(err, &d) || d.Fault != virtio.FaultProtocol || w.dev.Accepted != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tryOpen(t, all, func(d *virtiotest.Device) { d.Config = d.Config[:40] }); !errors.Is(err, virtio.ErrConfig) {
		t.Error(err)
	}
	for _, n := range []int{1, 2} {
		if _, err := tryOpen(t, all, func(d *virtiotest.Device) { d.Max[0] = n }); !errors.Is(err, virtio.ErrMemory) {
			t.Error(err)
		}
	}
	w, err := tryOpen(t, all, func(d *virtiotest.Device) { put(d.Config, 12, 0, 4); put(d.Config, 24, 255, 1) })
	if err != nil || w.disk.Info().MaxSegments != 1 || w.disk.Info().Topology.PhysicalBlock != 1024<<16 {
		t.Error(err)
	}
}

// TestLimits: what is just possible.
func TestLimits(t *testing.T) {
	w := open(t, all&^featureReadOnly)
	page := []virtio.Element{w.data.Element(0, 4096)}
	if err := w.wait(w.disk.Discard([]Range{{0, 100}, {capacity - 100, 100}, {5, 1}, {6, 1}, {7, 1}})); err != nil {
		t.Error(err)
	}
	if err := w.wait(w.disk.WriteZeroes([]Range{{capacity - 50, 50}, {0, 50}}, true)); err != nil {
		t.Error(err)
	}
	if err := w.wait(w.disk.Read(capacity-32, []virtio.Element{page[0], page[0], page[0], page[0]})); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{"": "", "exactly twenty bytes": "exactly twenty bytes", "a\x00b": "a"} {
		w.answer = func(c virtiotest.Chain) int {
			c.Write(0, append(append([]byte(name), make([]byte, nameSize-len(name))...), statusOK))
			return nameSize + 1
		}
		tag, err := w.disk.AskName()
		if err := w.wait(tag, err); err != nil || w.disk.Name(tag) != want {
			t.Errorf("%q, %v, not %q", w.disk.Name(tag), err, want)
		}
	}
	for name, change := range map[string]func(*virtiotest.Device){
		"queue":      func(d *virtiotest.Device) { d.Max[0] = 4 },
		"capacity":   func(d *virtiotest.Device) { put(d.Config, 0, maxSectors, 8) },
		"block size": func(d *virtiotest.Device) { put(d.Config, 20, maxBlockSize, 4) },
		"segment":    func(d *virtiotest.Device) { put(d.Config, 8, 512, 4) },
	} {
		if _, err := tryOpen(t, all, change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tryOpen(t, all|virtio.FeatureRingPacked, func(d *virtiotest.Device) { d.Max[0] = 3 }); err != nil {
		t.Error(err)
	}
	if w.dev.Err != nil {
		t.Error(w.dev.Err)
	}
}

// TestRefused: requests that can't be never reach the device.
func TestRefused(t *testing.T) {
	w := open(t, all&^featureReadOnly)
	e := func(at, n int) []virtio.Element { return []virtio.Element{w.data.Element(at, n)} }
	one := e(0, 512)[0]
	d := w.disk
	for name, f := range map[string]func() (Tag, error){
		"nothing":       func() (Tag, error) { return d.Read(0, nil) },
		"part":          func() (Tag, error) { return d.Read(0, e(0, 100)) },
		"no memory":     func() (Tag, error) { return d.Read(0, e(1<<16, 512)) },
		"behind":        func() (Tag, error) { return d.Write(capacity, e(0, 512)) },
		"across":        func() (Tag, error) { return d.Write(capacity-1, e(0, 1024)) },
		"wraps":         func() (Tag, error) { return d.Read(1<<64-1, e(0, 512)) },
		"large element": func() (Tag, error) { return d.Read(0, e(0, 4608)) },
		"many elements": func() (Tag, error) { return d.Read(0, []virtio.Element{one, one, one, one, one}) },
		"no ranges":     func() (Tag, error) { return d.Discard(nil) },
		"empty range":   func() (Tag, error) { return d.Discard([]Range{{0, 0}}) },
		"large range":   func() (Tag, error) { return d.Discard([]Range{{0, 101}}) },
		"range behind":  func() (Tag, error) { return d.WriteZeroes([]Range{{capacity - 1, 2}}, false) },
		"many ranges":   func() (Tag, error) { return d.WriteZeroes([]Range{{0, 1}, {1, 1}, {2, 1}}, false) },
		"wrapped range": func() (Tag, error) { return d.Discard([]Range{{1<<64 - 1, 2}}) },
	} {
		if _, err := f(); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := open(t, virtio.FeatureVersion1).disk
	_, e1 := plain.Flush()
	_, e2 := plain.Discard([]Range{{0, 1}})
	_, e3 := plain.WriteZeroes([]Range{{0, 1}}, true)
	if e1 != ErrUnsupported || e2 != ErrUnsupported || e3 != ErrUnsupported {
		t.Error(e1, e2, e3)
	}
	fixed := open(t, all).disk
	_, e1 = fixed.Write(0, e(0, 512))
	_, e2 = fixed.Discard([]Range{{0, 1}})
	if e1 != ErrReadOnly || e2 != ErrReadOnly || fixed.InFlight() != 0 {
		t.Error(e1, e2)
	}
	full := open(t, all&^featureReadOnly)
	for {
		_, err := full.disk.Read(0, e(0, 512))
		if err == nil {
			continue
		}
		if !errors.Is(err, virtio.ErrFull) {
			t.Error(err)
		}
		break
	}
	_, e1 = full.disk.AskName()
	_, e2 = full.disk.Discard([]Range{{0, 1}})
	if e1 != virtio.ErrFull || e2 != virtio.ErrFull || full.disk.InFlight() != 16 {
		t.Error(e1, e2, full.disk.InFlight())
	}
}

// TestAnswers: what a device can answer, and can't.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status byte
		length int
		want   error
		dead   bool
	}{
		"well":                {statusOK, 513, nil, false},
		"failed":              {statusIOErr, 513, ErrIO, false},
		"failed and says so":  {statusIOErr, 1, ErrIO, false},
		"unknown":             {statusUnsupp, 513, ErrUnsupported, false},
		"a status of its own": {3, 513, virtio.ErrDevice, true},
		"no status":           {noStatus, 513, virtio.ErrDevice, true},
		"short":               {statusOK, 512, virtio.ErrDevice, true},
		"long":                {statusOK, 514, virtio.ErrDevice, true},
	} {
		w := open(t, all)
		w.answer = func(b virtiotest.Chain) int {
			b.Write(512, []byte{c.status})
			return c.length
		}
		if err := w.wait(w.disk.Read(0, []virtio.Element{w.data.Element(0, 512)})); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		_, err := w.disk.Read(0, []virtio.Element{w.data.Element(0, 512)})
		if errors.Is(err, virtio.ErrDevice) != c.dead {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}

// TestNoAllocation: a request in steady state allocates nothing.
func TestNoAllocation(t *testing.T) {
	w := open(t, all&^featureReadOnly)
	data := []virtio.Element{w.data.Element(0, 512)}
	w.dev.Asleep = true
	allocs := testing.AllocsPerRun(1, func() {
		for range 8 {
			if _, err := w.disk.Write(3, data); err != nil {
				t.Fatal(err)
			}
			if err := w.disk.Kick(); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := w.disk.Done(); ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations in 8 requests", allocs)
	}
}
