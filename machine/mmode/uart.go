// SPDX-License-Identifier: Apache-2.0

package mmode

import (
	"loam/machine/fdt"
	"loam/machine/ns16550"
	"loam/machine/riscv64"
)

// device is a 16550 (package ns16550), or SiFive's UART (FU540-C000 manual, chapter 13).
type device struct {
	base  uint64 // address of its registers, 0: there is none
	shift uint32 // of register numbers to offsets
	width uint32 // of an access, in bytes: 1 or 4; 0 for SiFive's UART

	// patience is how often write still looks for room. What is at base may be no
	// 16550; from then on bytes are lost until there is room again.
	patience uint32
}

const uartPatience = 1 << 23 // seconds

// Registers of SiFive's UART. The highest bit of the first two: full, or empty.
const (
	sifiveSend    = 0x00
	sifiveReceive = 0x04
	sifiveSendOn  = 0x08
	sifiveTakeOn  = 0x0c

	sifiveNot = 1 << 31
	sifiveOn  = 1
)

// For the assembly.
const (
	uartStatus = ns16550.Status
	uartEmpty  = ns16550.StatusEmpty
)

// These lie in the image, since a failure may come before anything else is there, or
// because there is nothing else. They begin with what QEMU's virt has, in case the
// devicetree can't be read.
var (
	console  = device{base: defaultUART, width: 1, patience: uartPatience}
	finisher = uint64(defaultFinisher)
)

const (
	defaultUART     = 0x10000000
	defaultFinisher = 0x100000
)

// What the test finisher takes, a word.
const (
	finishFail  = riscv64.FinishFail // status << 16 beside it
	finishPass  = riscv64.FinishPass
	finishReset = riscv64.FinishReset

	statusFailed = 35
)

// consoleOf returns what the machine has; a base of 0: nothing.
func consoleOf(info *fdt.Info) device {
	d := &info.UART
	if d.Size == 0 {
		return device{base: info.Other.Start, patience: uartPatience}
	}
	width := uint32(1)
	if d.Width == 4 {
		width = 4
	}
	return device{d.Start, uint32(d.Shift), width, uartPatience}
}

func (d *device) register(n uint64) uint64 { return d.base + n<<(d.shift&7) }

func (d *device) load(n uint64) uint32 {
	if d.width == 4 {
		return load32(d.register(n))
	}
	return uint32(load8(d.register(n)))
}

// start turns it on, as far as it may be off.
func (d *device) start() {
	if d.base != 0 && d.width == 0 {
		store32(d.base+sifiveSendOn, load32(d.base+sifiveSendOn)|sifiveOn)
		store32(d.base+sifiveTakeOn, load32(d.base+sifiveTakeOn)|sifiveOn)
	}
}

// full reports whether there is no room.
func (d *device) full() bool {
	if d.width == 0 {
		return load32(d.base+sifiveSend)&sifiveNot != 0
	}
	return d.load(ns16550.Status)&ns16550.StatusEmpty == 0
}

// write writes a byte when there is room.
func (d *device) write(b byte) {
	for d.full() {
		if d.patience == 0 {
			return
		}
		d.patience--
	}
	d.patience = uartPatience
	if d.width != 1 { // both have it in the first register
		store32(d.register(ns16550.Data), uint32(b))
		return
	}
	store8(d.register(ns16550.Data), b)
}

// read reads a byte if there is one.
func (d *device) read() (b byte, ok bool) {
	if d.width == 0 {
		v := load32(d.base + sifiveReceive)
		return byte(v), v&sifiveNot == 0
	}
	if d.load(ns16550.Status)&ns16550.StatusReceived == 0 {
		return 0, false
	}
	return byte(d.load(ns16550.Data)), true
}

func (d *device) writeString(s string) {
	for i := range len(s) {
		d.write(s[i])
	}
}

func (d *device) writeHex(v uint64) {
	d.writeString("0x")
	digits := 1
	for digits < 16 && v>>(4*digits) != 0 {
		digits++
	}
	for ; digits > 0; digits-- {
		n := byte(v >> (4*digits - 4) & 15)
		if n >= 10 {
			n += 'a' - '0' - 10
		}
		d.write('0' + n)
	}
}

// die ends the machine with a message.
func die(t trouble) {
	console.writeString("loam: machine mode: ")
	console.writeString(t.what)
	console.writeHex(t.value)
	console.writeString("\r\n")
	finish(finishFail | statusFailed<<16)
}
