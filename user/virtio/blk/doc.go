// SPDX-License-Identifier: Apache-2.0

// Package blk is the protocol of the virtio block device (5.2): read, write, flush,
// discard, write zeroes, the device's name, and its configuration.
//
//	disk, err := blk.Open(transport, arena, blk.Options{Requests: 64})
//	tag, err := disk.Read(sector, elements)   // or Write, Flush, Discard, WriteZeroes
//	err = disk.Kick()
//	...                                       // the interrupt's notification
//	cause, err := disk.Device().Interrupt()
//	done, ok, err := disk.Done()              // until !ok
//	more, err := disk.Arm()                   // if more, Done again
//
// Requests are asynchronous and may be done in any order; the device orders nothing but a
// flush behind writes that were done before it was sent. A write is stable when it is
// done if Info.WriteBack is false, and else when a flush that was sent after its end is
// done (5.2.6.2).
//
// Data lies in elements of memory that the device reaches, which the caller has and doesn't
// touch until the request is done. The package has for each request a header and a
// status of its own, which no other request shares.
//
// What the device says of itself is checked (Info's bounds hold whatever it says), a
// request beyond its capacity or its limits is refused here, and an answer
// that can't be (a status that doesn't exist, a read that is done and not complete) is a
// virtio.DeviceError of FaultProtocol. After such an error Open is to be called anew, with
// the same memory; what was in flight was done or not.
//
// Left out: several queues (VIRTIO_BLK_F_MQ), switching the cache's mode
// (VIRTIO_BLK_F_CONFIG_WCE), lifetime, secure erase.
//
// Source: OASIS, Virtual I/O Device (VIRTIO) Version 1.2, section 5.2.
package blk
