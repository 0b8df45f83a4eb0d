// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

const address = 0x8000_0000

// model is an honest device: it holds what it is given until a test has it go on.
type model struct {
	dev  *virtiotest.Device
	held [12][]virtiotest.Chain // by queue
	told []string               // control messages of the driver's
	deaf bool                   // it takes no control messages
}

func (x *model) serve(queue int, c virtiotest.Chain) (int, bool) {
	if queue == controlOut && !x.deaf {
		b := c.Read()
		x.told = append(x.told, fmt.Sprintf("%d:%d=%d", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])))
		return 0, true
	}
	x.held[queue] = append(x.held[queue], c)
	return 0, false
}

// send has the device fill a buffer of the driver's; false: it has none.
func (x *model) send(queue int, b []byte) (n int, ok bool) {
	if len(x.held[queue]) == 0 {
		return 0, false
	}
	c := x.held[queue][0]
	x.held[queue] = x.held[queue][1:]
	n = c.Write(0, b)
	x.dev.Finish(queue, c, n)
	return n, true
}

// take has the device take a buffer that was written.
func (x *model) take(queue int) ([]byte, bool) {
	if len(x.held[queue]) == 0 {
		return nil, false
	}
	c := x.held[queue][0]
	x.held[queue] = x.held[queue][1:]
	b := c.Read()
	x.dev.Finish(queue, c, 0)
	return b, true
}

// tell has the device send a control message.
func (x *model) tell(t testing.TB, id uint32, event, value uint16, rest string) {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, id)
	b = binary.LittleEndian.AppendUint16(b, event)
	b = binary.LittleEndian.AppendUint16(b, value)
	if _, ok := x.send(controlIn, append(b, rest...)); !ok {
		t.Fatal("no buffer for a control message")
	}
}

type world struct {
	*model
	c *Console
}

func tryOpen(t testing.TB, features uint64, o Options, most uint32) (*world, error) {
	t.Helper()
	b := make([]byte, o.Bytes())
	m, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	x := &model{}
	config := binary.LittleEndian.AppendUint16(nil, 80)
	config = binary.LittleEndian.AppendUint16(config, 25)
	config = binary.LittleEndian.AppendUint32(config, most)
	x.dev = &virtiotest.Device{
		Type: virtio.DeviceConsole, Features: features | virtio.FeatureVersion1, Config: append(config, 0, 0, 0, 0),
		Max: slices.Repeat([]int{128}, len(x.held)), Guest: virtiotest.Guest{Bytes: b, Address: address}, Serve: x.serve,
	}
	tr, err := virtio.NewMMIO(virtiotest.NewMMIO(x.dev))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(tr, virtio.NewArena(m), o)
	return &world{x, c}, err
}

var small = Options{Ports: 3, Buffers: 4, BufferSize: 16}

func openWith(t testing.TB, features uint64, o Options) *world {
	t.Helper()
	w, err := tryOpen(t, features, o, 5)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// events takes all control messages.
func (w *world) events(t testing.TB) (all []Event) {
	t.Helper()
	for {
		e, ok, err := w.c.Event()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, e)
	}
}

