// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

TEXT ·trapSyscall(SB), NOSPLIT, $0
	MOVQ $39, AX
	SYSCALL
	RET

TEXT ·trapStack(SB), NOSPLIT, $0
	MOVQ SP, AX
	MOVQ ·words(SB), SP
	MOVQ AX, SP
	RET

//loam:newstack
TEXT ·trapNewStack(SB), NOSPLIT, $0
	MOVQ SP, AX
	MOVQ ·words(SB), SP
	PUSHQ AX
	POPQ SP
	RET

// Three pushes and a call, of a function that pushes once: 24+8+8 bytes.
TEXT ·trapPushes(SB), NOSPLIT|NOFRAME, $0
	PUSHQ AX
	PUSHQ BX
	PUSHQ CX
	CALL ·pushOne(SB)
	POPQ CX
	POPQ BX
	POPQ AX
	RET

TEXT ·pushOne(SB), NOSPLIT|NOFRAME, $0
	PUSHFQ
	POPFQ
	RET

TEXT ·trapLoop(SB), NOSPLIT|NOFRAME, $0
again:
	BYTE $0x50 // PUSHQ AX, behind the assembler's back
	JMP again

//loam:nocall
//loam:nofpu
TEXT ·nocallGood(SB), NOSPLIT|NOFRAME, $0
	PUSHQ AX
	SWAPGS
	TESTQ AX, AX
	JZ out
	CALL ·halt(SB) // does not come back
	UNDEF
out:
	POPQ AX
	JMP ·leave(SB)

TEXT ·leave(SB), NOSPLIT|NOFRAME, $0
	SWAPGS
	BYTE $0x0f; BYTE $0x01; BYTE $0xcb // STAC
	BYTE $0x48; BYTE $0x0f; BYTE $0x07 // SYSRETQ

//loam:nocall
TEXT ·nocallBad(SB), NOSPLIT|NOFRAME, $0
	CALL ·pushOne(SB)
	RET

//loam:nocall
TEXT ·nocallChain(SB), NOSPLIT|NOFRAME, $0
	JMP ·chained(SB)

TEXT ·chained(SB), NOSPLIT|NOFRAME, $0
	MOVQ $·pushOne(SB), AX
	CALL AX
	RET

//loam:nocall except=chained
TEXT ·nocallExcept(SB), NOSPLIT|NOFRAME, $0
	TESTQ AX, AX
	JZ other
	RET
other:
	JMP ·chained(SB)

//loam:nocall except=nobody
TEXT ·nocallNobody(SB), NOSPLIT|NOFRAME, $0
	RET

//loam:nofpu
TEXT ·nofpuVector(SB), NOSPLIT|NOFRAME, $0
	VPXOR Y1, Y2, Y3
	VZEROUPPER
	RET

// Saving state is not using it; loading it is.
//
//loam:nofpu
TEXT ·nofpuSystem(SB), NOSPLIT|NOFRAME, $0
	FXSAVE ·words(SB)
	XSAVE ·words(SB)
	XGETBV
	LDMXCSR ·words(SB)
	RET

// It calls a Go function that nothing is proved of, and two that are marked.
TEXT ·gate(SB), NOSPLIT, $8
	CALL ·unmarked(SB)
	CALL ·trapGood(SB)
	CALL ·halt(SB)
	RET
