//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func NowInto(at *uint64)
//
// Now, split into seconds and nanoseconds at at. In assembly because a clock
// call is little else than this.
TEXT ·NowInto(SB),NOSPLIT|NOFRAME,$0-8
	MOV	at+0(FP), X5
	CSRRS	X0, TIME, X6
	MOV	·clockScale(SB), X7
	MULHU	X6, X7, X8
	MUL	X6, X7, X9
	SLL	$32, X8
	SRL	$32, X9
	OR	X9, X8	// ns
	MOV	$1000000000, X7
	DIVU	X7, X8, X9
	MOV	X9, (X5)
	MUL	X7, X9
	SUB	X9, X8
	MOV	X8, 8(X5)
	RET
