// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// A worker is a thread without Go that carries out records. All that it has
// lies in its block, 64 KiB at a multiple of 64 KiB: the block's header below,
// its stack above that, its alternate stack at the end. BX holds the block, R15
// the record.

#define BLOCK_MASK $~0xffff

// ARG loads argument n: its value, or what the word at its value holds, which is
// the result of another record.
#define ARG(n, reg) \
	MOVQ (record_Args+8*n)(R15), reg \
	BTQ  $n, record_Follow(R15) \
	JCC  2(PC) \
	MOVQ (reg), reg

// func work(b *block)
TEXT ·work(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ b+0(FP), BX
	LEAQ const_stackTop(BX), SP
	MOVQ $next<>(SB), AX
	JMP  AX

TEXT next<>(SB), NOSPLIT|NOFRAME, $0-0
loop:
	MOVQ block_Next(BX), R15
	CMPQ R15, block_End(BX)
	JCC  end
	LEAQ record__size(R15), AX
	MOVQ AX, block_Next(BX)
	MOVQ R15, block_Now(BX)
	ARG(0, DI)
	ARG(1, SI)
	ARG(2, DX)
	ARG(3, R10)
	ARG(4, R8)
	ARG(5, R9)
	MOVQ record_Op(R15), AX
	CMPQ AX, $const_opCode
	JEQ  code
	CMPQ AX, $const_opReturn
	JEQ  return
	CMPQ AX, $const_opDeadline
	JEQ  deadline
	MOVQ record_Nr(R15), AX
	MOVQ (record_More+0)(R15), R12
	MOVQ (record_More+8)(R15), R13
	MOVQ (record_More+16)(R15), R14
	MOVQ (record_More+32)(R15), BX
	MOVQ (record_More+24)(R15), R15
	SYSCALL
	// A message may have come in the registers of block and record, and a new thread's
	// block is where its stack is.
	MOVQ SP, BX
	DECQ BX
	ANDQ BLOCK_MASK, BX
	MOVQ block_Now(BX), R15
	MOVQ AX, record_Result(R15)
	MOVQ DX, record_Token(R15)
	JMP  loop
code:
	MOVQ record_Nr(R15), AX
	MOVQ DI, CX
	MOVQ DI, BP
	JMP  CX // it ends in INT3
return:
	MOVQ DI, SP
	MOVQ $15, AX // rt_sigreturn
	SYSCALL
	INT  $3
deadline:
	MOVQ $228, AX // clock_gettime
	SYSCALL
	MOVQ (record_Args+8)(R15), SI
	MOVQ (SI), AX
	IMULQ $1000000000, AX
	ADDQ 8(SI), AX
	ADDQ (record_Args+16)(R15), AX
	MOVQ (record_Args+24)(R15), SI
	MOVQ AX, (SI)
	JMP  loop
end:
	CMPQ block_Rounds(BX), $0
	JEQ  exit
	DECQ block_Rounds(BX)
	MOVQ block_First(BX), AX
	MOVQ AX, block_Next(BX)
	JMP  loop
exit:
	MOVQ block_Exit(BX), AX
	XORL DI, DI
	SYSCALL
	INT  $3

// begin is where a thread that is started has its first instruction, with its stack in
// its block.
TEXT begin<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ SP, BX
	DECQ BX
	ANDQ BLOCK_MASK, BX
	MOVQ $next<>(SB), AX
	JMP  AX

// func addresses() (handler, restorer, goOn, begin uintptr)
TEXT ·addresses(SB), NOSPLIT|NOFRAME, $0-32
	MOVQ $handler<>(SB), AX
	MOVQ AX, handler+0(FP)
	MOVQ $restorer<>(SB), AX
	MOVQ AX, restorer+8(FP)
	MOVQ $next<>(SB), AX
	MOVQ AX, goOn+16(FP)
	MOVQ $begin<>(SB), AX
	MOVQ AX, begin+24(FP)
	RET

// Offsets in Linux's ucontext (arch/x86/include/uapi/asm/sigcontext.h).
#define UC_RBX 128
#define UC_RSP 160
#define UC_RIP 168
#define UC_FLAGS 176
#define UC_FPSTATE 224

// handler(signo DI, info SI, context DX) keeps a copy of its frame, for forged
// ones, and has the worker go on with its next record. SIGUSR1, SIGUSR2 and
// everything from SIGCHLD on only interrupt.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0-0
	CLD
	CMPQ DI, $10
	JEQ  plain
	CMPQ DI, $12
	JEQ  plain
	CMPQ DI, $17
	JGE  plain
	MOVQ SP, BX
	ANDQ BLOCK_MASK, BX
	INCQ block_Signals(BX)
	MOVQ DX, R8
	LEAQ -8(DX), SI
	LEAQ block_Frame(BX), DI
	MOVQ $440, CX
	REP; MOVSB
	MOVQ UC_FPSTATE(R8), SI
	LEAQ block_State(BX), DI
	MOVQ $const_stateSize, CX
	REP; MOVSB
	MOVQ BX, UC_RBX(R8)
	LEAQ const_stackTop(BX), AX
	MOVQ AX, UC_RSP(R8)
	MOVQ $next<>(SB), AX
	MOVQ AX, UC_RIP(R8)
	MOVQ $0x202, UC_FLAGS(R8)
plain:
	RET

TEXT restorer<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $15, AX // rt_sigreturn
	SYSCALL
	INT  $3
