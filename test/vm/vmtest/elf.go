// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"encoding/binary"
	"testing"
)

// Rights of a segment, as ELF writes them.
const (
	X = 1
	W = 2
	R = 4
)

// Sizes of the ELF structures.
const (
	elfHeader  = 64
	progHeader = 56
)

// elfMachines are the machines of architectures, as ELF numbers them.
var elfMachines = map[string]uint16{"amd64": 62, "riscv64": 243}

// Segment is one program header. What an honest linker fills in by itself is
// filled in where it is zero, so that a test states only its lie.
type Segment struct {
	Type           uint32 // 0: PT_LOAD
	Flags          uint32 // 0: R|X
	Addr           uint64
	Offset         uint64 // 0: where Data is put, congruent to Addr
	FileSize, Size uint64 // 0: len(Data)
	Align          uint64 // 0: a page
	Data           []byte
}

// ELF is an executable to be written.
type ELF struct {
	Entry    uint64 // 0: the first segment's address
	Type     uint16 // 0: ET_EXEC
	Machine  uint16 // 0: that of Arch
	Segments []Segment
}

// Bytes writes the file. Segments' data follow each other, page by page.
func (e *ELF) Bytes() []byte {
	const page = 4096
	le := binary.LittleEndian
	b := make([]byte, elfHeader+progHeader*len(e.Segments))
	copy(b, "\x7fELF\x02\x01\x01")
	entry := e.Entry
	if entry == 0 && len(e.Segments) > 0 {
		entry = e.Segments[0].Addr
	}
	le.PutUint16(b[16:], or(e.Type, 2))
	le.PutUint16(b[18:], or(e.Machine, elfMachines[Arch()]))
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], entry)
	le.PutUint64(b[32:], elfHeader)
	le.PutUint16(b[52:], elfHeader)
	le.PutUint16(b[54:], progHeader)
	le.PutUint16(b[56:], uint16(len(e.Segments)))
	for i, s := range e.Segments {
		offset := (uint64(len(b))+page-1)/page*page + s.Addr%page
		if len(s.Data) > 0 {
			b = append(b, make([]byte, offset-uint64(len(b)))...)
			b = append(b, s.Data...)
		}
		h := b[elfHeader+progHeader*i:]
		size := or(s.FileSize, uint64(len(s.Data)))
		le.PutUint32(h[0:], or(s.Type, 1))
		le.PutUint32(h[4:], or(s.Flags, R|X))
		le.PutUint64(h[8:], or(s.Offset, offset))
		le.PutUint64(h[16:], s.Addr)
		le.PutUint64(h[24:], s.Addr)
		le.PutUint64(h[32:], size)
		le.PutUint64(h[40:], max(or(s.Size, size), s.Size))
		le.PutUint64(h[48:], or(s.Align, page))
	}
	return b
}

// or is v, or the default if v is zero.
func or[T uint16 | uint32 | uint64](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// Code writes a program of one segment of machine code at 0x400000, with a
// page of data that can be written at 0x500000 and behind it 64 KiB of zeros.
func Code(t testing.TB, name string, code []byte) string {
	t.Helper()
	e := ELF{Segments: []Segment{
		{Addr: 0x400000, Data: code},
		{Addr: 0x500000, Flags: R | W, Data: make([]byte, 16), Size: 0x11000},
	}}
	return File(t, name, e.Bytes())
}
