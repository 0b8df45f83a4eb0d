// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func enter(context *uint64)
//
// X9 is the context, as compiled code has it.
TEXT ·enter(SB), NOSPLIT|NOFRAME, $0-8
	MOV	context+0(FP), X9
	MOV	X2, const_ctxGoSP(X9)
	MOV	X1, const_ctxGoRA(X9)
	MOV	const_ctxEnter(X9), X5
	JMP	(X5)

// func fence()
TEXT ·fence(SB), NOSPLIT|NOFRAME, $0-0
	WORD	$0x0000100f	// FENCE.I
	RET
