// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"encoding/binary"
	"testing"
	"time"

	"loam/internal/terminal"
	"loam/user/streams"
	"loam/user/streams/ring"
	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

const address = 0x8000_0000

// model is a device that does as QEMU's: it takes buffers from the queues out in order and may take one in
// parts, gives it back when it has taken all of it, and fills buffers of the queues in as far as it has
// bytes.
type model struct {
	t      testing.TB
	dev    *virtiotest.Device
	mmio   *virtiotest.MMIO
	held   [12][]virtiotest.Chain // by queue
	at     [12]int                // what of the first has been taken
	sent   [12][]byte             // by queue: what has come out
	opened [ports]bool
	named  [ports - 1]string
	resets int
	silent bool // it tells of no ports
}

func newModel(t testing.TB, b []byte) *model {
	x := &model{t: t, named: terminal.Ports}
	x.dev = &virtiotest.Device{
		Type: virtio.DeviceConsole, Features: featureMultiport | virtio.FeatureVersion1 | virtio.FeatureEventIndex | virtio.FeatureIndirect,
		Config: make([]byte, 12), Max: []int{128, 128, 32, 32, 128, 128, 128, 128, 128, 128, 128, 128},
		Guest: virtiotest.Guest{Bytes: b, Address: address}, Serve: x.serve,
	}
	x.mmio = virtiotest.NewMMIO(x.dev)
	return x
}

func (x *model) serve(queue int, c virtiotest.Chain) (int, bool) {
	if queue == controlOut {
		x.told(c.Read())
		return 0, true
	}
	x.held[queue] = append(x.held[queue], c)
	return 0, false
}

// told is a message of the driver's.
func (x *model) told(b []byte) {
	port, event, value := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
	switch {
	case event == deviceReady && !x.silent:
		for p := uint32(1); p < ports; p++ {
			x.tell(p, deviceAdd, 0, "")
		}
	case event == portReady:
		x.tell(port, portOpen, 1, "")
		x.tell(port, portName, 1, x.named[port-1]+"\x00")
	case event == portOpen:
		x.opened[port] = value == 1
	}
}

func (x *model) tell(port uint32, event, value uint16, rest string) {
	b := binary.LittleEndian.AppendUint32(nil, port)
	b = binary.LittleEndian.AppendUint16(b, event)
	b = binary.LittleEndian.AppendUint16(b, value)
	if x.give(controlIn, append(b, rest...)) < 0 {
		x.t.Fatal("no buffer for a message")
	}
}

// give fills the next buffer of a queue in, and tells how much found room; -1: there is no
// buffer.
func (x *model) give(queue int, b []byte) int {
	if len(x.held[queue]) == 0 {
		return -1
	}
	c := x.held[queue][0]
	x.held[queue] = x.held[queue][1:]
	n := c.Write(0, b)
	x.dev.Finish(queue, c, n)
	return n
}

// take takes up to n bytes from a queue out.
func (x *model) take(queue, n int) (taken int) {
	for n > 0 && len(x.held[queue]) > 0 {
		c := x.held[queue][0]
		b := c.Read()[x.at[queue]:]
		k := min(n, len(b))
		x.sent[queue] = append(x.sent[queue], b[:k]...)
		n, taken, x.at[queue] = n-k, taken+k, x.at[queue]+k
		if k == len(b) {
			x.held[queue], x.at[queue] = x.held[queue][1:], 0
			x.dev.Finish(queue, c, 0)
		}
	}
	return taken
}

// Write32 sees resets: the device lets go of all buffers.
func (x *model) Write32(at int, v uint32) {
	if at == 0x70 && v == 0 {
		x.resets++
		clear(x.held[:])
		clear(x.at[:])
		clear(x.opened[:])
	}
	x.mmio.Write32(at, v)
}
func (x *model) Size() int                { return x.mmio.Size() }
func (x *model) Read8(at int) uint8       { return x.mmio.Read8(at) }
func (x *model) Read16(at int) uint16     { return x.mmio.Read16(at) }
func (x *model) Read32(at int) uint32     { return x.mmio.Read32(at) }
func (x *model) Write8(at int, v uint8)   { x.mmio.Write8(at, v) }
func (x *model) Write16(at int, v uint16) { x.mmio.Write16(at, v) }

// world is a machine with a driver that may die, and a client that doesn't.
type world struct {
	*model
	t          testing.TB
	rings, own virtio.Memory
	m          *mover
	s          *streams.Streams
	signalled  bool // the driver
	left       int  // steps that the driver has to live; < 0: without end
	steps      int  // that it has done
	deaths     int
	said       []string
}

func newWorld(t testing.TB) *world {
	b := make([]byte, ring.Size+terminal.DriverMemory)
	w := &world{t: t, model: newModel(t, b), left: -1}
	var err error
	if w.rings, err = virtio.NewMemory(b[:ring.Size], address); err != nil {
		t.Fatal(err)
	}
	if w.own, err = virtio.NewMemory(b[ring.Size:], address+uint64(ring.Size)); err != nil {
		t.Fatal(err)
	}
	w.s = streams.New(w.rings.Bytes(), func() { w.signalled = true })
	return w
}

// killed is what a driver panics with that dies.
type killed struct{}

// alive calls f, and reports whether the driver has survived that.
func (w *world) alive(f func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, mine := r.(killed); !mine {
				panic(r)
			}
			w.m, w.left = nil, -1
			w.deaths++
		}
	}()
	f()
	return true
}

// start starts a driver.
func (w *world) start() {
	w.m = &mover{said: func(s string) { w.said = append(w.said, s) }, pause: func(time.Duration) {}, killed: func() {
		w.steps++
		if w.left == 0 {
			panic(killed{})
		}
		w.left--
	}}
	tr, err := virtio.NewMMIO(w.model)
	if err == nil {
		err = w.m.start(tr, w.rings, w.own)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.signalled = true // Attach does that
	w.s.Wake()
	w.work()
}

// work has the driver do what it does when it is woken.
func (w *world) work() {
	w.signalled = false
	if _, err := w.m.device.Interrupt(); err != nil {
		w.t.Fatal(err)
	}
	more, err := w.m.work()
	if err != nil {
		w.t.Fatal(err)
	}
	w.signalled = w.signalled || more
	if w.m.wake {
		w.m.wake = false
		w.s.Wake()
	}
}

// run lets the driver run if somebody has woken it, and starts it if it is dead.
func (w *world) run() (did bool) {
	switch {
	case w.m == nil:
		w.alive(w.start)
	case w.signalled || w.dev.Pending():
		w.alive(w.work)
	default:
		return false
	}
	return true
}
