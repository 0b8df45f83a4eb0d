//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// MaxPhysical is behind the highest physical address.
func MaxPhysical() uint64 { return 1 << 56 }

// ownsDevice reports whether the kernel, or the firmware below it, uses some of a
// range: the interrupt controller, the timers and software interrupts of the harts,
// the test finisher, the host channel's port, and the console but in boot mode.
func ownsDevice(at, size uint64) bool {
	for _, r := range [...]bootinfo.Range{
		{Base: tree.PLIC.Start, Size: tree.PLIC.Size}, rangeOfTree(tree.Test), hostRegisters,
	} {
		if meets(at, size, r) {
			return true
		}
	}
	for i := range tree.HartCount {
		h := &tree.Harts[i]
		for _, register := range [...]uint64{h.Soft, h.Compare, h.Time} {
			if register != 0 && meets(at, size, pageOf(register)) {
				return true
			}
		}
	}
	return !bootMode && ConsoleAt(at, size)
}

// ConsoleAt reports whether some of a range is the console.
func ConsoleAt(at, size uint64) bool {
	return tree.UART.Size != 0 && meets(at, size, bootinfo.Range{Base: tree.UART.Start, Size: tree.UART.Size})
}
