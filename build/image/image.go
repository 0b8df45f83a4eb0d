// SPDX-License-Identifier: Apache-2.0

// Package image makes a bootable kernel image of a kernel as Go's linker left
// it: an ELF64 executable that a PVH loader (QEMU's -kernel, on -M microvm and
// on -M q35) starts directly, with neither firmware menu nor boot loader.
//
// # What goes in
//
// A static executable for linux, amd64 or riscv64, linked with -T at [TextAddr]. Go's linker
// gives it three PT_LOAD segments, text (which starts one page before the text
// section, with the ELF header in it), read-only data and data with bss, each
// with physical = virtual address, and a PT_PHDR, PT_NOTE and PT_GNU_STACK
// that no loader of a kernel needs.
//
// # What comes out
//
//	PT_NOTE  "Xen", type 18: physical address of the 32-bit entry
//	PT_LOAD  boot segment at physical 1 MiB: image header, early GDT,
//	         trampoline, early page tables (boot.go)
//	PT_LOAD  the linker's segments, p_paddr = p_vaddr - ImageBase
//
// That is amd64's. A kernel for RISC-V becomes a flat file instead (riscv64.go),
// which QEMU starts in machine mode without firmware, and firmware in supervisor
// mode.
//
// Section headers and symbols are dropped: the kernel symbolises by Go's own
// pclntab, and a debugger reads the linker's file. The output is a function of
// the input bytes alone.
//
// Invariants of every image that Build returns: segments are page-aligned,
// ascending and disjoint, none is writable and executable but the boot
// segment, all lie in the first GiB, and the entries lie in the text.
//
// # Sources and rejected alternatives
//
// PVH: Xen, docs/misc/pvh.pandoc; the note is XEN_ELFNOTE_PHYS32_ENTRY of
// xen/include/public/elfnote.h. ELF: System V ABI, chapter 5.
// Rejected: multiboot 1 (needs an ELF32 or address fields, and no microvm
// support), a bzImage header (a protocol to imitate for no gain), an external
// assembler or linker script (the stock Go toolchain builds everything), and
// tables built by the trampoline at run time (28 KiB in the file are cheaper
// than 32-bit code nobody can debug).
package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"loam/machine/bootinfo"
)

const (
	// BootAddr is the physical address of the boot segment.
	BootAddr = 0x100000
	// TextAddr is where the linker must put the kernel's text section: TextFlag.
	TextAddr = 0xffffffff80201000
	// TextFlag says so to Go's linker. The flag is an int64, so the address is negative.
	TextFlag = "-T -0x7fdff000"
	// LinkFlags are what a kernel is linked with (go build -ldflags). Go 1.27's linker
	// refuses assembly references to runtime internals without -checklinkname=0. DWARF is
	// for the linked file alone; the symbol table is needed by Build.
	LinkFlags = TextFlag + " -checklinkname=0"
	// StartSymbol is the kernel's 64-bit entry, an assembly function.
	StartSymbol = "loam/machine/metal.start"

	pageSize   = 4096
	imageLimit = bootinfo.ImageBase + 1<<30 // end of the early mapping of the image
	lowestAddr = TextAddr - pageSize        // the linker's first segment includes its ELF header

	noteType = 18 // XEN_ELFNOTE_PHYS32_ENTRY
)

// segment is a PT_LOAD of the kernel.
type segment struct {
	addr, memSize uint64 // virtual
	data          []byte // the file's part; the rest of memSize is zero
	flags         elf.ProgFlag
}

// end returns the segment's end, rounded up to a page.
func (s *segment) end() uint64 { return pageUp(s.addr + s.memSize) }

// kernel is the checked content of the linker's ELF.
type kernel struct {
	segments   [3]segment // text, read-only data, data
	rt0, start uint64     // Go's entry; ours
	file       *elf.File
}

func pageUp(v uint64) uint64 { return (v + pageSize - 1) &^ (pageSize - 1) }

// Build returns the bootable image of the kernel in linked, the bytes of an
// ELF executable. The input need not be trusted; errors name what is wrong
// with it.
func Build(linked []byte) ([]byte, error) {
	k, err := parse(linked)
	if err != nil {
		return nil, err
	}
	if k.file.Machine == elf.EM_RISCV {
		return k.flat()
	}
	text, rodata, data := &k.segments[0], &k.segments[1], &k.segments[2]
	header := k.header()
	header.ImageStart, header.ImageEnd = BootAddr, data.end()-bootinfo.ImageBase
	header.BootStart, header.BootEnd = BootAddr, BootAddr+bootSize
	boot := segment{
		addr:    bootinfo.ImageBase + BootAddr,
		memSize: bootSize,
		data:    bootSegment(&header, k.start),
		flags:   elf.PF_R | elf.PF_W | elf.PF_X,
	}
	return write([]segment{boot, *text, *rodata, *data}), nil
}

// header says where the kernel's parts are, as linked.
func (k *kernel) header() bootinfo.ImageHeader {
	text, rodata, data := &k.segments[0], &k.segments[1], &k.segments[2]
	return bootinfo.ImageHeader{
		Magic:       bootinfo.ImageMagic,
		Entry:       k.rt0,
		TextStart:   text.addr,
		TextEnd:     text.end(),
		RodataStart: rodata.addr,
		RodataEnd:   rodata.end(),
		DataStart:   data.addr,
		DataEnd:     data.end(),
	}
}

// write lays out the ELF file: header, program headers and note in the first
// page, then each segment at the next page.
func write(segments []segment) []byte {
	const ehsize, phsize = 64, 56
	le := binary.LittleEndian
	phnum := 1 + len(segments)
	noteOff := ehsize + phsize*phnum
	note := phys32Note(BootAddr + codeOff)

	out := bytes.NewBuffer(nil)
	put := func(v any) { _ = binary.Write(out, le, v) } // a Buffer takes everything
	put(elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F',
			byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Entry: BootAddr + codeOff,
		Phoff: ehsize, Ehsize: ehsize, Phentsize: phsize, Phnum: uint16(phnum), Shentsize: 64,
	})
	put(elf.Prog64{
		Type: uint32(elf.PT_NOTE), Flags: uint32(elf.PF_R), Off: uint64(noteOff),
		Filesz: uint64(len(note)), Memsz: uint64(len(note)), Align: 4,
	})
	off := uint64(pageSize)
	for i := range segments {
		s := &segments[i]
		put(elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(s.flags), Off: off,
			Vaddr: s.addr, Paddr: s.addr - bootinfo.ImageBase,
			Filesz: uint64(len(s.data)), Memsz: s.memSize, Align: pageSize,
		})
		off = pageUp(off + uint64(len(s.data)))
	}
	out.Write(note)
	for i := range segments {
		out.Write(make([]byte, int(pageUp(uint64(out.Len())))-out.Len()))
		out.Write(segments[i].data)
	}
	return out.Bytes()
}

// phys32Note returns the ELF note that tells a PVH loader where to enter.
func phys32Note(entry uint64) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 4) // name size
	b = le.AppendUint32(b, 8)    // desc size
	b = le.AppendUint32(b, noteType)
	b = append(b, "Xen\x00"...)
	return le.AppendUint64(b, entry)
}

// errorf marks an error as the input's.
func errorf(format string, args ...any) error {
	return fmt.Errorf("kernel ELF: "+format, args...)
}
