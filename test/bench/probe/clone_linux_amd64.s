// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func cloneExit(flags, stack, word uintptr) (tid uintptr)
TEXT ·cloneExit(SB), NOSPLIT, $0-32
	MOVQ flags+0(FP), DI
	MOVQ stack+8(FP), SI
	MOVQ word+16(FP), DX  // the parent's tid word
	MOVQ word+16(FP), R10 // the child's
	MOVL $56, AX          // clone
	SYSCALL
	TESTQ AX, AX
	JZ child
	MOVQ AX, tid+24(FP)
	RET
child:
	XORL DI, DI
	MOVL $60, AX // exit
	SYSCALL
	INT $3
