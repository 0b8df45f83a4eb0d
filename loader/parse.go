// SPDX-License-Identifier: Apache-2.0

package loader

import "encoding/binary"

// Layout of Elf64_Ehdr and Elf64_Phdr.
const (
	elfMagic        = "\x7fELF"
	headerSize      = 64
	progHeaderSize  = 56
	class64         = 2
	littleEndian    = 1
	currentVersion  = 1
	osSystemV       = 0
	osLinux         = 3
	typeRelocatable = 1
	typeExec        = 2
	typeDyn         = 3
	typeCore        = 4
	machineAMD64    = 62
	machineRISCV    = 243
	segLoad         = 1
	segDynamic      = 2
	segInterp       = 3
	manySegments    = 0xffff // PN_XNUM: the count is elsewhere
	dynNeeded       = 1
	dynEntrySize    = 16
)

// Access is what a segment may be used for; the bits are those of p_flags.
type Access uint8

// The kinds of access.
const (
	Execute Access = 1 << iota
	Write
	Read
)

// Segment is a piece of a file that goes to a piece of memory. Its address
// and its offset agree in the bits below PageSize.
type Segment struct {
	Addr     uint64 // of the first byte
	MemSize  uint64 // at least FileSize, at least 1; the rest is zero
	Offset   uint64 // in the file
	FileSize uint64
	Access   Access
}

// End is the address behind the segment.
func (s Segment) End() uint64 { return s.Addr + s.MemSize }

// FirstPage is the address of the page that the segment begins in.
func (s Segment) FirstPage() uint64 { return s.Addr &^ (PageSize - 1) }

// EndPage is the address behind the page that the segment ends in.
func (s Segment) EndPage() uint64 { return (s.End() + PageSize - 1) &^ (PageSize - 1) }

// Image is what is to be loaded of a program. If Relocatable is set, all its
// addresses are relative to a base that the loader chooses, a multiple of
// Align, and the program relocates itself.
type Image struct {
	Relocatable bool
	Entry       uint64
	Align       uint64 // a power of two, at least PageSize

	// The program header table for the auxiliary vector. HeaderAddr is 0 when
	// no segment has the table in it.
	HeaderAddr  uint64
	HeaderSize  uint16 // of one entry, in bytes
	HeaderCount uint16

	// Segments in order of their addresses; the first SegmentCount are used.
	Segments     [MaxSegments]Segment
	SegmentCount int
}

// Low is the address of the first page of the image.
func (img *Image) Low() uint64 { return img.Segments[0].FirstPage() }

// High is the address behind the last page of the image, where the heap of
// brk starts. It is 0 for an image without segments.
func (img *Image) High() uint64 {
	if img.SegmentCount == 0 {
		return 0
	}
	return img.Segments[img.SegmentCount-1].EndPage()
}

// Parse checks that the file b is a program for t and fills img, which is
// meaningful only if the code is OK. It allocates nothing and keeps no part
// of b.
func Parse(b []byte, t Target, img *Image) Code {
	*img = Image{Align: PageSize}
	if code := checkIdent(b); code != OK {
		return code
	}
	le := binary.LittleEndian
	if code := checkKind(b, t); code != OK {
		return code
	}
	img.Relocatable = le.Uint16(b[16:]) == typeDyn
	img.Entry = le.Uint64(b[24:])
	table, code := programHeaders(b)
	if code != OK {
		return code
	}
	if code := checkStatic(b, table, img.Relocatable); code != OK {
		return code
	}
	for off := 0; off < len(table); off += progHeaderSize {
		h := table[off : off+progHeaderSize]
		if le.Uint32(h) == segLoad {
			if code := img.addSegment(h, uint64(len(b)), t); code != OK {
				return code
			}
		}
	}
	if img.SegmentCount == 0 {
		return NoSegments
	}
	img.HeaderSize = progHeaderSize
	img.HeaderCount = uint16(len(table) / progHeaderSize)
	img.locateHeaders(le.Uint64(b[32:]), uint64(len(table)))
	return img.checkWhole(t)
}

// checkIdent checks the first 16 bytes, which are the same for each kind of
// ELF file, and that there is a whole header behind them.
func checkIdent(b []byte) Code {
	switch {
	case len(b) == 0:
		return Empty
	case len(b) < len(elfMagic) || string(b[:len(elfMagic)]) != elfMagic:
		return NotELF
	case len(b) < 16:
		return Truncated
	case b[4] == 1:
		return Not64Bit
	case b[5] == 2:
		return BigEndian
	case b[4] != class64 || b[5] != littleEndian || b[6] != currentVersion:
		return BadHeader
	case len(b) < headerSize:
		return Truncated
	}
	return OK
}

