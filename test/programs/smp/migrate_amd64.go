// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"syscall"

	"loam/test/programs/smp/low"
)

// others is what else belongs to a thread: the base of GS, which points to block, and
// the control words of the floating-point units, x87's in the low half.
type others struct {
	block   uintptr
	control uint64
}

// arch_prctl(2).
const (
	setGS = 0x1001
	getGS = 0x1004
)

func newOthers(me uint64) others {
	block := low.Map(low.Page)
	low.Must(syscall.SYS_ARCH_PRCTL, setGS, block)
	// Rounding modes and masked exceptions: all but the reset values.
	return others{block, 0x037f | me%4<<10 | (0x1f80|me%4<<13)<<32}
}

func (o others) free() { low.Unmap(o.block, low.Page) }

// hold holds them and the x87 registers.
func (o others) hold(pattern uint64, spins int64) error {
	low.Store(o.block, pattern)
	if bad := holdOthers(pattern>>2, spins, o.control, pattern); bad != 0 {
		return fmt.Errorf("%#x changed (1 x87, 2 its control word, 4 MXCSR, 8 GS, 16 FS)", bad)
	}
	var base uintptr
	if e := low.Ask(syscall.SYS_ARCH_PRCTL, getGS, &base); e != 0 || base != o.block {
		return fmt.Errorf("GS's base is %#x, want %#x (%v)", base, o.block, e)
	}
	return nil
}

// holdOthers has pattern in a stack of x87 registers, control as the two
// control words of the floating-point units (x87's in the low half), and looks
// at the words where GS and FS point: gs at GS's base, and whatever was at
// Go's place below FS's. Bits: 1 x87, 2 its control word, 4 MXCSR, 8 GS, 16 FS.
func holdOthers(pattern uint64, spins int64, control, gs uint64) uint64
