// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Code of threads that Go's runtime doesn't know. They have no stack.

// func codeOfCounter() uint64
TEXT ·codeOfCounter(SB), NOSPLIT, $0-8
	MOVQ $counter<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// counter counts at the address in DI for ever.
TEXT counter<>(SB), NOSPLIT|NOFRAME, $0-0
again:
	INCQ (DI)
	JMP again

// func codeOfWaiter() uint64
TEXT ·codeOfWaiter(SB), NOSPLIT, $0-8
	MOVQ $waiter<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// waiter makes the call whose number and handle are at the address in DI; its
// other arguments are all ones but the highest bit: a mask of all bits, and no
// deadline. It stores the result behind them, counts at the fourth word, stores
// that behind it, and ends.
TEXT waiter<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, R12
	MOVQ 0(R12), AX
	MOVQ 8(R12), DI
	MOVQ $0x7fffffffffffffff, SI
	MOVQ SI, DX
	SYSCALL
	MOVQ AX, 16(R12)
	MOVQ $1, CX
	MOVQ 24(R12), BX
	LOCK
	XADDQ CX, (BX)
	MOVQ CX, 32(R12)
	MOVQ $1, 40(R12)
	MOVL $60, AX // exit
	XORL DI, DI
	SYSCALL
	INT $3
