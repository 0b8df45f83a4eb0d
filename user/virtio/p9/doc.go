// SPDX-License-Identifier: Apache-2.0

// Package p9 is the protocol of the virtio 9P device: a transport for package
// user/ninep, by which folders of the host's are reached.
//
//	d, err := p9.Open(transport, arena, p9.Options{Buffers: 4})
//	go loop(d)    // see below
//	client, err := ninep.Dial(ctx, d, ninep.Config{Requests: d.Requests()})
//
//	for each notification of the interrupt, until there is an error:
//		err = d.Interrupt()
//		...                  // the interrupt object's Ack
//		err = d.Take()
//	for each tick of a clock:
//		err = d.Tick()
//
// Sources: the device is not in the specification (OASIS, Virtual I/O Device (VIRTIO)
// Version 1.2, which only has its number, 9, in section 5). Linux (net/9p/trans_virtio.c,
// include/uapi/linux/virtio_9p.h) and QEMU (hw/9pfs/virtio-9p-device.c) agree on it: one queue; a buffer
// is one request, which the device reads, and room for its reply, which it writes; one
// feature, VIRTIO_9P_MOUNT_TAG, with which the configuration is a name.
//
// # Memory
//
// All that the device reaches is cut from the arena: the queue, the client's fields, and
// buffers for data. Data that lies in memory of Data's goes between there and the host's
// file with no copy; all other data is copied through one of Options.Buffers, for which an
// exchange waits. Beside that there is one small record for each exchange.
//
// # When the device fails
//
// What it says of the queue is checked there (package virtio); that a reply is as long as it
// and the device say, and answers what was asked, is checked by the client. A device
// that breaks the rules, says that it needs a reset, or lets an exchange wait for Options.Patience
// ticks, is reset, and all exchanges end with the error; so no call waits for ever. Their
// number, the tick and the reset's own second bound how long. Patience is counted in ticks and
// not in time, so that a machine that was stopped for an hour finds its device in time.
//
// If the reset comes to no end the device may write to the arena's memory for as long as it
// likes. The exchanges end all the same, since otherwise whoever waits would never
// learn of it, but the memory stays the device's: no buffer is used again, Close gives the error, and
// the process is best ended.
//
// To go on after a failure is to begin again: Open, with a new arena of the same memory, and
// Dial. The server knows nothing of the files of the client before it.
//
// # Locks
//
// Device.turn is held by Interrupt, Take, Tick and Close, also while they reset the device.
// Device.mu comes after it and guards the queue and the exchanges in it. It is held for one step
// of the queue, and for nothing that waits; no Exchange.Done is called under it. Start takes mu
// alone.
//
// # Rejected
//
//   - A buffer for each request, so that nobody waits for one: with messages of 512 KiB
//     that would be 8 MiB, twice what a memory object for devices holds.
//   - Data in pieces of a page, as Linux has it: there it is the callers' pages; here it is
//     memory in one piece.
//   - A clock in here. Each exchange would read it, to learn what a counter says as well.
package p9
