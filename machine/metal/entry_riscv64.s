//go:build loam

// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"
#include "go_asm.h"
#include "frameless.h"

// The trap path. Read doc.go first. tp (TP) points to this hart's CPU structure
// whenever the kernel runs, and sscratch is 0; in user mode sscratch has it. All
// instructions here are whole words or what Go's assembler makes of them.

#define SRET	WORD $const_sret
#define FENCE_VMA	WORD $const_fenceVMA

// SAVE_REGS stores into the Context at X5 all registers but tp and X5.
#define SAVE_REGS \
	MOV	X1, (Context_X+8*1)(X5) \
	MOV	X2, (Context_X+8*2)(X5) \
	MOV	X3, (Context_X+8*3)(X5) \
	MOV	X6, (Context_X+8*6)(X5) \
	MOV	X7, (Context_X+8*7)(X5) \
	MOV	X8, (Context_X+8*8)(X5) \
	MOV	X9, (Context_X+8*9)(X5) \
	MOV	X10, (Context_X+8*10)(X5) \
	MOV	X11, (Context_X+8*11)(X5) \
	MOV	X12, (Context_X+8*12)(X5) \
	MOV	X13, (Context_X+8*13)(X5) \
	MOV	X14, (Context_X+8*14)(X5) \
	MOV	X15, (Context_X+8*15)(X5) \
	MOV	X16, (Context_X+8*16)(X5) \
	MOV	X17, (Context_X+8*17)(X5) \
	MOV	X18, (Context_X+8*18)(X5) \
	MOV	X19, (Context_X+8*19)(X5) \
	MOV	X20, (Context_X+8*20)(X5) \
	MOV	X21, (Context_X+8*21)(X5) \
	MOV	X22, (Context_X+8*22)(X5) \
	MOV	X23, (Context_X+8*23)(X5) \
	MOV	X24, (Context_X+8*24)(X5) \
	MOV	X25, (Context_X+8*25)(X5) \
	MOV	X26, (Context_X+8*26)(X5) \
	MOV	g, (Context_X+8*27)(X5) \
	MOV	X28, (Context_X+8*28)(X5) \
	MOV	X29, (Context_X+8*29)(X5) \
	MOV	X30, (Context_X+8*30)(X5) \
	MOV	X31, (Context_X+8*31)(X5)

// LOAD_REGS loads them.
#define LOAD_REGS \
	MOV	(Context_X+8*1)(X5), X1 \
	MOV	(Context_X+8*2)(X5), X2 \
	MOV	(Context_X+8*3)(X5), X3 \
	MOV	(Context_X+8*6)(X5), X6 \
	MOV	(Context_X+8*7)(X5), X7 \
	MOV	(Context_X+8*8)(X5), X8 \
	MOV	(Context_X+8*9)(X5), X9 \
	MOV	(Context_X+8*10)(X5), X10 \
	MOV	(Context_X+8*11)(X5), X11 \
	MOV	(Context_X+8*12)(X5), X12 \
	MOV	(Context_X+8*13)(X5), X13 \
	MOV	(Context_X+8*14)(X5), X14 \
	MOV	(Context_X+8*15)(X5), X15 \
	MOV	(Context_X+8*16)(X5), X16 \
	MOV	(Context_X+8*17)(X5), X17 \
	MOV	(Context_X+8*18)(X5), X18 \
	MOV	(Context_X+8*19)(X5), X19 \
	MOV	(Context_X+8*20)(X5), X20 \
	MOV	(Context_X+8*21)(X5), X21 \
	MOV	(Context_X+8*22)(X5), X22 \
	MOV	(Context_X+8*23)(X5), X23 \
	MOV	(Context_X+8*24)(X5), X24 \
	MOV	(Context_X+8*25)(X5), X25 \
	MOV	(Context_X+8*26)(X5), X26 \
	MOV	(Context_X+8*27)(X5), g \
	MOV	(Context_X+8*28)(X5), X28 \
	MOV	(Context_X+8*29)(X5), X29 \
	MOV	(Context_X+8*30)(X5), X30 \
	MOV	(Context_X+8*31)(X5), X31

