//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func NowInto(at *uint64)
//
// Now, split into seconds and nanoseconds at at. In assembly because a clock
// call is little else than this, and the division by a constant and the shift
// over two registers come out shorter so.
TEXT ·NowInto(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ	at+0(FP), CX
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MULQ	·clockScale(SB)
	SHRQ	$32, DX, AX	// AX = DX:AX >> 32, ns
	MOVQ	AX, BX
	SHRQ	$9, AX	// 1e9 = 2^9 * 5^9
	MULQ	·perSecond(SB)
	SHRQ	$11, DX
	MOVQ	DX, (CX)
	IMUL3Q	$1000000000, DX, DX
	SUBQ	DX, BX
	MOVQ	BX, 8(CX)
	RET
