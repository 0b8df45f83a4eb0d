// SPDX-License-Identifier: Apache-2.0

package sys

import "syscall"

//go:noescape
func enterCode(context *uint64)

func fenceCode()

// sysFlushICache is riscv_flush_icache (Linux, arch/riscv/include/uapi/asm/unistd.h).
const sysFlushICache = 259

// EnterCode goes to machine code at the address in context[2], with the
// address of the context in X9, and returns when it jumps to the address in
// context[1] with the stack pointer in context[0], which EnterCode has put
// there. The code may use all registers but X3, X4 and X27, on a stack of its
// own; Go's runtime does not see it.
func EnterCode(context []uint64) { enterCode(&context[0]) }

// PublishCode makes all CPUs see the instructions that were written to b.
func PublishCode(b []byte) {
	at := Address(b)
	// Should the call be unknown: this CPU.
	_, _, _ = syscall.RawSyscall(sysFlushICache, uintptr(at), uintptr(at)+uintptr(len(b)), 0)
	fenceCode()
}
