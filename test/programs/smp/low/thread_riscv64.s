// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func cloneCall(flags, stack, word uintptr, request *Request) (tid uintptr)
TEXT ·cloneCall(SB), NOSPLIT, $0-40
	MOV flags+0(FP), X10
	MOV stack+8(FP), X11
	MOV word+16(FP), X12 // the parent's tid word
	MOV ZERO, X13        // thread-local storage
	MOV word+16(FP), X14 // the child's
	MOV request+24(FP), X18
	MOV $220, X17 // clone
	ECALL
	BEQZ X10, child
	MOV X10, tid+32(FP)
	RET

child:
	MOV 0(X18), X17
	MOV 8(X18), X10
	MOV 16(X18), X11
	MOV 24(X18), X12
	MOV 32(X18), X13
	MOV 40(X18), X14
	MOV 48(X18), X15
	ECALL
	MOV X10, 56(X18)
	MOV ZERO, X10
	MOV $93, X17 // exit
	ECALL
	EBREAK
