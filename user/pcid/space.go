// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"loam/user/object"
	"loam/user/virtio"
)

// busSize is how much memory the configuration space of a bus takes.
const busSize = 1 << 20

// spaces is the way to each function's configuration space.
type spaces = func(virtio.Function) virtio.ConfigSpace

// openSpace opens configuration space: in memory at an address; or if that is 0 a PC's, by
// two ports, or in memory if its chipset is one that says where.
func (b *bus) openSpace(m object.Machine, at uint64) (spaces, error) {
	if at != 0 {
		b.config = spanOf(at, busSize)
		return b.inMemory(at)
	}
	p, err := m.NewPorts(virtio.PortConfigAddress, 8)
	if err != nil {
		return nil, err
	}
	byPorts := func(f virtio.Function) virtio.ConfigSpace { return virtio.PortSpace(p, f) }
	b.chipset(byPorts(virtio.Function{}))
	if b.config.empty() {
		return byPorts, nil
	}
	inMemory, err := b.inMemory(b.config.at)
	if err != nil { // somebody else's, or no addresses of this machine's
		return byPorts, nil
	}
	return inMemory, p.Close()
}

// inMemory maps the first bus.
func (b *bus) inMemory(at uint64) (spaces, error) {
	all, err := b.machine.Map(at, busSize)
	if err != nil {
		return nil, err
	}
	return func(f virtio.Function) virtio.ConfigSpace {
		if part := virtio.Part(all, f.ECAM(), virtio.ECAMSize); part != nil {
			return virtio.ECAMSpace(part)
		}
		return nowhere{}
	}, nil
}

// nowhere is where there is no function.
type nowhere struct{}

func (nowhere) Read(_, width int) uint32      { return 1<<(8*width) - 1 }
func (nowhere) Write(at, width int, v uint32) {}

// Of the host bridge of Intel's Q35, which QEMU's machine has (Intel 3 Series Express
// Chipset Family datasheet, 316966-002, 5.1.16), and who says that it is QEMU's.
const (
	bridgeQ35   = 0x29c0_8086
	machineQEMU = 0x1100_1af4
	expressBAR  = 0x60
	expressOn   = 1
	expressBits = 0xf_fc00_0000

	// QEMU leads the pins of devices below 25 to the inputs 20 to 23 of the I/O APIC, high
	// by level (hw/isa/lpc_ich9.c, and its DSDT); those above are the chipset's own.
	q35Lines   = 20
	q35Devices = 25
)

// chipset knows a chipset by its host bridge.
func (b *bus) chipset(bridge virtio.ConfigSpace) {
	if bridge.Read(headerVendor, 4) != bridgeQ35 {
		return
	}
	if b.lines.count == 0 && bridge.Read(headerSubsystem, 4) == machineQEMU {
		b.lines = lines{q35Lines, q35Devices}
	}
	v := uint64(bridge.Read(expressBAR, 4)) | uint64(bridge.Read(expressBAR+4, 4))<<32
	length := uint64(256<<20) >> (v >> 1 & 3)
	if v&expressOn != 0 && length >= 64<<20 {
		b.config = spanOf(v&expressBits&^(length-1), length)
	}
}
