// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

// func messageCall(nr uint64, m *Message) (result uint64)
//
// X27 is Go's g and X4 its thread pointer: neither is a message's.
TEXT ·messageCall(SB), NOSPLIT, $0-24
	MOV nr+0(FP), A7
	MOV m+8(FP), T1
	MOV Message_To(T1), A0
	MOV Message_Options(T1), A1
	MOV Message_Token(T1), A2
	MOV (Message_Words+0)(T1), A3
	MOV (Message_Words+8)(T1), A4
	MOV (Message_Words+16)(T1), A5
	MOV (Message_Words+24)(T1), A6
	MOV (Message_Words+32)(T1), S2
	MOV (Message_Words+40)(T1), S3
	MOV (Message_Words+48)(T1), S4
	MOV (Message_Words+56)(T1), S5
	ECALL
	MOV m+8(FP), T1 // nobody promises that the kernel keeps it
	MOV T0, Message_To(T1)
	MOV A1, Message_Came(T1)
	MOV A2, Message_Token(T1)
	MOV A3, (Message_Words+0)(T1)
	MOV A4, (Message_Words+8)(T1)
	MOV A5, (Message_Words+16)(T1)
	MOV A6, (Message_Words+24)(T1)
	MOV S2, (Message_Words+32)(T1)
	MOV S3, (Message_Words+40)(T1)
	MOV S4, (Message_Words+48)(T1)
	MOV S5, (Message_Words+56)(T1)
	MOV A0, result+16(FP)
	RET

// func messageCopy(nr, token, offset uint64, p *byte, n uint64) (result uint64)
TEXT ·messageCopy(SB), NOSPLIT, $0-48
	MOV nr+0(FP), A7
	MOV token+8(FP), A0
	MOV offset+16(FP), A1
	MOV p+24(FP), A2
	MOV n+32(FP), A3
	ECALL
	MOV A0, result+40(FP)
	RET

// func Ticks() uint64
TEXT ·Ticks(SB), NOSPLIT, $0-8
	RDTIME A0
	MOV    A0, ret+0(FP)
	RET
