// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

TEXT ·trapSyscall(SB), NOSPLIT, $0
	MOV $172, A7
	WORD $0x00100073 // EBREAK: what the image step makes of ECALL
	RET

TEXT ·trapStack(SB), NOSPLIT, $0
	MOV X2, X5
	MOV ·words(SB), X2
	MOV X5, X2
	RET

//loam:newstack
TEXT ·trapNewStack(SB), NOSPLIT, $0
	MOV X2, X5
	MOV ·words(SB), X2
	ADD $-8, X2
	MOV X5, (X2)
	MOV (X2), X2
	RET

// 24 bytes and a call, of a function that takes 8: 32, for the return address is in a
// register.
TEXT ·trapPushes(SB), NOSPLIT|NOFRAME, $0
	ADD $-24, X2
	MOV X1, (X2)
	CALL ·pushOne(SB)
	MOV (X2), X1
	ADD $24, X2
	RET

TEXT ·pushOne(SB), NOSPLIT|NOFRAME, $0
	ADD $-8, X2
	MOV X5, (X2)
	ADD $8, X2
	RET

TEXT ·trapLoop(SB), NOSPLIT|NOFRAME, $0
again:
	WORD $0xff010113 // ADD $-16, X2, behind the assembler's back
	JMP again

//loam:nocall
//loam:nofpu
TEXT ·nocallGood(SB), NOSPLIT|NOFRAME, $0
	CSRRW TP, SSCRATCH, TP
	BEQ TP, X0, out
	CALL ·halt(SB) // does not come back
	UNDEF
out:
	JMP ·leave(SB)

TEXT ·leave(SB), NOSPLIT|NOFRAME, $0
	CSRRW TP, SSCRATCH, TP
	WORD $0x12000073 // SFENCE.VMA
	WORD $0x10200073 // SRET

//loam:nocall
TEXT ·nocallBad(SB), NOSPLIT|NOFRAME, $0
	CALL ·pushOne(SB)
	RET

//loam:nocall
TEXT ·nocallChain(SB), NOSPLIT|NOFRAME, $0
	JMP ·chained(SB)

TEXT ·chained(SB), NOSPLIT|NOFRAME, $0
	MOV $·pushOne(SB), X5
	CALL X5
	RET

//loam:nocall except=chained
TEXT ·nocallExcept(SB), NOSPLIT|NOFRAME, $0
	BEQZ X5, other
	RET
other:
	JMP ·chained(SB)

//loam:nocall except=nobody
TEXT ·nocallNobody(SB), NOSPLIT|NOFRAME, $0
	RET

//loam:nofpu
TEXT ·nofpuVector(SB), NOSPLIT|NOFRAME, $0
	VADDVV V1, V2, V3
	RET

// Saving state is not using it; loading it is.
//
//loam:nofpu
TEXT ·nofpuSystem(SB), NOSPLIT|NOFRAME, $0
	MOV $·words(SB), X5
	MOVD F1, (X5)
	VS8RV V8, (X5)
	CSRRS X0, FCSR, X6
	CSRRW X6, FCSR, X0
	RET

// It calls a Go function that nothing is proved of, and two that are marked.
TEXT ·gate(SB), NOSPLIT, $8
	CALL ·unmarked(SB)
	CALL ·trapGood(SB)
	CALL ·halt(SB)
	RET

// Loads and saves floating-point registers, which the machine floor's assembly may.
TEXT ·swapFloat(SB), NOSPLIT|NOFRAME, $0
	MOV $·words(SB), X5
	MOVD F1, (X5)
	MOVD 8(X5), F1
	RET

// Calls the firmware, and a subroutine of its own that takes 48 bytes.
TEXT ·trapWays(SB), NOSPLIT|NOFRAME, $0
	MOV X1, X18
	ECALL
	JAL X9, inner
	MOV X18, X1
	RET
inner:
	ADD $-48, X2
	ADD $48, X2
	JMP (X9)
