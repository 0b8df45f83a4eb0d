// SPDX-License-Identifier: Apache-2.0

package exception

import (
	"loam/abi"
	"loam/machine/riscv64"
)

// SignalRISCV64 gives the signal for an exception of the given cause, a value of
// scause, at pc. si_addr is pc even where it is data that is misaligned or out of
// reach, as in Linux. Floating point raises no exceptions, integer division
// neither.
func SignalRISCV64(cause, pc uint64) abi.Siginfo {
	at := abi.UserAddr(pc)
	switch cause {
	case riscv64.CauseFetchMisaligned, riscv64.CauseLoadMisaligned, riscv64.CauseStoreMisaligned:
		return abi.FaultInfo(abi.SIGBUS, abi.BUS_ADRALN, at)
	case riscv64.CauseFetchAccess, riscv64.CauseLoadAccess, riscv64.CauseStoreAccess:
		return abi.FaultInfo(abi.SIGSEGV, abi.SEGV_ACCERR, at)
	case riscv64.CauseIllegal:
		return abi.FaultInfo(abi.SIGILL, abi.ILL_ILLOPC, at)
	case riscv64.CauseBreakpoint:
		return abi.FaultInfo(abi.SIGTRAP, abi.TRAP_BRKPT, at)
	}
	return abi.FaultInfo(abi.SIGILL, abi.ILL_ILLTRP, at)
}
