// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Device is a virtio device that loam gives a machine: QEMU's name of it, what it
// consists of on the host's side, and what hangs on it. A disk, and a console with a port:
//
//	Device{Model: "virtio-blk", Props: "drive=d", Needs: []Arg{
//		{Option: "-add-fd", Value: "set=1,fd={fd}", File: image},
//		{Option: "-drive", Value: "if=none,id=d,format=raw,file=/dev/fdset/1"}}}
//	Device{Model: "virtio-serial", Needs: []Arg{
//		{Option: "-chardev", Value: "socket,id=c,fd={fd}", File: socket}},
//		Has: []Arg{{Option: "-device", Value: "virtserialport,chardev=c,name=loam.stdin"}}}
//
// Files are inherited, so that QEMU opens no path that loam hasn't opened. The exception is
// the folder of a -fsdev local, which QEMU takes by its path only, and opens with its own
// rights once it runs.
type Device struct {
	Model string // QEMU's name without how it is reached: "virtio-blk"
	Props string // its properties, as behind the comma of -device; or empty
	OnPCI string // further ones where it is behind PCI
	Needs []Arg  // what stands before the device: drives, character devices, folders
	Has   []Arg  // what stands behind it: ports of a console
}

// Arg is an option of QEMU's with its argument.
type Arg struct {
	Option, Value string
	// File, if not nil, is inherited; its descriptor's number is put where Value has {fd}.
	File *os.File
}

// FD is what stands in Arg.Value for the number of the file.
const FD = "{fd}"

// Place is where a machine has a device: its registers and its interrupt, which is by
// level; or its number on PCI's first bus.
type Place struct {
	Address   uint64 // of the registers
	Size      uint64 // in bytes
	Interrupt int    // line of the interrupt controller
	// Shared says that the page has other devices' registers, too.
	Shared bool
	PCI    int // the device's number there; 0: it isn't behind PCI
}

// MaxDevices is how many devices a machine has places for.
const MaxDevices = 8

// Place tells where a machine has its i-th device (hw/i386/microvm.c, hw/riscv/virt.c); on
// q35 it is free to choose. ok
// is false where there is no such place.
func (m Machine) Place(i int) (p Place, ok bool) {
	n := uint64(i)
	switch {
	case i < 0 || i >= MaxDevices:
		return Place{}, false
	case m == MicroVM:
		return Place{Address: 0xfeb00000 + 0x200*n, Size: 0x200, Interrupt: 5 + i, Shared: true}, true
	case m == Virt:
		return Place{Address: 0x10001000 + 0x1000*n, Size: 0x1000, Interrupt: 1 + i}, true
	case m == Q35:
		return Place{PCI: firstOnPCI + i}, true
	}
	return Place{}, false
}

// firstOnPCI is behind what a machine has of its own at the beginning of the bus.
const firstOnPCI = 4

// checkDevices is the part of Check about devices.
func (c *Config) checkDevices() error {
	if len(c.Devices) == 0 {
		return nil
	}
	if c.Deterministic && !c.Counted {
		return errors.New("a deterministic machine has no devices: when they answer depends on the host")
	}
	if n := len(c.Devices); n > MaxDevices {
		return fmt.Errorf("%d devices: %s has places for %d", n, c.Machine, MaxDevices)
	}
	return nil
}

// deviceArgs are QEMU's arguments for the devices: device i has place i.
func (c *Config) deviceArgs(in *inherited) (args []string) {
	if len(c.Devices) == 0 {
		return nil
	}
	// The other form is what came before the standard, and QEMU's default here.
	if c.Machine != Q35 {
		args = []string{"-global", "virtio-mmio.force-legacy=false"}
	}
	put := func(all []Arg) {
		for _, a := range all {
			v := a.Value
			if a.File != nil {
				v = strings.ReplaceAll(v, FD, strconv.Itoa(in.add(a.File)))
			}
			args = append(args, a.Option, v)
		}
	}
	for i, d := range c.Devices {
		put(d.Needs)
		text := fmt.Sprintf("%s-device,bus=virtio-mmio-bus.%d", d.Model, i)
		if p, _ := c.Machine.Place(i); p.PCI != 0 {
			text = fmt.Sprintf("%s-pci,disable-legacy=on,bus=pcie.0,addr=%#x", d.Model, p.PCI)
			if d.OnPCI != "" {
				text += "," + d.OnPCI
			}
		}
		if d.Props != "" {
			text += "," + d.Props
		}
		args = append(args, "-device", text)
		put(d.Has)
	}
	return args
}
