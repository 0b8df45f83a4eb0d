// SPDX-License-Identifier: Apache-2.0

package mptable

import (
	"encoding/binary"

	"loam/machine/phys"
)

// Layout of the floating pointer (4.1) and of the table's header (4.2).
const (
	pointerSignature = "_MP_"
	pointerSize      = 16
	tableSignature   = "PCMP"
	headerSize       = 44
)

// Places to search, section 4, and the BIOS data area's words on them.
const (
	kib         = 1 << 10
	ebdaSegment = 0x40e // 16 bits: segment of the extended BIOS data area, or 0
	baseKiB     = 0x413 // 16 bits: size of base memory
	baseEnd     = 640 * kib
	romStart    = 0xf0000
	romEnd      = 0x100000
)

// Scan looks for the floating pointer in all places: those of ScanMemory, then
// the ROM area from 0xf0000 to 0xfffff.
func Scan(mem phys.Window) (pointer uint64, code Code) {
	if pointer, code = ScanMemory(mem); code == OK {
		return pointer, OK
	}
	if pa := search(mem, romStart, romEnd); pa != 0 {
		return pa, OK
	}
	return 0, NoPointer
}

// ScanMemory looks for the floating pointer in memory, on 16-byte boundaries
// of the first KiB of the extended BIOS data area and of the last KiB of base
// memory. Call it before memory below 1 MiB is used for anything else.
//
// Base memory is also taken to end at 640 KiB, for firmware without a BIOS
// data area: qboot's pointer is at 0x9fc00 and both words are zero.
func ScanMemory(mem phys.Window) (pointer uint64, code Code) {
	ebda := word(mem, ebdaSegment) << 4
	base := word(mem, baseKiB) * kib
	if ebda >= kib && ebda < romStart {
		if pa := search(mem, ebda, ebda+kib); pa != 0 {
			return pa, OK
		}
	}
	if base > kib && base < baseEnd {
		if pa := search(mem, base-kib, base); pa != 0 {
			return pa, OK
		}
	}
	if pa := search(mem, baseEnd-kib, baseEnd); pa != 0 {
		return pa, OK
	}
	return 0, NoPointer
}

// word returns 16 bits at pa, or 0 outside of memory.
func word(mem phys.Window, pa uint64) uint64 {
	if b := mem.Bytes(pa, 2); b != nil {
		return uint64(binary.LittleEndian.Uint16(b))
	}
	return 0
}

// search returns the first floating pointer from start on, or 0, in whole KiB.
func search(mem phys.Window, start, end uint64) uint64 {
	const signature = 0x5f50_4d5f // "_MP_"
	for ; start < end; start += kib {
		b := mem.Bytes(start, kib)
		for ; len(b) >= pointerSize; b = b[pointerSize:] {
			if binary.LittleEndian.Uint32(b) == signature && isPointer(b[:pointerSize]) {
				return start + kib - uint64(len(b))
			}
		}
	}
	return 0
}

// isPointer says whether the 16 bytes b are a floating pointer. Its length is
// one paragraph in both versions of the specification.
func isPointer(b []byte) bool {
	return string(b[:len(pointerSignature)]) == pointerSignature && b[8] == 1 && sum(b) == 0
}

// table returns the whole of the table at pa.
func table(mem phys.Window, pa uint64) ([]byte, Code) {
	h := mem.Bytes(pa, headerSize)
	if h == nil {
		return nil, BadAddress
	}
	if string(h[:4]) != tableSignature {
		return nil, BadTable
	}
	size := uint64(binary.LittleEndian.Uint16(h[4:]))
	if size < headerSize {
		return nil, BadLength
	}
	b := mem.Bytes(pa, size)
	if b == nil {
		return nil, BadAddress
	}
	if sum(b) != 0 {
		return nil, BadChecksum
	}
	return b, OK
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}
