//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// IsPageFault reports whether a trap is about a page that is absent, or forbids the
// access.
func (t Trap) IsPageFault() bool { return riscv64.IsPageFault(uint64(t)) }

// kernelTrap handles a trap or an interrupt that the kernel itself took; the
// interrupted thread's state is in its Context, and resume runs kctx next.
//
//loam:trap stack=24576
func kernelTrap(cpu *CPU) {
	c := contextAt(cpu.kctx)
	switch {
	case riscv64.IsPageFault(c.Vector):
		if rangeOf(c.Addr) == nil || c.Vector == riscv64.CauseFetchPage {
			kernelPanic(cpu, c, "fault in the kernel")
		}
		if !rangeTrap(c.Addr) {
			kernelPanic(cpu, c, noKernelMemory)
		}
	case c.Vector >= TrapInterrupt:
		kernelInterrupt(cpu, Trap(c.Vector))
	case c.Vector == riscv64.CauseIllegal && cpu.takeState(c):
	case cpu.refused(c):
	default:
		kernelPanic(cpu, c, "fault in the kernel")
	}
}

// serveInterrupt acknowledges one interrupt and notes what it means.
func serveInterrupt(cpu *CPU, t Trap) {
	switch t - TrapInterrupt {
	case riscv64.CauseTimer:
		timerInterrupt(cpu)
	case riscv64.CauseSoft:
		clearPending(riscv64.SoftInterrupt)
		fence() // what the sender has stored before
		if by := loadShared32(addr(&stopping)); by != 0 && by != uint32(cpu.id)+1 {
			halt()
		}
		kickInterrupt(cpu)
	case riscv64.CauseExternal:
		serveDevices(cpu)
	}
}

// refused is for a register that doesn't answer, or not to that width: the access is
// left out. stval need not have the address of such a fault (privileged specification,
// 4.1.9).
func (cpu *CPU) refused(c *Context) bool {
	if cpu.access != accessing || c.Vector != riscv64.CauseLoadAccess && c.Vector != riscv64.CauseStoreAccess {
		return false
	}
	cpu.access = accessRefused
	first := bytesAt(c.EPC, 2)
	c.EPC += uint64(riscv64.InstructionLen(uint16(first[0]) | uint16(first[1])<<8))
	return true
}
