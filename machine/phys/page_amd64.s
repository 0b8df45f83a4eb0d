// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// The stores are unrolled: under emulation every instruction executed counts,
// and on hardware the loop control would be a third of the work.

#define ZERO4X(o) \
	MOVUPS X0, (o+0)(DI); \
	MOVUPS X0, (o+16)(DI); \
	MOVUPS X0, (o+32)(DI); \
	MOVUPS X0, (o+48)(DI)
#define ZERO16X(o) ZERO4X(o); ZERO4X(o+64); ZERO4X(o+128); ZERO4X(o+192)
#define ZERO4Y(o) \
	VMOVDQU Y0, (o+0)(DI); \
	VMOVDQU Y0, (o+32)(DI); \
	VMOVDQU Y0, (o+64)(DI); \
	VMOVDQU Y0, (o+96)(DI)
#define ZERO16Y(o) ZERO4Y(o); ZERO4Y(o+128); ZERO4Y(o+256); ZERO4Y(o+384)
#define COPY4X(o) \
	MOVUPS (o+0)(SI), X0; \
	MOVUPS (o+16)(SI), X1; \
	MOVUPS (o+32)(SI), X2; \
	MOVUPS (o+48)(SI), X3; \
	MOVUPS X0, (o+0)(DI); \
	MOVUPS X1, (o+16)(DI); \
	MOVUPS X2, (o+32)(DI); \
	MOVUPS X3, (o+48)(DI)
#define COPY4Y(o) \
	VMOVDQU (o+0)(SI), Y0; \
	VMOVDQU (o+32)(SI), Y1; \
	VMOVDQU (o+64)(SI), Y2; \
	VMOVDQU (o+96)(SI), Y3; \
	VMOVDQU Y0, (o+0)(DI); \
	VMOVDQU Y1, (o+32)(DI); \
	VMOVDQU Y2, (o+64)(DI); \
	VMOVDQU Y3, (o+96)(DI)

// func zeroSSE(p *[4096]byte)
TEXT ·zeroSSE(SB), NOSPLIT, $16-8
	MOVUPS X0, 0(SP)
	MOVQ   p+0(FP), DI
	LEAQ   4096(DI), CX
	XORPS  X0, X0

loop:
	ZERO16X(0)
	ZERO16X(256)
	ADDQ   $512, DI
	CMPQ   DI, CX
	JNE    loop
	MOVUPS 0(SP), X0
	RET

// func zeroAVX(p *[4096]byte)
TEXT ·zeroAVX(SB), NOSPLIT, $32-8
	VMOVDQU Y0, 0(SP)
	MOVQ    p+0(FP), DI
	LEAQ    4096(DI), CX
	VPXOR   X0, X0, X0

loop:
	ZERO16Y(0)
	ZERO16Y(512)
	ADDQ    $1024, DI
	CMPQ    DI, CX
	JNE     loop
	VMOVDQU 0(SP), Y0
	RET

// func copySSE(dst, src *[4096]byte)
TEXT ·copySSE(SB), NOSPLIT, $64-16
	MOVUPS X0, 0(SP)
	MOVUPS X1, 16(SP)
	MOVUPS X2, 32(SP)
	MOVUPS X3, 48(SP)
	MOVQ   dst+0(FP), DI
	MOVQ   src+8(FP), SI
	LEAQ   4096(DI), CX

loop:
	COPY4X(0)
	COPY4X(64)
	COPY4X(128)
	COPY4X(192)
	ADDQ   $256, DI
	ADDQ   $256, SI
	CMPQ   DI, CX
	JNE    loop
	MOVUPS 0(SP), X0
	MOVUPS 16(SP), X1
	MOVUPS 32(SP), X2
	MOVUPS 48(SP), X3
	RET

// func copyAVX(dst, src *[4096]byte)
TEXT ·copyAVX(SB), NOSPLIT, $128-16
	VMOVDQU Y0, 0(SP)
	VMOVDQU Y1, 32(SP)
	VMOVDQU Y2, 64(SP)
	VMOVDQU Y3, 96(SP)
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	LEAQ    4096(DI), CX

loop:
	COPY4Y(0)
	COPY4Y(128)
	COPY4Y(256)
	COPY4Y(384)
	ADDQ    $512, DI
	ADDQ    $512, SI
	CMPQ    DI, CX
	JNE     loop
	VMOVDQU 0(SP), Y0
	VMOVDQU 32(SP), Y1
	VMOVDQU 64(SP), Y2
	VMOVDQU 96(SP), Y3
	RET

// func movePlain(dst, src []byte)
TEXT ·movePlain(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ src_base+24(FP), SI
	ADDQ DI, CX

loop:
	MOVQ 0(SI), AX
	MOVQ 8(SI), BX
	MOVQ 16(SI), DX
	MOVQ 24(SI), R8
	MOVQ 32(SI), R9
	MOVQ 40(SI), R10
	MOVQ 48(SI), R11
	MOVQ 56(SI), R12
	MOVQ AX, 0(DI)
	MOVQ BX, 8(DI)
	MOVQ DX, 16(DI)
	MOVQ R8, 24(DI)
	MOVQ R9, 32(DI)
	MOVQ R10, 40(DI)
	MOVQ R11, 48(DI)
	MOVQ R12, 56(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	CMPQ DI, CX
	JNE  loop
	RET
