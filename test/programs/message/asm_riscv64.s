// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func codeOfActor() uint64
TEXT ·codeOfActor(SB), NOSPLIT, $0-8
	MOV $actor<>(SB), X10
	MOV X10, ret+0(FP)
	RET

// actor makes the calls of the steps (type step) that begin at the address in X10. It
// lies anywhere, and has no stack.
TEXT actor<>(SB), NOSPLIT|NOFRAME, $0-0
	MOV X10, X9
again:
	BEQ X9, ZERO, end
	MOV $1, X6
	ADD $48, X9, X7
	AMOADDD X6, (X7), ZERO
	MOV 24(X9), X7
	MOV 0(X7), X12
	MOV 8(X7), X13
	MOV 16(X7), X14
	MOV 24(X7), X15
	MOV 32(X7), X16
	MOV 40(X7), X18
	MOV 48(X7), X19
	MOV 56(X7), X20
	MOV 64(X7), X21
	MOV 0(X9), X17
	MOV 8(X9), X10
	MOV 16(X9), X11
	ECALL
	MOV 32(X9), X7
	MOV X10, 0(X7)
	MOV X5, 8(X7)
	MOV X11, 16(X7)
	MOV X12, 24(X7)
	MOV X13, 32(X7)
	MOV X14, 40(X7)
	MOV X15, 48(X7)
	MOV X16, 56(X7)
	MOV X18, 64(X7)
	MOV X19, 72(X7)
	MOV X20, 80(X7)
	MOV X21, 88(X7)
	FENCE // what is stored above is seen before this
	MOV $1, X6
	ADD $56, X9, X7
	AMOADDD X6, (X7), ZERO
	BLT X10, ZERO, failed
	MOV 40(X9), X9
	JMP again
failed:
	MOV 232(X9), X9
	JMP again
end:
	MOV ZERO, X10
	MOV $93, X17 // exit
	ECALL
	EBREAK
