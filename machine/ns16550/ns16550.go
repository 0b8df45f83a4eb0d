// SPDX-License-Identifier: Apache-2.0

// Package ns16550 has the registers of the serial port that both architectures'
// machines have: as ports, in memory, or behind PCI.
//
// Source: National Semiconductor PC16550D data sheet, June 1995, section 8 and
// table II. Registers are numbered; where they lie apart, number n is at n << shift.
package ns16550

// Registers.
const (
	Data     = 0 // received byte, byte to send
	Enable   = 1 // of interrupts
	FIFO     = 2 // written: control of the FIFOs; read: which interrupt
	Line     = 3 // format of characters
	Modem    = 4
	Status   = 5 // of the line
	DivisorL = 0 // while LineDivisor is set: clock / (16 * baud), low byte
	DivisorH = 1 // and high byte

	Registers = 8
)

// Bits of Enable, FIFO, Line, Modem and Status.
const (
	EnableReceived = 1 << 0 // interrupt when a byte has come
	EnableEmpty    = 1 << 1 // interrupt when there is room to send

	FIFOOn        = 1 << 0
	FIFOReset     = 3 << 1 // forget what is in both
	FIFOTrigger1  = 0 << 6 // bytes that have to come before an interrupt
	FIFOTrigger4  = 1 << 6
	FIFOTrigger8  = 2 << 6
	FIFOTrigger14 = 3 << 6
	FIFOBytes     = 16 // room in each direction

	Line8N1     = 3 // 8 bits, no parity, 1 stop bit
	LineDivisor = 1 << 7

	ModemReady = 3 << 0 // DTR and RTS
	ModemOut2  = 1 << 3 // on a PC: the interrupt gets out

	StatusReceived = 1 << 0 // there is a byte to read
	StatusOverrun  = 1 << 1
	StatusEmpty    = 1 << 5 // all FIFOBytes may be sent
	StatusIdle     = 1 << 6 // and the last of them has left
)
