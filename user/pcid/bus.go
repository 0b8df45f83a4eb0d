// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"context"

	"loam/user/ipc"
	"loam/user/virtio"
)

//go:generate go run loam/tools/ipcgen Bus

// Bus is what the service serves: to each caller the functions that are granted to the badge
// of its handle, by numbers from 0 on.
type Bus interface {
	// Take gives the caller a function, and its interrupt, with which it is to be bound. Who had
	// the function before has it no more: its handles are closed, though what it has mapped
	// stays mapped. The device is reset, and reaches memory again from then on. With keep it
	// goes on as it is instead, if that can be: if this service has given it to the
	// same badge before. Errors: EACCES nothing is granted to the caller by that number; ENODEV
	// there is no virtio function; ENOTSUP it isn't one that can be handed out safely, or there is no
	// interrupt that it could have; EIO it can't be reset. The service says more on its standard
	// error.
	Take(ctx context.Context, i uint32, keep bool) (f Function, interrupt ipc.Handle, err error)
	// Registers gives memory of one of the function's structures: whole pages, to be mapped.
	// Errors: EACCES nothing is granted to the caller by that number; ESTALE the caller hasn't taken it from
	// this instance of the service, or not last; EINVAL it has no such structure.
	Registers(ctx context.Context, i uint32, which uint32) (pages ipc.Handle, err error)
}

// Function says what a driver needs to know of a function that it has taken.
type Function struct {
	ID         uint32 // type of the device
	Multiplier uint32 // notify_off_multiplier
	Vectors    uint32 // of MSI-X that are on; 0: the interrupt is a line
	Kept       bool   // the device was not reset
	Structures [numStructures]Place
}

// Place is where a structure's registers are in its pages.
type Place struct{ Offset, Size uint32 } // Size 0: the function has no such structure

// The structures of a function (VIRTIO 1.2, 4.1.4).
const (
	Common = iota
	Notify
	ISR
	Device
	numStructures
)

// Layout gives it as package virtio has it: the BAR of a region is the number of the
// structure, whose pages Registers gives.
func (f *Function) Layout() virtio.PCILayout {
	region := func(i int) virtio.Region {
		s := f.Structures[i]
		return virtio.Region{BAR: i, Offset: uint64(s.Offset), Size: uint64(s.Size)}
	}
	return virtio.PCILayout{
		ID: f.ID, Common: region(Common), Notify: region(Notify), ISR: region(ISR), Device: region(Device), Multiplier: f.Multiplier,
	}
}
