//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"
#include "frameless.h"

// The trap path. Read doc.go first; the register names below are hardware's.
// GS points to this CPU's CPU structure whenever the kernel runs.

// SAVE_REST stores into the Context at DI all general registers but DI, AX,
// CX, R11, SP and the instruction pointer, which differ by the way in.
#define SAVE_REST \
	MOVQ R15, Context_R15(DI) \
	MOVQ R14, Context_R14(DI) \
	MOVQ R13, Context_R13(DI) \
	MOVQ R12, Context_R12(DI) \
	MOVQ BP, Context_RBP(DI) \
	MOVQ BX, Context_RBX(DI) \
	MOVQ R10, Context_R10(DI) \
	MOVQ R9, Context_R9(DI) \
	MOVQ R8, Context_R8(DI) \
	MOVQ DX, Context_RDX(DI) \
	MOVQ SI, Context_RSI(DI)

// SAVE_TRAPPED stores all general registers but SP after a trap; DI's own value
// lies on top of the trap's frame and goes from there.
#define SAVE_TRAPPED \
	SAVE_REST \
	MOVQ AX, Context_RAX(DI) \
	MOVQ CX, Context_RCX(DI) \
	MOVQ R11, Context_R11(DI) \
	POPQ Context_RDI(DI)

// POP_FRAME moves the rest of a trap's frame, from the error code on, into the
// Context at DI, and the faulting address. Clobbers AX.
#define POP_FRAME \
	POPQ Context_Err(DI) \
	POPQ Context_RIP(DI) \
	POPQ Context_CS(DI) \
	POPQ Context_RFLAGS(DI) \
	POPQ Context_RSP(DI) \
	POPQ Context_SS(DI) \
	MOVQ CR2, AX \
	MOVQ AX, Context_CR2(DI)

#define LOAD_REST \
	MOVQ Context_R15(DI), R15 \
	MOVQ Context_R14(DI), R14 \
	MOVQ Context_R13(DI), R13 \
	MOVQ Context_R12(DI), R12 \
	MOVQ Context_RBP(DI), BP \
	MOVQ Context_RBX(DI), BX \
	MOVQ Context_R10(DI), R10 \
	MOVQ Context_R9(DI), R9 \
	MOVQ Context_R8(DI), R8 \
	MOVQ Context_RDX(DI), DX \
	MOVQ Context_RSI(DI), SI

// XSTATE_MASK loads into AX the components to move. DX, the mask's upper half,
// may hold anything: no component above 31 is ever enabled, and the processor
// ANDs the mask with XCR0 (SDM vol. 1, 13.7).
#define XSTATE_MASK \
	MOVQ CPU_xcr0(GS), AX

// syscallEntry: SYSCALL from anywhere. CX = return address, R11 = flags,
// interrupts off by FMASK. A user program can't have a negative return
// address: the upper half isn't its to execute, and the last page of the
// lower half is never mapped.
//
//loam:nocall except=runtimeCallEntry
TEXT ·syscallEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	TESTQ	CX, CX
	JMI	fromkernel
	SWAPGS
	MOVQ	SP, CPU_scratch(GS)
	MOVQ	CPU_ctx(GS), SP
	MOVQ	DI, Context_RDI(SP)
	MOVQ	SP, DI
	SAVE_REST
	MOVQ	AX, Context_RAX(DI)
	MOVQ	AX, Context_OrigRAX(DI)
	// RCX and R11 are lost to the caller by SYSCALL's definition: what their
	// slots hold is the thread's own older values, good enough.
	MOVQ	CX, Context_RIP(DI)
	MOVQ	R11, Context_RFLAGS(DI)
	MOVQ	CPU_scratch(GS), CX
	MOVQ	CX, Context_RSP(DI)
	MOVQ	$0, Context_Full(DI)
	MOVL	$const_TrapSyscall, CX
	JMP	·userTrapTail(SB)
fromkernel:
	JMP	·runtimeCallEntry(SB)

// runtimeCallEntry: SYSCALL from Go's runtime in the kernel.
TEXT ·runtimeCallEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOVQ	SP, CPU_scratch(GS)
	MOVQ	CPU_kctx(GS), SP
	MOVQ	DI, Context_RDI(SP)
	MOVQ	SP, DI
	SAVE_REST
	MOVQ	AX, Context_RAX(DI)
	MOVQ	CX, Context_RIP(DI)
	MOVQ	R11, Context_RFLAGS(DI)
	MOVQ	CPU_scratch(GS), CX
	MOVQ	CX, Context_RSP(DI)
	MOVQ	$0, Context_Full(DI)
	RDFSBASEQ AX
	MOVQ	AX, Context_FSBase(DI)
	MOVQ	CPU_machineSP(GS), SP
	MOVQ	CPU_machineFS(GS), AX
	WRFSBASEQ AX
	MOVQ	$1, CPU_inMachine(GS)
	XORL	BP, BP
	SUBQ	$16, SP
	MOVQ	CPU_self(GS), AX
	MOVQ	AX, 0(SP)
	CALL	·runtimeCall(SB)
	JMP	·resume(SB)

