// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// nobody is an address where nothing is.
const nobody = 0x38_0000_0000

// Registers that are reached by calls. Most cases take the configuration space of PCI
// functions, a page each from configSpace on, of which one is there: the host bridge's.

func registerCases() []cases.Case {
	return []cases.Case{
		{Name: "registers are read and written", Run: registersUsed},
		{Name: "registers_create errors", Run: registersCreateErrors},
		{Name: "registers_read and registers_write errors", Run: registersAccessErrors},
		{Name: "registers and pages exclude each other", Run: registersExclude},
		{Name: "registers have as many places as they have", Run: registersFill},
		{Name: "registers of other pages come to a place", Run: registersChange},
		{Name: "registers of this machine", Run: registersOwn},
	}
}

// Of the configuration space (PCI Local Bus Specification 3.0, 6.1).
const (
	pciID      = 0x00
	pciCommand = 0x04
	pciLine    = 0x3c
	pciSize    = 0x40

	noFunction = 0xffff_ffff
)

// hostBridge opens the configuration space of the host bridge.
func hostBridge() (object.DeviceRegisters, error) {
	if err := openConfigSpace(); err != nil {
		return 0, fmt.Errorf("configuration space: %w", err)
	}
	return machine.NewRegisters(configSpace, pciSize)
}

// reads wants a register to have a value.
func reads(r object.DeviceRegisters, at uint64, width int, want uint32) error {
	v, err := r.Read(at, width)
	if err == nil && v != want {
		err = fmt.Errorf("%#x", v)
	}
	if err != nil {
		return fmt.Errorf("%d bytes at %#x: %w, want %#x", width, at, err, want)
	}
	return nil
}

// registersUsed reads and writes by all widths: what is beside stays as it is.
func registersUsed() error {
	r, err := hostBridge()
	if err != nil {
		return err
	}
	defer r.Close()
	command, err1 := r.Read(pciCommand, 2)
	line, err2 := r.Read(pciLine, 4)
	if err := first(err1, err2); err != nil {
		return err
	}
	const off = 1 << 10 // no interrupts
	return first(
		reads(r, pciID, 4, bridgeID), reads(r, pciID, 2, bridgeID&0xffff), reads(r, pciID+2, 2, bridgeID>>16),
		reads(r, pciID, 1, bridgeID&0xff), reads(r, pciID+1, 1, bridgeID>>8&0xff), reads(r, pciID+3, 1, bridgeID>>24),
		r.Write(pciLine, 1, 0x15a), reads(r, pciLine, 4, line&^0xff|0x5a),
		r.Write(pciLine, 4, line&^0xff|0x17), reads(r, pciLine, 1, 0x17),
		r.Write(pciCommand, 2, command|off|1<<16), reads(r, pciCommand, 2, command|off), reads(r, pciLine, 4, line&^0xff|0x17),
		r.Write(pciCommand, 2, command), reads(r, pciCommand+1, 1, command>>8),
		r.Write(pciLine, 4, line),
	)
}

// makeRegisters makes some and gives them back.
func makeRegisters(m, addr, size uint64) error {
	v, err := sys.ObjectCall(abi.CallRegistersCreate, m, addr, size)
	if err == nil {
		err = object.Close(object.Handle(v))
	}
	return err
}

