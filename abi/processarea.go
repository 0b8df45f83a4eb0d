// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// AreaKind is what an area of a process's memory is.
type AreaKind uint32

// Kinds of areas.
const (
	AreaPlain   AreaKind = iota // zero until it was written
	AreaProgram                 // part of the program's file
	AreaStack                   // the first stack
	AreaHeap                    // the memory of brk(2)
	AreaShared                  // part of a memory object, as others map it
	AreaPrivate                 // part of a memory object, of which what is written is the process's own
	AreaDevice                  // registers of a device
	AreaVDSO                    // the kernel's code for programs
	AreaVVAR                    // and its data
)

// ProcessAreaSize is the size of ProcessArea in bytes.
const ProcessAreaSize = 32

// ProcessArea is what CallProcessArea answers.
type ProcessArea struct {
	Start  uint64   // the first address
	End    uint64   // behind the last
	Offset uint64   // of Start, in the memory object behind the area
	Kind   AreaKind // AreaPlain and so on
	Prot   uint32   // bits as of mmap(2)
}

// Put writes a's layout to the first ProcessAreaSize bytes of b.
func (a ProcessArea) Put(b []byte) {
	_ = b[ProcessAreaSize-1]
	for i, v := range [3]uint64{a.Start, a.End, a.Offset} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	binary.LittleEndian.PutUint32(b[24:], uint32(a.Kind))
	binary.LittleEndian.PutUint32(b[28:], a.Prot)
}

// GetProcessArea reads a ProcessArea from the first ProcessAreaSize bytes of b.
func GetProcessArea(b []byte) ProcessArea {
	_ = b[ProcessAreaSize-1]
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return ProcessArea{word(0), word(1), word(2), AreaKind(binary.LittleEndian.Uint32(b[24:])), binary.LittleEndian.Uint32(b[28:])}
}
