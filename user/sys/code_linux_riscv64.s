// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func enterCode(context *uint64)
//
// X9 is the context, as compiled code has it.
TEXT ·enterCode(SB), NOSPLIT|NOFRAME, $0-8
	MOV	context+0(FP), X9
	MOV	X2, 0(X9)
	MOV	X1, 8(X9)
	MOV	16(X9), X5
	JMP	(X5)

// func fenceCode()
TEXT ·fenceCode(SB), NOSPLIT|NOFRAME, $0-0
	WORD	$0x0000100f	// FENCE.I
	RET
