//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// VGA text mode 3: 80 by 25 cells of character and attribute at 0xb8000,
// through the direct map; the cursor by the CRT controller's registers.
const (
	vgaText     = 0xb8000
	vgaColumns  = 80
	vgaRows     = 25
	vgaPlain    = 0x0700 // light grey on black
	vgaIndex    = 0x3d4
	vgaStartHi  = 0x0c
	vgaStartLo  = 0x0d
	vgaCursorHi = 0x0e
	vgaCursorLo = 0x0f
)

// vgaSet writes a register of the CRT controller.
func vgaSet(register, v uint8) {
	outb(vgaIndex, register)
	outb(vgaIndex+1, v)
}

func vgaGet(register uint8) int {
	outb(vgaIndex, register)
	return int(inb(vgaIndex + 1))
}

// hasVGA looks for the CRT controller: its cursor register keeps what is put
// there.
func hasVGA() bool {
	const pattern = 0x5a
	vgaSet(vgaCursorLo, pattern)
	return vgaGet(vgaCursorLo) == pattern
}

var vgaColumn, vgaRow int

// cells is the screen; the page at 0xb8000 has 2048 cells, 2000 are shown.
func vgaCell(i int) *uint64 { return memory.Word(vgaText + uint64(i)*8) }

func vgaClear() {
	for i := range vgaColumns * vgaRows / 4 {
		*vgaCell(i) = 0x0720_0720_0720_0720
	}
	vgaColumn, vgaRow = 0, 0
}

// vgaResume takes the screen over from a driver: from a new line behind its cursor, or
// from the last line if the driver hides that.
func vgaResume() {
	vgaSet(vgaStartHi, 0)
	vgaSet(vgaStartLo, 0)
	at := min(vgaGet(vgaCursorHi)<<8|vgaGet(vgaCursorLo), vgaColumns*vgaRows-1)
	vgaColumn, vgaRow = at%vgaColumns, at/vgaColumns
	if vgaColumn != 0 {
		vgaPut('\n')
	}
}

func vgaPut(b byte) {
	switch {
	case b == '\n':
		vgaColumn, vgaRow = 0, vgaRow+1
	case b == '\r':
		vgaColumn = 0
	case b >= ' ':
		at := vgaRow*vgaColumns + vgaColumn
		word, shift := vgaCell(at/4), at%4*16
		*word = *word&^(0xffff<<shift) | (vgaPlain|uint64(b))<<shift
		vgaColumn++
	}
	if vgaColumn == vgaColumns {
		vgaColumn, vgaRow = 0, vgaRow+1
	}
	if vgaRow == vgaRows {
		vgaScroll()
	}
	vgaCursor()
}

func vgaScroll() {
	const line = vgaColumns / 4
	for i := range line * (vgaRows - 1) {
		*vgaCell(i) = *vgaCell(i + line)
	}
	for i := range line {
		*vgaCell(line*(vgaRows-1) + i) = 0x0720_0720_0720_0720
	}
	vgaRow = vgaRows - 1
}

func vgaCursor() {
	at := vgaRow*vgaColumns + vgaColumn
	vgaSet(vgaCursorHi, uint8(at>>8))
	vgaSet(vgaCursorLo, uint8(at))
}
