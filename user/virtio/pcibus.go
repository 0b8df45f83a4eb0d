// SPDX-License-Identifier: Apache-2.0

package virtio

import "iter"

// Function says where a PCI function is.
type Function struct{ Bus, Device, Function uint8 }

// ECAMSize is how much memory a function's configuration space takes (PCI Express Base
// Specification 3.0, 7.2.2).
const ECAMSize = 4096

// ECAM gives the offset of the function's configuration space in that of all buses.
func (f Function) ECAM() int {
	return int(f.Bus)<<20 | int(f.Device&31)<<15 | int(f.Function&7)<<12
}

// ecam is a ConfigSpace in memory.
type ecam struct{ r Registers }

// ECAMSpace makes a configuration space of its registers in memory: ECAMSize bytes, at
// Function.ECAM.
func ECAMSpace(r Registers) ConfigSpace { return ecam{r} }

func (e ecam) Read(at, width int) uint32 {
	switch width {
	case 1:
		return uint32(e.r.Read8(at))
	case 2:
		return uint32(e.r.Read16(at))
	}
	return e.r.Read32(at)
}

func (e ecam) Write(at, width int, v uint32) {
	switch width {
	case 1:
		e.r.Write8(at, uint8(v))
	case 2:
		e.r.Write16(at, uint16(v))
	default:
		e.r.Write32(at, v)
	}
}

// Ports are I/O ports; object.Ports are.
type Ports interface {
	In(port uint16, width int) (uint32, error)
	Out(port uint16, width int, v uint32) error
}

// The two ports by which a PC reaches configuration space (PCI 3.0, 3.2.2.3.2).
const (
	PortConfigAddress = 0xcf8
	PortConfigData    = 0xcfc
	portConfigEnable  = 1 << 31
)

// portSpace is a ConfigSpace behind two ports.
type portSpace struct {
	ports Ports
	at    uint32
}

// PortSpace makes a configuration space behind ports, which have to have the 8 from
// PortConfigAddress on. Spaces behind the same ports belong to one goroutine. What
// can't be read reads as a function that isn't there.
func PortSpace(p Ports, f Function) ConfigSpace {
	return portSpace{p, portConfigEnable | uint32(f.Bus)<<16 | uint32(f.Device&31)<<11 | uint32(f.Function&7)<<8}
}

func (p portSpace) Read(at, width int) uint32 {
	if p.ports.Out(PortConfigAddress, 4, p.at|uint32(at)&^3) != nil {
		return 1<<32 - 1
	}
	v, err := p.ports.In(PortConfigData+uint16(at&3), width)
	if err != nil {
		return 1<<32 - 1
	}
	return v
}

func (p portSpace) Write(at, width int, v uint32) {
	if p.ports.Out(PortConfigAddress, 4, p.at|uint32(at)&^3) == nil {
		_ = p.ports.Out(PortConfigData+uint16(at&3), width, v)
	}
}

// Functions gives the functions that there are on a bus: at most 256. Only a device that
// says so is looked at for more than one.
func Functions(bus uint8, space func(Function) ConfigSpace) iter.Seq2[Function, ConfigSpace] {
	return func(yield func(Function, ConfigSpace) bool) {
		for device := range uint8(32) {
			for function := range uint8(8) {
				f := Function{bus, device, function}
				c := space(f)
				there := c.Read(pciVendor, 2)&0xffff != 0xffff
				if there && !yield(f, c) {
					return
				}
				if function == 0 && (!there || c.Read(pciHeaderType, 1)&headerMulti == 0) {
					break
				}
			}
		}
	}
}
