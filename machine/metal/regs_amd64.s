//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

TEXT ·thisCPU(SB),NOSPLIT,$0-8
	MOVQ	CPU_self(GS), AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·outb(SB),NOSPLIT,$0-3
	MOVW	port+0(FP), DX
	MOVB	v+2(FP), AX
	OUTB
	RET

TEXT ·outl(SB),NOSPLIT,$0-8
	MOVW	port+0(FP), DX
	MOVL	v+4(FP), AX
	OUTL
	RET

TEXT ·inb(SB),NOSPLIT,$0-9
	MOVW	port+0(FP), DX
	INB
	MOVB	AX, ret+8(FP)
	RET

TEXT ·outw(SB),NOSPLIT,$0-4
	MOVW	port+0(FP), DX
	MOVW	v+2(FP), AX
	OUTW
	RET

TEXT ·inw(SB),NOSPLIT,$0-10
	MOVW	port+0(FP), DX
	INW
	MOVW	AX, ret+8(FP)
	RET

TEXT ·inl(SB),NOSPLIT,$0-12
	MOVW	port+0(FP), DX
	INL
	MOVL	AX, ret+8(FP)
	RET

// func outs(port uint16, p *byte, n uint64)
TEXT ·outs(SB),NOSPLIT,$0-24
	MOVW	port+0(FP), DX
	MOVQ	p+8(FP), SI
	MOVQ	n+16(FP), CX
	CLD
	REP
	OUTSB
	RET

TEXT ·fence(SB),NOSPLIT,$0-0
	MFENCE
	LFENCE
	RET

TEXT ·userGSBase(SB),NOSPLIT,$0-8
	SWAPGS
	RDGSBASEQ AX
	SWAPGS
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·setUserGSBase(SB),NOSPLIT,$0-8
	MOVQ	v+0(FP), AX
	SWAPGS
	WRGSBASEQ AX
	SWAPGS
	RET

TEXT ·rdmsr(SB),NOSPLIT,$0-16
	MOVL	msr+0(FP), CX
	RDMSR
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ret+8(FP)
	RET

TEXT ·wrmsr(SB),NOSPLIT,$0-16
	MOVL	msr+0(FP), CX
	MOVQ	v+8(FP), AX
	MOVQ	AX, DX
	SHRQ	$32, DX
	WRMSR
	RET

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB),NOSPLIT,$0-24
	MOVL	leaf+0(FP), AX
	MOVL	sub+4(FP), CX
	CPUID
	MOVL	AX, a+8(FP)
	MOVL	BX, b+12(FP)
	MOVL	CX, c+16(FP)
	MOVL	DX, d+20(FP)
	RET

TEXT ·ticks(SB),NOSPLIT,$0-8
	RDTSC
	SHLQ	$32, DX
	ORQ	DX, AX
	MOVQ	AX, ret+0(FP)
	RET

// func rdrand() (v uint64, ok bool)
TEXT ·rdrand(SB),NOSPLIT,$0-9
	RDRANDQ	AX
	SETCS	ok+8(FP)
	MOVQ	AX, v+0(FP)
	RET

TEXT ·readCR4(SB),NOSPLIT,$0-8
	MOVQ	CR4, AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·writeCR4(SB),NOSPLIT,$0-8
	MOVQ	v+0(FP), AX
	MOVQ	AX, CR4
	RET

TEXT ·readCR3(SB),NOSPLIT,$0-8
	MOVQ	CR3, AX
	MOVQ	AX, ret+0(FP)
	RET

TEXT ·writeCR3(SB),NOSPLIT,$0-8
	MOVQ	v+0(FP), AX
	MOVQ	AX, CR3
	RET

// func xsetbv(v uint64): XCR0
TEXT ·xsetbv(SB),NOSPLIT,$0-8
	MOVQ	v+0(FP), AX
	MOVQ	AX, DX
	SHRQ	$32, DX
	XORL	CX, CX
	XSETBV
	RET

TEXT ·invlpg(SB),NOSPLIT,$0-8
	MOVQ	va+0(FP), AX
	INVLPG	(AX)
	RET

// func loadTables(gdt, idt *[10]byte): also TR and the segment registers.
TEXT ·loadTables(SB),NOSPLIT,$0-16
	MOVQ	gdt+0(FP), AX
	LGDT	(AX)
	MOVQ	idt+8(FP), AX
	LIDT	(AX)
	MOVL	$const_tssSel, AX
	LTR	AX
	MOVL	$const_kernelSS, AX
	MOVW	AX, SS
	XORL	AX, AX
	MOVW	AX, DS
	MOVW	AX, ES
	// CS: a far return to the next instruction.
	PUSHQ	$const_kernelCS
	LEAQ	done<>(SB), AX
	PUSHQ	AX
	RETFQ
TEXT done<>(SB),NOSPLIT,$0
	RET

TEXT ·mmioRead8(SB),NOSPLIT,$0-9
	MOVQ	addr+0(FP), AX
	MOVB	(AX), AX
	MOVB	AX, ret+8(FP)
	RET

TEXT ·mmioWrite8(SB),NOSPLIT,$0-9
	MOVQ	addr+0(FP), AX
	MOVB	v+8(FP), CX
	MOVB	CX, (AX)
	RET

TEXT ·mmioRead16(SB),NOSPLIT,$0-10
	MOVQ	addr+0(FP), AX
	MOVW	(AX), AX
	MOVW	AX, ret+8(FP)
	RET

TEXT ·mmioWrite16(SB),NOSPLIT,$0-10
	MOVQ	addr+0(FP), AX
	MOVW	v+8(FP), CX
	MOVW	CX, (AX)
	RET

TEXT ·mmioRead32(SB),NOSPLIT,$0-12
	MOVQ	addr+0(FP), AX
	MOVL	(AX), AX
	MOVL	AX, ret+8(FP)
	RET

TEXT ·mmioWrite32(SB),NOSPLIT,$0-12
	MOVQ	addr+0(FP), AX
	MOVL	v+8(FP), CX
	MOVL	CX, (AX)
	RET

// idleLoop is the body of the idle thread; the interrupt that ends the HLT
// comes as a trap in the kernel and gives the CPU to whom it woke.
TEXT ·idleLoop(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	STI
	HLT
	JMP	-2(PC)

TEXT ·disable(SB),NOSPLIT,$8-8
	PUSHFQ
	POPQ	AX
	CLI
	MOVQ	AX, flags+0(FP)
	RET

TEXT ·restore(SB),NOSPLIT,$8-8
	MOVQ	flags+0(FP), AX
	PUSHQ	AX
	POPFQ
	RET

TEXT ·cli(SB),NOSPLIT,$0
	CLI
	RET

TEXT ·sti(SB),NOSPLIT,$0
	STI
	RET

//loam:fatal
TEXT ·halt(SB),NOSPLIT,$0
	CLI
	HLT
	JMP	-2(PC)

// func kernelCall(nr, a, b uint64) uint64: what Go's runtime does in a system
// call, for the calls of our own (idle, turn).
TEXT ·kernelCall(SB),NOSPLIT,$0-32
	MOVQ	nr+0(FP), AX
	MOVQ	a+8(FP), DI
	MOVQ	b+16(FP), SI
	SYSCALL
	MOVQ	AX, ret+24(FP)
	RET

// func framePointer() uint64: the caller's
TEXT ·framePointer(SB),NOSPLIT|NOFRAME,$0-8
	MOVQ	BP, ret+0(FP)
	RET

TEXT ·readFS(SB),NOSPLIT,$0-8
	RDFSBASEQ AX
	MOVQ	AX, ret+0(FP)
	RET
