// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

#define FRAMELESS 0
#define CSRW(reg, csr) CSRRW reg, csr, X0
#define CSRR(csr, reg) CSRRS X0, csr, reg

// TEXTOF and HEXOF write a text and a number to the console. JAL X9 calls below.
#define TEXTOF(text) \
	MOV	$text(SB), X8 \
	JAL	X9, puts

#define HEXOF(reg) \
	MOV	reg, X11 \
	JAL	X9, puthex

// failed ends the machine with the text at X8 and how the trap was, without any
// memory but the image's: there may be none.
TEXT ·failed(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	X1, X20
	CSRR(MCAUSE, X21)
	CSRR(MEPC, X22)
	CSRR(MTVAL, X23)
	MOV	X8, X24
	MOV	$·failedConsole(SB), X5
	CSRW(X5, MTVEC)
	MOV	$·console(SB), X5
	MOV	device_base(X5), X12
	MOVWU	device_shift(X5), X6
	MOVWU	device_width(X5), X13
	JMP	·tell(SB)

// failedConsole: writing to the console was a trap. What it is by default remains.
TEXT ·failedConsole(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	MOV	$·giveUp(SB), X5	// if there is no console either
	CSRW(X5, MTVEC)
	MOV	$const_defaultUART, X12
	MOV	X0, X6
	MOV	$1, X13
	JMP	·tell(SB)

// tell writes to the 16550 at X12, with shift X6 and width X13: the text at X24, how
// the trap was (X20 to X23: the return address, MCAUSE, MEPC, MTVAL), and ends the machine.
TEXT ·tell(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	$const_uartPatience, X7	// for all of it
	MOV	$const_uartStatus, X14
	SLL	X6, X14
	ADD	X12, X14
	MOV	X24, X8
	JAL	X9, puts
	TEXTOF(·causeText)
	HEXOF(X21)
	TEXTOF(·atText)
	HEXOF(X22)
	TEXTOF(·linkedText)
	MOV	$runtime·text(SB), X5
	SUB	X5, X22
	MOV	$const_linkedText, X5
	ADD	X5, X22
	HEXOF(X22)
	TEXTOF(·valueText)
	HEXOF(X23)
	TEXTOF(·returnText)
	HEXOF(X20)
	TEXTOF(·hartText)
	CSRR(MHARTID, X10)
	HEXOF(X10)
	TEXTOF(·endText)
	JMP	·giveUp(SB)

	// puts: X8 is the text. All but X7, X8, X10, X11, X15 to X17 stays.
puts:
	MOVBU	(X8), X15
	BEQZ	X15, back
	ADD	$1, X8
	JAL	X16, putc
	JMP	puts
back:
	JMP	(X9)

	// puthex: X11 is the number.
puthex:
	MOV	$60, X17
digit:
	SRL	X17, X11, X15
	AND	$15, X15
	ADD	$0x30, X15
	MOV	$0x3a, X16
	BLTU	X15, X16, decimal
	ADD	$(0x61-0x3a), X15
decimal:
	JAL	X16, putc
	ADD	$-4, X17
	BGEZ	X17, digit
	JMP	(X9)

	// putc: X15 is the character; to be called from one place each, by X16.
putc:
	MOV	$4, X10
	BEQ	X13, X10, wide
	BEQZ	X13, sifive
narrow:
	ADD	$-1, X7
	BLTZ	X7, lost
	MOVBU	(X14), X10
	AND	$const_uartEmpty, X10
	BEQZ	X10, narrow
	MOVB	X15, (X12)
	JMP	(X16)
wide:
	ADD	$-1, X7
	BLTZ	X7, lost
	MOVWU	(X14), X10
	AND	$const_uartEmpty, X10
	BEQZ	X10, wide
	MOVW	X15, (X12)
	JMP	(X16)
sifive:
	ADD	$-1, X7
	BLTZ	X7, lost
	MOVW	(X12), X10
	BLTZ	X10, sifive
	MOVW	X15, (X12)
	JMP	(X16)
lost:
	JMP	·giveUp(SB)

// giveUp ends the machine as failed.
TEXT ·giveUp(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	MOV	$(const_finishFail|const_statusFailed<<16), X6
	JMP	·finishBy(SB)

// func finish(word uint32)
TEXT ·finish(SB),NOSPLIT|NOFRAME,$0-4
	MOVWU	8(X2), X6
	FENCE
	JMP	·finishBy(SB)

// finishBy writes X6 to the test finisher, or where one is by default if that traps.
TEXT ·finishBy(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	$·finishDefault(SB), X5
	CSRW(X5, MTVEC)
	MOV	·finisher(SB), X5
	MOVW	X6, (X5)
	JMP	·halt(SB)

TEXT ·finishDefault(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	MOV	$·halt(SB), X5
	CSRW(X5, MTVEC)
	MOV	$const_defaultFinisher, X5
	MOVW	X6, (X5)
	JMP	·halt(SB)

TEXT ·halt(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	CSRW(X0, MIE)
forever:
	WORD	$const_wfi
	JMP	forever

DATA ·trapText+0(SB)/26, $"loam: machine mode: a trap"
GLOBL ·trapText(SB), RODATA, $32
DATA ·noTimeText+0(SB)/56, $"loam: machine mode: the hart has no time register (time)"
GLOBL ·noTimeText(SB), RODATA, $64
DATA ·causeText+0(SB)/10, $": cause 0x"
GLOBL ·causeText(SB), RODATA, $16
DATA ·atText+0(SB)/6, $" at 0x"
GLOBL ·atText(SB), RODATA, $8
DATA ·linkedText+0(SB)/12, $" (linked: 0x"
GLOBL ·linkedText(SB), RODATA, $16
DATA ·valueText+0(SB)/11, $"), value 0x"
GLOBL ·valueText(SB), RODATA, $16
DATA ·returnText+0(SB)/22, $", return address is 0x"
GLOBL ·returnText(SB), RODATA, $24
DATA ·hartText+0(SB)/9, $", hart 0x"
GLOBL ·hartText(SB), RODATA, $16
DATA ·endText+0(SB)/2, $"\r\n"
GLOBL ·endText(SB), RODATA, $8