// TestPorts: ports come, are named and opened, and go, as 5.3.6.2 has it.
func TestPorts(t *testing.T) {
	w := openWith(t, featureMultiport|featureSize, small)
	if w.c.Ports() != 3 || !slices.Equal(w.told, []string{"0:0=1"}) {
		t.Fatal(w.c.Ports(), w.told)
	}
	if _, err := w.c.Read(0, make([]byte, 1)); err != ErrPort {
		t.Error(err)
	}
	w.tell(t, 1, deviceAdd, 0, "")
	w.tell(t, 4, deviceAdd, 0, "") // more than are wanted
	w.tell(t, 4, portOpen, 1, "")
	w.tell(t, 1, consolePort, 1, "")
	w.tell(t, 1, portName, 1, "loam.out\x00")
	w.tell(t, 1, resize, 0, "\x78\x00\x28\x00")
	w.tell(t, 1, portOpen, 1, "")
	w.tell(t, 9, 99, 0, "what is this")
	want := []Event{{1, Added}, {}, {}, {1, Nominated}, {1, Named}, {1, Sized}, {1, Opened}, {}}
	if e := w.events(t); !slices.Equal(e, want) {
		t.Errorf("%v", e)
	}
	if p := w.c.Port(1); p != (Port{Added: true, Open: true, Console: true, Name: "loam.out", Columns: 120, Rows: 40}) {
		t.Errorf("%+v", p)
	}
	if err := w.c.SetOpen(1, false); err != nil {
		t.Error(err)
	}
	if err := w.c.SetOpen(2, true); err != ErrPort {
		t.Error(err)
	}
	if want := []string{"0:0=1", "1:3=1", "4:3=0", "1:6=1", "1:6=0"}; !slices.Equal(w.told, want) {
		t.Errorf("%v, not %v", w.told, want)
	}
	w.send(2*1+2, []byte("old"))
	w.tell(t, 1, portOpen, 0, "")
	w.tell(t, 1, deviceGone, 0, "")
	w.tell(t, 1, deviceAdd, 0, "")
	if e := w.events(t); !slices.Equal(e, []Event{{1, Closed}, {1, Removed}, {1, Added}}) {
		t.Errorf("%v", e)
	}
	if n, err := w.c.Read(1, make([]byte, 10)); n != 0 || err != nil || w.c.Port(1) != (Port{Added: true}) {
		t.Error(n, err, w.c.Port(1)) // what came for the port before isn't the new one's
	}
	if w.dev.Err != nil || w.c.Port(-1) != (Port{}) || w.c.Port(3) != (Port{}) {
		t.Error(w.dev.Err)
	}
}