// userTrapTail ends every way in from user mode: DI = Context, CX = Trap.
// Saves the FPU, returns from Enter. No CALL from the trap to here.
TEXT ·userTrapTail(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	XSTATE_MASK
	XSAVE64	Context_fpu(DI)
	LDMXCSR	·kernelMXCSR(SB)	// the user may have unmasked exceptions
	RDFSBASEQ AX
	MOVQ	AX, Context_FSBase(DI)
	MOVQ	CPU_runnerSP(GS), SP
	MOVQ	CPU_runnerBP(GS), BP
	MOVQ	CPU_runnerFS(GS), AX
	WRFSBASEQ AX
	MOVQ	CX, Context_Vector(DI)	// Enter's result
	RET

// kernelMXCSR: all exceptions masked, round to nearest.
DATA ·kernelMXCSR+0(SB)/4, $0x1f80
GLOBL ·kernelMXCSR(SB), RODATA, $4

// func enter(c *Context)
//
// Loads the user state of c and runs it; the next trap comes back as this
// call's return. Interrupts are off in the caller, which has loaded c's root. A Context with Full == 0
// was left by SYSCALL and has not been touched but for RAX: SYSRET is enough.
//
//loam:nocall
TEXT ·enter(SB),NOSPLIT|NOFRAME,$FRAMELESS-8
	MOVQ	c+0(FP), DI
	MOVQ	SP, CPU_runnerSP(GS)
	MOVQ	BP, CPU_runnerBP(GS)
	CMPQ	DI, CPU_ctx(GS)
	JNE	newctx
ctxset:
	XSTATE_MASK
	XRSTOR64 Context_fpu(DI)
	MOVQ	Context_FSBase(DI), AX
	WRFSBASEQ AX
	LOAD_REST
	CMPQ	Context_Full(DI), $0
	JNE	full
	MOVQ	Context_RAX(DI), AX
	MOVQ	Context_RIP(DI), CX
	MOVQ	Context_RFLAGS(DI), R11
	MOVQ	Context_RSP(DI), SP
	MOVQ	Context_RDI(DI), DI
	SWAPGS
	BYTE $0x48; BYTE $0x0f; BYTE $0x07	// SYSRETQ
full:
	MOVQ	CPU_machineSP(GS), SP
	PUSHQ	Context_SS(DI)
	PUSHQ	Context_RSP(DI)
	PUSHQ	Context_RFLAGS(DI)
	PUSHQ	Context_CS(DI)
	PUSHQ	Context_RIP(DI)
	MOVQ	Context_RAX(DI), AX
	MOVQ	Context_RCX(DI), CX
	MOVQ	Context_R11(DI), R11
	MOVQ	Context_RDI(DI), DI
	SWAPGS
	IRETQ
newctx:
	// Another thread than last time: the user's GS base stays in the processor
	// between entries of one thread, until another one's or (*CPU).Leave.
	MOVQ	CPU_ctx(GS), CX
	MOVQ	DI, CPU_ctx(GS)
	MOVQ	Context_GSBase(DI), AX
	SWAPGS
	RDGSBASEQ DX
	WRGSBASEQ AX
	SWAPGS
	TESTQ	CX, CX
	JZ	ctxset
	MOVQ	DX, Context_GSBase(CX)
	JMP	ctxset

// trap: every vector's stub pushed an error code (the CPU's or 0) and its
// number on the trap stack:
//	0(SP) vector, 8 error, 16 RIP, 24 CS, 32 RFLAGS, 40 RSP, 48 SS
//
//loam:nocall except=kernelTrapEntry
TEXT ·trap(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	TESTB	$3, 24(SP)
	JZ	fromkernel
	SWAPGS
	PUSHQ	DI
	MOVQ	CPU_ctx(GS), DI
	SAVE_TRAPPED
	POPQ	CX
	POP_FRAME
	MOVQ	$1, Context_Full(DI)
	MOVQ	$-1, Context_OrigRAX(DI)	// no call to restart
	PUSHQ	$2	// AC, DF and NT may be the user's: clear them
	POPFQ
	JMP	·userTrapTail(SB)
fromkernel:
	JMP	·kernelTrapEntry(SB)

// func awaitInterrupt()
//
// Halts the CPU; the interrupt comes back as this call's return, with interrupts off.
// Between STI and HLT none comes, so haltSP is 0 but in the HLT.
TEXT ·awaitInterrupt(SB),NOSPLIT|NOFRAME,$FRAMELESS
	MOVQ	SP, CPU_haltSP(GS)
	STI
	HLT
	JMP	-2(PC)

// haltEnd: the frame of trap, taken in awaitInterrupt, from which this returns.
TEXT ·haltEnd(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOVQ	0(SP), AX
	MOVQ	AX, CPU_woken(GS)
	MOVQ	CPU_haltSP(GS), SP
	MOVQ	$0, CPU_haltSP(GS)
	RET

// kernelTrapEntry: the frame of trap, taken in the kernel.
TEXT ·kernelTrapEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CMPQ	CPU_haltSP(GS), $0
	JNE	halted
	CMPQ	CPU_inMachine(GS), $0
	JNE	fatal
	PUSHQ	DI
	MOVQ	CPU_kctx(GS), DI
	SAVE_TRAPPED
	POPQ	Context_Vector(DI)
	POP_FRAME
	MOVQ	$1, Context_Full(DI)
	PUSHQ	$2
	POPFQ
	XSTATE_MASK
	XSAVE64	Context_fpu(DI)
	RDFSBASEQ AX
	MOVQ	AX, Context_FSBase(DI)
	MOVQ	CPU_machineSP(GS), SP
	MOVQ	CPU_machineFS(GS), AX
	WRFSBASEQ AX
	MOVQ	$1, CPU_inMachine(GS)
	XORL	BP, BP
	SUBQ	$16, SP
	MOVQ	CPU_self(GS), AX
	MOVQ	AX, 0(SP)
	CALL	·kernelTrap(SB)
	JMP	·resume(SB)
halted:
	JMP	·haltEnd(SB)
fatal:
	JMP	·fatalTrap(SB)

// resume runs the kernel thread that kctx names.
TEXT ·resume(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOVQ	CPU_kctx(GS), DI
	MOVQ	CPU_machineSP(GS), SP
	PUSHQ	$const_kernelSS
	PUSHQ	Context_RSP(DI)
	PUSHQ	Context_RFLAGS(DI)
	PUSHQ	$const_kernelCS
	PUSHQ	Context_RIP(DI)
	MOVQ	Context_FSBase(DI), AX
	WRFSBASEQ AX
	MOVQ	$0, CPU_inMachine(GS)
	CMPQ	Context_Full(DI), $0
	JEQ	voluntary
	XSTATE_MASK
	XRSTOR64 Context_fpu(DI)
	MOVQ	Context_RCX(DI), CX
	MOVQ	Context_R11(DI), R11
	JMP	load
voluntary:
	// A call gives up all vector registers; Go's ABI wants X15 zero.
	XORPS	X15, X15
load:
	LOAD_REST
	MOVQ	Context_RAX(DI), AX
	MOVQ	Context_RDI(DI), DI
	IRETQ

// fatalTrap: a trap while machine code ran. The frame is the one of trap.
// Everything goes into panicContext; the report runs on the panic stack.
TEXT ·fatalTrap(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PUSHQ	DI
	MOVQ	$·panicContext(SB), DI
	SAVE_TRAPPED
	POPQ	Context_Vector(DI)
	POP_FRAME
	MOVQ	CPU_panicSP(GS), SP
	MOVQ	CPU_machineFS(GS), AX
	WRFSBASEQ AX
	XORL	BP, BP
	SUBQ	$16, SP
	MOVQ	CPU_self(GS), AX
	MOVQ	AX, 0(SP)
	CALL	·machinePanic(SB)
	JMP	0(PC)

// paranoid: NMI, double fault, machine check; they come at any instruction,
// between SWAPGS and the change of stack too, so CS doesn't tell whose GS is
// loaded. Nor does its sign: WRGSBASE lets a user have any. The top of each of
// these stacks holds the address of the CPU, above the frame of trap.
TEXT ·paranoid(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	PUSHQ	AX
	MOVQ	(8+7*8+8)(SP), AX	// AX, the frame, the stack's alignment
	WRGSBASEQ AX	// all three are fatal: nobody needs the old one
	MOVL	·stopping(SB), AX	// another CPU panics: this one is to stand still
	TESTL	AX, AX
	JZ	report
	DECL	AX
	CMPQ	CPU_id(GS), AX
	JNE	still
report:
	POPQ	AX
	JMP	·fatalTrap(SB)
still:
	CLI
	HLT
	JMP	-1(PC)
