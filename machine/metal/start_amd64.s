//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"
#include "frameless.h"

// FPU_ON sets CR0 (no emulation, no lazy FPU, write protection on) and the bits of
// CR4 for SSE.
#define FPU_ON \
	MOVQ	CR0, AX \
	ANDQ	$~0xc, AX	/* EM, TS */ \
	ORQ	$0x10022, AX	/* WP, NE, MP */ \
	MOVQ	AX, CR0 \
	MOVQ	CR4, AX \
	ORQ	$0x600, AX	/* OSFXSR, OSXMMEXCPT */ \
	MOVQ	AX, CR4

// ENTER_CPU turns XSAVE and FSGSBASE on, which the processor has, and makes
// machine code run on the CPU whose structure is at DI.
#define ENTER_CPU \
	MOVQ	CR4, AX \
	ORQ	$0x50000, AX	/* OSXSAVE, FSGSBASE */ \
	MOVQ	AX, CR4 \
	WRGSBASEQ DI \
	MOVQ	CPU_machineFS(DI), AX \
	WRFSBASEQ AX \
	MOVQ	$1, CPU_inMachine(DI)

// start: the image's trampoline comes here in 64-bit mode on the early page
// tables, interrupts off, DI = physical address of the PVH start info,
// SI = address of the image header (machine/bootinfo).
TEXT ·start(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	// Until there is an interrupt table a fault resets the machine: no vector
	// fits into a table of no length. The emulator says so and ends.
	LIDT	·noTable(SB)
	MOVQ	$·bootStack(SB), SP
	ADDQ	$const_bootStackSize, SP
	ANDQ	$~15, SP
	XORL	BP, BP
	MOVQ	DI, R12
	MOVQ	SI, R13

	FPU_ON
	// XSAVE and FSGSBASE, which the entry code stands on; boot has no console
	// yet, so a processor without them says so here.
	MOVL	$1, AX
	XORL	CX, CX
	CPUID
	BTL	$26, CX		// XSAVE
	JCC	unfit
	MOVL	$7, AX
	XORL	CX, CX
	CPUID
	BTL	$0, BX		// FSGSBASE
	JCC	unfit
	MOVQ	$·cpus(SB), DI
	MOVQ	DI, CPU_self(DI)
	LEAQ	CPU_fakeG(DI), AX
	MOVQ	AX, CPU_tls(DI)
	LEAQ	(CPU_tls+8)(DI), AX
	MOVQ	AX, CPU_machineFS(DI)
	ENTER_CPU

	SUBQ	$32, SP
	MOVQ	DI, 0(SP)
	MOVQ	R12, 8(SP)
	MOVQ	R13, 16(SP)
	CALL	·boot(SB)	// makes the first kernel thread
	JMP	·resume(SB)
unfit:
	MOVQ	$·unfitText(SB), SI
	MOVQ	$0x3f8, DX
next:
	MOVB	(SI), AX
	TESTB	AX, AX
	JZ	end
	OUTB
	INCQ	SI
	JMP	next
end:
	MOVL	$0x11, AX
	MOVQ	$0xf4, DX
	OUTL
	HLT
	JMP	-1(PC)

// other: the start-up code of another CPU comes here in 64-bit mode on the start
// tables, interrupts off, DI = its CPU structure, prepared by the boot CPU. A
// processor that differs from the boot CPU faults here, which resets it, or halts:
// it is not waited for long.
TEXT ·other(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	LIDT	·noTable(SB)
	MOVQ	CPU_machineSP(DI), SP
	XORL	BP, BP
	FPU_ON
	ENTER_CPU
	SUBQ	$16, SP
	MOVQ	DI, 0(SP)
	CALL	·bootOther(SB)
	JMP	·resume(SB)

TEXT ·otherEntry(SB),NOSPLIT,$0-8
	MOVQ	$·other(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

GLOBL ·noTable(SB), RODATA, $16

DATA ·unfitText+0(SB)/64, $"loam: this processor lacks XSAVE or FSGSBASE (Intel: Ivy Bridge "
DATA ·unfitText+64(SB)/32, $"2012, AMD: Zen 2017 have both)\r\n"
GLOBL ·unfitText(SB), RODATA, $104 // and zeros: the end

// Stubs of the vectors, 16 bytes each, so that the table can be computed.
// The pushes are bytes, for the assembler would add up the stack of all.
#define PUSHBYTE(n) BYTE $0x6a; BYTE $(n)
#define STUB(n) PCALIGN $16; PUSHBYTE(0); PUSHBYTE(n); JMP ·trap(SB);
#define STUBERR(n) PCALIGN $16; PUSHBYTE(n); JMP ·trap(SB);
#define STUBIST(n) PCALIGN $16; PUSHBYTE(0); PUSHBYTE(n); JMP ·paranoid(SB);
#define STUBISTERR(n) PCALIGN $16; PUSHBYTE(n); JMP ·paranoid(SB);
#define STUB8(n) STUB(n) STUB(n+1) STUB(n+2) STUB(n+3) STUB(n+4) STUB(n+5) STUB(n+6) STUB(n+7)

TEXT ·stubs(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	STUB(0)
	STUB(1)
	STUBIST(2)
	STUB(3)
	STUB(4)
	STUB(5)
	STUB(6)
	STUB(7)
	STUBISTERR(8)
	STUB(9)
	STUBERR(10)
	STUBERR(11)
	STUBERR(12)
	STUBERR(13)
	STUBERR(14)
	STUB(15)
	STUB(16)
	STUBERR(17)
	STUBIST(18)
	STUB(19)
	STUB(20)
	STUBERR(21)
	STUB(22)
	STUB(23)
	STUB8(24)
	STUB8(32)
	STUB8(40)
	STUB8(48)
	STUB8(56)
	STUB8(64)
	STUB8(72)
	STUB8(80)
	STUB8(88)

TEXT ·entries(SB),NOSPLIT,$0-32
	MOVQ	$·start(SB), AX
	MOVQ	AX, start+0(FP)
	MOVQ	$·stubs(SB), AX
	MOVQ	AX, stubs+8(FP)
	MOVQ	$·syscallEntry(SB), AX
	MOVQ	AX, syscallEntry+16(FP)
	MOVQ	$·idleLoop(SB), AX
	MOVQ	AX, idleLoop+24(FP)
	RET