// TestBadMessages: what a device may not say.
func TestBadMessages(t *testing.T) {
	for name, say := range map[string]func(w *world){
		"short":       func(w *world) { w.send(controlIn, make([]byte, 7)) },
		"empty":       func(w *world) { w.send(controlIn, nil) },
		"no port":     func(w *world) { w.tell(t, 5, deviceAdd, 0, "") },
		"twice":       func(w *world) { w.tell(t, 0, deviceAdd, 0, "") },
		"not added":   func(w *world) { w.tell(t, 1, portOpen, 1, "") },
		"not there":   func(w *world) { w.tell(t, 1, deviceGone, 1, "") },
		"size short":  func(w *world) { w.tell(t, 0, resize, 1, "abc") },
		"huge number": func(w *world) { w.tell(t, 1<<32-1, portName, 1, "x") },
	} {
		w := openWith(t, featureMultiport, small)
		w.tell(t, 0, deviceAdd, 0, "")
		w.events(t)
		say(w)
		_, ok, err := w.c.Event()
		var d *virtio.DeviceError
		if ok || !errors.As(err, &d) || d.Fault != virtio.FaultProtocol {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, again := w.c.Event(); again != err {
			t.Errorf("%s: then %v", name, again)
		}
	}
	w, err := tryOpen(t, featureMultiport, small, 0)
	var d *virtio.DeviceError
	if !errors.As(err, &d) || d.Queue != -1 || w.dev.Accepted != 0 {
		t.Error(err)
	}
	w = openWith(t, featureMultiport, small)
	w.tell(t, 0, deviceAdd, 0, "")
	w.tell(t, 0, portName, 0, strings.Repeat("a\xff", 500))
	w.events(t)
	if n := w.c.Port(0).Name; n != strings.Repeat("a?", MaxName/2) {
		t.Errorf("%q", n)
	}
}

// TestDeaf: a device that sends and doesn't listen is left waiting, and goes on when it
// listens.
func TestDeaf(t *testing.T) {
	w := openWith(t, featureMultiport, small)
	w.deaf = true
	taken, sent := 0, 0
	for i := 0; len(w.held[controlIn]) > 0; i++ {
		w.tell(t, 0, []uint16{deviceAdd, deviceGone}[i%2], 0, "")
		sent++
		taken += len(w.events(t))
		if i > 1000 {
			t.Fatal("it goes on for ever")
		}
	}
	if taken == 0 || sent-taken != 16 {
		t.Errorf("%d of %d messages taken", taken, sent)
	}
	if more, err := w.c.Arm(); err != nil || !more {
		t.Error(more, err)
	}
	for len(w.held[controlOut]) > 0 {
		w.take(controlOut)
	}
	if n := len(w.events(t)); n != 16 {
		t.Errorf("%d messages taken then", n)
	}
}

func TestSizes(t *testing.T) {
	w := openWith(t, featureSize|featureEmergency, small)
	if p := w.c.Port(0); p != (Port{Added: true, Open: true, Console: true, Columns: 80, Rows: 25}) {
		t.Errorf("%+v", p)
	}
	w.dev.Change(func(b []byte) { b[0], b[2] = 132, 43 })
	if err := w.c.Resized(); err != nil || w.c.Port(0).Columns != 132 || w.c.Port(0).Rows != 43 {
		t.Error(err)
	}
	wrote := 0
	w.dev.Written = func(at, n int) { wrote = 100*at + n }
	if err := w.c.EmergencyWrite('!'); err != nil || wrote != 804 || w.dev.Config[8] != '!' {
		t.Error(err, wrote)
	}
	if err := w.c.SetOpen(0, true); err != nil {
		t.Error(err)
	}
	if _, ok, err := w.c.Event(); ok || err != nil {
		t.Error(ok, err)
	}
	plain := openWith(t, 0, small)
	if err := plain.c.EmergencyWrite('!'); !errors.Is(err, virtio.ErrFeatures) || plain.c.Resized() != nil || plain.c.Port(0).Columns != 0 {
		t.Error(err)
	}
	for _, o := range []Options{{Ports: 1, Buffers: 1, BufferSize: 1}, {Ports: MaxPorts, Buffers: MaxBuffers, BufferSize: 16}, {Ports: 1, Buffers: 2, BufferSize: MaxBufferSize}} {
		if _, err := tryOpen(t, 0, o, 1); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []Options{{}, {Ports: 1, Buffers: MaxBuffers + 1, BufferSize: 1}, {Ports: 1, Buffers: 1}, {Ports: 33, Buffers: 1, BufferSize: 1}, {Ports: 1, Buffers: 1, BufferSize: MaxBufferSize + 1}} {
		if _, err := tryOpenRaw(o); !errors.Is(err, virtio.ErrMemory) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func tryOpenRaw(o Options) (*Console, error) { return Open(nil, nil, o) }

// TestNoAllocation: reading and writing allocate nothing.
func TestNoAllocation(t *testing.T) {
	w := openWith(t, 0, Options{Ports: 1, Buffers: 64, BufferSize: 64})
	b := make([]byte, 64)
	w.dev.Asleep = true
	if n := testing.AllocsPerRun(1, func() {
		for range 20 {
			if n, err := w.c.Write(0, b); n != 64 || err != nil {
				t.Fatal(n, err)
			}
			if n, err := w.c.Read(0, b); n != 0 || err != nil {
				t.Fatal(n, err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzControl: whatever messages a device sends, the driver says something to each or ends,
// and what it knows of ports stays within bounds.
func FuzzControl(f *testing.F) {
	f.Add([]byte{8, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 7, 0, 1, 0, 'x'})
	f.Add([]byte{8, 2, 0, 0, 0, 1, 0, 0, 0, 12, 2, 0, 0, 0, 5, 0, 0, 0, 80, 0, 25, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0})
	f.Add([]byte{8, 4, 0, 0, 0, 1, 0, 0, 0, 8, 1, 0, 0, 0, 1, 0, 0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		w := openWith(t, featureMultiport, small)
		for len(data) > 0 {
			n := min(int(data[0])%40, len(data)-1)
			if _, ok := w.send(controlIn, data[1:1+n]); !ok {
				t.Fatal("no buffer for a message")
			}
			data = data[1+n:]
			e, ok, err := w.c.Event()
			if err != nil {
				if !errors.Is(err, virtio.ErrDevice) {
					t.Fatal(err)
				}
				return
			}
			if p := w.c.Port(e.Port); !ok || e.Port >= 3 || len(p.Name) > MaxName || e.Change != Nothing && e.Change != Removed && !p.Added {
				t.Fatalf("%v %+v %+v", ok, e, p)
			}
		}
		if w.dev.Err != nil {
			t.Fatal(w.dev.Err)
		}
	})
}
