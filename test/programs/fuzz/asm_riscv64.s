// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// A worker is a thread without Go that carries out records. All that it has
// lies in its block, 64 KiB at a multiple of 64 KiB: the block's header below,
// its stack above that, its alternate stack at the end. X8 holds the block, X9
// the record.

// ARG loads argument n: its value, or what the word at its value holds, which is
// the result of another record.
#define ARG(n, reg) \
	MOV (record_Args+8*n)(X9), reg; \
	SRL $n, X6, X7; \
	AND $1, X7; \
	BEQZ X7, 2(PC); \
	MOV (reg), reg

// A block begins at the multiple of 64 KiB below an address.
#define BLOCK(reg) \
	SRL $16, reg; \
	SLL $16, reg

// func work(b *block)
TEXT ·work(SB), NOSPLIT|NOFRAME, $0-8
	MOV b+0(FP), X8
	MOV $const_stackTop, X5
	ADD X8, X5, X2
	MOV $next<>(SB), X5
	JMP (X5)

TEXT next<>(SB), NOSPLIT|NOFRAME, $0-0
loop:
	MOV block_Next(X8), X9
	MOV block_End(X8), X5
	BGEU X9, X5, end
	ADD $record__size, X9, X5
	MOV X5, block_Next(X8)
	MOV X9, block_Now(X8)
	MOV record_Follow(X9), X6
	ARG(0, X10)
	ARG(1, X11)
	ARG(2, X12)
	ARG(3, X13)
	ARG(4, X14)
	ARG(5, X15)
	MOV record_Nr(X9), X17
	MOV record_Op(X9), X5
	MOV $const_opCode, X6
	BEQ X5, X6, code
	MOV $const_opReturn, X6
	BEQ X5, X6, return
	MOV $const_opDeadline, X6
	BEQ X5, X6, deadline
	MOV (record_More+0)(X9), X16
	MOV (record_More+8)(X9), X18
	MOV (record_More+16)(X9), X19
	MOV (record_More+24)(X9), X20
	MOV (record_More+32)(X9), X21
	ECALL
	// A new thread's block is where its stack is; the caller's is its own.
	SUB $1, X2, X8
	BLOCK(X8)
	MOV block_Now(X8), X9
	MOV X10, record_Result(X9)
	MOV X12, record_Token(X9)
	JMP loop
code:
	JMP (X10) // it ends in EBREAK
return:
	MOV X10, X2
	MOV $139, X17 // rt_sigreturn
	ECALL
	EBREAK
deadline:
	MOV $113, X17 // clock_gettime
	ECALL
	MOV (record_Args+8)(X9), X11
	MOV (X11), X10
	MOV $1000000000, X5
	MUL X5, X10
	MOV 8(X11), X5
	ADD X5, X10
	MOV (record_Args+16)(X9), X5
	ADD X5, X10
	MOV (record_Args+24)(X9), X11
	MOV X10, (X11)
	JMP loop
end:
	MOV block_Rounds(X8), X5
	BEQZ X5, exit
	SUB $1, X5
	MOV X5, block_Rounds(X8)
	MOV block_First(X8), X5
	MOV X5, block_Next(X8)
	JMP loop
exit:
	MOV block_Exit(X8), X17
	MOV ZERO, X10
	ECALL
	EBREAK

// begin is where a thread that is started has its first instruction, with its stack in
// its block.
TEXT begin<>(SB), NOSPLIT|NOFRAME, $0-0
	SUB $1, X2, X8
	BLOCK(X8)
	MOV $next<>(SB), X5
	JMP (X5)

// func addresses() (handler, goOn, begin uintptr)
TEXT ·addresses(SB), NOSPLIT|NOFRAME, $0-24
	MOV $handler<>(SB), X10
	MOV X10, handler+0(FP)
	MOV $next<>(SB), X10
	MOV X10, goOn+8(FP)
	MOV $begin<>(SB), X10
	MOV X10, begin+16(FP)
	RET

// Offsets in Linux's ucontext (arch/riscv/include/uapi/asm/ucontext.h).
#define UC_PC 176
#define UC_SP 192
#define UC_S0 240

// handler(signo X10, info X11, context X12) keeps a copy of its frame, for forged
// ones, and has the worker go on with its next record. SIGUSR1, SIGUSR2 and
// everything from SIGCHLD on only interrupt.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0-0
	MOV $10, X5
	BEQ X10, X5, plain
	MOV $12, X5
	BEQ X10, X5, plain
	MOV $17, X5
	BGE X10, X5, plain
	MOV X2, X8
	BLOCK(X8)
	MOV block_Signals(X8), X5
	ADD $1, X5
	MOV X5, block_Signals(X8)
	ADD $block_Frame, X8, X6
	ADD $const_frameSize, X2, X7
	MOV X2, X5
copy:
	MOV (X5), X28
	MOV X28, (X6)
	ADD $8, X5
	ADD $8, X6
	BNE X5, X7, copy
	MOV X8, UC_S0(X12)
	MOV $const_stackTop, X5
	ADD X8, X5
	MOV X5, UC_SP(X12)
	MOV $next<>(SB), X5
	MOV X5, UC_PC(X12)
plain:
	RET
