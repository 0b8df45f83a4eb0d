//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

// IsPageFault reports whether a trap is about a page that is absent, or forbids the
// access.
func (t Trap) IsPageFault() bool { return t == amd64.VecPage }

// kernelTrap handles a trap or an interrupt that the kernel itself took; the
// interrupted thread's state is in its Context, and resume runs kctx next.
//
//loam:trap stack=24576
func kernelTrap(cpu *CPU) {
	c := contextAt(cpu.kctx)
	switch {
	case c.Vector == amd64.VecPage:
		if c.Err&amd64.FaultPresent == 0 && rangeTrap(c.CR2) {
			return
		}
		if c.Err&amd64.FaultPresent == 0 && rangeOf(c.CR2) != nil {
			kernelPanic(cpu, c, noKernelMemory)
		}
		kernelPanic(cpu, c, "fault in the kernel")
	case c.Vector >= vectorIRQ:
		kernelInterrupt(cpu, Trap(c.Vector))
	default:
		kernelPanic(cpu, c, "fault in the kernel")
	}
}

// serveInterrupt acknowledges one interrupt and notes what it means.
func serveInterrupt(cpu *CPU, t Trap) {
	switch vector := uint32(t); vector {
	case vectorTimer:
		timerInterrupt(cpu)
	case vectorKick:
		kickInterrupt(cpu)
	case vectorIRQ + irqCOM2:
		cpu.events |= uint32(receiveAll())
	case vectorSpurious:
		return // no EOI: SDM vol. 3A, 10.9
	default:
		lineFired(cpu, numberOf(vector))
	}
	endOfInterrupt()
}
