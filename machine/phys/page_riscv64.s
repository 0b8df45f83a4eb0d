// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// FENCE_STORES is FENCE W, W: a store that lets another hart, or its page-table walk,
// find the page comes after what is in it.
#define FENCE_STORES WORD $0x0110000f

// The stores are unrolled: under emulation every instruction executed counts,
// and on hardware the loop control would be a third of the work.

#define ZERO8(o) \
	MOV ZERO, (o+0)(X10); \
	MOV ZERO, (o+8)(X10); \
	MOV ZERO, (o+16)(X10); \
	MOV ZERO, (o+24)(X10); \
	MOV ZERO, (o+32)(X10); \
	MOV ZERO, (o+40)(X10); \
	MOV ZERO, (o+48)(X10); \
	MOV ZERO, (o+56)(X10)
#define ZERO64(o) \
	ZERO8(o); ZERO8(o+64); ZERO8(o+128); ZERO8(o+192); \
	ZERO8(o+256); ZERO8(o+320); ZERO8(o+384); ZERO8(o+448)
#define COPY8(o) \
	MOV (o+0)(X11), X14; \
	MOV (o+8)(X11), X15; \
	MOV (o+16)(X11), X16; \
	MOV (o+24)(X11), X17; \
	MOV (o+32)(X11), X18; \
	MOV (o+40)(X11), X19; \
	MOV (o+48)(X11), X20; \
	MOV (o+56)(X11), X21; \
	MOV X14, (o+0)(X10); \
	MOV X15, (o+8)(X10); \
	MOV X16, (o+16)(X10); \
	MOV X17, (o+24)(X10); \
	MOV X18, (o+32)(X10); \
	MOV X19, (o+40)(X10); \
	MOV X20, (o+48)(X10); \
	MOV X21, (o+56)(X10)
#define COPY32(o) COPY8(o); COPY8(o+64); COPY8(o+128); COPY8(o+192)

// func zeroPage(p *[4096]byte)
TEXT ·zeroPage(SB), NOSPLIT, $0-8
	MOV  p+0(FP), X10
	MOV  $4096, X12
	ADD  X10, X12

loop:
	ZERO64(0)
	ZERO64(512)
	ADD  $1024, X10
	BNE  X10, X12, loop
	FENCE_STORES
	RET

// func copyPage(dst, src *[4096]byte)
TEXT ·copyPage(SB), NOSPLIT, $0-16
	MOV  dst+0(FP), X10
	MOV  src+8(FP), X11
	MOV  $4096, X12
	ADD  X10, X12

loop:
	COPY32(0)
	COPY32(256)
	COPY32(512)
	COPY32(768)
	ADD  $1024, X10
	ADD  $1024, X11
	BNE  X10, X12, loop
	FENCE_STORES
	RET

// func orderStores()
TEXT ·orderStores(SB), NOSPLIT, $0-0
	FENCE_STORES
	RET
