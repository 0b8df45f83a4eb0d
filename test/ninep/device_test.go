// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"loam/user/ninep"
	"loam/user/virtio"
	"loam/user/virtio/p9"
)

var le = binary.LittleEndian

// Where microvm has its virtio devices (QEMU, hw/i386/microvm.c).
const (
	firstDevice = 0xfeb0_0000
	deviceStep  = 0x200
	devices     = 24

	mountTag = "the folder"
)

// stopped is a machine whose CPU is stopped, with a 9P device.
type stopped struct {
	stub      *stub
	memory    virtio.Memory
	transport virtio.Transport
}

// find looks for the device.
func find(s *stub) (virtio.Transport, error) {
	for i := range uint64(devices) {
		t, err := virtio.NewMMIO(registers{s, firstDevice + i*deviceStep})
		if err == nil && t.ID() == virtio.Device9P {
			return t, nil
		}
		if err != nil && !errors.Is(err, virtio.ErrNoDevice) {
			return nil, err
		}
	}
	return nil, virtio.ErrNoDevice
}

// registers are a device's, by way of the stub.
type registers struct {
	stub *stub
	base uint64
}

func (r registers) Size() int { return deviceStep }

func (r registers) read(at, width int) uint32 {
	v, err := r.stub.read(r.base+uint64(at), width)
	if err != nil {
		return 1<<(8*width) - 1
	}
	return v
}

func (r registers) Read8(at int) uint8   { return uint8(r.read(at, 1)) }
func (r registers) Read16(at int) uint16 { return uint16(r.read(at, 2)) }
func (r registers) Read32(at int) uint32 { return r.read(at, 4) }

func (r registers) Write8(at int, v uint8)   { r.stub.write(r.base+uint64(at), 1, uint32(v)) }
func (r registers) Write16(at int, v uint16) { r.stub.write(r.base+uint64(at), 2, uint32(v)) }
func (r registers) Write32(at int, v uint32) { r.stub.write(r.base+uint64(at), 4, v) }

// device is the machine's, with a driver that looks for answers again and again as long as
// it waits for some: there is nobody to take interrupts.
type device struct {
	*p9.Device
	wake chan struct{}
}

// open opens the device for as long as the test runs, or until it is opened again.
func (m *stopped) open(t testing.TB, o p9.Options) *device {
	t.Helper()
	p, err := p9.Open(m.transport, virtio.NewArena(m.memory), o)
	if err != nil {
		t.Fatal(err)
	}
	if p.Tag() != mountTag {
		t.Errorf("its tag is %q", p.Tag())
	}
	d := &device{Device: p, wake: make(chan struct{}, 1)}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); d.drive(stop) }()
	t.Cleanup(func() {
		close(stop)
		<-ended
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Start wakes the driver.
func (d *device) Start(x *ninep.Exchange) error {
	err := d.Device.Start(x)
	select {
	case d.wake <- struct{}{}:
	default:
	}
	return err
}

// drive takes answers until the device fails or stop is closed.
func (d *device) drive(stop <-chan struct{}) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-d.wake:
		}
		for d.Waiting() {
			time.Sleep(20 * time.Microsecond)
			err := d.Take()
			select {
			case <-tick.C:
				err = d.Tick()
			default:
			}
			if err != nil {
				return
			}
		}
	}
}
