// SPDX-License-Identifier: Apache-2.0

package bootinfo

// ImageMagic is the first word of an [ImageHeader]: "LOAMIMG1" in memory order.
const ImageMagic = 0x31474d494d414f4c

// ImageHeaderSize is the size of an [ImageHeader] in bytes.
const ImageHeaderSize = 14 * 8

// Addresses that the early page tables of the boot segment establish.
// They hold until the kernel loads tables of its own.
const (
	// ImageBase is the virtual address of physical address 0 in the mapping
	// of the kernel image: 1 GiB, readable, writable and executable.
	ImageBase = 0xffffffff80000000
	// EarlyDirectBase is the virtual address of physical address 0 in the
	// early direct map: 4 GiB, readable and writable.
	EarlyDirectBase = 0xffff800000000000
	// EarlyDirectSize is the length in bytes of the early direct map, and of
	// the identity map at virtual address 0 (which is executable as well).
	EarlyDirectSize = 4 << 30
)

// ImageHeader tells the kernel where the image step put it. The image step
// writes it at the start of the boot segment, little-endian, without padding;
// the boot segment passes its virtual address to the kernel's 64-bit entry in
// RSI. Ranges are half-open and page-aligned outward.
type ImageHeader struct {
	Magic uint64 // ImageMagic
	Entry uint64 // virtual address of the Go runtime's own entry (e_entry as linked)

	TextStart, TextEnd     uint64 // virtual, read and execute
	RodataStart, RodataEnd uint64 // virtual, read only
	DataStart, DataEnd     uint64 // virtual, read and write; bss included

	ImageStart, ImageEnd uint64 // physical, of everything that the loader placed
	BootStart, BootEnd   uint64 // physical, of the boot segment (header, trampoline, early tables)

	// The block that machine mode takes behind the image when there is no firmware:
	// then nobody else may touch it. Under firmware it is free memory. RISC-V only;
	// offsets from where the image was loaded, as ImageStart and ImageEnd are there.
	StageStart, StageEnd uint64
}

// What machine mode's block is like.
const (
	// StageSize is its size in bytes, which it is aligned to: a power of two, for one
	// entry of the physical memory protection closes it.
	StageSize = 128 << 10
	// StageHarts is how many harts it has room for, StageStack the stack of each in
	// bytes. The image step proves that it is enough.
	StageHarts = 64
	StageStack = 1 << 10
	// FlatHeader is where a flat image has its ImageHeader, from its start on.
	FlatHeader = 0x80
)

// fields lists the header's words in memory order.
func (h *ImageHeader) fields() [ImageHeaderSize / 8]*uint64 {
	return [...]*uint64{
		&h.Magic, &h.Entry,
		&h.TextStart, &h.TextEnd,
		&h.RodataStart, &h.RodataEnd,
		&h.DataStart, &h.DataEnd,
		&h.ImageStart, &h.ImageEnd,
		&h.BootStart, &h.BootEnd,
		&h.StageStart, &h.StageEnd,
	}
}

// Encode writes h to the first [ImageHeaderSize] bytes of b and reports
// whether b is long enough.
func (h *ImageHeader) Encode(b []byte) bool {
	if len(b) < ImageHeaderSize {
		return false
	}
	for i, f := range h.fields() {
		for j := range 8 {
			b[8*i+j] = byte(*f >> (8 * j))
		}
	}
	return true
}

// Decode sets h from the first [ImageHeaderSize] bytes of b. It reports
// whether b is long enough and carries the magic; h is meaningless if not.
func (h *ImageHeader) Decode(b []byte) bool {
	if len(b) < ImageHeaderSize {
		return false
	}
	for i, f := range h.fields() {
		*f = 0
		for j := range 8 {
			*f |= uint64(b[8*i+j]) << (8 * j)
		}
	}
	return h.Magic == ImageMagic
}
