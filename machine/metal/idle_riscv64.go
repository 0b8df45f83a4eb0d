//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// await halts the hart until an interrupt, which it returns, the first one if there are
// several (privileged specification, 4.1.3). Interrupts are off all the time.
func (cpu *CPU) await() Trap {
	switch pending := awaitInterrupt(); {
	case pending&riscv64.ExternalInterrupt != 0:
		return TrapInterrupt + riscv64.CauseExternal
	case pending&riscv64.SoftInterrupt != 0:
		return TrapInterrupt + riscv64.CauseSoft
	}
	return TrapInterrupt + riscv64.CauseTimer
}
