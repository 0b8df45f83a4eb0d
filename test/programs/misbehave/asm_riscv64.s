// SPDX-License-Identifier: Apache-2.0

#include "go_asm.h"
#include "textflag.h"

// A function that loads, or stores, all registers of *X31 but for the stack
// pointer, the return address, X31 itself and Go's g (X27), which its handlers of
// signals need.
#define EACH(op) \
	op(3, X3) \
	op(4, TP) \
	op(5, X5) \
	op(6, X6) \
	op(7, X7) \
	op(8, X8) \
	op(9, X9) \
	op(10, X10) \
	op(11, X11) \
	op(12, X12) \
	op(13, X13) \
	op(14, X14) \
	op(15, X15) \
	op(16, X16) \
	op(17, X17) \
	op(18, X18) \
	op(19, X19) \
	op(20, X20) \
	op(21, X21) \
	op(22, X22) \
	op(23, X23) \
	op(24, X24) \
	op(25, X25) \
	op(26, X26) \
	op(28, X28) \
	op(29, X29) \
	op(30, X30)

#define LOAD(n, r) \
	MOV (registers_X+8*n)(X31), r;

#define STORE(n, r) \
	MOV r, (registers_X+8*n)(X31);

// func try(code uintptr, regs *registers)
//
// It keeps its stack pointer in recoverSP for recovered, which ends it when a
// signal interrupted the code.
TEXT ·try(SB), NOSPLIT|NOFRAME, $0-16
	MOV X2, ·recoverSP(SB)
	MOV X1, ·recoverRA(SB)
	MOV g, ·recoverG(SB)
	MOV regs+8(FP), X31
	EACH(LOAD)
	MOV code+0(FP), X31
	JALR X1, (X31)
	MOV ·recoverSP(SB), X2
	MOV regs+8(FP), X31
	EACH(STORE)
	CSRRW X0, FCSR, X0 // the code may have left any rounding mode
	MOV ·recoverRA(SB), X1
	RET

// recovered is where handler sends the interrupted thread: the end of try.
TEXT recovered<>(SB), NOSPLIT|NOFRAME, $0-0
	MOV ·recoverSP(SB), X2
	CSRRW X0, FCSR, X0
	MOV ·recoverRA(SB), X1
	RET

// func addresses() (handler, restorer uintptr)
//
// There is no restorer: the kernel has one. It is code of the program's.
TEXT ·addresses(SB), NOSPLIT|NOFRAME, $0-16
	MOV $handler<>(SB), X10
	MOV X10, handler+0(FP)
	MOV $recovered<>(SB), X10
	MOV X10, restorer+8(FP)
	RET

// func goG() uintptr
TEXT ·goG(SB), NOSPLIT, $0-8
	MOV g, ret+0(FP)
	RET

// Offsets in Linux's ucontext (arch/riscv/include/uapi/asm/ucontext.h).
#define UC_PC 176
#define UC_SP 192
#define UC_G 392

// handler(signo X10, info X11, context X12), on the alternate stack. It keeps a
// copy of the context.
TEXT handler<>(SB), NOSPLIT|NOFRAME, $0-0
	MOV X10, ·caught+signalled_Signo(SB)
	MOVW 8(X11), X5
	MOV X5, ·caught+signalled_Code(SB)
	MOV 16(X11), X5
	MOV X5, ·caught+signalled_Addr(SB)
	MOV UC_PC(X12), X5
	MOV X5, ·caught+signalled_PC(SB)
	MOV $·context(SB), X6
	MOV X12, X7
	MOV $const_contextSize, X8
copy:
	MOV (X7), X5
	MOV X5, (X6)
	ADD $8, X6
	ADD $8, X7
	ADD $-8, X8
	BNEZ X8, copy
	MOV $recovered<>(SB), X5
	MOV X5, UC_PC(X12)
	MOV ·recoverSP(SB), X5
	MOV X5, UC_SP(X12)
	MOV ·recoverG(SB), X5
	MOV X5, UC_G(X12)
	RET

// func cloneIdle(gate uintptr) int64
//
// The new thread needs no stack: it makes calls only.
TEXT ·cloneIdle(SB), NOSPLIT, $0-16
	MOV gate+0(FP), X18
	MOV $0x50f00, X10 // memory, files, signals, a thread of this process
	MOV X18, X11      // a stack that is never used
	MOV ZERO, X12
	MOV ZERO, X13
	MOV ZERO, X14
	MOV $220, X17 // clone
	ECALL
	BEQZ X10, child
	MOV X10, ret+8(FP)
	RET
child:
	MOVW (X18), X5
	BNEZ X5, end
	MOV X18, X10
	MOV ZERO, X11 // wait while 0
	MOV ZERO, X12
	MOV ZERO, X13
	MOV $98, X17 // futex
	ECALL
	JMP child
end:
	ADD $8, X18
	MOV $1, X5
	AMOADDD X5, (X18), ZERO
	MOV ZERO, X10
	MOV $93, X17 // exit
	ECALL
	EBREAK
