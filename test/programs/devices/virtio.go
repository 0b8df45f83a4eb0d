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
// what the driver does about it. The device is a virtio-serial on virtio-mmio-bus.0 (QEMU's
// -device virtio-serial-device), which answers what is sent while its doorbell is written.
// A process of its own rings that: the driver waits, as drivers do.
func virtioCosts() {
	registers, err1 := newPlace()
	interrupt, err2 := machine.NewInterrupt(placeLine, abi.InterruptLevel)
	memory, err3 := machine.NewDMA(page, 0)
	n, err4 := object.NewNotification()
	ring, err5 := object.NewNotification()
	shared, err6 := object.NewMemory(page)
	if err := first(err1, err2, err3, err4, err5, err6); err != nil {
		fail(err)
	}
	parts, err := driver.Take(registers, object.Handle(interrupt), object.Handle(memory))
	if err != nil {
		fail(err)
	}
	d, err := virtio.Open(parts.Transport, virtio.Want{ID: virtio.DeviceConsole})
	if err != nil {
		fail(err)
	}
	q, err1 := d.Queue(sendQueue, 8, 0, parts.Arena)
	buffer, err2 := parts.Arena.Cut(64)
	at, err3 := object.Here.Map(shared, 0, 0, page, abi.PROT_READ|abi.PROT_WRITE)
	if err := first(err1, err2, err3, interrupt.Bind(n, 1)); err != nil {
		fail(err)
	}
	d.Start()
	all := func(k abi.Kind) abi.Rights { return abi.RightsOf(k) }
	c, err := (&object.Program{File: "program", Args: []string{"devices", "doorbell"}, Handles: []abi.HandOn{
		{Handle: abi.Handle(ring), Rights: all(abi.KindNotification)}, {Handle: registers, Rights: placeRights()},
		{Handle: abi.Handle(shared), Rights: abi.RightRead | abi.RightWrite},
	}}).Start()
	if err != nil {
		fail(err)
	}
	if err := object.Thread(abi.HandleThread).Schedule(10, 0); err != nil {
		fail(err)
	}
	out := []virtio.Element{buffer.Element(0, buffer.Size())}
	rung := object.Bytes(at, page)
	var served []int64
	report("virtio interrupt to waiting driver", repeat(func() int64 {
		if _, err := q.Add(out, nil); err != nil {
			fail(err)
		}
		_, err1 := q.Arm()
		_, err2 := q.Kick()
		if err := first(err1, err2, ring.Signal(1)); err != nil {
			fail(err)
		}
		await(n, 1)
		came := sys.Monotonic()
		_, err3 := d.Interrupt()
		err4 := interrupt.Ack()
		_, ok, err5 := q.Used()
		if err := first(err3, err4, err5); err != nil || !ok {
			fail(fmt.Errorf("nothing used, %w", err))
		}
		begin := int64(binary.LittleEndian.Uint64(rung))
		served = append(served, sys.Monotonic()-begin)
		return came - begin
	}))
	report("virtio interrupt to a buffer that is taken", served)
	if err := c.Process.Kill(); err != nil {
		fail(err)
	}
}

// sendQueue is the queue of what is sent by a virtio console's port 0 (5.3.2).
const sendQueue = 1

// doorbell rings that of a device for each time that it is asked to, and says when.
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
		binary.LittleEndian.PutUint64(b, uint64(sys.Monotonic()))
		t.Notify(sendQueue)
	}
}
