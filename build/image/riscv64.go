// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/binary"

	"loam/machine/bootinfo"
)

// The image for RISC-V is the linker's segments as they lie in memory, one behind
// the other, without bss. Its first page, where the linker has put the ELF header,
// begins with a jump to the kernel's entry, in the form of Linux's image header
// (Documentation/arch/riscv/boot-image-header.rst), so that boot loaders that know
// that (U-Boot's booti) start it, too. It runs wherever it is loaded at a multiple
// of 2 MiB: the entry is position-independent.

// Offsets in the first page.
const (
	flatJump      = 0x00
	flatOffset    = 0x08 // where the image wants to lie behind the start of memory
	flatSize      = 0x10 // of the image in memory, bss included
	flatVersion   = 0x20
	flatMagic     = 0x30
	flatMagic2    = 0x38
	flatHeaderOff = bootinfo.FlatHeader // bootinfo.ImageHeader; addresses are as linked, physical ones offsets from the image's start
	flatVersion02 = 2                   // major << 16 | minor

	linuxMagic  = 0x5643534952 // "RISCV"
	linuxMagic2 = 0x05435352   // "RSC\x05"
	loadOffset  = 2 << 20
	flatLimit   = 64 << 20 // bytes: what lies between segments is in the file, too
)

// flat returns the image of a kernel for RISC-V.
func (k *kernel) flat() ([]byte, error) {
	text, data := &k.segments[0], &k.segments[2]
	if text.addr != lowestAddr {
		return nil, errorf("text segment at %#x, want %#x: link with -ldflags '"+TextFlag+"'", text.addr, uint64(lowestAddr))
	}
	if k.start < text.addr+pageSize || k.rt0 < text.addr+pageSize {
		return nil, errorf("an entry lies in the first page")
	}
	size := data.addr + uint64(len(data.data)) - text.addr
	if size > flatLimit {
		return nil, errorf("data segment at %#x makes an image of %d MiB, at most %d", data.addr, size>>20, flatLimit>>20)
	}
	if err := k.checkStage(); err != nil {
		return nil, err
	}
	code, _, err := rewriteCalls(k.file, text)
	if err != nil {
		return nil, err
	}
	img := make([]byte, size)
	copy(img, code)
	for _, s := range k.segments[1:] {
		copy(img[s.addr-text.addr:], s.data)
	}
	clear(img[:pageSize])
	h := k.header()
	h.ImageEnd = data.end() - text.addr
	h.BootEnd = pageSize
	h.StageStart = (h.ImageEnd + bootinfo.StageSize - 1) &^ (bootinfo.StageSize - 1)
	h.StageEnd = h.StageStart + bootinfo.StageSize
	h.Encode(img[flatHeaderOff:])
	le := binary.LittleEndian
	auipc, jalr := farJump(k.start - text.addr)
	le.PutUint32(img[flatJump:], auipc)
	le.PutUint32(img[flatJump+4:], jalr)
	le.PutUint64(img[flatOffset:], loadOffset)
	le.PutUint64(img[flatSize:], h.ImageEnd)
	le.PutUint32(img[flatVersion:], flatVersion02)
	le.PutUint64(img[flatMagic:], linuxMagic)
	le.PutUint32(img[flatMagic2:], linuxMagic2)
	return img, nil
}

var _ [pageSize - flatHeaderOff - bootinfo.ImageHeaderSize]struct{}

// farJump encodes a jump to what lies a distance ahead, below 2 GiB, by way of
// register t0 (unprivileged specification, 2.4 and 2.5).
func farJump(distance uint64) (auipc, jalr uint32) {
	const opAUIPC, opJALR, t0 = 0x17, 0x67, 5
	high := uint32(distance+0x800) &^ 0xfff
	low := uint32(distance) - high
	return high | t0<<7 | opAUIPC, low<<20 | t0<<15 | opJALR
}
