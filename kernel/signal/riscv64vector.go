// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"encoding/binary"

	"loam/abi"
)

// Further state in a frame of riscv64 is a chain of records, each with a header
// of magic and size; the size counts the header. The one kind that exists is the
// vector state, and it is there if the thread has one:
//
//	1080 header: magicVector, 56 + n
//	1088 vstart, vl, vtype, vcsr, vlenb, address of the registers
//	1136 v0 to v31, n bytes in all
//	     header: 0, 0
//	     padding to a multiple of 16
const (
	magicVector = 0x53465457
	magicEnd    = 0

	vectorHead = 6 * 8 // bytes from the header to the registers
)

// HeaderSizeRISCV64 is the size of a record's header in bytes.
const HeaderSizeRISCV64 = 8

// VectorRISCV64 is a thread's vector state but for the 32 registers, which are
// 32 * VLenB bytes beside it.
type VectorRISCV64 struct {
	VStart uint64
	VL     uint64
	VType  uint64
	VCSR   uint64
	VLenB  uint64 // bytes of a register; the hart's, not the program's to set
}

// putVector writes the record, the end behind it, and zeros up to the end of b.
// at is the address of b.
func putVector(b []byte, at uint64, v *VectorRISCV64, registers []byte) {
	const data = HeaderSizeRISCV64 + vectorHead
	le := binary.LittleEndian
	le.PutUint32(b, magicVector)
	le.PutUint32(b[4:], uint32(data+len(registers)))
	for i, word := range [...]uint64{v.VStart, v.VL, v.VType, v.VCSR, v.VLenB, at + data} {
		le.PutUint64(b[HeaderSizeRISCV64+8*i:], word)
	}
	n := copy(b[data:], registers)
	clear(b[data+n:])
}

// parseHeader reads a frame's first header. EINVAL: it is neither the end nor a
// record of vector registers of n bytes in all.
func parseHeader(b []byte, n int) (vector bool, errno abi.Errno) {
	magic, size := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	switch {
	case magic == magicEnd && size == 0:
		return false, 0
	case magic == magicVector && n != 0 && int64(size) == int64(HeaderSizeRISCV64+vectorHead+n):
		return true, 0
	}
	return false, abi.EINVAL
}

// VectorSizeRISCV64 is the length in bytes of what ParseVectorRISCV64 reads.
const VectorSizeRISCV64 = vectorHead

// VectorAddressRISCV64 gives where that lies, for a frame at address frame.
func VectorAddressRISCV64(frame abi.UserAddr) abi.UserAddr { return frame + FrameSizeRISCV64 }

// VectorEndRISCV64 gives where the header behind a record of n bytes of vector
// registers lies, HeaderSizeRISCV64 bytes long, for a frame at address frame.
func VectorEndRISCV64(frame abi.UserAddr, n int) abi.UserAddr {
	return frame + FrameSizeRISCV64 + vectorHead + abi.UserAddr(n)
}

// ParseVectorRISCV64 reads the vector state in b[:VectorSizeRISCV64] and the
// address of the registers, which a program may have moved. vlenb is the hart's.
// Nothing is checked, for nothing can harm as long as the kernel loads the
// registers before it sets vstart, and vl and vtype by VSETVL, which answers a
// type that the hart doesn't have with one that makes every vector instruction
// of the program illegal (vill).
func ParseVectorRISCV64(b []byte, vlenb uint64) (v VectorRISCV64, registers abi.UserAddr) {
	le := binary.LittleEndian
	b = b[:VectorSizeRISCV64]
	v = VectorRISCV64{VStart: le.Uint64(b), VL: le.Uint64(b[8:]), VType: le.Uint64(b[16:]), VCSR: le.Uint64(b[24:]), VLenB: vlenb}
	return v, abi.UserAddr(le.Uint64(b[40:]))
}

// ParseEndRISCV64 reads the header behind the vector state, in
// b[:HeaderSizeRISCV64]. EINVAL: another
// record follows; Linux would take a second vector state in the first one's place,
// which nobody writes.
func ParseEndRISCV64(b []byte) abi.Errno {
	_, errno := parseHeader(b, 0)
	return errno
}
