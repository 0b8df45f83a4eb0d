// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// clock is the RTC of a PC (MC146818A data sheet): it interrupts 64 times a second.
type clock struct{ ports object.Ports }

const (
	clockLine  = 8
	clockFlags = 0 // rising edges

	clockRate   = 10 // register A
	clockTicks  = 11 // register B
	clockReason = 12 // register C: read to be interrupted again
)

func openClock() (c clock, err error) {
	c.ports, err = machine.NewPorts(0x70, 2)
	return c, err
}

func (c clock) read(register uint32) uint32 {
	_ = c.ports.Out(0x70, 1, register)
	v, _ := c.ports.In(0x71, 1)
	return v
}

func (c clock) write(register, v uint32) {
	_ = c.ports.Out(0x70, 1, register)
	_ = c.ports.Out(0x71, 1, v)
}

// start has it interrupt.
func (c clock) start() {
	c.write(clockRate, c.read(clockRate)&^0xf|10)
	c.write(clockTicks, c.read(clockTicks)|0x40)
	c.read(clockReason)
}

// serve says that it has interrupted, and lets it again.
func (c clock) serve() bool { return c.read(clockReason)&0x40 != 0 }

func (c clock) stop() {
	c.write(clockTicks, c.read(clockTicks)&^0x40)
	c.read(clockReason)
}

func (c clock) close() error { return c.ports.Close() }

func ports() error {
	p, err := machine.NewPorts(0x70, 2)
	if err != nil {
		return err
	}
	defer p.Close()
	create := func(m, first, n uint64) error {
		v, err := sys.ObjectCall(abi.CallPortsCreate, m, first, n)
		if err == nil {
			object.Close(object.Handle(v))
		}
		return err
	}
	reader, err1 := object.Duplicate(object.Handle(p), abi.RightRead)
	writer, err2 := object.Duplicate(object.Handle(p), abi.RightWrite)
	if err := first(err1, err2); err != nil {
		return err
	}
	defer object.Close(reader)
	defer object.Close(writer)
	in := func(h object.Handle, port, width uint64) error {
		return second(sys.ObjectCall(abi.CallPortRead, uint64(h), port, width))
	}
	out := func(h object.Handle, port, width uint64) error {
		return second(sys.ObjectCall(abi.CallPortWrite, uint64(h), port, width, 0))
	}
	m, h := uint64(machine), object.Handle(p)
	err = first(
		want("overlap", syscall.EBUSY, create(m, 0x70, 2)),
		want("overlap", syscall.EBUSY, create(m, 0x71, 1)),
		want("overlap", syscall.EBUSY, create(m, 0x6f, 3)),
		want("beside", 0, create(m, 0x6e, 2)),
		want("beside", 0, create(m, 0x72, 2)),
		want("none", syscall.EINVAL, create(m, 0x72, 0)),
		want("beyond", syscall.EINVAL, create(m, 0xffff, 2)),
		want("beyond", syscall.EINVAL, create(m, 1<<16, 1)),
		want("beyond", syscall.EINVAL, create(m, 0x72, 1<<63)),
		want("the last one", 0, create(m, 0xffff, 1)),
		want("PCI's", 0, create(m, 0xcf8, 8)),
		want("the log's", syscall.EBUSY, create(m, 0x3f8, 8)),
		want("the host channel's", syscall.EBUSY, create(m, 0x2ff, 1)),
		want("the host channel's", syscall.EBUSY, create(m, 0xe0, 16)),
		want("the interrupt controller's", syscall.EBUSY, create(m, 0x21, 1)),
		want("all", syscall.EBUSY, create(m, 0, 1<<16)),
		want("no handle", syscall.EBADF, create(0, 0x80, 1)),
		want("another kind", syscall.ENOTSUP, create(uint64(h), 0x80, 1)),
		narrowed(abi.RightManage, func(h object.Handle) error {
			return want("no right", syscall.EACCES, create(uint64(h), 0x80, 1))
		}),
		want("no handle", syscall.EBADF, in(0, 0x70, 1)),
		want("no handle", syscall.EBADF, out(0, 0x70, 1)),
		want("another kind", syscall.ENOTSUP, in(abi.HandleThread, 0x70, 1)),
		want("another kind", syscall.ENOTSUP, out(abi.HandleThread, 0x70, 1)),
		want("may only write", syscall.EACCES, in(writer, 0x71, 1)),
		want("may only read", syscall.EACCES, out(reader, 0x71, 1)),
		want("may read", 0, in(reader, 0x71, 1)),
		want("may write", 0, out(writer, 0x70, 1)),
		want("both", 0, in(h, 0x70, 2)),
	)
	for _, c := range [][2]uint64{{0x6f, 1}, {0x72, 1}, {0x71, 2}, {0x70, 4}, {0x70, 0}, {0x70, 3}, {0x70, 8}, {0x70, 1 << 32}, {0x10070, 1}, {1 << 63, 1}} {
		err = first(err, want("read", syscall.EINVAL, in(h, c[0], c[1])), want("write", syscall.EINVAL, out(h, c[0], c[1])))
	}
	return err
}

