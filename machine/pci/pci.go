// SPDX-License-Identifier: Apache-2.0

// Package pci has what configuration space of PCI looks like: where a function's
// registers lie, what they say, and how its base address registers are sized and
// set. It computes and never accesses: the machine floor reads and writes the words,
// 32 bits at a time, as a host bridge wants it.
//
// To use a device: look at word [ID] of functions until it is the device's, or word
// [Class] says what it is; write [Probe] to the base address register, read it back
// for [Decode], write an address of [Space] there; enable it with [Command].
//
// Sources: PCI Local Bus Specification 3.0, chapter 6 and appendix D; PCI Express
// Base Specification 3.0, section 7.2.2 (ECAM).
package pci

// Where the function's registers begin in configuration space that lies in memory:
// 4 KiB for each function, 8 functions a device, 32 devices a bus.
const (
	FunctionBytes = 4 << 10
	Functions     = 8
	Devices       = 32
	BusBytes      = FunctionBytes * Functions * Devices
)

// At returns the offset of a register, a multiple of 4 below FunctionBytes, of a
// function. bus counts from the first that the bridge has.
func At(bus, device, function uint8, register uint16) uint64 {
	return uint64(bus)*BusBytes + uint64(device%Devices)*(FunctionBytes*Functions) +
		uint64(function%Functions)*FunctionBytes + uint64(register%FunctionBytes)&^3
}

// Registers of every function, and of a header of type 0, by their words' offsets.
const (
	ID        = 0x00 // vendor, device
	Command   = 0x04 // command, status
	Class     = 0x08 // revision, class
	Header    = 0x0c // cache line, latency, header type, self-test
	Base      = 0x10 // the first base address register
	Bases     = 6    // their number; 4 bytes each
	Interrupt = 0x3c // line, pin
)

// Bits of word Command: what the function answers to. The upper half, the status,
// has bits that are cleared by writing 1: write 0 there.
const (
	CommandIO     = 1 << 0  // I/O ports
	CommandMemory = 1 << 1  // registers in memory
	CommandMaster = 1 << 2  // it may access memory itself
	CommandNoINTx = 1 << 10 // no interrupts by pins
	CommandMask   = 0xffff
)

// Some functions.
const (
	NoVendor = 0xffff // there is no function
	RedHat   = 0x1b36

	QEMUSerial  = 0x0002   // device of RedHat: one 16550 in I/O space
	ClassSerial = 0x070002 // a serial port compatible with the 16550
)

// Vendor returns what word ID says about who made the function.
func Vendor(id uint32) uint16 { return uint16(id) }

// Device returns what word ID says about which of the vendor's devices it is.
func Device(id uint32) uint16 { return uint16(id >> 16) }

// ClassOf returns class, subclass and interface, 8 bits each, of word Class.
func ClassOf(word uint32) uint32 { return word >> 8 }

// HeaderType returns what word Header says: 0 for a device, 1 for a bridge; and
// whether the device has more functions than number 0.
func HeaderType(word uint32) (kind uint8, many bool) {
	return uint8(word >> 16 & 0x7f), word>>23&1 != 0
}

// Pin returns which interrupt pin word Interrupt says that the function uses: 1 is
// INTA, 4 INTD, 0 none.
func Pin(word uint32) uint8 { return uint8(word >> 8) }
