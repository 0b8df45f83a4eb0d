// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// func try(code uintptr, regs *registers)
//
// It keeps its stack pointer in recoverSP for recovered, which ends it when a
// signal interrupted the code.
TEXT ·try(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ SP, ·recoverSP(SB)
	MOVQ BP, ·recoverBP(SB)
	MOVQ code+0(FP), R12
	MOVQ regs+8(FP), R13
	MOVQ registers_RAX(R13), AX
	MOVQ registers_RDI(R13), DI
	MOVQ registers_RSI(R13), SI
	MOVQ registers_RDX(R13), DX
	MOVQ registers_R10(R13), R10
	MOVQ registers_R8(R13), R8
	MOVQ registers_R9(R13), R9
	MOVQ registers_RBX(R13), BX
	CALL R12
	MOVQ ·recoverSP(SB), SP
	MOVQ ·recoverBP(SB), BP
	MOVQ regs+8(FP), R13
	MOVQ AX, registers_RAX(R13)
	MOVQ DI, registers_RDI(R13)
	MOVQ SI, registers_RSI(R13)
	MOVQ DX, registers_RDX(R13)
	MOVQ R10, registers_R10(R13)
	MOVQ R8, registers_R8(R13)
	MOVQ R9, registers_R9(R13)
	MOVQ BX, registers_RBX(R13)
	PUSHFQ
	POPQ AX
	MOVQ AX, registers_Flags(R13)
	PUSHQ $0x202 // the code may have left any flags
	POPFQ
	RET

// recovered is where handler sends the interrupted thread: the end of try.
TEXT recovered<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ ·recoverSP(SB), SP
	PUSHQ ·recoverBP(SB)
	POPQ BP
	PUSHQ $0x1f80 // the code may have unmasked floating-point exceptions
	LDMXCSR (SP)
	POPQ AX
	BYTE $0xdb; BYTE $0xe3 // FNINIT
	RET

// func addresses() (handler, restorer uintptr)
TEXT ·addresses(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ $handler<>(SB), AX
	MOVQ AX, handler+0(FP)
	MOVQ $restorer<>(SB), AX
	MOVQ AX, restorer+8(FP)
	RET

// Offsets in Linux's ucontext (arch/x86/include/uapi/asm/sigcontext.h).
#define UC_RSP 160
#define UC_RIP 168
#define UC_FLAGS 176
#define UC_CS 184
#define UC_SS 190
#define UC_ERR 192
#define UC_TRAPNO 200

// handler(signo DI, info SI, context DX), on the alternate stack.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0-0
	CLD
	MOVQ DI, ·caught+signalled_Signo(SB)
	MOVLQSX 8(SI), AX
	MOVQ AX, ·caught+signalled_Code(SB)
	MOVQ 16(SI), AX
	MOVQ AX, ·caught+signalled_Addr(SB)
	MOVQ UC_RIP(DX), AX
	MOVQ AX, ·caught+signalled_PC(SB)
	MOVQ UC_ERR(DX), AX
	MOVQ AX, ·caught+signalled_Err(SB)
	MOVQ UC_TRAPNO(DX), AX
	MOVQ AX, ·caught+signalled_Trapno(SB)
	MOVQ UC_FLAGS(DX), AX
	MOVQ AX, ·caught+signalled_Flags(SB)
	MOVQ $recovered<>(SB), AX
	MOVQ AX, UC_RIP(DX)
	MOVQ ·recoverSP(SB), AX
	MOVQ AX, UC_RSP(DX)
	MOVQ $0x202, UC_FLAGS(DX)
	MOVW CS, AX // a forged frame's selectors would fault again
	MOVW AX, UC_CS(DX)
	MOVW SS, AX
	MOVW AX, UC_SS(DX)
	RET

TEXT restorer<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $15, AX // rt_sigreturn
	SYSCALL
	INT $3

// func cloneIdle(gate uintptr) int64
//
// The new thread needs no stack: it makes calls only.
TEXT ·cloneIdle(SB), NOSPLIT, $0-16
	MOVQ gate+0(FP), R12
	MOVL $56, AX     // clone
	MOVL $0x50f00, DI // memory, files, signals, a thread of this process
	MOVQ R12, SI     // a stack that is never used
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	SYSCALL
	TESTQ AX, AX
	JZ   child
	MOVQ AX, ret+8(FP)
	RET
child:
	CMPL (R12), $0
	JNE  end
	MOVL $202, AX // futex, wait while 0
	MOVQ R12, DI
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	SYSCALL
	JMP  child
end:
	LOCK
	INCQ 8(R12)
	MOVL $60, AX // exit
	XORL DI, DI
	SYSCALL
	INT  $3
