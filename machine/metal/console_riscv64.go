//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/ns16550"
	"loam/machine/sbi"
)

// The console's serial port is the 16550 that the devicetree's stdout-path names. Until
// the tree is read, and if it can't be, it is where QEMU's virt has it. On a machine
// without one SBI writes, to what it thinks fit.

// uart is a 16550 in memory.
type uart struct {
	at    uintptr // of its registers, 0: there is none
	shift uint8   // of register numbers to offsets
	wide  bool    // they take accesses of 32 bits alone (reg-io-width)
}

var console = uart{at: earlyDirect + defaultUART}

const (
	defaultUART = 0x10000000
	defaultTest = 0x100000 // the test finisher
)

// For the assembly.
const (
	uartSendEmpty = ns16550.StatusEmpty
	uartDepth     = ns16550.FIFOBytes
)

func (u uart) read(reg uintptr) uint8 {
	if u.wide {
		return uint8(mmioRead32(u.at + reg<<u.shift))
	}
	return mmioRead8(u.at + reg<<u.shift)
}

func (u uart) write(reg uintptr, v uint8) {
	if u.wide {
		mmioWrite32(u.at+reg<<u.shift, uint32(v))
		return
	}
	mmioWrite8(u.at+reg<<u.shift, v)
}

// start sets it to 8 bits, no parity, 1 stop bit, with FIFOs; the rate stays.
func (u uart) start(trigger uint8) {
	const on = ns16550.FIFOOn | ns16550.FIFOReset
	u.write(ns16550.Enable, 0)
	u.write(ns16550.Line, ns16550.Line8N1)
	u.write(ns16550.FIFO, on|trigger)
	u.write(ns16550.Modem, ns16550.ModemReady|ns16550.ModemOut2)
}

func startSerial() {
	if console.at != 0 {
		console.start(0)
	}
}

// reopenSerial makes the port fit to be written to, whatever a driver did to it.
func reopenSerial() {
	if console.at != 0 {
		console.write(ns16550.Line, ns16550.Line8N1)
	}
}

// sendPatience is how often serialPut looks for room, at first: seconds. What the
// devicetree calls a 16550 may be none; then bytes are lost until there is room again.
const sendPatience = 1 << 23

var sendLeft uint32 = sendPatience

func serialPut(b byte) {
	if console.at == 0 {
		putSBI(b)
		return
	}
	for console.read(ns16550.Status)&ns16550.StatusEmpty == 0 {
		if sendLeft == 0 {
			return
		}
		sendLeft--
	}
	sendLeft = sendPatience
	console.write(ns16550.Data, b)
}

// putSBI writes by what SBI has for it, or had (chapters 12 and 5.2).
func putSBI(b byte) {
	if code, _ := sbiCall(sbi.Console, sbi.ConsoleWriteByte, uint64(b), 0, 0); code != int64(sbi.Success) {
		sbiCall(sbi.LegacyPutchar, 0, uint64(b), 0, 0)
	}
}

func startScreen()   {}
func reopenScreen()  {}
func screenPut(byte) {}

// logConsoles names the consoles.
func logConsoles() {
	if console.at == 0 {
		puts("SBI's")
		return
	}
	puts("UART at 0x")
	putHex(tree.UART.Start, 1)
}
