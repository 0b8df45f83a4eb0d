// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func cloneExit(flags, stack, word uintptr) (tid uintptr)
TEXT ·cloneExit(SB), NOSPLIT, $0-32
	MOV flags+0(FP), A0
	MOV stack+8(FP), A1
	MOV word+16(FP), A2 // the parent's tid word
	MOV ZERO, A3        // no thread pointer
	MOV word+16(FP), A4 // the child's
	MOV $220, A7        // clone
	ECALL
	BEQ A0, ZERO, child
	MOV A0, tid+24(FP)
	RET
child:
	MOV ZERO, A0
	MOV $93, A7 // exit
	ECALL
	EBREAK
