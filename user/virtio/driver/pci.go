// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"context"

	"loam/user/ipc"
	"loam/user/object"
	"loam/user/pcid"
	"loam/user/virtio"
)

// TakePCI is Take for a device behind PCI: the i-th function that the bus service has for who
// has this handle to its endpoint (package pcid). Its device has been reset, or with keep, if
// kept is true, goes on as it is. Errors: those of pcid.Bus and virtio.NewPCI, and the kernel's.
func TakePCI(bus object.Handle, i uint32, memory object.Handle, keep bool) (p *Parts, kept bool, err error) {
	client := pcid.NewBusClient(ipc.Endpoint(bus))
	f, interrupt, err := client.Take(context.Background(), i, keep)
	if err != nil {
		return nil, false, err
	}
	open := func(r virtio.Region) (virtio.Registers, error) {
		h, err := client.Registers(context.Background(), i, uint32(r.BAR))
		if err != nil {
			return nil, err
		}
		pages := object.Memory(h.Handle)
		b, err := mapAll(pages)
		if err != nil {
			return nil, err
		}
		_ = pages.Close() // what is mapped stays
		part := virtio.Part(virtio.Mapped(b), int(r.Offset), int(r.Size))
		if part == nil {
			return nil, ErrRegisters
		}
		return part, nil
	}
	t, err := virtio.NewPCI(f.Layout(), open, int(f.Vectors))
	if err != nil {
		return nil, false, err
	}
	p, err = newParts(t, object.Interrupt(interrupt.Handle), object.Memory(memory))
	return p, f.Kept, err
}
