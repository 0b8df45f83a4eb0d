// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Code of threads that Go's runtime doesn't know. They have no stack.

// func codeOfCounter() uint64
TEXT ·codeOfCounter(SB), NOSPLIT, $0-8
	MOV $counter<>(SB), X10
	MOV X10, ret+0(FP)
	RET

// counter counts at the address in X10 for ever.
TEXT counter<>(SB), NOSPLIT|NOFRAME, $0-0
again:
	MOV (X10), X11
	ADD $1, X11
	MOV X11, (X10)
	JMP again

// func codeOfWaiter() uint64
TEXT ·codeOfWaiter(SB), NOSPLIT, $0-8
	MOV $waiter<>(SB), X10
	MOV X10, ret+0(FP)
	RET

// waiter makes the call whose number and handle are at the address in X10; its
// other arguments are all ones but the highest bit: a mask of all bits, and no
// deadline. It stores the result behind them, counts at the fourth word, stores
// that behind it, and ends.
TEXT waiter<>(SB), NOSPLIT|NOFRAME, $0-0
	MOV X10, X18
	MOV 0(X18), X17
	MOV 8(X18), X10
	MOV $-1, X11
	SRL $1, X11
	MOV X11, X12
	ECALL
	MOV X10, 16(X18)
	MOV $1, X11
	MOV 24(X18), X12
	AMOADDD X11, (X12), X11
	MOV X11, 32(X18)
	MOV $1, X11
	FENCE // what is stored above is seen before this
	MOV X11, 40(X18)
	MOV ZERO, X10
	MOV $93, X17 // exit
	ECALL
	EBREAK
