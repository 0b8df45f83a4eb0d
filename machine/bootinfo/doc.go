// SPDX-License-Identifier: Apache-2.0

// Package bootinfo reads what a loader tells the kernel at power-on: the PVH
// start info with its modules, command line and memory map.
//
// Three independent parts, each a function of bytes:
//   - [Parse] reads the start info structure into an [Info] of physical ranges.
//   - [Map] turns the loader's memory map, which may be unsorted, overlapping,
//     unaligned and long, into a sorted list of usable whole pages.
//   - [Lookup] and the getters beside it read the kernel's command line.
//
// Everything is parsed before the kernel has a heap, from memory that a loader
// wrote: nothing allocates, nothing is trusted, and each length is bounded.
// An Info holds physical addresses, not slices, so it can live in static data.
//
// When the memory map has more pieces than a Map holds, the smallest are given
// up and counted: memory may be lost, but reserved memory never becomes usable.
//
// Sources: Xen, xen/include/public/arch-x86/hvm/start_info.h (structure,
// versions 0 and 1, types of memory) and docs/misc/pvh.pandoc (machine state).
//
// Rejected: multiboot (no 64-bit entry, and QEMU's loader refuses 64-bit
// images), the Linux boot protocol (its setup header would have to be faked),
// a bitmap of pages instead of ranges (its size depends on the machine).
package bootinfo

// PageSize is the unit of usable memory, in bytes.
const PageSize = 4096

// Code says why a start info or a value is refused. The zero value is success.
type Code uint8

// The reasons.
const (
	OK          Code = iota
	BadAddress       // a structure lies outside of physical memory
	BadMagic         // no PVH start info at the address
	NoMemoryMap      // version 0 or an empty map: the loader doesn't say what memory there is
	TooLong          // more modules, entries or bytes of command line than are read
	Missing          // the key is not on the command line
	BadValue         // the key has a value of the wrong form
)

var codeText = [...]string{
	OK:          "no error",
	BadAddress:  "boot structure outside of memory",
	BadMagic:    "not booted by a PVH loader",
	NoMemoryMap: "the loader gave no memory map",
	TooLong:     "boot structure too long",
	Missing:     "no such key",
	BadValue:    "bad value",
}

// String gives the reason as a few words.
func (c Code) String() string {
	if int(c) < len(codeText) {
		return codeText[c]
	}
	return "unknown boot error"
}
