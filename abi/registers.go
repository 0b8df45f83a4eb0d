// SPDX-License-Identifier: Apache-2.0

package abi

// RegistersAMD64 is a thread's integer state on amd64, in the order of Linux's
// user_regs_struct up to SS, with the two segment bases after it. The trap
// entry of machine/metal pushes in this order.
type RegistersAMD64 struct {
	R15, R14, R13, R12, RBP, RBX uint64
	R11, R10, R9, R8             uint64
	RAX, RCX, RDX, RSI, RDI      uint64
	OrigRAX                      uint64 // call number, or ^0 when not in a call
	RIP, CS, EFlags, RSP, SS     uint64
	FSBase, GSBase               uint64
}

// RegistersRISCV64 is a thread's integer state on riscv64: pc in the place of
// the hard-wired x0, then x1 to x31, the order of Linux's user_regs_struct.
type RegistersRISCV64 struct {
	PC uint64
	X  [31]uint64 // X[i] is register x(i+1)
}
