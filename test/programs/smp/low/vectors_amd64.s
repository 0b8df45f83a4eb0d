// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Every lane of vector register n gets pattern+n.
#define FILL(n, x, y) \
	LEAQ n(AX), DX; \
	MOVQ DX, x; \
	VPBROADCASTQ x, y

// R10 collects a bit for each register that is not as it was filled. Y0 and Y1
// are looked at first and then used to compare the others.
#define LOOK(n, y) \
	VPBROADCASTQ 0(SP), Y1; \
	VPXOR y, Y1, Y0; \
	VPTEST Y0, Y0; \
	JEQ 2(PC); \
	ORQ $(1<<n), R10; \
	INCQ 0(SP)

// func HoldVectors(pattern uint64, spins int64) uint64
TEXT ·HoldVectors(SB), NOSPLIT, $40-24
	MOVQ pattern+0(FP), AX
	MOVQ spins+8(FP), CX
	MOVQ AX, 0(SP)
	FILL(0, X0, Y0)
	FILL(1, X1, Y1)
	FILL(2, X2, Y2)
	FILL(3, X3, Y3)
	FILL(4, X4, Y4)
	FILL(5, X5, Y5)
	FILL(6, X6, Y6)
	FILL(7, X7, Y7)
	FILL(8, X8, Y8)
	FILL(9, X9, Y9)
	FILL(10, X10, Y10)
	FILL(11, X11, Y11)
	FILL(12, X12, Y12)
	FILL(13, X13, Y13)
	FILL(14, X14, Y14)
	FILL(15, X15, Y15)

spin:
	DECQ CX
	JNZ  spin
	XORQ R10, R10
	VMOVDQU Y1, 8(SP) // Y1's own turn comes with what is stored here
	LOOK(0, Y0)
	VMOVDQU 8(SP), Y0
	LOOK(1, Y0)
	LOOK(2, Y2)
	LOOK(3, Y3)
	LOOK(4, Y4)
	LOOK(5, Y5)
	LOOK(6, Y6)
	LOOK(7, Y7)
	LOOK(8, Y8)
	LOOK(9, Y9)
	LOOK(10, Y10)
	LOOK(11, Y11)
	LOOK(12, Y12)
	LOOK(13, Y13)
	LOOK(14, Y14)
	LOOK(15, Y15)
	VZEROUPPER
	MOVQ R10, ret+16(FP)
	RET