#define SAVE_FLOAT \
	MOVD	F0, (Context_F+8*0)(X5) \
	MOVD	F1, (Context_F+8*1)(X5) \
	MOVD	F2, (Context_F+8*2)(X5) \
	MOVD	F3, (Context_F+8*3)(X5) \
	MOVD	F4, (Context_F+8*4)(X5) \
	MOVD	F5, (Context_F+8*5)(X5) \
	MOVD	F6, (Context_F+8*6)(X5) \
	MOVD	F7, (Context_F+8*7)(X5) \
	MOVD	F8, (Context_F+8*8)(X5) \
	MOVD	F9, (Context_F+8*9)(X5) \
	MOVD	F10, (Context_F+8*10)(X5) \
	MOVD	F11, (Context_F+8*11)(X5) \
	MOVD	F12, (Context_F+8*12)(X5) \
	MOVD	F13, (Context_F+8*13)(X5) \
	MOVD	F14, (Context_F+8*14)(X5) \
	MOVD	F15, (Context_F+8*15)(X5) \
	MOVD	F16, (Context_F+8*16)(X5) \
	MOVD	F17, (Context_F+8*17)(X5) \
	MOVD	F18, (Context_F+8*18)(X5) \
	MOVD	F19, (Context_F+8*19)(X5) \
	MOVD	F20, (Context_F+8*20)(X5) \
	MOVD	F21, (Context_F+8*21)(X5) \
	MOVD	F22, (Context_F+8*22)(X5) \
	MOVD	F23, (Context_F+8*23)(X5) \
	MOVD	F24, (Context_F+8*24)(X5) \
	MOVD	F25, (Context_F+8*25)(X5) \
	MOVD	F26, (Context_F+8*26)(X5) \
	MOVD	F27, (Context_F+8*27)(X5) \
	MOVD	F28, (Context_F+8*28)(X5) \
	MOVD	F29, (Context_F+8*29)(X5) \
	MOVD	F30, (Context_F+8*30)(X5) \
	MOVD	F31, (Context_F+8*31)(X5)

#define LOAD_FLOAT \
	MOVD	(Context_F+8*0)(X5), F0 \
	MOVD	(Context_F+8*1)(X5), F1 \
	MOVD	(Context_F+8*2)(X5), F2 \
	MOVD	(Context_F+8*3)(X5), F3 \
	MOVD	(Context_F+8*4)(X5), F4 \
	MOVD	(Context_F+8*5)(X5), F5 \
	MOVD	(Context_F+8*6)(X5), F6 \
	MOVD	(Context_F+8*7)(X5), F7 \
	MOVD	(Context_F+8*8)(X5), F8 \
	MOVD	(Context_F+8*9)(X5), F9 \
	MOVD	(Context_F+8*10)(X5), F10 \
	MOVD	(Context_F+8*11)(X5), F11 \
	MOVD	(Context_F+8*12)(X5), F12 \
	MOVD	(Context_F+8*13)(X5), F13 \
	MOVD	(Context_F+8*14)(X5), F14 \
	MOVD	(Context_F+8*15)(X5), F15 \
	MOVD	(Context_F+8*16)(X5), F16 \
	MOVD	(Context_F+8*17)(X5), F17 \
	MOVD	(Context_F+8*18)(X5), F18 \
	MOVD	(Context_F+8*19)(X5), F19 \
	MOVD	(Context_F+8*20)(X5), F20 \
	MOVD	(Context_F+8*21)(X5), F21 \
	MOVD	(Context_F+8*22)(X5), F22 \
	MOVD	(Context_F+8*23)(X5), F23 \
	MOVD	(Context_F+8*24)(X5), F24 \
	MOVD	(Context_F+8*25)(X5), F25 \
	MOVD	(Context_F+8*26)(X5), F26 \
	MOVD	(Context_F+8*27)(X5), F27 \
	MOVD	(Context_F+8*28)(X5), F28 \
	MOVD	(Context_F+8*29)(X5), F29 \
	MOVD	(Context_F+8*30)(X5), F30 \
	MOVD	(Context_F+8*31)(X5), F31

// SAVE_TRAP stores why and where into the Context at X5, and clobbers X6 and X7.
#define SAVE_TRAP \
	CSRRS	X0, SEPC, X6 \
	MOV	X6, Context_EPC(X5) \
	CSRRS	X0, SSTATUS, X6 \
	MOV	X6, Context_Status(X5) \
	CSRRS	X0, STVAL, X6 \
	MOV	X6, Context_Addr(X5)

