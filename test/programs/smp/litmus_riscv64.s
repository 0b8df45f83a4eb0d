// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

#define FENCE_W_W WORD $0x0110000f
#define FENCE_R_R WORD $0x0220000f

// func storeLoad(write, read *uint64) uint64
TEXT ·storeLoad(SB), NOSPLIT, $0-24
	MOV write+0(FP), X10
	MOV read+8(FP), X11
	MOV $1, X12
	MOV X12, (X10)
	MOV (X11), X10
	MOV X10, ret+16(FP)
	RET

// func send(x, y uintptr, v uint64)
TEXT ·send(SB), NOSPLIT, $0-24
	MOV x+0(FP), X10
	MOV y+8(FP), X11
	MOV v+16(FP), X12
	MOV X12, (X10)
	FENCE_W_W
	MOV X12, (X11)
	RET

// func receive(x, y uintptr) (fromY, fromX uint64)
TEXT ·receive(SB), NOSPLIT, $0-32
	MOV x+0(FP), X10
	MOV y+8(FP), X11
	MOV (X11), X12
	FENCE_R_R
	MOV (X10), X13
	MOV X12, fromY+16(FP)
	MOV X13, fromX+24(FP)
	RET
