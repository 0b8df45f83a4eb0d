// SPDX-License-Identifier: Apache-2.0

package console

import (
	"loam/abi"
	"loam/user/sys"
)

// VGA text mode 3: 80 by 25 cells of character and attribute, and the controller with
// the cursor, whose registers are reached by an index.
const (
	vgaPorts    = 0x3d4
	vgaIndex    = 0
	vgaData     = 1
	vgaCursorHi = 0x0e
	vgaCursorLo = 0x0f
	attribute   = 0x07 // light grey on black
	screenSize  = abi.PageSize
)

// vga is a display.
type vga struct {
	memory     memory
	controller registers
}

// openScreen goes on with what the display shows; nil: it isn't there.
func openScreen(v *vga) *screen {
	at := v.get(vgaCursorHi)<<8 | v.get(vgaCursorLo)
	const pattern = 0x5a // that the register has kept what was written is the sign
	v.set(vgaCursorLo, pattern)
	if v.get(vgaCursorLo) != pattern {
		return nil
	}
	v.cursor(at)
	var shown [cells]byte
	for i := range shown {
		shown[i] = v.memory.Read(2 * i)
	}
	return newScreen(v, &shown, min(at, cells))
}

func (v *vga) set(register, value byte) {
	v.controller.Write(vgaIndex, register)
	v.controller.Write(vgaData, value)
}

func (v *vga) get(register byte) int {
	v.controller.Write(vgaIndex, register)
	return int(v.controller.Read(vgaData))
}

// cell is for display. It is not inlined: each is to be an access of its own.
//
//go:noinline
func (v *vga) cell(at int, c byte) {
	sys.WriteRegister16(v.memory, 2*at, attribute<<8|uint16(c))
}

// cursor is for display.
func (v *vga) cursor(at int) {
	v.set(vgaCursorHi, byte(at>>8))
	v.set(vgaCursorLo, byte(at))
}