// configSpace is where q35's PCI functions are when openConfigSpace has said so; mmio where
// microvm's devices are.
const (
	configSpace   = 0xb000_0000
	bridgeID      = 0x29c0_8086
	firstFunction = 0x1f << 3 // behind the host bridge

	mmio, mmioEach = 0xfeb0_0000, 0x200
)

// openConfigSpace has the host bridge show configuration space as memory (Intel 3 Series
// Express Chipset Family, 5.1.16).
func openConfigSpace() error {
	p, err := machine.NewPorts(0xcf8, 8)
	if err != nil {
		return err
	}
	return first(p.Out(0xcf8, 4, 1<<31|0x60), p.Out(0xcfc, 4, configSpace|1), p.Close())
}

// registersOwn: an access that the HPET doesn't know, and one where nothing is, have what
// the bus gives, and no error.
func registersOwn() error {
	hpet, err1 := machine.NewRegisters(registers, 8)
	nothing, err2 := machine.NewRegisters(nobody, 8)
	if err := first(err1, err2); err != nil {
		return err
	}
	period, err := hpet.Read(4, 4)
	if err == nil && (period == 0 || period > 100_000_000) {
		err = fmt.Errorf("a tick of %d fs", period)
	}
	return first(err, second(hpet.Read(4, 1)), second(nothing.Read(0, 4)), nothing.Write(4, 2, 1), hpet.Close(), nothing.Close())
}

// channelLine is the host channel's.
const channelLine = 3

// again is for clocks that interrupt once.
func (clock) again() {}

// registers are those of the HPET: it is there on q35.
const registers = 0xfed0_0000

// taken is what nobody gets.
var taken = []struct {
	what string
	addr uint64
}{
	{"memory", 1 << 20}, {"the kernel", 2 << 20}, {"the local APIC", 0xfee0_0000}, {"interrupts", 0xfee0_1000},
	{"the I/O APIC", 0xfec0_0000}, {"firmware", 0xf_0000}, {"low memory", 0x1000},
}

// registersMapped reads what the HPET says of itself (HPET specification 1.0a, 2.3.4).
func registersMapped() error {
	m, err := machine.DeviceMemory(registers, page)
	if err != nil {
		return err
	}
	defer m.Close()
	return mapped(m, page, func(_ uint64, b []byte) error {
		femtoseconds := binary.LittleEndian.Uint32(b[4:])
		if femtoseconds == 0 || femtoseconds > 100_000_000 {
			return fmt.Errorf("a tick of %d fs", femtoseconds)
		}
		video, err := machine.DeviceMemory(0xa0000, 0x20000)
		if err != nil {
			return fmt.Errorf("video memory: %w", err)
		}
		return video.Close()
	})
}

// portsName names ports where there are some.
const portsName = "ports"

// interruptCost gives a function that measures by the HPET's timer 0 (HPET
// specification 1.0a, 2.3): from the time that it is set for to the counter's reading in
// the thread that it wakes.
func interruptCost(n object.Notification) func() int64 {
	const config, counter, timer, comparator, line = 0x10, 0xf0, 0x100, 0x108, 20
	m, err := machine.DeviceMemory(registers, page)
	if err != nil {
		fail(err)
	}
	addr, err := object.Here.Map(m, 0, 0, page, syscall.PROT_READ|syscall.PROT_WRITE)
	if err != nil {
		fail(err)
	}
	i, err := machine.NewInterrupt(line, 0)
	if err := first(err, i.Bind(n, 1)); err != nil {
		fail(err)
	}
	b := object.Bytes(addr, page)
	tick := int64(binary.LittleEndian.Uint32(b[4:])) / 1_000_000 // ns
	if tick == 0 {
		fail(errors.New("there is no HPET: --machine q35 has one"))
	}
	put := func(at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
	put(config, 1)
	put(timer, line<<9|1<<2) // one shot, by edges
	return func() int64 {
		at := binary.LittleEndian.Uint64(b[counter:]) + 100_000/uint64(tick)
		put(comparator, at)
		await(n, 1)
		took := int64(binary.LittleEndian.Uint64(b[counter:])-at) * tick
		if err := i.Ack(); err != nil {
			fail(err)
		}
		return took
	}
}
