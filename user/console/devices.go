// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"strconv"
	"strings"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// What the driver is for is said by its arguments, in the order in which the handles
// were given to it, the first one but the endpoint for the first argument:
//
//	uart=PORT   an interrupt and 8 ports from PORT on
//	uart        an interrupt and memory
//	vga         memory and 2 ports, 0xb8000 and 0x3d4
//	ps2         an interrupt and ports, 0x60 to 0x64
//	log         the machine
//
// A device that turns out not to be there is left out.

// given counts the handles that were given.
type given int

func (g *given) next() object.Handle {
	*g++
	return object.Given(int(*g - 1))
}

// open makes use of what the driver was given.
func (d *driver) open(args []string) error {
	g := given(1) // 0 is the endpoint
	for _, arg := range args {
		if err := d.openDevice(arg, &g); err != nil {
			return errors.New(arg + ": " + err.Error())
		}
	}
	return nil
}

func (d *driver) openDevice(arg string, g *given) error {
	name, value, _ := strings.Cut(arg, "=")
	switch name {
	case "uart":
		interrupt := object.Interrupt(g.next())
		r, err := openRegisters(g.next(), value)
		if err != nil {
			return err
		}
		u := newUART(r)
		d.outputs = append(d.outputs, u)
		return d.listen(interrupt, u.receive)
	case "vga":
		memory, err := mapRegisters(g.next(), screenSize)
		if err != nil {
			return err
		}
		if s := openScreen(&vga{memory, ports{object.Ports(g.next()), vgaPorts}}); s != nil {
			d.screen = s
			d.outputs = append(d.outputs, s)
		}
		return nil
	case "ps2":
		interrupt := object.Interrupt(g.next())
		k := &keyboard{r: ports{object.Ports(g.next()), ps2Ports}}
		if !k.start() {
			return nil
		}
		return d.listen(interrupt, k.receive)
	case "log":
		d.machine = object.Machine(g.next())
		return nil
	}
	return errors.New("no device that this driver knows")
}

// listen has a device's interrupt signalled.
func (d *driver) listen(i object.Interrupt, receive func() ([]byte, int, bool)) error {
	d.sources = append(d.sources, source{i, receive})
	return i.Bind(d.note, 1<<(len(d.sources)-1))
}

// openRegisters gives a serial port's registers.
func openRegisters(h object.Handle, first string) (registers, error) {
	if first == "" {
		m, err := mapRegisters(h, abi.PageSize)
		return m, err
	}
	n, err := strconv.ParseUint(first, 0, 16)
	return ports{object.Ports(h), uint16(n)}, err
}

// registers are those of a device, by their numbers.
type registers interface {
	Read(register int) byte
	Write(register int, v byte)
}

// ports are registers behind I/O ports.
type ports struct {
	object.Ports
	first uint16
}

// Read is for registers. What can't be read reads as a device that isn't there.
func (p ports) Read(register int) byte {
	v, err := p.In(p.first+uint16(register), 1)
	if err != nil {
		return 0xff
	}
	return byte(v)
}

// Write is for registers.
func (p ports) Write(register int, v byte) { _ = p.Out(p.first+uint16(register), 1, uint32(v)) }

// memory is registers in memory, a byte each.
type memory []byte

func mapRegisters(h object.Handle, size uint64) (memory, error) {
	addr, err := object.Here.Map(object.Memory(h), 0, 0, size, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return nil, err
	}
	return memory(object.Bytes(addr, size)), nil
}

// Read is for registers.
func (m memory) Read(register int) byte { return sys.ReadRegister8(m, register) }

// Write is for registers.
func (m memory) Write(register int, v byte) { sys.WriteRegister8(m, register, v) }
