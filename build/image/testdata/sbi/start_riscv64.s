// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

// start: entered by the loader, in machine mode without firmware, in supervisor mode
// with it. There reading mhartid is illegal.
TEXT ·start(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $4
	MOV   $·boot(SB), X5
	CSRRW X5, STVEC, X0
	CSRRS X0, MHARTID, X5
	MOV   $·boot(SB), X12
	JMP   loam∕machine∕mmode·Start(SB)

// boot is the first hart in supervisor mode.
TEXT ·boot(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $4
	CSRRS X0, INSTRET, X5
	MOV   X5, ·entered(SB)
	MOV   $·first(SB), X12
	JMP   ·enter(SB)

// other is each other one.
TEXT ·other(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $4
	MOV   $·second(SB), X12
	JMP   ·enter(SB)

// enter calls the function at X12 with the hart, what it was given, and satp, sie and
// sstatus as they were.
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0
	MOV   $·stacks(SB), X2
	MOV   $1, X5
	ADD   X10, X5
	SLL   $13, X5
	ADD   X5, X2
	MOV   $·fakeG(SB), g
	CSRRS X0, SATP, X6
	CSRRS X0, SIE, X7
	CSRRS X0, SSTATUS, X8
	CSRRW X0, SIE, X0
	CSRRCI $2, SSTATUS, X0
	MOV   $·dead(SB), X5
	CSRRW X5, STVEC, X0
	ADD   $-64, X2
	MOV   X10, 8(X2)
	MOV   X11, 16(X2)
	MOV   X6, 24(X2)
	MOV   X7, 32(X2)
	MOV   X8, 40(X2)
	CALL  X12

// dead: a trap that nobody waits for.
TEXT ·dead(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $4
	CSRRS X0, SCAUSE, X10
	CSRRS X0, SEPC, X11
	CSRRS X0, STVAL, X12
	ADD   $-64, X2
	MOV   X10, 8(X2)
	MOV   X11, 16(X2)
	MOV   X12, 24(X2)
	MOV   $·fakeG(SB), g
	CALL  ·died(SB)

#define FILL(r, n) MOV $(0x5a0000+n), r
#define KEPT(r, n) MOV $(0x5a0000+n), X5; XOR r, X5; OR X5, X6

// func ecall(r *[8]uint64)
// r is a0 to a7, then the answer in a0 and a1; r[2] is the instructions that the call
// took, r[3] what is wrong with the other registers: 0.
TEXT ·ecall(SB), NOSPLIT, $32-8
	MOV   r+0(FP), X5
	MOV   g, 8(X2)
	MOV   X5, 16(X2)
	MOV   TP, 24(X2)
	MOV   X2, ·saved(SB)
	MOV   0(X5), X10
	MOV   8(X5), X11
	MOV   16(X5), X12
	MOV   24(X5), X13
	MOV   32(X5), X14
	MOV   40(X5), X15
	MOV   48(X5), X16
	MOV   56(X5), X17
	FILL(X1, 1)
	FILL(X3, 3)
	FILL(X6, 6)
	FILL(X7, 7)
	FILL(X8, 8)
	FILL(X9, 9)
	FILL(X18, 18)
	FILL(X19, 19)
	FILL(X20, 20)
	FILL(X21, 21)
	FILL(X22, 22)
	FILL(X23, 23)
	FILL(X24, 24)
	FILL(X25, 25)
	FILL(X26, 26)
	FILL(X28, 28)
	FILL(X29, 29)
	FILL(X30, 30)
	MOV   $0x5a0004, TP
	MOV   $0x5a001b, g
	CSRRS X0, INSTRET, X5
	ECALL
	CSRRS X0, INSTRET, X31
	SUB   X5, X31, X5 // X31 is the assembler's from here on
	MOV   X5, ·counted(SB)
	MOV   $0x5a0006, X5
	XOR   X5, X6
	KEPT(X1, 1)
	KEPT(X3, 3)
	KEPT(X7, 7)
	KEPT(X8, 8)
	KEPT(X9, 9)
	KEPT(X18, 18)
	KEPT(X19, 19)
	KEPT(X20, 20)
	KEPT(X21, 21)
	KEPT(X22, 22)
	KEPT(X23, 23)
	KEPT(X24, 24)
	KEPT(X25, 25)
	KEPT(X26, 26)
	KEPT(X28, 28)
	KEPT(X29, 29)
	KEPT(X30, 30)
	MOV   $0x5a0004, X5
	XOR   TP, X5
	OR    X5, X6
	MOV   $0x5a001b, X5
	XOR   g, X5
	OR    X5, X6
	MOV   ·saved(SB), X5
	XOR   X2, X5
	OR    X5, X6
	MOV   8(X2), g
	MOV   24(X2), TP
	MOV   16(X2), X5
	MOV   16(X5), X7
	XOR   X12, X7
	OR    X7, X6
	MOV   24(X5), X7
	XOR   X13, X7
	OR    X7, X6
	MOV   32(X5), X7
	XOR   X14, X7
	OR    X7, X6
	MOV   40(X5), X7
	XOR   X15, X7
	OR    X7, X6
	MOV   48(X5), X7
	XOR   X16, X7
	OR    X7, X6
	MOV   56(X5), X7
	XOR   X17, X7
	OR    X7, X6
	MOV   X10, 0(X5)
	MOV   X11, 8(X5)
	MOV   ·counted(SB), X7
	MOV   X7, 16(X5)
	MOV   X6, 24(X5)
	RET

// func bare(a0, a1, a2, a3, a6, a7 uint64) (err, value uint64): a call by any hart.
TEXT ·bare(SB), NOSPLIT, $0-64
	MOV   a0+0(FP), X10
	MOV   a1+8(FP), X11
	MOV   a2+16(FP), X12
	MOV   a3+24(FP), X13
	MOV   a6+32(FP), X16
	MOV   a7+40(FP), X17
	ECALL
	MOV   X10, err+48(FP)
	MOV   X11, value+56(FP)
	RET

// func touch(addr uint64, write bool) (cause uint64): 0 is none.
TEXT ·touch(SB), NOSPLIT, $0-24
	MOV   $·touched(SB), X5
	CSRRW X5, STVEC, X0
	MOV   addr+0(FP), X6
	MOVBU write+8(FP), X7
	MOV   $0, X8
	BNEZ  X7, write
	WORD  $0x00034383 // lbu x7, 0(x6): 4 bytes
	JMP   done
write:
	WORD  $0x00030023 // sb x0, 0(x6)
done:
	MOV   $·dead(SB), X5
	CSRRW X5, STVEC, X0
	MOV   X8, cause+16(FP)
	RET

TEXT ·touched(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $4
	CSRRS X0, SEPC, X8
	ADD   $4, X8
	CSRRW X8, SEPC, X0
	CSRRS X0, SCAUSE, X8
	WORD  $0x10200073 // sret: SPP is S, for the trap came from there

// func sip() uint64
TEXT ·sip(SB), NOSPLIT, $0-8
	CSRRS X0, SIP, X5
	MOV   X5, ret+0(FP)
	RET

// func setSIE(v uint64)
TEXT ·setSIE(SB), NOSPLIT, $0-8
	MOV   v+0(FP), X5
	CSRRW X5, SIE, X0
	RET

// func clearSoft()
TEXT ·clearSoft(SB), NOSPLIT, $0-0
	CSRRCI $2, SIP, X0
	RET

// func now() uint64
TEXT ·now(SB), NOSPLIT, $0-8
	CSRRS X0, TIME, X5
	MOV   X5, ret+0(FP)
	RET

// func wfi()
TEXT ·wfi(SB), NOSPLIT, $0-0
	WORD $0x10500073
	RET

// func address(which uint64) uint64: 0 is other, 1 the image's start, 3 a text.
TEXT ·address(SB), NOSPLIT, $0-16
	MOV which+0(FP), X5
	MOV $·other(SB), X6
	BEQZ X5, ret
	MOV $·hello(SB), X6
	MOV $3, X7
	BEQ X5, X7, ret
	MOV $runtime·text(SB), X6
	MOV $-4096, X7
	ADD X7, X6
ret:
	MOV X6, ret+8(FP)
	RET

DATA ·hello+0(SB)/8, $"gotext!"
GLOBL ·hello(SB), RODATA, $8

// func load(addr uint64) uint64
TEXT ·load(SB), NOSPLIT, $0-16
	MOV addr+0(FP), X5
	MOV (X5), X6
	MOV X6, ret+8(FP)
	RET

// func putc(b byte)
TEXT ·putc(SB), NOSPLIT, $0-1
	MOVBU b+0(FP), X6
	MOV $0x10000000, X5
	MOVB X6, (X5)
	RET

// func stop(v uint32)
TEXT ·stop(SB), NOSPLIT, $0-4
	MOVWU v+0(FP), X6
	MOV $0x100000, X5
	MOVW X6, (X5)
	WORD $0x10500073
	JMP -1(PC)