func checkKind(b []byte, t Target) Code {
	le := binary.LittleEndian
	kind := le.Uint16(b[16:])
	switch {
	case le.Uint16(b[18:]) != t.Arch.machine():
		return WrongMachine
	case b[7] != osSystemV && b[7] != osLinux:
		return WrongSystem
	case kind == typeRelocatable || kind == typeCore:
		return NotExecutable
	case kind != typeExec && kind != typeDyn:
		return BadHeader
	}
	return OK
}

// programHeaders returns the program header table.
func programHeaders(b []byte) ([]byte, Code) {
	le := binary.LittleEndian
	off, size, count := le.Uint64(b[32:]), le.Uint16(b[54:]), le.Uint16(b[56:])
	switch {
	case count == 0:
		return nil, NoSegments
	case count == manySegments:
		return nil, TooManySegments
	case size != progHeaderSize:
		return nil, BadHeader
	}
	n := uint64(count) * progHeaderSize
	if off > uint64(len(b)) || n > uint64(len(b))-off {
		return nil, Truncated
	}
	return b[off : off+n], OK
}

// checkStatic checks that the program needs no dynamic linker.
func checkStatic(b, table []byte, relocatable bool) Code {
	le := binary.LittleEndian
	code := OK
	for off := 0; off < len(table); off += progHeaderSize {
		h := table[off : off+progHeaderSize]
		switch le.Uint32(h) {
		case segInterp:
			return Dynamic
		case segDynamic:
			if relocatable && needsLibraries(contents(b, h)) {
				code = SharedLibrary
			}
		}
	}
	return code
}

// contents returns the bytes of a segment as far as the file has them.
func contents(b, h []byte) []byte {
	off, n := binary.LittleEndian.Uint64(h[8:]), binary.LittleEndian.Uint64(h[32:])
	if off > uint64(len(b)) {
		return nil
	}
	return b[off : off+min(n, uint64(len(b))-off)]
}

func needsLibraries(dynamic []byte) bool {
	for len(dynamic) >= dynEntrySize {
		switch binary.LittleEndian.Uint64(dynamic) {
		case 0:
			return false
		case dynNeeded:
			return true
		}
		dynamic = dynamic[dynEntrySize:]
	}
	return false
}

// addSegment checks a segment by itself and puts it in its place.
func (img *Image) addSegment(h []byte, fileSize uint64, t Target) Code {
	le := binary.LittleEndian
	s := Segment{
		Addr: le.Uint64(h[16:]), MemSize: le.Uint64(h[40:]),
		Offset: le.Uint64(h[8:]), FileSize: le.Uint64(h[32:]),
		Access: Access(le.Uint32(h[4:]) & 7),
	}
	low := t.Low
	if img.Relocatable {
		low = 0
	}
	switch {
	case s.FileSize > s.MemSize || s.Offset+s.FileSize < s.Offset:
		return BadSegment
	case s.MemSize == 0:
		return OK
	case s.Addr < low || s.Addr > t.High || s.MemSize > t.High-s.Addr:
		return OutOfRange
	case s.FileSize != 0 && s.Offset+s.FileSize > fileSize:
		return Truncated
	case (s.Offset^s.Addr)%PageSize != 0 && s.FileSize != 0:
		return Misaligned
	case s.Access&(Write|Execute) == Write|Execute:
		return WriteExecute
	case img.SegmentCount == MaxSegments:
		return TooManySegments
	}
	if align := le.Uint64(h[48:]); align > img.Align {
		if align&(align-1) != 0 {
			return BadSegment
		}
		img.Align = align
	}
	i := img.SegmentCount
	for ; i > 0 && img.Segments[i-1].Addr > s.Addr; i-- {
		img.Segments[i] = img.Segments[i-1]
	}
	img.Segments[i] = s
	img.SegmentCount++
	return OK
}

// checkWhole checks the segments together.
func (img *Image) checkWhole(t Target) Code {
	code := BadEntry
	for i, s := range img.Segments[:img.SegmentCount] {
		if i > 0 && img.Segments[i-1].EndPage() > s.FirstPage() {
			return Overlap
		}
		if s.Access&Execute != 0 && img.Entry >= s.Addr && img.Entry < s.End() {
			code = OK
		}
	}
	// Wherever it goes, it and its alignment must fit.
	if img.Relocatable && (img.Align > t.High-t.Low || img.High() > t.High-t.Low-img.Align) {
		return OutOfRange
	}
	return code
}

// locateHeaders finds where in memory the program header table is.
func (img *Image) locateHeaders(off, size uint64) {
	for _, s := range img.Segments[:img.SegmentCount] {
		if off >= s.Offset && off-s.Offset <= s.FileSize && size <= s.FileSize-(off-s.Offset) {
			img.HeaderAddr = s.Addr + (off - s.Offset)
			return
		}
	}
}
