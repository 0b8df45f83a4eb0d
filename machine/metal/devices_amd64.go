//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// MaxPhysical is behind the highest physical address: an entry of a page table with
// a higher one would fault for ever. SDM vol. 3A, 4.1.4.
func MaxPhysical() uint64 {
	const addressSizes = 0x80000008
	if highest, _, _, _ := cpuid(0x80000000, 0); highest < addressSizes {
		return 1 << 36
	}
	a, _, _, _ := cpuid(addressSizes, 0)
	return 1 << min(a&0xff, 52)
}

// ownsDevice reports whether the kernel uses some of a range: the interrupt
// controllers, and with the local APICs all addresses where a store is an interrupt. Below
// 1 MiB there is firmware, but for the video memory.
func ownsDevice(at, size uint64) bool {
	const (
		videoStart, videoEnd = 0xa0000, 0xc0000
		messages             = 1 << 20 // bytes: SDM vol. 3A, 11.11.1
	)
	low := at < firmwareEnd && (at < videoStart || at+size > videoEnd)
	return low || meets(at, size, bootinfo.Range{Base: lapicBase, Size: messages}) ||
		meets(at, size, pageOf(ioapicBase))
}

// ConsoleAt reports whether some of a range is the console: it has ports.
func ConsoleAt(at, size uint64) bool { return false }
