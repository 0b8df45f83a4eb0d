// SPDX-License-Identifier: Apache-2.0

package image

import "encoding/binary"

// code32 assembles the boot segment's handful of 32-bit instructions, which
// the Go assembler for amd64 cannot encode. Labels resolve short jumps within
// the code; addresses of data are plain numbers.
type code32 struct {
	origin uint32 // physical address of the first byte
	b      []byte
	labels map[string]int
	fixups []fixup
}

type fixup struct {
	at    int // offset of the one-byte displacement
	label string
}

func (c *code32) emit(b ...byte) { c.b = append(c.b, b...) }

func (c *code32) imm16(v uint16) { c.b = binary.LittleEndian.AppendUint16(c.b, v) }
func (c *code32) imm32(v uint32) { c.b = binary.LittleEndian.AppendUint32(c.b, v) }
func (c *code32) imm64(v uint64) { c.b = binary.LittleEndian.AppendUint64(c.b, v) }

// here returns the physical address of the next byte.
func (c *code32) here() uint32 { return c.origin + uint32(len(c.b)) }

func (c *code32) label(name string) {
	if c.labels == nil {
		c.labels = make(map[string]int)
	}
	c.labels[name] = len(c.b)
}

// short emits a one-byte opcode followed by the 8-bit displacement to label.
func (c *code32) short(opcode byte, label string) {
	c.emit(opcode)
	c.fixups = append(c.fixups, fixup{len(c.b), label})
	c.emit(0)
}

// finish resolves the labels. A label out of reach or never placed is a bug in
// this package, not in its input.
func (c *code32) finish() []byte {
	for _, f := range c.fixups {
		target, ok := c.labels[f.label]
		if !ok {
			panic("image: label never placed: " + f.label)
		}
		d := target - (f.at + 1)
		if d != int(int8(d)) {
			panic("image: short jump out of reach: " + f.label)
		}
		c.b[f.at] = byte(int8(d))
	}
	return c.b
}

// Opcodes of the jumps that short takes.
const (
	opJB   = 0x72
	opJE   = 0x74
	opJNE  = 0x75
	opLOOP = 0xe2
	opJMP  = 0xeb
)
