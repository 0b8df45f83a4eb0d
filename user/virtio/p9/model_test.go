// SPDX-License-Identifier: Apache-2.0

//go:build linux

package p9

import (
	"context"
	"sync"
	"testing"

	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/ninetest"
	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

const (
	address = 0x8000_0000
	split   = uint64(virtio.FeatureVersion1 | featureTag)
	qemus   = split | virtio.FeatureIndirect | virtio.FeatureEventIndex
	packed  = qemus | virtio.FeatureRingPacked
)

// machine is a 9P device with a server behind it, and memory.
type machine struct {
	*virtiotest.MMIO
	mu     sync.Mutex // guards the model of the device
	server *ninetest.Server
	memory virtio.Memory
	line   chan struct{} // the interrupt's
	stuck  bool          // a reset never ends
	wild   bool          // the device has written where the driver's own words are
	// lie, if set, is called with each request, with the mutex, instead of the server.
	lie func(c virtiotest.Chain)
}

// newMachine makes one with memory of some bytes.
func newMachine(t testing.TB, features uint64, size int) *machine {
	t.Helper()
	b := make([]byte, size)
	memory, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{memory: memory, line: make(chan struct{}, 1)}
	m.MMIO = virtiotest.NewMMIO(&virtiotest.Device{
		Type: virtio.Device9P, Features: features, Max: []int{128}, Config: tag("host0"),
		Guest: virtiotest.Guest{Bytes: b, Address: address}, Serve: m.serve,
	})
	t.Cleanup(func() {
		if m.Device.Err != nil && !m.wild {
			t.Error("the driver broke the rules:", m.Device.Err)
		}
	})
	return m
}

// tag is a configuration.
func tag(s string) []byte { return append([]byte{byte(len(s)), byte(len(s) >> 8)}, s...) }

// serve has the server answer, some time.
func (m *machine) serve(_ int, c virtiotest.Chain) (int, bool) {
	if m.lie != nil {
		m.lie(c)
		return 0, false
	}
	request := c.Read()
	go func() {
		reply := m.server.Handle(request)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.Status() == 0 {
			return // it was reset
		}
		m.finish(c, c.Write(0, reply))
	}()
	return 0, false
}

// Status is the device's.
func (m *machine) Status() uint32 { return m.MMIO.Read32(0x70) }

// finish gives a buffer back.
func (m *machine) finish(c virtiotest.Chain, n int) {
	m.Finish(0, c, n)
	m.interrupt()
}

func (m *machine) interrupt() {
	if !m.Pending() {
		return
	}
	select {
	case m.line <- struct{}{}:
	default:
	}
}

// registers are the device's, for one access at a time.
type registers struct{ *machine }

func (r registers) Read32(at int) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at == 0x70 && r.stuck {
		return r.machine.Read32(at) | 1
	}
	return r.machine.Read32(at)
}

func (r registers) Write32(at int, v uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.machine.Write32(at, v)
	r.interrupt()
}

// open opens the device.
func (m *machine) open(o Options) (*Device, error) {
	transport, err := virtio.NewMMIO(registers{m})
	if err != nil {
		return nil, err
	}
	return Open(transport, virtio.NewArena(m.memory), o)
}

func (m *machine) mustOpen(t testing.TB, o Options) *Device {
	t.Helper()
	d, err := m.open(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// drive is the loop of a driver, until the device ends or stop does.
func (m *machine) drive(d *Device, stop <-chan struct{}) {
	for {
		select {
		case <-m.line:
		case <-d.ended:
			return
		case <-stop:
			return
		}
		if d.Interrupt() != nil || d.Take() != nil {
			return
		}
	}
}

// start serves a folder by a machine, with a driver, until the test ends.
func start(t testing.TB, m *machine, dir string, o Options) *Device {
	t.Helper()
	var err error
	if m.server, err = ninetest.New(dir); err != nil {
		t.Fatal(err)
	}
	d := m.mustOpen(t, o)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); m.drive(d, stop) }()
	t.Cleanup(func() {
		close(stop)
		<-done
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		m.server.Close()
		for _, wrong := range m.server.Wrong() {
			t.Error("the client broke the protocol:", wrong)
		}
	})
	return d
}

// mount makes a folder of a device.
func mount(t testing.TB, d *Device, readOnly bool) *folder.Dir {
	t.Helper()
	c, err := ninep.Dial(context.Background(), d, ninep.Config{Requests: d.Requests(), ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := folder.Attach(context.Background(), c, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
		if c.Fids() != 0 {
			t.Errorf("%d files left over", c.Fids())
		}
	})
	return dir
}
