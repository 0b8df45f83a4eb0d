// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
)

// clock is Goldfish's clock, of QEMU's virt (QEMU, hw/rtc/goldfish_rtc.c): the time in
// ns, and an alarm.
type clock struct {
	memory object.Memory
	addr   uint64
}

const (
	registers  = 0x101000
	clockLine  = 11
	clockFlags = abi.InterruptLevel

	timeLow, timeHigh   = 0, 4 // in this order
	alarmLow, alarmHigh = 8, 12
	alarmOn             = 16
	alarmClear          = 20
	interruptClear      = 28
)

// configSpace is where PCI functions are, mmio where those devices are.
const (
	configSpace   = 0x3000_0000
	bridgeID      = 0x0008_1b36
	firstFunction = 1 << 3 // behind the host bridge

	mmio, mmioEach = 0x1000_1000, 0x1000
)

// openConfigSpace does nothing: it is there.
func openConfigSpace() error { return nil }

// registersOwn reads the machine's description (QEMU, docs/specs/fw_cfg.rst), whose data
// register gives the next bytes at each access: so each read is one of just that width. An
// access that a device doesn't know, and one where nothing is, are errors.
func registersOwn() error {
	const config, data, selector = 0x1010_0000, 0, 8
	fw, err1 := machine.NewRegisters(config, 0x18)
	clock, err2 := machine.NewRegisters(registers, 8)
	nothing, err3 := machine.NewRegisters(nobody, 8)
	if err := first(err1, err2, err3); err != nil {
		return err
	}
	const q, em, u = 'Q', 'E' | 'M'<<8, 'U'
	return first(
		fw.Write(selector, 2, 0), // the signature
		reads(fw, data, 1, q), reads(fw, data, 2, em), reads(fw, data, 1, u), reads(fw, data, 4, 0),
		fw.Write(selector, 2, 0), reads(fw, data, 4, q|em<<8|u<<24),
		want("a byte of the clock", syscall.EIO, second(clock.Read(timeLow, 1))),
		want("half of the clock", syscall.EIO, clock.Write(timeLow, 2, 0)),
		second(clock.Read(timeLow, 4)),
		want("nothing is read", syscall.EIO, second(nothing.Read(4, 4))),
		want("nothing is written", syscall.EIO, nothing.Write(0, 1, 0)),
		want("nothing is read", syscall.EIO, second(nothing.Read(2, 2))),
		fw.Close(), clock.Close(), nothing.Close(),
	)
}

// channelLine is the host channel's: the first of PCI's four.
const channelLine = 33

// taken is what nobody gets.
var taken = []struct {
	what string
	addr uint64
}{
	{"memory", 0x8000_0000}, {"the kernel", 0x8040_0000}, {"the interrupt controller", 0xc00_0000},
	{"the harts' timers", 0x200_4000}, {"the harts' interrupts", 0x200_0000}, {"the test finisher", 0x10_0000},
	{"the log's UART", 0x1000_0000}, {"the host channel's port", 0x300_0000},
}

func openClock() (c clock, err error) {
	if c.memory, err = machine.DeviceMemory(registers, page); err != nil {
		return c, err
	}
	c.addr, err = object.Here.Map(c.memory, 0, 0, page, syscall.PROT_READ|syscall.PROT_WRITE)
	return c, err
}

func (c clock) now() uint64 {
	low := atomic.LoadUint32(register(c.addr, timeLow))
	return uint64(atomic.LoadUint32(register(c.addr, timeHigh)))<<32 | uint64(low)
}

func (c clock) write(at int, v uint32) { atomic.StoreUint32(register(c.addr, at), v) }

func (c clock) start() {
	c.write(alarmOn, 1)
	c.again()
}

// again sets the alarm anew.
func (c clock) again() {
	at := c.now() + uint64(5*time.Millisecond)
	c.write(alarmHigh, uint32(at>>32))
	c.write(alarmLow, uint32(at)) // sets it
}

func (c clock) serve() bool {
	c.write(interruptClear, 1)
	return true
}

func (c clock) stop() {
	c.write(alarmClear, 1)
	c.write(alarmOn, 0)
	c.write(interruptClear, 1)
}

func (c clock) close() error { return first(object.Here.Unmap(c.addr, page), c.memory.Close()) }

func ports() error {
	return want("there are none", syscall.ENODEV, second(machine.NewPorts(0x70, 2)))
}

func registersMapped() error {
	c, err := openClock()
	if err != nil {
		return err
	}
	defer c.close()
	wall := uint64(time.Now().UnixNano())
	if now := c.now(); now < wall-60e9 || now > wall+60e9 {
		return fmt.Errorf("the clock says %d, the kernel %d", now, wall)
	}
	return nil
}

// portsName is empty: there are none.
const portsName = ""

// interruptCost gives a function that measures by the clock's alarm: from the time that
// it is set for to the clock's reading in the thread that it wakes.
func interruptCost(n object.Notification) func() int64 {
	c, err := openClock()
	if err != nil {
		fail(err)
	}
	i, err := machine.NewInterrupt(clockLine, clockFlags)
	if err := first(err, i.Bind(n, 1)); err != nil {
		fail(err)
	}
	c.write(alarmOn, 1)
	return func() int64 {
		at := c.now() + 100_000
		c.write(alarmHigh, uint32(at>>32))
		c.write(alarmLow, uint32(at))
		await(n, 1)
		took := int64(c.now() - at)
		c.serve()
		if err := i.Ack(); err != nil {
			fail(err)
		}
		return took
	}
}
