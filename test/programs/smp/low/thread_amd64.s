// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func cloneCall(flags, stack, word uintptr, request *Request) (tid uintptr)
TEXT ·cloneCall(SB), NOSPLIT, $0-40
	MOVQ flags+0(FP), DI
	MOVQ stack+8(FP), SI
	MOVQ word+16(FP), DX  // the parent's tid word
	MOVQ word+16(FP), R10 // the child's
	MOVQ request+24(FP), R13
	MOVL $56, AX // clone
	SYSCALL
	TESTQ AX, AX
	JZ   child
	MOVQ AX, tid+32(FP)
	RET

child:
	MOVQ 0(R13), AX
	MOVQ 8(R13), DI
	MOVQ 16(R13), SI
	MOVQ 24(R13), DX
	MOVQ 32(R13), R10
	MOVQ 40(R13), R8
	MOVQ 48(R13), R9
	SYSCALL
	MOVQ AX, 56(R13)
	XORL DI, DI
	MOVL $60, AX // exit
	SYSCALL
	INT  $3
