//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

TEXT ·thisCPU(SB),NOSPLIT,$0-8
	MOV	TP, ret+0(FP)
	RET

TEXT ·ticks(SB),NOSPLIT,$0-8
	CSRRS	X0, TIME, X5
	MOV	X5, ret+0(FP)
	RET

TEXT ·readStatus(SB),NOSPLIT,$0-8
	CSRRS	X0, SSTATUS, X5
	MOV	X5, ret+0(FP)
	RET

TEXT ·readSatp(SB),NOSPLIT,$0-8
	CSRRS	X0, SATP, X5
	MOV	X5, ret+0(FP)
	RET

TEXT ·readEnabled(SB),NOSPLIT,$0-8
	CSRRS	X0, SIE, X5
	MOV	X5, ret+0(FP)
	RET

TEXT ·vectorBytes(SB),NOSPLIT,$0-8
	CSRRS	X0, VLENB, X5
	MOV	X5, ret+0(FP)
	RET

TEXT ·writeSatp(SB),NOSPLIT,$0-8
	MOV	v+0(FP), X5
	CSRRW	X5, SATP, X0
	RET

TEXT ·writeEnabled(SB),NOSPLIT,$0-8
	MOV	v+0(FP), X5
	CSRRW	X5, SIE, X0
	RET

TEXT ·writeTrapVector(SB),NOSPLIT,$0-8
	MOV	v+0(FP), X5
	CSRRW	X5, STVEC, X0
	RET

TEXT ·writeCounters(SB),NOSPLIT,$0-8
	MOV	v+0(FP), X5
	CSRRW	X5, SCOUNTEREN, X0
	RET

TEXT ·writeUserEnv(SB),NOSPLIT,$0-8
	MOV	v+0(FP), X5
	CSRRW	X5, SENVCFG, X0
	RET

TEXT ·writeTimer(SB),NOSPLIT,$0-8
	MOV	v+0(FP), X5
	CSRRW	X5, STIMECMP, X0
	RET