func registersCreateErrors() error {
	create := makeRegisters
	m, at := uint64(machine), uint64(configSpace+0x200)
	r, err := machine.NewRegisters(at, 0x20)
	if err != nil {
		return err
	}
	defer r.Close()
	err = first(
		want("no handle", syscall.EBADF, create(0, at, 4)),
		want("another kind", syscall.ENOTSUP, create(uint64(r), at, 4)),
		narrowed(abi.RightManage, func(h object.Handle) error {
			return want("no right", syscall.EACCES, create(uint64(h), at, 4))
		}),
		want("nothing", syscall.EINVAL, create(m, at, 0)),
		want("half a register", syscall.EINVAL, create(m, at+0x20, 2)),
		want("not at a register", syscall.EINVAL, create(m, at+0x22, 4)),
		want("over the page's end", syscall.EINVAL, create(m, configSpace+page-4, 8)),
		want("a page and more", syscall.EINVAL, create(m, configSpace+page, page+4)),
		want("too much", syscall.EINVAL, create(m, at, 1<<63)),
		want("around the end", syscall.EINVAL, create(m, at, ^uint64(3))),
		want("beyond all addresses", syscall.EINVAL, create(m, 1<<63, 4)),
		want("the last address", syscall.EINVAL, create(m, ^uint64(3), 4)),
		want("the same", syscall.EBUSY, create(m, at, 0x20)),
		want("the first", syscall.EBUSY, create(m, at-4, 8)),
		want("the last", syscall.EBUSY, create(m, at+0x1c, 4)),
		want("around", syscall.EBUSY, create(m, configSpace, page)),
		want("beside", 0, create(m, at-4, 4)),
		want("beside", 0, create(m, at+0x20, 4)),
		want("the page's last", 0, create(m, configSpace+page-4, 4)),
		want("a page", 0, create(m, configSpace+page, page)),
	)
	for _, r := range taken {
		err = first(err, want(r.what, syscall.EBUSY, create(m, r.addr&^(page-1), page)))
	}
	return err
}

func registersAccessErrors() error {
	r, err := hostBridge()
	if err != nil {
		return err
	}
	defer r.Close()
	read := func(h object.Handle, at, width uint64) error {
		return second(sys.ObjectCall(abi.CallRegistersRead, uint64(h), at, width))
	}
	write := func(h object.Handle, at, width uint64) error {
		return second(sys.ObjectCall(abi.CallRegistersWrite, uint64(h), at, width, 0))
	}
	h := object.Handle(r)
	reader, err1 := object.Duplicate(h, abi.RightRead)
	writer, err2 := object.Duplicate(h, abi.RightWrite)
	if err := first(err1, err2); err != nil {
		return err
	}
	defer object.Close(reader)
	defer object.Close(writer)
	err = first(
		want("no handle", syscall.EBADF, read(0, 0, 4)),
		want("no handle", syscall.EBADF, write(0, 0, 4)),
		want("another kind", syscall.ENOTSUP, read(abi.HandleThread, 0, 4)),
		want("another kind", syscall.ENOTSUP, write(abi.HandleThread, 0, 4)),
		want("may only write", syscall.EACCES, read(writer, 0, 4)),
		want("may only read", syscall.EACCES, write(reader, pciLine, 1)),
		want("may read", 0, read(reader, 0, 4)),
		want("may write", 0, write(writer, pciLine, 1)),
		want("the last", 0, read(h, pciSize-1, 1)),
		want("the last", 0, read(h, pciSize-4, 4)),
	)
	for _, c := range [][2]uint64{
		{pciSize, 1}, {pciSize, 4}, {1, 2}, {1, 4}, {2, 4}, {0, 0}, {0, 3}, {0, 8}, {0, 1 << 32}, {1 << 32, 4}, {page, 4},
		{^uint64(3), 4}, {^uint64(0), 1}, {0, 1<<32 + 4},
	} {
		err = first(err, want(fmt.Sprintf("read %#x", c), syscall.EINVAL, read(h, c[0], c[1])),
			want(fmt.Sprintf("write %#x", c), syscall.EINVAL, write(h, c[0], c[1])))
	}
	return err
}

