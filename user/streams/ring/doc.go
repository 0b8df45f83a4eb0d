// SPDX-License-Identifier: Apache-2.0

// Package ring is the memory that the driver of the console streams and its client share:
// five rings, each with one end in either process.
//
//	streams.Stdin, ControlIn       a Source's slots, filled by the device, taken by a Taker
//	Stdout, Stderr, ControlOut     a Putter's bytes, read by the device, given by a Drain
//
// The bytes lie where the device reads and writes them: nothing is copied between driver and
// client. What goes out is one ring of bytes, of which the driver gives the device pieces of any
// length. What comes in are slots, since a device fills a buffer as far as it has bytes and then
// takes the next: each has a length of its own.
//
// # Words
//
// Each ring has two lines of words, one that the client writes and one that the driver
// writes, and an input's slots a table that the driver writes. Positions run freely, modulo
// 2^32. Of an output they count bytes: Put by the client, Gone by the driver (the device has
// used them, and the room is the client's again). Of an input they are a slot's count times
// SlotSize plus the offset in it: Filled by the driver, always a whole slot, Taken by the client.
// So one store says each thing that is to be said, and a process that is killed between two
// stores leaves a ring that can be gone on with.
//
// A side that is going to wait says so in a word (Wants) and looks again; the other side finds
// that word after it has stored its position, takes it back, and signals. Both words are
// stored and loaded in one order for all (sequentially consistent), so one of the two
// always sees the other. Neither signals anybody who doesn't wait.
//
// # Trust
//
// Neither side believes the other: each keeps what it has itself stored, and takes from the
// other's words only what can be (ErrBroken otherwise), so that a liar changes bytes of the
// ring and nothing else. The bytes may change at any time while the other side has
// them.
package ring
