// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The wrappers around these functions give back what Go expects of R14 and
// X15; the assembler keeps BP on the stack.

// A register that is not the word at 8(SP) has its bit set at 16(SP).
#define SAME(n, r) \
	CMPQ r, 8(SP); \
	JEQ 2(PC); \
	ORQ $(1<<n), 16(SP); \
	INCQ 8(SP)

// func holdGeneral(pattern uint64, spins int64) uint64
TEXT ·holdGeneral(SB), NOSPLIT, $24-24
	MOVQ pattern+0(FP), AX
	MOVQ spins+8(FP), CX
	MOVQ CX, 0(SP)
	MOVQ AX, 8(SP)
	MOVQ $0, 16(SP)
	LEAQ 1(AX), BX
	LEAQ 2(AX), CX
	LEAQ 3(AX), DX
	LEAQ 4(AX), SI
	LEAQ 5(AX), DI
	LEAQ 6(AX), BP
	LEAQ 7(AX), R8
	LEAQ 8(AX), R9
	LEAQ 9(AX), R10
	LEAQ 10(AX), R11
	LEAQ 11(AX), R12
	LEAQ 12(AX), R13
	LEAQ 13(AX), R14
	LEAQ 14(AX), R15

spin:
	DECQ 0(SP)
	JNZ  spin
	SAME(0, AX)
	SAME(1, BX)
	SAME(2, CX)
	SAME(3, DX)
	SAME(4, SI)
	SAME(5, DI)
	SAME(6, BP)
	SAME(7, R8)
	SAME(8, R9)
	SAME(9, R10)
	SAME(10, R11)
	SAME(11, R12)
	SAME(12, R13)
	SAME(13, R14)
	SAME(14, R15)
	MOVQ 16(SP), AX
	MOVQ AX, ret+16(FP)
	RET

// The x87 registers are a stack: what is loaded last comes out first.
#define PUSH87 \
	FMOVV 0(SP), F0; \
	INCQ 0(SP)

#define POP87 \
	DECQ 0(SP); \
	FMOVVP F0, 8(SP); \
	MOVQ 8(SP), AX; \
	CMPQ AX, 0(SP); \
	JEQ 2(PC); \
	ORQ $1, R11

// func holdOthers(pattern uint64, spins int64, control, gs uint64) uint64
TEXT ·holdOthers(SB), NOSPLIT, $48-40
	MOVQ pattern+0(FP), AX
	MOVQ spins+8(FP), CX
	MOVQ control+16(FP), BX
	MOVQ gs+24(FP), DX
	MOVQ AX, 0(SP)
	MOVQ BX, 16(SP)
	FSTCW   24(SP)
	STMXCSR 32(SP)
	PUSH87
	PUSH87
	PUSH87
	PUSH87
	PUSH87
	PUSH87
	PUSH87
	PUSH87
	FLDCW   16(SP)
	LDMXCSR 20(SP)
	MOVQ -8(FS), R9
	XORQ R8, R8   // differences of GS
	XORQ R10, R10 // differences of FS
	XORQ R11, R11

spin:
	MOVQ 0(GS), BX
	XORQ DX, BX
	ORQ  BX, R8
	MOVQ -8(FS), BX
	XORQ R9, BX
	ORQ  BX, R10
	DECQ CX
	JNZ  spin

	FSTCW   40(SP)
	MOVWLZX 40(SP), AX
	MOVWLZX 16(SP), BX
	CMPL AX, BX
	JEQ  2(PC)
	ORQ  $2, R11
	STMXCSR 40(SP)
	MOVL 40(SP), AX
	ANDL $~0x3f, AX // without the sticky flags
	CMPL AX, 20(SP)
	JEQ  2(PC)
	ORQ  $4, R11
	POP87
	POP87
	POP87
	POP87
	POP87
	POP87
	POP87
	POP87
	FLDCW   24(SP)
	LDMXCSR 32(SP)
	TESTQ R8, R8
	JEQ  2(PC)
	ORQ  $8, R11
	TESTQ R10, R10
	JEQ  2(PC)
	ORQ  $16, R11
	MOVQ R11, ret+32(FP)
	RET
