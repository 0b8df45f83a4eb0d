// SPDX-License-Identifier: Apache-2.0

// Package exception turns a CPU exception that a user program raised into the
// signal that Linux programs expect for it: number, si_code and si_addr.
//
// Page faults are not decided here: whether a faulting address is mapped is
// the address space's knowledge. Non-maskable interrupts, double faults and
// machine checks are the machine's, not the program's.
//
// Source for amd64: Linux arch/x86/kernel/traps.c and fpu/core.c for the mapping;
// Intel SDM vol. 3A table 6-1 for the vectors, vol. 1 8.1.3 and 10.2.3 for the
// exception bits of the x87 status word and MXCSR. For riscv64: Linux 6.12
// arch/riscv/kernel/traps.c; privileged specification, table 4.2, for the causes.
package exception
