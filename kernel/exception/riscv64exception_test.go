// SPDX-License-Identifier: Apache-2.0

package exception

import (
	"testing"

	"loam/abi"
)

// TestSignalRISCV64 names the causes by the numbers of table 4.2 of the privileged
// specification, and the function of Linux's arch/riscv/kernel/traps.c that they
// come to.
func TestSignalRISCV64(t *testing.T) {
	const pc = 0x1_2346
	tests := []struct {
		handler string
		cause   uint64
		signo   abi.Signal
		code    int32
	}{
		{"do_trap_insn_misaligned", 0, abi.SIGBUS, abi.BUS_ADRALN},
		{"do_trap_insn_fault", 1, abi.SIGSEGV, abi.SEGV_ACCERR},
		{"do_trap_insn_illegal", 2, abi.SIGILL, abi.ILL_ILLOPC},
		{"handle_break", 3, abi.SIGTRAP, abi.TRAP_BRKPT},
		{"do_trap_load_misaligned", 4, abi.SIGBUS, abi.BUS_ADRALN},
		{"do_trap_load_fault", 5, abi.SIGSEGV, abi.SEGV_ACCERR},
		{"do_trap_store_misaligned", 6, abi.SIGBUS, abi.BUS_ADRALN},
		{"do_trap_store_fault", 7, abi.SIGSEGV, abi.SEGV_ACCERR},
		{"do_trap_ecall_s", 9, abi.SIGILL, abi.ILL_ILLTRP},
		{"do_trap_unknown", 10, abi.SIGILL, abi.ILL_ILLTRP},
		{"do_trap_unknown", 14, abi.SIGILL, abi.ILL_ILLTRP},
		{"do_trap_unknown", 18, abi.SIGILL, abi.ILL_ILLTRP},
		{"do_trap_unknown", 63, abi.SIGILL, abi.ILL_ILLTRP},
	}
	for _, tt := range tests {
		if got, want := SignalRISCV64(tt.cause, pc), abi.FaultInfo(tt.signo, tt.code, pc); got != want {
			t.Errorf("%s, cause %d: %+v, want %+v", tt.handler, tt.cause, got, want)
		}
	}
}
