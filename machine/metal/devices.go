//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// Which physical addresses programs may have as registers of devices: those where
// there is no memory, and that the kernel doesn't use itself.

// DeviceAt reports whether a range of physical addresses, not empty and below
// MaxPhysical, may be a program's.
func DeviceAt(at, size uint64) bool { return !memoryAt(at, size) && !ownsDevice(at, size) }

// RegistersAt reports whether a range of physical addresses within a page, not empty and
// below MaxPhysical, may be a program's. No memory may be in the page, which will be
// mapped as a whole; of what the kernel uses itself there may be other registers.
func RegistersAt(at, size uint64) bool {
	page := pageOf(at)
	return !memoryAt(page.Base, page.Size) && !ownsDevice(at, size)
}

// memoryAt reports whether there is memory in a range.
func memoryAt(at, size uint64) bool {
	for i := range ram.Len() {
		if meets(at, size, ram.At(i)) {
			return true
		}
	}
	return false
}

// meets reports whether a range and r have an address in common.
func meets(at, size uint64, r bootinfo.Range) bool {
	return r.Size > 0 && at < r.End() && r.Base < at+size
}

// pageOf is the page that an address is in.
func pageOf(at uint64) bootinfo.Range {
	return bootinfo.Range{Base: at &^ (pageSize - 1), Size: pageSize}
}