TEXT ·setStatus(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRS	X5, SSTATUS, X0
	RET

TEXT ·clearStatus(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRC	X5, SSTATUS, X0
	RET

TEXT ·clearPending(SB),NOSPLIT,$0-8
	MOV	bits+0(FP), X5
	CSRRC	X5, SIP, X0
	RET

// func forgetAll()
TEXT ·forgetAll(SB),NOSPLIT,$0
	WORD	$const_fenceVMA
	RET

// func forgetPage(va uint64)
TEXT ·forgetPage(SB),NOSPLIT,$0-8
	MOV	va+0(FP), X5
	WORD	$const_fencePageX5
	RET

// func forgetSpace(asid uint64)
TEXT ·forgetSpace(SB),NOSPLIT,$0-8
	MOV	asid+0(FP), X5
	WORD	$const_fenceSpaceX5
	RET

// func fenceCode()
TEXT ·fenceCode(SB),NOSPLIT,$0
	WORD	$const_fenceI
	RET

TEXT ·fence(SB),NOSPLIT,$0
	FENCE
	RET

// func sbiCall(extension, function, a, b, c uint64) (code int64, value uint64)
TEXT ·sbiCall(SB),NOSPLIT,$0-56
	MOV	extension+0(FP), A7
	MOV	function+8(FP), A6
	MOV	a+16(FP), A0
	MOV	b+24(FP), A1
	MOV	c+32(FP), A2
	MOV	X0, A3
	MOV	X0, A4
	MOV	X0, A5
	ECALL
	MOV	A0, code+40(FP)
	MOV	A1, value+48(FP)
	RET

TEXT ·mmioRead8(SB),NOSPLIT,$0-9
	MOV	addr+0(FP), X5
	MOVBU	(X5), X6
	FENCE
	MOVB	X6, ret+8(FP)
	RET

TEXT ·mmioWrite8(SB),NOSPLIT,$0-9
	MOV	addr+0(FP), X5
	MOVBU	v+8(FP), X6
	FENCE
	MOVB	X6, (X5)
	RET

TEXT ·mmioRead16(SB),NOSPLIT,$0-10
	MOV	addr+0(FP), X5
	MOVHU	(X5), X6
	FENCE
	MOVH	X6, ret+8(FP)
	RET

TEXT ·mmioWrite16(SB),NOSPLIT,$0-10
	MOV	addr+0(FP), X5
	MOVHU	v+8(FP), X6
	FENCE
	MOVH	X6, (X5)
	RET

TEXT ·mmioRead32(SB),NOSPLIT,$0-12
	MOV	addr+0(FP), X5
	MOVWU	(X5), X6
	FENCE
	MOVW	X6, ret+8(FP)
	RET

TEXT ·mmioWrite32(SB),NOSPLIT,$0-12
	MOV	addr+0(FP), X5
	MOVWU	v+8(FP), X6
	FENCE
	MOVW	X6, (X5)
	RET

// func portOut(addr, status uintptr, p *byte, n uint64)
//
// Writes n bytes to the 16550's data register at addr: 16 whenever the register at
// status says that its FIFO is empty.
TEXT ·portOut(SB),NOSPLIT,$0-32
	MOV	addr+0(FP), X5
	MOV	status+8(FP), X6
	MOV	p+16(FP), X7
	MOV	n+24(FP), X8
	ADD	X7, X8	// the end
	FENCE
wait:
	MOVBU	(X6), X9
	AND	$const_uartSendEmpty, X9
	BEQ	X9, X0, wait
	ADD	$const_uartDepth, X7, X10
	BGEU	X8, X10, next
	MOV	X8, X10
next:
	BEQ	X7, X10, full
	MOVBU	(X7), X9
	ADD	$1, X7
	MOVB	X9, (X5)
	JMP	next
full:
	BNE	X7, X8, wait
	FENCE
	RET

// idleLoop is the body of the idle thread; the interrupt that ends the WFI
// comes as a trap in the kernel and gives the CPU to whom it woke.
TEXT ·idleLoop(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	WORD	$const_wfi
	JMP	-1(PC)

// func awaitInterrupt() (pending uint64)
TEXT ·awaitInterrupt(SB),NOSPLIT,$0-8
wait:
	WORD	$const_wfi
	CSRRS	X0, SIP, X5
	CSRRS	X0, SIE, X6
	AND	X6, X5
	BEQ	X5, X0, wait
	MOV	X5, pending+0(FP)
	RET

TEXT ·disable(SB),NOSPLIT,$0-8
	CSRRC	$const_statusSIE, SSTATUS, X5
	AND	$const_statusSIE, X5
	MOV	X5, flags+0(FP)
	RET

TEXT ·restore(SB),NOSPLIT,$0-8
	MOV	flags+0(FP), X5
	CSRRS	X5, SSTATUS, X0
	RET

TEXT ·cli(SB),NOSPLIT,$0
	CSRRC	$const_statusSIE, SSTATUS, X0
	RET

TEXT ·sti(SB),NOSPLIT,$0
	CSRRS	$const_statusSIE, SSTATUS, X0
	RET

//loam:fatal
TEXT ·halt(SB),NOSPLIT,$0
	CSRRC	$const_statusSIE, SSTATUS, X0
	CSRRW	X0, SIE, X0
	WORD	$const_wfi
	JMP	-1(PC)

// func kernelCall(nr, a, b uint64) uint64: what Go's runtime does in a system
// call, for the calls of our own (idle, turn).
TEXT ·kernelCall(SB),NOSPLIT,$0-32
	MOV	nr+0(FP), A7
	MOV	a+8(FP), A0
	MOV	b+16(FP), A1
	WORD	$const_ebreak
	MOV	A0, ret+24(FP)
	RET

// func stackPointer() (sp, ra uint64): the caller's
TEXT ·stackPointer(SB),NOSPLIT|NOFRAME,$0-16
	MOV	X2, sp+0(FP)
	MOV	X1, ra+8(FP)
	RET

TEXT ·goroutine(SB),NOSPLIT,$0-8
	MOV	g, ret+0(FP)
	RET
