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
	t, err := virtio.NewMMIO(r)
	if err != nil {
		return nil, err
	}
	return newParts(t, object.Interrupt(interrupt), object.Memory(memory))
}

func newParts(t virtio.Transport, interrupt object.Interrupt, dma object.Memory) (*Parts, error) {
	m, err := DMA(dma)
	if err != nil {
		return nil, err
	}
	return &Parts{Transport: t, Arena: virtio.NewArena(m), interrupt: interrupt}, nil
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

// What a driver is given by the lines of its manifest, in this order. One of a PCI function is
// given the bus service's endpoint in place of interrupt and registers, and memory behind
// that (Memory).
const (
	GivenEndpoint = iota
	GivenInterrupt
	GivenRegisters
	GivenMemory

	givenBus       = GivenInterrupt
	givenBusMemory = givenBus + 1
)

// Memory gives the i-th memory object that a driver is given.
func Memory(i int) object.Memory {
	if onBus() {
		return object.Memory(object.Given(givenBusMemory + i))
	}
	return object.Memory(object.Given(GivenMemory + i))
}

// onBus reports whether the driver's device is behind PCI.
func onBus() bool {
	info, err := object.Info(object.Given(givenBus))
	return err == nil && info.Kind == abi.KindEndpoint
}

// TakeGiven makes use of what a driver is given, over MMIO or PCI.
func TakeGiven() (*Parts, error) {
	p, _, err := takeGiven(false)
	return p, err
}

// TakeGivenKept is TakeGiven for who may go on with the device as its predecessor left it:
// with it open, its queues at work, and memory that both were given. kept is whether it can be.
// Over PCI it can't if the bus service was started anew meanwhile, and the device has been
// reset then.
func TakeGivenKept() (p *Parts, kept bool, err error) { return takeGiven(true) }

func takeGiven(keep bool) (p *Parts, kept bool, err error) {
	memory := object.Handle(Memory(0))
	if onBus() {
		return TakePCI(object.Given(givenBus), 0, memory, keep)
	}
	p, err = Take(object.Given(GivenRegisters), object.Given(GivenInterrupt), memory)
	return p, keep, err
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
