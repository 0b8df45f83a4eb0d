// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"

// FRAMELESS is the frame size of code that is no function: it is entered by the
// hardware, so the checks of go vet on frames have nothing to say about it.
#define FRAMELESS 0

// CSR instructions are written CSRRW rs, csr, rd. TP is the hart (mmode.hart) while
// machine mode runs, and mscratch 0; in a lower mode mscratch is the hart.

#define CSRW(reg, csr) CSRRW reg, csr, X0
#define CSRR(csr, reg) CSRRS X0, csr, reg

// Start: see its declaration. Translation is off, .bss not yet zero, and what lies
// behind the image is what was there before the reset. All harts come here at once.
TEXT ·Start(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRCI	$const_statusMIE, MSTATUS, X0
	CSRW(X0, MIE)
	CSRW(X0, MSCRATCH)
	MOV	$·trap(SB), X5
	CSRW(X5, MTVEC)
	CSRR(MHARTID, X18)
	MOV	X11, X19
	MOV	X12, X20
	MOV	$runtime·text(SB), X21	// the image begins a page before
	MOV	$-const_pageSize, X5
	ADD	X5, X21
	MOV	(const_flatHeader+const_headerStage)(X21), X22
	ADD	X21, X22		// the stage

	MOV	$·state(SB), X23
	MOV	$const_stateTaken, X5
	AMOORW	X5, (X23), X6
	AND	$const_stateTaken, X6
	BNEZ	X6, wait

	// One hart: clears the stage, but for its stacks, and fills it.
	MOV	X22, X5
	MOV	$stage_stacks, X6
	ADD	X22, X6
clear:
	MOV	X0, (X5)
	ADD	$8, X5
	BLTU	X5, X6, clear
	MOV	$stage_harts, X5
	ADD	X22, X5
	ADD	$hart_g, X5, g
	MOV	$stage__size, X2
	ADD	X22, X2
	AND	$~15, X2
	MOV	$const_statusVector, X5	// comparing strings may use vectors
	CSRRS	X5, MSTATUS, X0
	ADD	$-48, X2
	MOV	X22, 8(X2)
	MOV	X18, 16(X2)
	MOV	X19, 24(X2)
	MOV	X20, 32(X2)
	CALL	·boot(SB)
	MOV	$·state(SB), X23
	MOV	$1, X24	// this hart was at boot
	JMP	made

	// The others, until it is filled: then they are interrupted, but those of which
	// the stage doesn't know.
wait:
	MOV	X0, X24
	MOV	$const_machineSoft, X5
	CSRW(X5, MIE)
	JMP	look
sleep:
	WORD	$const_wfi
look:
	MOVWU	(X23), X5
	AND	$const_stateReady, X5
	BEQZ	X5, sleep
	FENCE
made:
	// Registers of the stack's time are gone.
	CSRR(MHARTID, X18)
	MOV	$runtime·text(SB), X21
	MOV	$-const_pageSize, X5
	ADD	X5, X21
	MOV	(const_flatHeader+const_headerStage)(X21), X22
	ADD	X21, X22
	MOV	$stage_count, X5
	ADD	X22, X5
	MOVWU	(X5), X6
	MOV	$stage_harts, TP
	ADD	X22, TP
find:
	BEQZ	X6, unknown
	MOV	hart_id(TP), X5
	BEQ	X5, X18, found
	ADD	$hart__size, TP
	ADD	$-1, X6
	JMP	find
unknown:
	CSRW(X0, MIE)
	BEQZ	X24, forever
	MOV	$stage__size, X2
	ADD	X22, X2
	AND	$~15, X2
	ADD	$-16, X2
	MOV	X22, 8(X2)
	CALL	·await(SB)
forever:
	WORD	$const_wfi
	JMP	forever

found:
	// What lower modes may do. The first entry of the PMP that matches counts.
	MOV	$·skip(SB), X5
	CSRW(X5, MTVEC)
	MOV	$(const_stageSize/2-1), X5
	OR	X22, X5
	SRL	$2, X5
	CSRW(X5, PMPADDR0)
	MOV	$const_pmpAll, X5
	CSRW(X5, PMPADDR1)
	MOV	$const_pmpConfig, X5
	CSRW(X5, PMPCFG0)
	WORD	$const_fenceVMA
	MOV	$const_delegatedExceptions, X5
	CSRW(X5, MEDELEG)
	MOV	$const_delegated, X5
	CSRW(X5, MIDELEG)
	MOV	$const_counters, X5
	CSRW(X5, MCOUNTEREN)
	CSRW(X5, SCOUNTEREN)
	CSRW(X0, MCOUNTINHIBIT)
	MOV	$0, X7			// what menvcfg has: nothing, if it isn't there
	MOV	hart_env(TP), X5
	CSRW(X5, MENVCFG)
	CSRR(MENVCFG, X7)
	AND	X7, X5
	MOV	X5, hart_env(TP)
	BGEZ	X5, untimed		// EnvTimer is the sign
	MOV	$-1, X5			// no timer yet
	CSRW(X5, STIMECMP)
untimed:
	MOV	$0, X10			// a trap leaves 1
	CSRR(TIME, X5)
	MOV	$·trap(SB), X5
	CSRW(X5, MTVEC)
	BNEZ	X10, noTime
	MOV	$const_machineSoft, X5
	CSRW(X5, MIE)
	JMP	·lower(SB)
noTime:
	MOV	$·noTimeText(SB), X8
	JMP	·failed(SB)

// skip passes over an instruction that traps: a register that the hart doesn't have.
// X10 tells.
TEXT ·skip(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	CSRR(MEPC, X10)
	ADD	$4, X10
	CSRW(X10, MEPC)
	MOV	$1, X10
	WORD	$const_mret

// lower parks the hart TP until it is started, and enters supervisor mode.
TEXT ·lower(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	hart_stack(TP), X2
	ADD	$hart_g, TP, g
	ADD	$-32, X2
	MOV	TP, 8(X2)
	CALL	·park(SB)
	MOV	16(X2), X5
	MOV	24(X2), X11
	MOV	hart_id(TP), X10
	CSRW(X5, MEPC)
	MOV	$const_statusClear, X5
	CSRRC	X5, MSTATUS, X0
	MOV	$const_statusEnter, X5
	CSRRS	X5, MSTATUS, X0
	CSRW(X0, SATP)
	CSRW(X0, STVEC)
	CSRW(X0, SSCRATCH)
	MOV	$const_machineSoft, X5
	CSRW(X5, MIE)			// none of supervisor mode's
	MOV	$(const_softInterrupt|const_timerInterrupt), X5
	CSRRC	X5, MIP, X0
	WORD	$const_fenceVMA
	WORD	$const_fenceI
	CSRW(TP, MSCRATCH)
	MOV	$0, X1			// nothing of here is to be seen there
	MOV	$0, X2
	MOV	$0, X3
	MOV	$0, TP
	MOV	$0, X5
	MOV	$0, X6
	MOV	$0, X7
	MOV	$0, X8
	MOV	$0, X9
	MOV	$0, X12
	MOV	$0, X13
	MOV	$0, X14
	MOV	$0, X15
	MOV	$0, X16
	MOV	$0, X17
	MOV	$0, X18
	MOV	$0, X19
	MOV	$0, X20
	MOV	$0, X21
	MOV	$0, X22
	MOV	$0, X23
	MOV	$0, X24
	MOV	$0, X25
	MOV	$0, X26
	MOV	$0, g
	MOV	$0, X28
	MOV	$0, X29
	MOV	$0, X30
	WORD	$const_mret

#define REG(n) (hart_regs+8*n)(TP)

// trap: every trap to machine mode. Interrupts need two registers. Jumps to other
// functions wait until X31, the linker's, is saved.
TEXT ·trap(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PCALIGN	$4
	CSRRW	TP, MSCRATCH, TP
	BEQZ	TP, inside
	MOV	X5, REG(5)
	MOV	X6, REG(6)
	CSRR(MCAUSE, X5)
	BGEZ	X5, exception
	SLL	$1, X5
	MOV	$(2*const_causeSoft), X6
	BEQ	X5, X6, soft
	MOV	$(2*const_causeTimer), X6
	BNE	X5, X6, inside

	// The timer, of a hart without Sstc: becomes supervisor mode's.
	MOV	$const_machineTimer, X5
	CSRRC	X5, MIE, X0
	MOV	$const_timerInterrupt, X5
	CSRRS	X5, MIP, X0
	JMP	out

	// Others ask something: hart.absorb, in short.
soft:
	MOV	hart_soft(TP), X5
	MOVW	X0, (X5)
	FENCE
	ADD	$hart_ipi, TP, X5
	AMOSWAPW X0, (X5), X6
	BEQZ	X6, fences
	MOV	$const_softInterrupt, X5
	CSRRS	X5, MIP, X0
fences:
	MOV	hart_wanted(TP), X5	// both kinds at once
	MOV	hart_done(TP), X6
	BEQ	X5, X6, out
	MOV	$0, X6
	JMP	save

out:
	MOV	REG(5), X5
	MOV	REG(6), X6
	CSRRW	TP, MSCRATCH, TP
	WORD	$const_mret

exception:
	MOV	$const_causeCall, X6
	BNE	X5, X6, inside
	CSRR(MEPC, X5)
	ADD	$4, X5
	CSRW(X5, MEPC)
	MOV	$1, X6
save:	// X6: is it a call?
	MOV	X1, REG(1)
	MOV	X2, REG(2)
	MOV	X3, REG(3)
	MOV	X7, REG(7)
	MOV	X8, REG(8)
	MOV	X9, REG(9)
	MOV	X10, REG(10)
	MOV	X11, REG(11)
	MOV	X12, REG(12)
	MOV	X13, REG(13)
	MOV	X14, REG(14)
	MOV	X15, REG(15)
	MOV	X16, REG(16)
	MOV	X17, REG(17)
	MOV	X18, REG(18)
	MOV	X19, REG(19)
	MOV	X20, REG(20)
	MOV	X21, REG(21)
	MOV	X22, REG(22)
	MOV	X23, REG(23)
	MOV	X24, REG(24)
	MOV	X25, REG(25)
	MOV	X26, REG(26)
	MOV	g, REG(27)
	MOV	X28, REG(28)
	MOV	X29, REG(29)
	MOV	X30, REG(30)
	MOV	X31, REG(31)
	CSRRW	X0, MSCRATCH, X5
	MOV	X5, REG(4)
	MOV	hart_stack(TP), X2
	ADD	$hart_g, TP, g
	ADD	$-32, X2
	MOV	TP, 8(X2)
	MOV	X6, 16(X2)
	CALL	·serve(SB)
	MOVBU	24(X2), X5
	BNEZ	X5, stopped
	MOV	REG(1), X1
	MOV	REG(2), X2
	MOV	REG(3), X3
	MOV	REG(6), X6
	MOV	REG(7), X7
	MOV	REG(8), X8
	MOV	REG(9), X9
	MOV	REG(10), X10
	MOV	REG(11), X11
	MOV	REG(12), X12
	MOV	REG(13), X13
	MOV	REG(14), X14
	MOV	REG(15), X15
	MOV	REG(16), X16
	MOV	REG(17), X17
	MOV	REG(18), X18
	MOV	REG(19), X19
	MOV	REG(20), X20
	MOV	REG(21), X21
	MOV	REG(22), X22
	MOV	REG(23), X23
	MOV	REG(24), X24
	MOV	REG(25), X25
	MOV	REG(26), X26
	MOV	REG(27), g
	MOV	REG(28), X28
	MOV	REG(29), X29
	MOV	REG(30), X30
	MOV	REG(31), X31
	CSRW(TP, MSCRATCH)
	MOV	REG(5), X5
	MOV	REG(4), TP
	WORD	$const_mret
stopped:
	JMP	·lower(SB)

	// A trap of machine mode itself, or one that it doesn't have.
inside:
	MOV	$·trapText(SB), X8
	JMP	·failed(SB)
