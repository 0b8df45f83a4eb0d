// SPDX-License-Identifier: Apache-2.0

// Package streamd is the driver of a machine's console streams: stdin, stdout, stderr and the
// messages about their terminal, each a port of a virtio console device whose other end is loam's
// (virtio-serial; a socket each). It serves streams.Driver, and shares rings with its client
// (package ring), which the device reads and writes: nothing is copied here.
//
//	service streams              # microvm, place 0
//	  system streams
//	  provides streams
//	  interrupt 5 level            # on q35 in place of these two: uses pci
//	  registers 0xfeb00000 0x200
//	  dma 16K                      # the driver's own (terminal.DriverMemory)
//	  dma 344K                     # the rings (terminal.RingsMemory)
//	  drain
//	  restart always after 10ms to 1s
//
// The ports are 1 to 4, with the names terminal.Ports. Another device isn't driven.
//
// # Death and takeover
//
// A reset would lose or double what is in flight: QEMU may have written a part of a buffer to a
// socket that is full, and keeps the rest to itself. So the next instance goes on with the device as it
// is at work. Both memory objects outlive the driver (package initd), and the physical addresses with them.
// All that is to be known lies there, in such a form that one store says each thing, and all is
// derived from what was said:
//
//	how many buffers the device has been given   the queue's available index
//	how many of them it has used                 its used index
//	where an output's buffer ends in the stream  ends, recorded before the buffer is offered
//	where an input's slot begins in the stream   starts, derived from the slot before and the length that
//	                                             the device gives
//	how many slots the client has been given     filled, recorded before the client is told
//	what the client has put, and taken           its words of the ring
//
// So a driver that is killed before a store has said nothing, and the next one does it again; after it,
// all was said. A store that others see later than the record of it (the client's positions) is done
// again. The doorbells, the interrupt and the signals, which say no more than that there
// is something to look at, are rung, looked at and sent once by each instance. Tests stop the
// driver at each store, and compare the streams.
//
// The record says that it is true in its first word, which is stored last when the device has been
// opened, before ports are, so nothing has come or gone by then; and taken back when the device fails.
// Where it isn't true, or doesn't fit what the device says of itself, the device is reset and opened anew: what it
// had of stdout and stderr is given to it again, from the beginning of what it hadn't done with. It is
// said in the log.
//
// # Signals and interrupts
//
// Whoever waits for the other side says so in memory (package ring); the device is asked for an
// interrupt when somebody waits for what it does: for room, for the end of what there is (Drain), for
// what comes. A client that is behind is not told of each slot, nor the driver by the device. When the device
// does its work while the doorbell is rung, as QEMU's does where it can, there is none.
//
// # Trust
//
// The client's words are checked (package ring), and one who breaks a ring is served no more by that
// ring. The device's are, too (virtio.KeptQueue). What both can reach are the bytes of the rings; the
// queues and the record are the device's and the driver's.
//
// # Rejected
//
//   - A packed queue: its entries are overwritten by the device, and wrap counters would have to be
//     recorded beside each store.
//   - Buffers of the driver's own with a copy on each way: an index for each of them, of which one
//     would have to be stored with the bytes in one step.
//   - Reading descriptors back to learn what was in flight: the record has less to be checked.
//   - The driver reading the messages about the terminal: what is kept in no process's head needs no
//     recovery. They are two more streams, and the client's.
package streamd
