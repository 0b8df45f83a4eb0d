// SPDX-License-Identifier: Apache-2.0

// Package fdt reads the flattened devicetree with which firmware describes a
// RISC-V machine (Devicetree Specification v0.4, chapters 2, 3 and 5; RISC-V
// bindings of the Linux kernel, Documentation/devicetree/bindings).
//
// [Blob.Check] looks at the header; [Blob.Walk] goes through the nodes in their
// order and calls for nothing but bounded state: a stack of what each level says
// about cells. [Read] fills an [Info] with what the kernel needs of it: memory,
// harts, consoles, interrupt controllers, timers, virtio devices, the boot archive.
// [Info.Check] says whether a kernel can start with that: a tree may be well-formed
// and lie.
//
// A devicetree is hostile input: every offset and length is checked before it is
// used, nothing recurses, no loop depends on anything but how far it has come in
// the blob, and what there is too much of is counted and left out. References go
// by phandle and are resolved at the end, so it can't matter whether they form a
// circle: none is followed twice.
//
// It is code of the machine floor: no heap, no pointers, no panics. It runs at physical
// addresses too, so it uses no tables that hold strings. The tree of QEMU's virt
// costs 72,000 instructions with one hart, 115,000 with eight.
//
// Rejected: a tree in memory (an allocator before there is one); recursion by
// depth of the tree (the blob decides how deep).
package fdt

// Limits of what is read.
const (
	MaxSize    = 2 << 20 // bytes of a blob; QEMU's are 1 MiB at most
	MaxName    = 256     // bytes of a node's or property's name; the specification has 31, and an address
	MaxDepth   = 16      // of nodes below each other
	MaxRanges  = 32      // of memory, and as many reserved ones
	MaxHarts   = 64
	MaxDevices = 32 // of a kind
)

// Code is the outcome of reading.
type Code uint8

// The codes.
const (
	OK            Code = iota
	BadMagic           // no devicetree
	BadVersion         // not readable as version 17
	BadSize            // totalsize is not the blob's, or over MaxSize
	BadOffset          // a block lies outside of the blob, or misaligned
	BadToken           // something in the structure block is no token
	BadName            // a node or property has no name that ends
	BadProperty        // a property's value is not what its kind wants
	TooDeep            // more than MaxDepth nodes below each other
	Truncated          // the structure block ends before the tree does
	BadReference       // a phandle that no node has
	BadDevice          // a device has its registers in memory, or no room for them
	NoMemory           // no memory is described
	BadMemory          // two ranges of memory overlap, or one lies where none can be
	ImageOutside       // not all of the kernel's image lies in memory
	ImageTaken         // what is reserved, or the devicetree, lies in the image
	NoHart             // the hart that runs is not described, or not as one that may
	BadHarts           // two harts have one number or one interrupt controller
	NoTicks            // how fast the timer counts is not said
	NoInitrd           // there is no boot archive
	BadInitrd          // it doesn't begin at a page, or ends before it begins
	InitrdOutside      // not all of it lies in memory
	InitrdTaken        // it overlaps the image or the devicetree
)

// String returns the code in words. They stand in code and not in a table, whose
// strings would be linked addresses: machine mode prints them. Nor in a switch, of
// which Go 1.27 makes a table.
func (c Code) String() string {
	if c == OK {
		return "ok"
	}
	if c == BadMagic {
		return "no devicetree (bad magic)"
	}
	if c == BadVersion {
		return "a devicetree of another version than 17"
	}
	if c == BadSize {
		return "a devicetree of wrong size"
	}
	if c == BadOffset {
		return "a devicetree whose blocks lie outside of it"
	}
	if c == BadToken {
		return "a devicetree with a bad token"
	}
	if c == BadName {
		return "a devicetree with a bad name"
	}
	if c == BadProperty {
		return "a devicetree with a bad property"
	}
	if c == TooDeep {
		return "a devicetree that is too deep"
	}
	if c == Truncated {
		return "a devicetree that ends too early"
	}
	if c == BadReference {
		return "a devicetree with a reference to nothing"
	}
	if c == BadDevice {
		return "a devicetree with a device in memory, or without room for its registers"
	}
	if c == NoMemory {
		return "a devicetree without memory"
	}
	if c == BadMemory {
		return "a devicetree whose memory overlaps or can't be"
	}
	if c == ImageOutside {
		return "a devicetree by which the kernel's image is not in memory"
	}
	if c == ImageTaken {
		return "a devicetree by which the kernel's image lies in what is taken"
	}
	if c == NoHart {
		return "a devicetree without the hart that runs"
	}
	if c == BadHarts {
		return "a devicetree with two harts in one"
	}
	if c == NoTicks {
		return "a devicetree that doesn't say how fast the timer counts"
	}
	if c == NoInitrd {
		return "no boot archive (initrd)"
	}
	if c == BadInitrd {
		return "a boot archive (initrd) that is not at a page boundary, or ends before it begins"
	}
	if c == InitrdOutside {
		return "a boot archive (initrd) that is not in memory"
	}
	if c == InitrdTaken {
		return "a boot archive (initrd) that lies in the kernel or the devicetree"
	}
	return "unknown code"
}
