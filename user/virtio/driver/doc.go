// SPDX-License-Identifier: Apache-2.0

// Package driver is what the drivers of virtio devices have in common as services: from the
// handles that a service was given for its device to an open device, whose interrupt
// and whose silence the driver hears of as bits of its notification.
//
//	parts, err := driver.TakeGiven()                           // object.Given(1), ...
//	source, err := rng.Open(parts.Transport, parts.Arena)      // or blk, console
//	loop, err := parts.Listen(note, limit, source.Device(), d.arrived)
//	...
//	server := ipc.Server{..., Notification: note, OnBits: func(bits uint64) { err := loop.Handle(bits) ... }}
//
// # Where a device is
//
// Over MMIO, a driver's lines are its endpoint, interrupt, registers (or memory of registers), dma. Behind
// PCI they are its endpoint, `uses` of the bus service's (package pcid), dma. TakeGiven sees by the second
// which of them it is: drivers are the same.
//
// # A device's life
//
// Open comes before Listen: it resets the device, which a predecessor that was killed may
// have left at work in the same memory and with its interrupt raised. An interrupt
// from before the reset is one for which the device has no cause.
//
// A driver that is told of an error (a virtio.DeviceError, ErrSilent) is to end: the next
// instance begins with a reset, and whoever supervises services knows how often is
// too often. What its clients were waiting for ends with ECONNRESET.
//
// # The order at an interrupt
//
// First the device's own register is read and acknowledged, which lowers the line; then the
// kernel's interrupt is acknowledged, which unmasks it; then queues are looked at. What the
// device uses after the look at its register raises the line again, and is
// signalled again. The other way round, with the kernel's acknowledgement first, a line
// by level would be taken a second time for the same cause.
//
// # Costs
//
// In guest instructions, test/programs/devices by "virtio" on a deterministic machine, amd64
// (microvm) and riscv64 (virt): from the interrupt to the driver's thread 829 and 800 on an
// idle CPU, 2039 and 1700 if the thread takes the CPU from another process; with the
// two registers, the acknowledgement and Used besides 2491 and 1500 on an idle CPU. On
// microvm each access to a register is a call, some 440. Behind PCI (q35, by "message") it is 787 from
// the message to the thread, and 1493 with the acknowledgement and Used: there is no register to read.
//
// # Next
//
//   - A call to package entropy has a goroutine while it waits for the device (ipc.Server.Async).
//     A small one costs its driver 26,000 instructions on amd64, of which the device's
//     part is 7,000. A request that is kept (ipc.Keep), as package diskd's are, would leave
//     most of that out; its answer has to be words then.
package driver
