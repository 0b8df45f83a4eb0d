// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func codeOfActor() uint64
TEXT ·codeOfActor(SB), NOSPLIT, $0-8
	MOVQ $actor<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// actor makes the calls of the steps (type step) that begin at the address in DI. It
// lies anywhere, and has no stack.
TEXT actor<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ BP, CX // nobody wants it back, but vet wants it read
	MOVQ DI, BP
again:
	TESTQ BP, BP
	JZ    end
	LOCK
	INCQ 48(BP)
	MOVQ 24(BP), CX
	MOVQ 0(CX), DX
	MOVQ 8(CX), R10
	MOVQ 16(CX), R8
	MOVQ 24(CX), R9
	MOVQ 32(CX), R12
	MOVQ 40(CX), R13
	MOVQ 48(CX), R14
	MOVQ 56(CX), R15
	MOVQ 64(CX), BX
	MOVQ 0(BP), AX
	MOVQ 8(BP), DI
	MOVQ 16(BP), SI
	SYSCALL
	MOVQ 32(BP), CX
	MOVQ AX, 0(CX)
	MOVQ DI, 8(CX)
	MOVQ SI, 16(CX)
	MOVQ DX, 24(CX)
	MOVQ R10, 32(CX)
	MOVQ R8, 40(CX)
	MOVQ R9, 48(CX)
	MOVQ R12, 56(CX)
	MOVQ R13, 64(CX)
	MOVQ R14, 72(CX)
	MOVQ R15, 80(CX)
	MOVQ BX, 88(CX)
	LOCK
	INCQ 56(BP)
	TESTQ AX, AX
	JL   failed
	MOVQ 40(BP), BP
	JMP  again
failed:
	MOVQ 232(BP), BP
	JMP  again
end:
	MOVL $60, AX // exit
	XORL DI, DI
	SYSCALL
	INT  $3
