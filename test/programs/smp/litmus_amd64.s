// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// func storeLoad(write, read *uint64) uint64
TEXT ·storeLoad(SB), NOSPLIT, $0-24
	MOVQ write+0(FP), AX
	MOVQ read+8(FP), BX
	MOVQ $1, (AX)
	MOVQ (BX), AX
	MOVQ AX, ret+16(FP)
	RET
