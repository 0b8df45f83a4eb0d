// SPDX-License-Identifier: Apache-2.0

// Package console is the protocol of the virtio console device (5.3): up to MaxPorts
// ports, each a stream of bytes both ways, and the control messages about them.
//
//	c, err := console.Open(transport, arena, console.Options{Ports: 4, Buffers: 8, BufferSize: 4096})
//	...                          // the interrupt's notification
//	cause, err := c.Device().Interrupt()
//	event, ok, err := c.Event()  // until !ok: ports come, are named, opened, go
//	n, err := c.Read(port, b)    // until 0
//	n, err = c.Write(port, b)    // less than all: the device has to take some first
//	more, err := c.Arm()         // if more, the above again
//
// What has come and isn't read counts as more. Who doesn't read, since what is read finds no
// room where it is to go, does the above until it brings nothing after an Arm: then
// a notification comes with the room.
//
// Streams are binary and nothing in them is lost: what has come and isn't read keeps its
// buffers, and when all are taken the device waits; what finds no room to be
// written isn't taken from the caller. A write that was taken has been handed to the
// device, and Unsent tells how much of that it hasn't done with.
//
// A device may keep what it has for a port until SetOpen has told it that somebody is
// there. That nobody is at the other end any more (Closed) comes by another queue than the
// bytes before it: what Read still gives then belongs to the stream.
//
// What the device says is checked. A port that it may not name, a message about one that it
// hasn't added, one added twice, a message that is too short: each ends the
// device with a virtio.DeviceError. Messages are taken one at a time, and only while
// there is room for an answer, so a device that sends without listening is left
// waiting. Names are made UTF-8 and are at most MaxName bytes.
//
// QEMU 7.2 (hw/char/virtio-serial-bus.c) doesn't offer the size of a terminal. What is sent
// to a port while nobody is at the other end it throws away: what has to arrive is written
// after Opened. The end of a host's stream is Closed.
//
// Without VIRTIO_CONSOLE_F_MULTIPORT there is port 0 alone, which is always open.
//
// Source: OASIS, Virtual I/O Device (VIRTIO) Version 1.2, section 5.3.
package console
