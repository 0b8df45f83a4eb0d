// SPDX-License-Identifier: Apache-2.0

package acpi

import (
	"encoding/binary"

	"loam/machine/phys"
)

const (
	rsdpSignature = "RSD PTR "
	rsdpSizeV1    = 20
	rsdpSizeV2    = 36
	headerSize    = 36
	maxTableSize  = 1 << 20
	biosStart     = 0xe0000
	biosEnd       = 0x100000
	scanStep      = 1 << 10 // memory ends on a multiple of it
)

// Scan looks for an RSDP where a PC's firmware puts it when no loader says:
// on a 16-byte boundary of the ROM area from 0xe0000 to 0xfffff. That is 8192
// places, so each costs a comparison only.
func Scan(mem phys.Window) (rsdp uint64, code Code) {
	const signature = 0x2052_5450_2044_5352 // "RSD PTR "
	for at := uint64(biosStart); at < biosEnd; at += scanStep {
		b := mem.Bytes(at, scanStep)
		for ; len(b) >= 16; b = b[16:] {
			if binary.LittleEndian.Uint64(b) != signature {
				continue
			}
			pa := at + scanStep - uint64(len(b))
			if p := mem.Bytes(pa, rsdpSizeV1); p != nil && isRSDP(p) {
				return pa, OK
			}
		}
	}
	return 0, NoRSDP
}

// Find lists the processors and interrupt controllers that the tables behind
// the RSDP at physical address rsdp describe. m is meaningful only if the
// code is OK.
func Find(mem phys.Window, rsdp uint64, m *Machine) Code {
	*m = Machine{}
	root, entrySize, code := rootTable(mem, rsdp)
	if code != OK {
		return code
	}
	for off := headerSize; off+entrySize <= len(root); off += entrySize {
		pa := uint64(binary.LittleEndian.Uint32(root[off:]))
		if entrySize == 8 {
			pa = binary.LittleEndian.Uint64(root[off:])
		}
		// A table that can't be read is no reason to miss the one we want.
		sig := mem.Bytes(pa, 4)
		if sig == nil || string(sig) != "APIC" {
			continue
		}
		madt, code := table(mem, pa, "APIC")
		if code != OK {
			return code
		}
		return m.parse(madt)
	}
	return NoMADT
}

// rootTable returns the XSDT or else the RSDT, and the size of its entries.
func rootTable(mem phys.Window, rsdp uint64) (b []byte, entrySize int, code Code) {
	p := mem.Bytes(rsdp, rsdpSizeV1)
	if rsdp == 0 || p == nil || !isRSDP(p) {
		return nil, 0, NoRSDP
	}
	rsdt := uint64(binary.LittleEndian.Uint32(p[16:]))
	if revision := p[15]; revision >= 2 {
		p = mem.Bytes(rsdp, rsdpSizeV2)
		if p != nil && sum(p) == 0 {
			if xsdt := binary.LittleEndian.Uint64(p[24:]); xsdt != 0 {
				b, code = table(mem, xsdt, "XSDT")
				return b, 8, code
			}
		}
	}
	b, code = table(mem, rsdt, "RSDT")
	return b, 4, code
}

// table returns the whole of the table at pa.
func table(mem phys.Window, pa uint64, signature string) ([]byte, Code) {
	h := mem.Bytes(pa, headerSize)
	if h == nil {
		return nil, BadAddress
	}
	if string(h[:4]) != signature {
		return nil, BadTable
	}
	size := uint64(binary.LittleEndian.Uint32(h[4:]))
	if size < headerSize || size > maxTableSize {
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

func isRSDP(b []byte) bool {
	return string(b[:len(rsdpSignature)]) == rsdpSignature && sum(b[:rsdpSizeV1]) == 0
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}
