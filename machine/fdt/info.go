// SPDX-License-Identifier: Apache-2.0

package fdt

import "loam/machine/riscv64"

// Range is a range of physical addresses.
type Range struct {
	Start uint64
	Size  uint64 // bytes
}

// Hart is a hart that the devicetree describes.
type Hart struct {
	ID      uint64 // mhartid
	Enabled bool   // its status is "okay"
	Bits    uint8  // of addresses that it can translate: 39, 48 or 57; 0: it can't
	ISA     riscv64.ISA

	// Where the interrupt controllers have what is this hart's; 0: nowhere.
	Soft     uint64 // msip: the register that raises its software interrupt
	Compare  uint64 // mtimecmp
	Time     uint64 // mtime
	ContextM int32  // its context of the PLIC, for machine mode; -1: none
	ContextS int32  // for supervisor mode

	controller uint32 // phandle of the hart's own interrupt controller
}

// Device is a device with registers in memory.
type Device struct {
	Range
	IRQ    uint32 // its first interrupt, 0: none
	Shift  uint8  // of register numbers to offsets (reg-shift)
	Width  uint8  // of an access, in bytes (reg-io-width), 1 by default
	Clock  uint32 // Hz, 0: not said
	parent uint32 // phandle of the controller that has the interrupt
}

// PLIC is the interrupt controller for devices.
type PLIC struct {
	Range
	Sources uint32 // the highest interrupt
	phandle uint32

	interruptCells, addressCells uint32 // what a reference to an interrupt has
}

// Info is what the kernel needs of a devicetree.
type Info struct {
	Memory   [MaxRanges]Range
	Reserved [MaxRanges]Range // not to be used, by reservations and /reserved-memory
	Harts    [MaxHarts]Hart
	Virtio   [MaxDevices]Device

	MemoryCount   int
	ReservedCount int
	HartCount     int
	VirtioCount   int
	LeftOut       int // entries that there was no room for

	UART  Device // a 16550: what stdout-path names, else the first
	PLIC  PLIC
	PCI   PCI
	Other Range  // SiFive's UART, the first
	Test  Range  // SiFive's test finisher, which ends the machine with a status
	RTC   Range  // Goldfish's clock
	Ticks uint64 // of mtime and the time register in a second

	Initrd   Range
	Bootargs Span // the command line, without its NUL
	Seed     Span // random bytes

	console Span // stdout-path
}

func (i *Info) addMemory(r Range)   { add(i.Memory[:], &i.MemoryCount, r, &i.LeftOut) }
func (i *Info) addReserved(r Range) { add(i.Reserved[:], &i.ReservedCount, r, &i.LeftOut) }

// add appends what there is room for.
func add[T any](list []T, n *int, v T, left *int) {
	if *n >= len(list) {
		*left++
		return
	}
	list[*n] = v
	*n++
}
