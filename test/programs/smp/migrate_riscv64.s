// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// A register that is not pattern+n, which is in X31, has its bit set in X1, whose own
// turn is the first.
#define SAME(n, r) \
	ADD $1, X31; \
	SUB X31, r; \
	SNEZ r, r; \
	SLL $n, r; \
	OR r, X1

// func holdGeneral(pattern uint64, spins int64) uint64
//
// X27 is Go's g, X31 counts. GP and TP mean nothing to Go without cgo. The frame is for
// the return address: without one it would stay in X1.
TEXT ·holdGeneral(SB), NOSPLIT, $8-24
	MOV pattern+0(FP), X30
	MOV spins+8(FP), X31
	ADD $0, X30, X1
	ADD $1, X30, X3
	ADD $2, X30, TP
	ADD $3, X30, X5
	ADD $4, X30, X6
	ADD $5, X30, X7
	ADD $6, X30, X8
	ADD $7, X30, X9
	ADD $8, X30, X10
	ADD $9, X30, X11
	ADD $10, X30, X12
	ADD $11, X30, X13
	ADD $12, X30, X14
	ADD $13, X30, X15
	ADD $14, X30, X16
	ADD $15, X30, X17
	ADD $16, X30, X18
	ADD $17, X30, X19
	ADD $18, X30, X20
	ADD $19, X30, X21
	ADD $20, X30, X22
	ADD $21, X30, X23
	ADD $22, X30, X24
	ADD $23, X30, X25
	ADD $24, X30, X26
	ADD $25, X30, X28
	ADD $26, X30, X29
	ADD $27, X30

spin:
	ADD $-1, X31
	BNEZ X31, spin
	MOV pattern+0(FP), X31
	SUB X31, X1
	SNEZ X1, X1
	SAME(1, X3)
	SAME(2, TP)
	SAME(3, X5)
	SAME(4, X6)
	SAME(5, X7)
	SAME(6, X8)
	SAME(7, X9)
	SAME(8, X10)
	SAME(9, X11)
	SAME(10, X12)
	SAME(11, X13)
	SAME(12, X14)
	SAME(13, X15)
	SAME(14, X16)
	SAME(15, X17)
	SAME(16, X18)
	SAME(17, X19)
	SAME(18, X20)
	SAME(19, X21)
	SAME(20, X22)
	SAME(21, X23)
	SAME(22, X24)
	SAME(23, X25)
	SAME(24, X26)
	SAME(25, X28)
	SAME(26, X29)
	SAME(27, X30)
	MOV X1, ret+16(FP)
	RET

// X15 is the register's bit.
#define DIFFERS(value, got) \
	BEQ value, got, 2(PC); \
	OR X15, X14; \
	SLL $1, X15

// func holdOthers(spins int64, o *others, vectors bool) uint64
TEXT ·holdOthers(SB), NOSPLIT, $0-32
	MOV spins+0(FP), X10
	MOV o+8(FP), X11
	MOVBU vectors+16(FP), X12
	MOV others_fcsr(X11), X20
	MOV others_vl(X11), X21
	MOV others_vtype(X11), X22
	MOV others_vcsr(X11), X23
	CSRRW X20, FCSR, X0
	BEQZ X12, spin
	VSETVL X22, X21, X0
	CSRRW X23, VCSR, X0

spin:
	ADD $-1, X10
	BNEZ X10, spin

	MOV ZERO, X14
	MOV $1, X15
	CSRRW X0, FCSR, X16
	DIFFERS(X20, X16)
	BEQZ X12, done
	CSRRS X0, VL, X16
	DIFFERS(X21, X16)
	CSRRS X0, VTYPE, X16
	DIFFERS(X22, X16)
	CSRRW X0, VCSR, X16
	DIFFERS(X23, X16)
	MOV ZERO, X16
	VSETVL X16, X16, X17

done:
	MOV X14, ret+24(FP)
	RET
