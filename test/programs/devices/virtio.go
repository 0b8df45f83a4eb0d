// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
	"loam/user/virtio"
	"loam/user/virtio/driver"
)

// virtioCosts measures what the way from a device's interrupt to its driver's thread takes, and
// what the driver does about it, on a deterministic machine. Which way that is depends on the
// device in the first place, a QEMU argument of
//
//	-device virtio-serial-device,bus=virtio-mmio-bus.0
//	-device virtio-rng-device,max-bytes=16,period=1,bus=virtio-mmio-bus.0
//
// The first answers what is sent while its doorbell is written: a process of its own rings
// that, and the driver takes the CPU from it. The second answers at the next millisecond of
// QEMU's virtual time, which is the CPU's counter: the CPU is idle by then.
func virtioCosts() {
	registers, err1 := newPlace()
	interrupt, err2 := machine.NewInterrupt(placeLine, abi.InterruptLevel)
	memory, err3 := machine.NewDMA(page, 0)
	n, err4 := object.NewNotification()
	if err := first(err1, err2, err3, err4, interrupt.Bind(n, 1)); err != nil {
		fail(err)
	}
	parts, err := driver.Take(registers, object.Handle(interrupt), object.Handle(memory))
	if err != nil {
		fail(err)
	}
	m := &measured{interrupt: interrupt, note: n}
	name, queue := "virtio interrupt, idle CPU", 0
	if parts.Transport.ID() == virtio.DeviceConsole {
		name, queue = "virtio interrupt, busy CPU", 1 // what port 0 sends (5.3.2)
	}
	d, err1 := virtio.Open(parts.Transport, virtio.Want{ID: parts.Transport.ID()})
	if err1 != nil {
		fail(err1)
	}
	m.device = d
	q, err1 := d.Queue(queue, 8, 0, parts.Arena)
	buffer, err2 := parts.Arena.Cut(64)
	if err := first(err1, err2); err != nil {
		fail(err)
	}
	m.queue = q
	d.Start()
	data := []virtio.Element{buffer.Element(0, buffer.Size())}
	round := func() uint64 { return m.idle(data) }
	if queue == 1 {
		ring, rung, end := startDoorbell(registers)
		defer end()
		round = func() uint64 { return m.busy(data, ring, rung) }
	}
	m.measure(name, round)
}

// measure reports what rounds take, each of which gives when it began.
func (m *measured) measure(name string, round func() (begin uint64)) {
	report(name+", to the driver's thread", repeat(func() int64 {
		begin := round()
		m.served = append(m.served, int64(m.serve()-begin)*tickNS)
		return int64(m.came-begin) * tickNS
	}))
	report(name+", to a buffer that is taken", m.served)
}

// measured is a device under measurement.
type measured struct {
	device    *virtio.Device
	queue     *virtio.Queue
	interrupt object.Interrupt
	note      object.Notification
	came      uint64 // when the driver's thread ran
	served    []int64
}

// serve does what a driver does at an interrupt, and says when that is done.
func (m *measured) serve() uint64 {
	_, err1 := m.device.Interrupt()
	err2 := m.interrupt.Ack()
	_, ok, err3 := m.queue.Used()
	now := sys.Ticks()
	if err := first(err1, err2, err3); err != nil || !ok {
		fail(fmt.Errorf("nothing used, %w", err))
	}
	return now
}

// idle waits for the entropy device, and gives the millisecond at which it answered.
func (m *measured) idle(data []virtio.Element) (begin uint64) {
	if _, err := m.queue.Add(nil, data); err != nil {
		fail(err)
	}
	_, err1 := m.queue.Arm()
	if err := first(err1, m.device.Kick(m.queue)); err != nil {
		fail(err)
	}
	await(m.note, 1)
	m.came = sys.Ticks()
	return m.came - m.came%(1_000_000/tickNS)
}

// busy has another process ring the doorbell, and gives when it did.
func (m *measured) busy(data []virtio.Element, ring object.Notification, rung []byte) (begin uint64) {
	_, err1 := m.queue.Add(data, nil)
	_, err2 := m.queue.Arm()
	_, err3 := m.queue.Kick()
	if err := first(err1, err2, err3, ring.Signal(1)); err != nil {
		fail(err)
	}
	await(m.note, 1)
	m.came = sys.Ticks()
	return binary.LittleEndian.Uint64(rung)
}

// startDoorbell starts the process that rings, and gives this one a fixed priority.
func startDoorbell(registers object.Handle) (ring object.Notification, rung []byte, end func()) {
	ring, err1 := object.NewNotification()
	shared, err2 := object.NewMemory(page)
	at, err3 := object.Here.Map(shared, 0, 0, page, abi.PROT_READ|abi.PROT_WRITE)
	if err := first(err1, err2, err3); err != nil {
		fail(err)
	}
	c, err := (&object.Program{File: "program", Args: []string{"devices", "doorbell"}, Handles: []abi.HandOn{
		{Handle: abi.Handle(ring), Rights: abi.RightWait}, {Handle: registers, Rights: abi.RightRead | abi.RightWrite},
		{Handle: abi.Handle(shared), Rights: abi.RightRead | abi.RightWrite},
	}}).Start()
	if err := first(err, object.Thread(abi.HandleThread).Schedule(10, 0)); err != nil {
		fail(err)
	}
	return ring, object.Bytes(at, page), func() {
		if err := c.Process.Kill(); err != nil {
			fail(err)
		}
	}
}

// doorbell rings that of a virtio-serial for each time that it is asked to, and says when.
func doorbell() {
	ring, place, shared := object.Notification(object.Given(0)), object.Given(1), object.Memory(object.Given(2))
	r, err1 := driver.Registers(place)
	at, err2 := object.Here.Map(shared, 0, 0, page, abi.PROT_READ|abi.PROT_WRITE)
	if err := first(err1, err2); err != nil {
		fail(err)
	}
	t, err := virtio.NewMMIO(r)
	if err != nil {
		fail(err)
	}
	b := object.Bytes(at, page)
	for {
		await(ring, 1)
		binary.LittleEndian.PutUint64(b, sys.Ticks())
		t.Notify(1)
	}
}