// registersExclude takes the same registers both ways.
func registersExclude() error {
	r, err := machine.NewRegisters(registers+0x10, 8)
	if err != nil {
		return err
	}
	err = first(
		want("their page", syscall.EBUSY, second(machine.DeviceMemory(registers, page))),
		want("more pages", syscall.EBUSY, second(machine.DeviceMemory(registers, 2*page))),
		r.Close(),
	)
	if err != nil {
		return err
	}
	m, err := machine.DeviceMemory(registers, page)
	if err != nil {
		return fmt.Errorf("the page when the registers are free: %w", err)
	}
	addr, err := object.Here.Map(m, 0, 0, page, syscall.PROT_READ)
	if err != nil {
		return err
	}
	busy := func() error { return makeRegisters(uint64(machine), registers+page-4, 4) }
	err = first(
		want("of a page that somebody has", syscall.EBUSY, busy()),
		want("of the next page", 0, makeRegisters(uint64(machine), registers+page, 4)),
		m.Close(),
		want("of a page that is mapped", syscall.EBUSY, busy()),
		object.Here.Unmap(addr, page),
	)
	if err != nil {
		return err
	}
	for end := time.Now().Add(long); ; time.Sleep(time.Millisecond) { // it is given back in pieces
		if err := busy(); err != syscall.EBUSY || time.Now().After(end) {
			return want("of a page that nobody has any more", 0, err)
		}
	}
}

// places is how many ranges of registers the kernel has places for.
const places = 64

// registersFill takes all places, with pages that differ.
func registersFill() error {
	bridge, err := hostBridge()
	if err != nil {
		return err
	}
	all := []object.DeviceRegisters{bridge}
	for err == nil {
		var r object.DeviceRegisters
		if r, err = machine.NewRegisters(configSpace+uint64(len(all))*page, pciSize); err == nil {
			all = append(all, r)
			err = reads(bridge, pciID, 4, bridgeID)
		}
	}
	err = want("no place", syscall.ENOSPC, err)
	if len(all) != places {
		err = first(err, fmt.Errorf("%d places", len(all)))
	}
	for i, r := range all {
		if i > 0 && i < firstFunction {
			err = first(err, reads(r, pciID, 4, noFunction))
		}
		err = first(err, r.Close())
	}
	return err
}

// registersChange has a place lead to one page and then another, and two threads read
// there by turns: no CPU goes on with what it knew.
func registersChange() error {
	if err := openConfigSpace(); err != nil {
		return err
	}
	type turn struct {
		r    object.DeviceRegisters
		want uint32
	}
	turns, done := make(chan turn), make(chan error)
	go func() {
		runtime.LockOSThread()
		for t := range turns {
			done <- reads(t.r, pciID, 4, t.want)
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(turns)
	for i := range 400 {
		function, id := uint64(0), uint32(bridgeID)
		if i%2 == 1 {
			function, id = 1, noFunction
		}
		r, err := machine.NewRegisters(configSpace+function*page, 4)
		if err != nil {
			return err
		}
		turns <- turn{r, id}
		if i%3 > 0 {
			err = reads(r, pciID, 4, id)
		}
		if err := first(err, <-done, r.Close()); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	return nil
}

// serveMMIO wants this machine's places for virtio devices, each by registers of its own
// (Virtual I/O Device Specification 1.2, 4.2.2): the magic value is there in empty ones too.
func serveMMIO() {
	const size, magic, version = 0x200, 0x74726976, 4
	var all []object.DeviceRegisters
	for i := range uint64(8) {
		r, err := machine.NewRegisters(mmio+i*mmioEach, size)
		if err == nil {
			v, e := r.Read(version, 4)
			if err = first(e, reads(r, 0, 4, magic)); err == nil && v != 1 && v != 2 {
				err = fmt.Errorf("version %d", v)
			}
		}
		if err != nil {
			fail(fmt.Errorf("virtio %d: %w", i, err))
		}
		all = append(all, r)
	}
	if _, err := machine.DeviceMemory(mmio, page); err != syscall.EBUSY {
		fail(fmt.Errorf("the page of all of them: %v", err))
	}
	for _, r := range all {
		if err := r.Close(); err != nil {
			fail(err)
		}
	}
	m, err := machine.DeviceMemory(mmio, page)
	if err := first(err, m.Close()); err != nil {
		fail(err)
	}
	os.Exit(0)
}
