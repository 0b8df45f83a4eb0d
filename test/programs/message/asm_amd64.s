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
	BTQ  $32, AX
	JCS  own
	SYSCALL
done:
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
own: // no calls (low_unsafe.go); the third argument is in DX
	MOVQ DX, R11
	CMPL AX, $1
	JE   check
	JG   spin
	MOVQ DX, X0
	ADDQ R11, DX
	MOVQ DX, X1
	ADDQ R11, DX
	MOVQ DX, X2
	ADDQ R11, DX
	MOVQ DX, X3
	ADDQ R11, DX
	MOVQ DX, X4
	ADDQ R11, DX
	MOVQ DX, X5
	ADDQ R11, DX
	MOVQ DX, X6
	ADDQ R11, DX
	MOVQ DX, X7
	ADDQ R11, DX
	MOVQ DX, X8
	ADDQ R11, DX
	MOVQ DX, X9
	ADDQ R11, DX
	MOVQ DX, X10
	ADDQ R11, DX
	MOVQ DX, X11
	ADDQ R11, DX
	MOVQ DX, X12
	ADDQ R11, DX
	MOVQ DX, X13
	ADDQ R11, DX
	MOVQ DX, X14
	ADDQ R11, DX
	MOVQ DX, X15
	ADDQ R11, DX
	JMP  good
check:
	MOVQ X0, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X1, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X2, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X3, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X4, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X5, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X6, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X7, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X8, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X9, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X10, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X11, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X12, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X13, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X14, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
	MOVQ X15, AX
	CMPQ AX, DX
	JNE  bad
	ADDQ R11, DX
good:
	XORL AX, AX
	JMP  done
bad:
	MOVQ $-1, AX
	JMP  done
spin:
	MOVQ DI, CX
	MOVQ DX, AX
	MOVQ AX, DI
	MOVQ AX, SI
	MOVQ AX, R10
	MOVQ AX, R8
	MOVQ AX, R9
	MOVQ AX, R12
	MOVQ AX, R13
	MOVQ AX, R14
	MOVQ AX, R15
	MOVQ AX, BX
	MOVQ AX, R11
spins:
	CMPQ AX, R11
	JNE  bad
	CMPQ DX, R11
	JNE  bad
	CMPQ DI, R11
	JNE  bad
	CMPQ SI, R11
	JNE  bad
	CMPQ R10, R11
	JNE  bad
	CMPQ R8, R11
	JNE  bad
	CMPQ R9, R11
	JNE  bad
	CMPQ R12, R11
	JNE  bad
	CMPQ R13, R11
	JNE  bad
	CMPQ R14, R11
	JNE  bad
	CMPQ R15, R11
	JNE  bad
	CMPQ BX, R11
	JNE  bad
	DECQ CX
	JNZ  spins
	JMP  good
end:
	MOVL $60, AX // exit
	XORL DI, DI
	SYSCALL
	INT  $3
