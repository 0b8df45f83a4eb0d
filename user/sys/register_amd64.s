// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The processor keeps stores in order, and uncached memory with them (Intel SDM, volume
// 3, 9.2.2).

// func readRegister8(p *byte) uint8
TEXT ·readRegister8(SB), NOSPLIT|NOFRAME, $0-9
	MOVQ	p+0(FP), AX
	MOVB	(AX), AX
	MOVB	AX, ret+8(FP)
	RET

// func readRegister16(p *byte) uint16
TEXT ·readRegister16(SB), NOSPLIT|NOFRAME, $0-10
	MOVQ	p+0(FP), AX
	MOVW	(AX), AX
	MOVW	AX, ret+8(FP)
	RET

// func readRegister32(p *byte) uint32
TEXT ·readRegister32(SB), NOSPLIT|NOFRAME, $0-12
	MOVQ	p+0(FP), AX
	MOVL	(AX), AX
	MOVL	AX, ret+8(FP)
	RET

// func writeRegister8(p *byte, v uint8)
TEXT ·writeRegister8(SB), NOSPLIT|NOFRAME, $0-9
	MOVQ	p+0(FP), AX
	MOVB	v+8(FP), CX
	MOVB	CX, (AX)
	RET

// func writeRegister16(p *byte, v uint16)
TEXT ·writeRegister16(SB), NOSPLIT|NOFRAME, $0-10
	MOVQ	p+0(FP), AX
	MOVW	v+8(FP), CX
	MOVW	CX, (AX)
	RET

// func writeRegister32(p *byte, v uint32)
TEXT ·writeRegister32(SB), NOSPLIT|NOFRAME, $0-12
	MOVQ	p+0(FP), AX
	MOVL	v+8(FP), CX
	MOVL	CX, (AX)
	RET
