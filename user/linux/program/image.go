// SPDX-License-Identifier: Apache-2.0

package program

import (
	"loam/abi"
	"loam/loader"
)

// Piece is a piece of a process's memory.
type Piece struct {
	Addr   uint64
	Size   uint64
	Offset uint64 // in the object of the file, if Own isn't set
	Prot   uint64
	Own    bool // memory of the process's own: zeroes
}

// Image is a program.
type Image struct {
	elf    loader.Image
	pieces []Piece // without the base
	tails  []tail
	Size   uint64 // bytes of the object: the file's pages, and those of the tails
}

// tail is the last page of a segment's content, which goes on with zeroes.
type tail struct{ from, n, to uint64 }

const inPage = abi.PageSize - 1

// Parse tells how a file is run. ENOEXEC: it is no static program of this machine.
func Parse(file []byte, t loader.Target) (*Image, abi.Errno) {
	img := &Image{Size: (uint64(len(file)) + inPage) &^ inPage}
	if loader.Parse(file, t, &img.elf) != loader.OK {
		return nil, abi.ENOEXEC
	}
	for i := range img.elf.SegmentCount {
		img.add(&img.elf.Segments[i])
	}
	return img, 0
}

// add makes the pieces of a segment.
func (img *Image) add(s *loader.Segment) {
	prot := uint64(abi.PROT_READ)
	if s.Access&loader.Write != 0 {
		prot |= abi.PROT_WRITE
	}
	if s.Access&loader.Execute != 0 {
		prot |= abi.PROT_EXEC
	}
	at, end := s.FirstPage(), s.Addr+s.FileSize
	offset := s.Offset &^ inPage
	whole := end &^ inPage
	if s.FileSize == 0 {
		whole, end = at, at
	}
	if whole > at {
		img.pieces = append(img.pieces, Piece{Addr: at, Size: whole - at, Offset: offset, Prot: prot})
		offset += whole - at
		at = whole
	}
	if end > at {
		img.tails = append(img.tails, tail{offset, end - at, img.Size})
		img.pieces = append(img.pieces, Piece{Addr: at, Size: abi.PageSize, Offset: img.Size, Prot: prot})
		img.Size += abi.PageSize
		at += abi.PageSize
	}
	if s.EndPage() > at {
		img.pieces = append(img.pieces, Piece{Addr: at, Size: s.EndPage() - at, Prot: prot, Own: true})
	}
}

// Finish fills what lies behind the file in its object, which begins with the file.
func (img *Image) Finish(object []byte) {
	for _, t := range img.tails {
		copy(object[t.to:], object[t.from:t.from+t.n])
	}
}

// Low is the first address of the program, without its base.
func (img *Image) Low() uint64 { return img.elf.Low() }

// Relocatable reports whether it lies elsewhere than where it was linked.
func (img *Image) Relocatable() bool { return img.elf.Relocatable }

// Offset gives where in the file a page lies that is part of it; addr is without the base.
func (img *Image) Offset(addr uint64) (off uint64, ok bool) {
	for i := range img.elf.SegmentCount {
		s := &img.elf.Segments[i]
		if first := s.FirstPage(); addr >= first && addr < s.Addr+s.FileSize {
			return s.Offset&^inPage + addr - first, true
		}
	}
	return 0, false
}
