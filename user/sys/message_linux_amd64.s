// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

// func messageCall(nr uint64, m *Message) (result uint64)
//
// R14 and X15 are Go's, but an ABI0 function may change them: its caller sets
// them again. BP stays, for who walks the stack from a signal meanwhile.
TEXT ·messageCall(SB), NOSPLIT, $0-24
	MOVQ nr+0(FP), AX
	MOVQ m+8(FP), CX
	MOVQ Message_To(CX), DI
	MOVQ Message_Options(CX), SI
	MOVQ Message_Token(CX), DX
	MOVQ (Message_Words+0)(CX), R10
	MOVQ (Message_Words+8)(CX), R8
	MOVQ (Message_Words+16)(CX), R9
	MOVQ (Message_Words+24)(CX), R12
	MOVQ (Message_Words+32)(CX), R13
	MOVQ (Message_Words+40)(CX), R14
	MOVQ (Message_Words+48)(CX), R15
	MOVQ (Message_Words+56)(CX), BX
	SYSCALL
	MOVQ m+8(FP), CX // SYSCALL changed it
	MOVQ DI, Message_To(CX)
	MOVQ SI, Message_Came(CX)
	MOVQ DX, Message_Token(CX)
	MOVQ R10, (Message_Words+0)(CX)
	MOVQ R8, (Message_Words+8)(CX)
	MOVQ R9, (Message_Words+16)(CX)
	MOVQ R12, (Message_Words+24)(CX)
	MOVQ R13, (Message_Words+32)(CX)
	MOVQ R14, (Message_Words+40)(CX)
	MOVQ R15, (Message_Words+48)(CX)
	MOVQ BX, (Message_Words+56)(CX)
	MOVQ AX, result+16(FP)
	RET

// func messageCopy(nr, token, offset uint64, p *byte, n uint64) (result uint64)
TEXT ·messageCopy(SB), NOSPLIT, $0-48
	MOVQ nr+0(FP), AX
	MOVQ token+8(FP), DI
	MOVQ offset+16(FP), SI
	MOVQ p+24(FP), DX
	MOVQ n+32(FP), R10
	SYSCALL
	MOVQ AX, result+40(FP)
	RET

// func Ticks() uint64
TEXT ·Ticks(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET
