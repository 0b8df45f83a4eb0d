//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// await halts the CPU until an interrupt, which it returns. Interrupts are off before
// and after.
func (cpu *CPU) await() Trap {
	awaitInterrupt()
	return Trap(cpu.woken)
}
