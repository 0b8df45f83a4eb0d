// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"
	"errors"
	"syscall"

	"loam/user/ipc"
	"loam/user/object"
	"loam/user/pcid"
	"loam/user/virtio"
)

// TakePCI is Take for a device behind PCI: the i-th function that the bus service has for who
// has this handle to its endpoint (package pcid). Its device has been reset, or with keep, if
// kept is true, goes on as it is. When the service dies meanwhile, its next instance is
// asked. Errors: those of pcid.Bus and virtio.NewPCI, and the kernel's.
func TakePCI(bus object.Handle, i uint32, memory object.Handle, keep bool) (p *Parts, kept bool, err error) {
	b := busClient{pcid.NewBusClient(ipc.Endpoint(bus)), i}
	for {
		p, kept, err = b.take(object.Memory(memory), keep)
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.ESTALE) {
			return p, kept, err
		}
	}
}

// busClient is for a function of the bus service.
type busClient struct {
	client *pcid.BusClient
	i      uint32
}

func (b busClient) take(memory object.Memory, keep bool) (*Parts, bool, error) {
	f, interrupt, err := b.client.Take(context.Background(), b.i, keep)
	if err != nil {
		return nil, false, err
	}
	t, err := virtio.NewPCI(f.Layout(), b.open, int(f.Vectors))
	if err != nil {
		return nil, false, errors.Join(err, object.Close(interrupt.Handle))
	}
	p, err := newParts(t, object.Interrupt(interrupt.Handle), memory)
	return p, f.Kept, err
}

// open maps the registers of a structure.
func (b busClient) open(r virtio.Region) (virtio.Registers, error) {
	h, err := b.client.Registers(context.Background(), b.i, uint32(r.BAR))
	if err != nil {
		return nil, err
	}
	all, err := mapAll(object.Memory(h.Handle))
	if err := errors.Join(err, object.Close(h.Handle)); err != nil { // what is mapped stays
		return nil, err
	}
	part := virtio.Part(virtio.Mapped(all), int(r.Offset), int(r.Size))
	if part == nil {
		return nil, ErrRegisters
	}
	return part, nil
}
