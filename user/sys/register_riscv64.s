// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// FENCE, as the assembler has it, is iorw, iorw: it orders memory and registers
// against each other, which acquire and release of atomic instructions don't
// (The RISC-V Instruction Set Manual, volume I, "A" extension, section on ordering).

// func readRegister8(p *byte) uint8
TEXT ·readRegister8(SB), NOSPLIT|NOFRAME, $0-9
	MOV	p+0(FP), X5
	MOVBU	(X5), X6
	FENCE
	MOVB	X6, ret+8(FP)
	RET

// func readRegister16(p *byte) uint16
TEXT ·readRegister16(SB), NOSPLIT|NOFRAME, $0-10
	MOV	p+0(FP), X5
	MOVHU	(X5), X6
	FENCE
	MOVH	X6, ret+8(FP)
	RET

// func readRegister32(p *byte) uint32
TEXT ·readRegister32(SB), NOSPLIT|NOFRAME, $0-12
	MOV	p+0(FP), X5
	MOVWU	(X5), X6
	FENCE
	MOVW	X6, ret+8(FP)
	RET

// func writeRegister8(p *byte, v uint8)
TEXT ·writeRegister8(SB), NOSPLIT|NOFRAME, $0-9
	MOV	p+0(FP), X5
	MOVBU	v+8(FP), X6
	FENCE
	MOVB	X6, (X5)
	RET

// func writeRegister16(p *byte, v uint16)
TEXT ·writeRegister16(SB), NOSPLIT|NOFRAME, $0-10
	MOV	p+0(FP), X5
	MOVHU	v+8(FP), X6
	FENCE
	MOVH	X6, (X5)
	RET

// func writeRegister32(p *byte, v uint32)
TEXT ·writeRegister32(SB), NOSPLIT|NOFRAME, $0-12
	MOV	p+0(FP), X5
	MOVWU	v+8(FP), X6
	FENCE
	MOVW	X6, (X5)
	RET
