// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/virtio"
)

// Parts are what a driver has of its device.
type Parts struct {
	Transport virtio.Transport
	// Arena is of all the memory that the driver has for the device. It is not to
	// be cut before the device is open.
	Arena     *virtio.Arena
	interrupt object.Interrupt
}

// ErrRegisters is for a handle that is none of a device's registers.
var ErrRegisters = errors.New("driver: not a handle to a device's registers")

// Take makes use of what a service was given for a device over MMIO: its registers, its
// interrupt, and memory for it (object.Machine.NewDMA) with the right to be asked for its
// address. The device isn't changed. Errors: those of Registers and virtio.NewMMIO, and the
// kernel's.
func Take(registers, interrupt, memory object.Handle) (*Parts, error) {
	r, err := Registers(registers)
	if err != nil {
		return nil, err
	}
	p := &Parts{interrupt: object.Interrupt(interrupt)}
	if p.Transport, err = virtio.NewMMIO(r); err != nil {
		return nil, err
	}
	m, err := DMA(object.Memory(memory))
	if err != nil {
		return nil, err
	}
	p.Arena = virtio.NewArena(m)
	return p, nil
}

// DMA makes use of memory that was made for devices, with the right to be asked for its
// address: all of it is mapped.
func DMA(memory object.Memory) (virtio.Memory, error) {
	b, err := mapAll(memory)
	if err != nil {
		return virtio.Memory{}, err
	}
	address, err := memory.Address(0)
	if err != nil {
		return virtio.Memory{}, err
	}
	return virtio.NewMemory(b, address)
}

// What a driver is given by the lines of its manifest, in this order.
const (
	GivenEndpoint = iota
	GivenInterrupt
	GivenRegisters
	GivenMemory
)

// TakeGiven is Take of what a driver is given.
func TakeGiven() (*Parts, error) {
	return Take(object.Given(GivenRegisters), object.Given(GivenInterrupt), object.Given(GivenMemory))
}

// Registers makes use of a handle to a device's registers: memory that is mapped
// (object.Machine.DeviceMemory), or those of a device that shares its page with others, of
// which each access is a call (object.Machine.NewRegisters). Both are to be read and
// written.
func Registers(h object.Handle) (virtio.Registers, error) {
	info, err := object.Info(h)
	if err != nil {
		return nil, err
	}
	switch info.Kind {
	case abi.KindMemory:
		b, err := mapAll(object.Memory(h))
		return virtio.Mapped(b), err
	case abi.KindRegisters:
		return called{object.DeviceRegisters(h), calledSize}, nil
	}
	return nil, ErrRegisters
}

// mapAll maps all of an object, for as long as the process lives.
func mapAll(m object.Memory) ([]byte, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	at, err := object.Here.Map(m, 0, 0, info.Size, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return nil, err
	}
	return object.Bytes(at, info.Size), nil
}

// Listen has what concerns an open device signalled by BitInterrupt and BitAlarm of n, and
// gives the Loop that handles them. limit is how long the device may take for an answer;
// its silence is noticed before twice that.
func (p *Parts) Listen(n object.Notification, limit time.Duration, d *virtio.Device, serve func(virtio.Cause) error) (*Loop, error) {
	t, err := object.NewTimer()
	if err != nil {
		return nil, err
	}
	if err := p.interrupt.Bind(n, BitInterrupt); err != nil {
		return nil, err
	}
	return &Loop{
		Device: d, Interrupt: p.interrupt, Serve: serve,
		Alarm: func() error { return t.Set(n, BitAlarm, object.After(limit), 0) },
	}, nil
}
