// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

// func load8(addr uint64) byte
TEXT ·load8(SB),NOSPLIT,$0-9
	MOV	addr+0(FP), X5
	MOVBU	(X5), X6
	MOVB	X6, ret+8(FP)
	RET

// func load32(addr uint64) uint32
TEXT ·load32(SB),NOSPLIT,$0-12
	MOV	addr+0(FP), X5
	MOVWU	(X5), X6
	MOVW	X6, ret+8(FP)
	RET

// func load64(addr uint64) uint64
TEXT ·load64(SB),NOSPLIT,$0-16
	MOV	addr+0(FP), X5
	MOV	(X5), X6
	MOV	X6, ret+8(FP)
	RET

// func store8(addr uint64, v byte)
TEXT ·store8(SB),NOSPLIT,$0-9
	MOV	addr+0(FP), X5
	MOVBU	v+8(FP), X6
	FENCE
	MOVB	X6, (X5)
	RET

// func store32(addr uint64, v uint32)
TEXT ·store32(SB),NOSPLIT,$0-12
	MOV	addr+0(FP), X5
	MOVWU	v+8(FP), X6
	FENCE
	MOVW	X6, (X5)
	FENCE
	RET

// func store64(addr uint64, v uint64)
TEXT ·store64(SB),NOSPLIT,$0-16
	MOV	addr+0(FP), X5
	MOV	v+8(FP), X6
	FENCE
	MOV	X6, (X5)
	FENCE
	RET

// func raise(bits uint64)
TEXT ·raise(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRS	X5, MIP, X0
	RET

// func drop(bits uint64)
TEXT ·drop(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRC	X5, MIP, X0
	RET

// func enable(bits uint64)
TEXT ·enable(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRS	X5, MIE, X0
	RET

// func disable(bits uint64)
TEXT ·disable(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRC	X5, MIE, X0
	RET

// func pending() uint64
TEXT ·pending(SB),NOSPLIT,$0-8
	CSRRS	X0, MIP, X5
	CSRRS	X0, MIE, X6
	AND	X6, X5
	MOV	X5, ret+0(FP)
	RET

// func setSupervisorTimer(at uint64)
TEXT ·setSupervisorTimer(SB),NOSPLIT,$0-8
	MOV	at+0(FP), X5
	CSRRW	X5, STIMECMP, X0
	RET

// func waitForInterrupt()
TEXT ·waitForInterrupt(SB),NOSPLIT,$0-0
	WORD	$const_wfi
	RET

// func fenceInstructions()
TEXT ·fenceInstructions(SB),NOSPLIT,$0-0
	WORD	$const_fenceI
	RET

// func fenceTranslations()
TEXT ·fenceTranslations(SB),NOSPLIT,$0-0
	WORD	$const_fenceVMA
	RET

// func readID() (id [3]uint64)
TEXT ·readID(SB),NOSPLIT,$0-24
	CSRRS	X0, MVENDORID, X5
	MOV	X5, id_0+0(FP)
	CSRRS	X0, MARCHID, X5
	MOV	X5, id_1+8(FP)
	CSRRS	X0, MIMPID, X5
	MOV	X5, id_2+16(FP)
	RET