// MACHINE goes on to machine code: its stack, its g.
#define MACHINE \
	MOV	CPU_machineSP(TP), X2 \
	MOV	$CPU_fakeG(TP), g \
	MOV	$1, X6 \
	MOV	X6, CPU_inMachine(TP) \
	ADD	$-32, X2 \
	MOV	X0, 0(X2) \
	MOV	TP, 8(X2)

// trapVector: every trap that supervisor mode takes comes here.
//
//loam:nocall except=kernelTrapEntry
TEXT ·trapVector(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRW	TP, SSCRATCH, TP
	BEQ	TP, X0, fromkernel
	MOV	X5, CPU_scratch(TP)
	MOV	CPU_ctx(TP), X5
	SAVE_REGS
	CSRRW	X0, SSCRATCH, X6	// the user's tp
	MOV	X6, (Context_X+8*4)(X5)
	MOV	CPU_scratch(TP), X6
	MOV	X6, (Context_X+8*5)(X5)
	CSRRS	X0, SEPC, X6
	CSRRS	X0, SCAUSE, X7
	MOV	$const_stateOff, X9
	CSRRC	X9, SSTATUS, X8	// registers of floating point and vectors: off in the kernel
	MOV	X8, Context_Status(X5)
	MOV	$const_causeUserCall, X9
	BNE	X7, X9, trapped
	// A system call. Its first argument and its result share a register.
	ADD	$const_syscallSize, X6
	MOV	X6, Context_EPC(X5)
	MOV	A0, Context_OrigA0(X5)
	MOV	A7, Context_Call(X5)
	MOV	$const_TrapSyscall, X7
out:
	MOV	X7, Context_Vector(X5)	// Enter's result
	MOV	CPU_runnerSP(TP), X2
	MOV	CPU_runnerRA(TP), X1
	MOV	CPU_runnerGo(TP), g
	JALR	X0, X1
trapped:
	MOV	X6, Context_EPC(X5)
	MOV	$-1, X6
	MOV	X6, Context_Call(X5)	// no call to restart
	CSRRS	X0, STVAL, X6
	MOV	X6, Context_Addr(X5)
	BGE	X7, X0, out
	AND	$31, X7
	ADD	$const_TrapInterrupt, X7
	JMP	out
fromkernel:
	JMP	·kernelTrapEntry(SB)

// func enter(c *Context)
//
// Loads the user state of c and runs it; the next trap comes back as this
// call's return. Interrupts are off in the caller, which has loaded c's root.
// No SC may end there what LR has begun elsewhere since c's last trap, in another thread or in a signal's handler, be it at
// the same address: a compare-and-swap would then have compared what the other one read. So there is an SC here, each
// time (The RISC-V Instruction Set Manual, volume I, "Load-Reserved/Store-Conditional Instructions").
//
//loam:nocall
TEXT ·enter(SB),NOSPLIT|NOFRAME,$FRAMELESS-8
	MOV	c+0(FP), X5
	MOV	X2, CPU_runnerSP(TP)
	MOV	X1, CPU_runnerRA(TP)
	MOV	X5, CPU_ctx(TP)
	ADD	$CPU_scratch, TP, X6
	SCD	X0, (X6), X7
	MOV	CPU_stateOf(TP), X6
	BNE	X5, X6, state
	JMP	·enterLoaded(SB)
state:
	JMP	·enterState(SB)

// enterLoaded: the rest of enter; X5 = Context.
TEXT ·enterLoaded(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	Context_Status(X5), X6
	CSRRW	X6, SSTATUS, X0
	JMP	·enterRest(SB)

TEXT ·enterRest(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	Context_EPC(X5), X6
	CSRRW	X6, SEPC, X0
	CSRRW	TP, SSCRATCH, X0
	LOAD_REGS
	MOV	(Context_X+8*4)(X5), TP
	MOV	(Context_X+8*5)(X5), X5
	SRET

// enterState: enter, if the registers of floating point and vectors are another
// thread's than that of the Context at X5. They are off until it uses one (GiveState).
TEXT ·enterState(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	Context_Status(X5), X6
	MOV	$const_stateOff, X7
	OR	X7, X6
	XOR	X7, X6
	CSRRW	X6, SSTATUS, X0
	JMP	·enterRest(SB)

// kernelTrapEntry: a trap in the kernel; tp is 0, sscratch has the CPU. Nothing may
// be stored on the stack, which may be what has no memory yet.
TEXT ·kernelTrapEntry(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRW	X0, SSCRATCH, TP
	MOV	X5, CPU_scratch(TP)
	MOV	CPU_inMachine(TP), X5
	BNE	X5, X0, fatal
	MOV	CPU_kctx(TP), X5
	SAVE_REGS
	MOV	CPU_scratch(TP), X6
	MOV	X6, (Context_X+8*5)(X5)
	SAVE_TRAP
	CSRRS	X0, SCAUSE, X7
	MOV	$const_causeBreakpoint, X8
	BNE	X7, X8, trap
	// A call of Go's runtime is the long form of EBREAK: the image step made it of
	// an ECALL.
	MOV	Context_EPC(X5), X8
	MOVHU	(X8), X9
	MOV	$const_ebreakLow, X10
	BNE	X9, X10, trap
	ADD	$const_syscallSize, X8
	MOV	X8, Context_EPC(X5)
	MOV	(Context_X+8*10)(X5), X9
	MOV	X9, Context_OrigA0(X5)
	MOV	Context_Status(X5), X8	// floating-point registers are nobody's after a call
	MOV	$const_floatDirty, X9
	OR	X9, X8
	XOR	X9, X8
	MOV	X8, Context_Status(X5)
	MACHINE
	CALL	·runtimeCall(SB)
	JMP	·resume(SB)
trap:
	BGE	X7, X0, exception
	AND	$31, X7
	ADD	$const_TrapInterrupt, X7
exception:
	MOV	X7, Context_Vector(X5)
	// What the thread has in the registers of floating point, if it uses them now.
	MOV	Context_Status(X5), X6
	MOV	$const_floatDirty, X7
	AND	X7, X6
	BNE	X6, X7, handle
	SAVE_FLOAT
	CSRRS	X0, FCSR, X6
	MOV	X6, Context_FCSR(X5)
handle:
	MACHINE
	CALL	·kernelTrap(SB)
	JMP	·resume(SB)
fatal:
	JMP	·missed(SB)

// missed: a trap while machine code ran; X5 lies in scratch. It may be a page of a
// kernel range that another hart has backed, for this one may keep that it was absent
// (privileged specification, 4.2.1): so the hart forgets, and tries once more.
TEXT ·missed(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	CSRRS	X0, SCAUSE, X5
	XOR	$const_causeLoadPage, X5
	BEQ	X5, X0, page
	XOR	$(const_causeLoadPage^const_causeStorePage), X5
	BEQ	X5, X0, page
	JMP	·fatalTrap(SB)
page:
	MOV	X6, CPU_scratch6(TP)
	MOV	CPU_absent(TP), X6
	CSRRS	X0, STVAL, X5
	BEQ	X5, X6, still
	MOV	X5, CPU_absent(TP)
	FENCE_VMA
	MOV	CPU_scratch6(TP), X6
	MOV	CPU_scratch(TP), X5
	SRET
still:
	MOV	CPU_scratch6(TP), X6
	JMP	·fatalTrap(SB)

// resume runs the kernel thread that kctx names.
TEXT ·resume(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	CPU_kctx(TP), X5
	MOV	Context_Status(X5), X6
	MOV	$const_floatDirty, X7
	AND	X6, X7
	BNE	X7, X0, float
	CSRRW	X6, SSTATUS, X0
	JMP	·resumeRest(SB)
float:
	MOV	CPU_stateOf(TP), X7
	BEQ	X7, X0, nobody
	JMP	·resumeKeep(SB)
nobody:
	JMP	·resumeFloat(SB)

// resumeKeep: resume, when a program has registers that the kernel thread will use.
TEXT ·resumeKeep(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	CPU_machineSP(TP), X2
	ADD	$-32, X2
	MOV	X0, 0(X2)
	MOV	TP, 8(X2)
	CALL	·keepState(SB)
	JMP	·resumeFloat(SB)

// resumeFloat: resume, when the thread uses floating point.
TEXT ·resumeFloat(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	CPU_kctx(TP), X5
	MOV	Context_Status(X5), X6
	CSRRW	X6, SSTATUS, X0
	MOV	Context_FCSR(X5), X6
	CSRRW	X6, FCSR, X0
	LOAD_FLOAT
	JMP	·resumeRest(SB)

// resumeRest: the rest of resume; X5 = Context.
TEXT ·resumeRest(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	Context_EPC(X5), X6
	CSRRW	X6, SEPC, X0
	MOV	X0, CPU_inMachine(TP)
	MOV	X0, CPU_absent(TP)
	LOAD_REGS
	MOV	(Context_X+8*5)(X5), X5
	SRET

// fatalTrap: a trap that ends the machine; X5 lies in scratch. Everything goes into
// panicContext; the report runs on the panic stack.
TEXT ·fatalTrap(SB),NOSPLIT|NOFRAME|TOPFRAME,$FRAMELESS
	MOV	$·panicContext(SB), X5
	SAVE_REGS
	MOV	CPU_scratch(TP), X6
	MOV	X6, (Context_X+8*5)(X5)
	SAVE_TRAP
	CSRRS	X0, SCAUSE, X7
	MOV	X7, Context_Vector(X5)
	MOV	CPU_panicSP(TP), X2
	MOV	$CPU_fakeG(TP), g
	ADD	$-32, X2
	MOV	X0, 0(X2)
	MOV	TP, 8(X2)
	CALL	·machinePanic(SB)
	JMP	0(PC)

// func saveFloat(c *Context): the registers are on
TEXT ·saveFloat(SB),NOSPLIT|NOFRAME,$FRAMELESS-8
	MOV	c+0(FP), X5
	SAVE_FLOAT
	CSRRS	X0, FCSR, X6
	MOV	X6, Context_FCSR(X5)
	RET

// func loadFloat(c *Context)
TEXT ·loadFloat(SB),NOSPLIT|NOFRAME,$FRAMELESS-8
	MOV	c+0(FP), X5
	LOAD_FLOAT
	MOV	Context_FCSR(X5), X6
	CSRRW	X6, FCSR, X0
	RET

// func saveVector(c *Context, half uint64)
//
// half is the size of 16 registers.
TEXT ·saveVector(SB),NOSPLIT|NOFRAME,$FRAMELESS-16
	MOV	c+0(FP), X5
	MOV	half+8(FP), X8
	CSRRS	X0, VSTART, X6
	MOV	X6, Context_VStart(X5)
	CSRRS	X0, VL, X6
	MOV	X6, Context_VL(X5)
	CSRRS	X0, VTYPE, X6
	MOV	X6, Context_VType(X5)
	CSRRS	X0, VCSR, X6
	MOV	X6, Context_VCSR(X5)
	CSRRW	X0, VSTART, X0
	SRL	$1, X8, X9	// of 8 registers
	ADD	$Context_V, X5
	VS8RV	V0, (X5)
	ADD	X9, X5
	VS8RV	V8, (X5)
	ADD	X9, X5
	VS8RV	V16, (X5)
	ADD	X9, X5
	VS8RV	V24, (X5)
	RET

// func loadVector(c *Context, half uint64)
TEXT ·loadVector(SB),NOSPLIT|NOFRAME,$FRAMELESS-16
	MOV	c+0(FP), X5
	MOV	half+8(FP), X8
	CSRRW	X0, VSTART, X0
	SRL	$1, X8, X9
	ADD	$Context_V, X5, X6
	VL8RE8V	(X6), V0
	ADD	X9, X6
	VL8RE8V	(X6), V8
	ADD	X9, X6
	VL8RE8V	(X6), V16
	ADD	X9, X6
	VL8RE8V	(X6), V24
	MOV	Context_VL(X5), X6
	MOV	Context_VType(X5), X7
	VSETVL	X7, X6, X0
	MOV	Context_VCSR(X5), X6
	CSRRW	X6, VCSR, X0
	MOV	Context_VStart(X5), X6
	CSRRW	X6, VSTART, X0
	RET
