//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"
#include "frameless.h"

#define FENCE_VMA	WORD $const_fenceVMA

// CLEAR stores zeros from one symbol up to another, in words. Clobbers X5 and X6.
#define CLEAR(from, to) \
	MOV	$from(SB), X5 \
	MOV	$to(SB), X6 \
	BGEU	X5, X6, 4(PC) \
	MOV	X0, (X5) \
	ADD	$8, X5 \
	JMP	-3(PC)

// start: the image's first instruction jumps here, at a physical address with
// translation off, A0 = hart, A1 = physical address of the devicetree. In supervisor
// mode reading MHARTID is illegal and traps to supervisor; in machine mode the stage
// goes first (package mmode), and comes there too.
TEXT ·start(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	$·supervisor(SB), A2
	CSRRW	A2, STVEC, X0
	CSRRS	X0, MHARTID, X5
	JMP	loam∕machine∕mmode·Start(SB)

// supervisor: as start, in supervisor mode. It builds the early tables: gigapages
// for a direct map, and 2 MiB pages from where the image is linked to where it lies.
// Nothing maps the addresses at which this runs: when translation is on, fetching the
// next instruction faults, and goes on at high.
//
// Only one hart may: another that comes is one that firmware let go too early (others_riscv64.go).
TEXT ·supervisor(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRW	X0, SIE, X0
	MOV	$·entered(SB), X5
	MOV	$const_enteredOnce, X6
	AMOORW	X6, (X5), X6
	AND	$const_enteredOnce, X6
	BEQ	X6, X0, once
	JMP	·lost(SB)
once:
	MOV	$const_statusClear, X5
	CSRRC	X5, SSTATUS, X0
	CLEAR(runtime·bss, runtime·ebss)
	CLEAR(runtime·noptrbss, runtime·enoptrbss)
	MOV	$runtime·text(SB), S2
	MOV	$const_pageSize, X5
	SUB	X5, S2	// where the image lies; linked at const_imageLinked
	MOV	$(const_hugePage-1), X5
	AND	S2, X5
	BEQ	X5, X0, placed
	MOV	$·misplaced(SB), S2	// no page fits
	JMP	tell
placed:
	MOV	$·earlyTables(SB), S3
	ADD	$(const_pageSize-1), S3
	MOV	$-const_pageSize, X5
	AND	X5, S3	// the root; the next page is the table of the image
	// The direct map: entry 256+i maps gigabyte i.
	MOV	$(256*8), X5
	ADD	S3, X5
	MOV	$const_earlyGigabytes, X6
	MOV	$const_earlyLeaf, X7
	MOV	$(1<<28), X8	// a gigabyte, as an entry has it
direct:
	MOV	X7, (X5)
	ADD	X8, X7
	ADD	$8, X5
	ADD	$-1, X6
	BNE	X6, X0, direct
	// The image.
	MOV	$const_pageSize, X9
	ADD	S3, X9
	SRL	$2, X9, X7
	ADD	$const_earlyTable, X7
	MOV	X7, (const_imageRoot*8)(S3)
	SRL	$2, S2, X7
	MOV	$const_earlyImageLeaf, X5
	ADD	X5, X7
	MOV	$(1<<19), X8	// 2 MiB
	ADD	$(const_imageFirst*8), X9
	MOV	$const_earlyImagePages, X6
image:
	MOV	X7, (X9)
	ADD	X8, X7
	ADD	$8, X9
	ADD	$-1, X6
	BNE	X6, X0, image
	MOV	$const_imageLinked, X5
	SUB	S2, X5	// from physical to linked addresses
	MOV	$·high(SB), X6
	ADD	X5, X6
	CSRRW	X6, STVEC, X0
	SRL	$12, S3, X7
	MOV	$const_satpSv39, X8
	OR	X8, X7
	FENCE_VMA
	CSRRW	X7, SATP, X0
	FENCE_VMA
	// Still here: satp has not taken it.
	MOV	$·untranslated(SB), S2
tell:
	MOV	$·standStill(SB), X5
	CSRRW	X5, STVEC, X0
text:
	MOVBU	(S2), A0
	ADD	$1, S2
	BEQ	A0, X0, end
	MOV	$const_sbiPutchar, A7
	ECALL
	JMP	text
end:
	MOV	$const_defaultTest, X5
	MOV	$const_finishPanic, X6
	MOVW	X6, (X5)
	JMP	·standStill(SB)

// standStill: nothing else can be done.
TEXT ·standStill(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	WORD	$const_wfi
	JMP	-1(PC)

DATA ·untranslated+0(SB)/62, $"loam: kernel panic: this hart can't translate addresses (Sv39)"
DATA ·untranslated+62(SB)/2, $"\r\n"
GLOBL ·untranslated(SB), RODATA, $72
DATA ·misplaced+0(SB)/62, $"loam: kernel panic: the image doesn't lie at a multiple of 2 M"
DATA ·misplaced+62(SB)/4, $"iB\r\n"
GLOBL ·misplaced(SB), RODATA, $72

// high: at the linked address; A0, A1 and S2 as they were.
TEXT ·high(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	$·earlyTrap(SB), X5
	CSRRW	X5, STVEC, X0
	CSRRW	X0, SSCRATCH, X0
	MOV	$·cpus(SB), TP
	MOV	$CPU_fakeG(TP), g
	MOV	$·bootStack(SB), X2
	MOV	$const_bootStackSize, X5
	ADD	X5, X2
	AND	$-16, X2
	MOV	$1, X5
	MOV	X5, CPU_inMachine(TP)
	ADD	$-48, X2
	MOV	X0, 0(X2)
	MOV	TP, 8(X2)
	MOV	A0, 16(X2)
	MOV	A1, 24(X2)
	MOV	S2, 32(X2)
	CALL	·boot(SB)	// makes the first kernel thread
	JMP	·resume(SB)

// earlyTrap: a trap before boot has its stacks. It is reported like any other, on
// what is left of the boot stack; so is one of that report.
TEXT ·earlyTrap(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	X5, CPU_scratch(TP)
	MOV	$·bootStack(SB), X5
	ADD	$2047, X5
	ADD	$2047, X5
	AND	$-16, X5
	MOV	X5, CPU_panicSP(TP)
	JMP	·fatalTrap(SB)

// other: a hart that the boot hart has started comes here, as start; A1 = linked
// address of its CPU structure.
TEXT ·other(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRW	X0, SIE, X0
	MOV	$const_statusClear, X5
	CSRRC	X5, SSTATUS, X0
	MOV	$runtime·text(SB), X6
	MOV	$const_pageSize, X5
	SUB	X5, X6
	MOV	$const_imageLinked, X5
	SUB	X6, X5
	MOV	$·otherHigh(SB), X6
	ADD	X5, X6
	CSRRW	X6, STVEC, X0
	MOV	·otherSatp(SB), X7
	FENCE_VMA
	CSRRW	X7, SATP, X0
	FENCE_VMA
	JMP	0(PC)

TEXT ·otherHigh(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRW	X0, SSCRATCH, X0
	MOV	$·lost(SB), X5
	CSRRW	X5, STVEC, X0
	// The structure is this hart's if it has its ticket still, and takes it.
	ADD	$CPU_ticket, A1, X6
	ADD	$1, A0, X7
take:
	LRD	(X6), X8
	BNE	X8, X7, late
	SCD	X0, (X6), X8
	BNE	X8, X0, take
	MOV	A1, TP
	MOV	$·trapVector(SB), X5
	CSRRW	X5, STVEC, X0
	MOV	$CPU_fakeG(TP), g
	MOV	CPU_machineSP(TP), X2
	MOV	$1, X5
	MOV	X5, CPU_inMachine(TP)
	ADD	$-32, X2
	MOV	X0, 0(X2)
	MOV	TP, 8(X2)
	CALL	·bootOther(SB)
	MOVBU	16(X2), X5
	BEQ	X5, X0, other
	JMP	·resume(SB)

	// From here on the structure and the stack are the next hart's.
other:
	MOV	$const_unlike, X5
	FENCE
	MOVW	X5, (CPU_shared+shared_online)(TP)
late:
	JMP	·lost(SB)

// lost: a hart that came too late stops for good: by SBI's hart state management, and
// if that won't, here.
TEXT ·lost(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	$const_hsmExtension, A7
	MOV	$const_hsmStop, A6
	ECALL
stand:
	WORD	$const_wfi
	JMP	stand

// func entries() (start, trapVector, other, idleLoop uintptr)
TEXT ·entries(SB),NOSPLIT,$0-32
	MOV	$·start(SB), X5
	MOV	X5, start+0(FP)
	MOV	$·trapVector(SB), X5
	MOV	X5, trapVector+8(FP)
	MOV	$·other(SB), X5
	MOV	X5, other+16(FP)
	MOV	$·idleLoop(SB), X5
	MOV	X5, idleLoop+24(FP)
	RET
