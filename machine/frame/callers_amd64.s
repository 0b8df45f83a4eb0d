// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

#define SKIP 2

// func callers(pcs *[Callers]uint64)
//
// Go keeps frame pointers on amd64: at 0(BP) is the caller's, at 8(BP) the return
// address (cmd/compile/abi-internal.md).
TEXT ·callers(SB),NOSPLIT,$0-8
	MOVQ	pcs+0(FP), DI
	MOVQ	BP, SI
	MOVQ	$(const_Callers+SKIP), CX

next:
	TESTQ	SI, SI
	JZ	done
	CMPQ	CX, $const_Callers
	JHI	skip
	MOVQ	8(SI), AX
	MOVQ	AX, (DI)
	ADDQ	$8, DI

skip:
	MOVQ	(SI), DX
	CMPQ	DX, SI
	JLS	done
	MOVQ	DX, SI
	DECQ	CX
	JNZ	next

done:
	RET
