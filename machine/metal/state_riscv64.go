//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// The registers of floating point and vectors. They are off (sstatus.FS, VS) while
// the kernel runs, and keep what the program had whose they are: saving 33 words at
// each trap would double its cost. Another program is entered with them off, too. If
// it uses one that is illegal, and the registers become its (GiveState): most threads that
// are switched to for a message or a wake-up use none before they wait again. They go
// to their program's Context then, when it is left (Leave), when the kernel floor
// wants to see them (FPU), and when Go code of the kernel uses such a register: that
// is illegal, too, and the trap gives the registers to the kernel thread (takeState).
//
// A kernel thread that is interrupted has its own in its Context; from a call it
// comes back with them off, for Go's ABI keeps none over a call.

// vectorLength is the size of a vector register in bytes, if programs have them.
var vectorLength uint64

// Bits for the assembly.
const (
	stateOff   = riscv64.StatusFS | riscv64.StatusVS
	floatDirty = riscv64.StatusFS // both bits
)

// FPU returns the floating-point state of a thread that this CPU has entered last, or
// that no CPU has: 32 registers and fcsr.
func (c *Context) FPU() []byte {
	c.fetchState()
	return bytesAt(addr(&c.F), floatBytes)
}

const floatBytes = 33 * 8

// Vectors returns the vector state of such a thread: its control registers, the size
// of a register, and the registers. Without vectors there is none.
func (c *Context) Vectors() (control *[4]uint64, length uint64, registers []byte) {
	c.fetchState()
	return words4(addr(&c.VStart)), vectorLength, c.V[:32*vectorLength]
}

// fetchState brings the registers into the Context, if the hart has them, so that what
// the Context says counts.
func (c *Context) fetchState() {
	if cpu := thisCPU(); cpu.stateOf == addressOf(c) {
		cpu.saveState()
	}
}

// saveState puts the registers into the Context of the program whose they are.
func (cpu *CPU) saveState() {
	if cpu.stateOf == 0 {
		return
	}
	c := contextAt(cpu.stateOf)
	cpu.stateOf = 0
	float, vector := riscv64.FS(c.Status) == riscv64.Dirty, riscv64.VS(c.Status) == riscv64.Dirty
	if float {
		setStatus(riscv64.Initial.FS())
		saveFloat(c)
		c.Status = c.Status&^riscv64.StatusFS | riscv64.Clean.FS()
	}
	if vector {
		setStatus(riscv64.Initial.VS())
		saveVector(c, 16*vectorLength)
		c.Status = c.Status&^riscv64.StatusVS | riscv64.Clean.VS()
	}
	clearStatus(stateOff)
}

// keepState is saveState for the assembly.
//
//loam:trap stack=24576
func keepState(cpu *CPU) { cpu.saveState() }

// GiveState gives the hart the registers of a program that was entered without, and
// has done what is illegal then. false: it had them.
func (cpu *CPU) GiveState(c *Context) bool {
	if cpu.stateOf == addressOf(c) {
		return false
	}
	cpu.loadState(c)
	return true
}

// loadState gives the hart the registers of the program that is to be entered.
func (cpu *CPU) loadState(c *Context) {
	cpu.saveState()
	setStatus(riscv64.Initial.FS())
	loadFloat(c)
	c.Status = c.Status&^riscv64.StatusFS | riscv64.Clean.FS()
	if vectorLength != 0 {
		setStatus(riscv64.Initial.VS())
		loadVector(c, 16*vectorLength)
		c.Status = c.Status&^riscv64.StatusVS | riscv64.Clean.VS()
	}
	clearStatus(stateOff)
	cpu.stateOf = addressOf(c)
}

// takeState gives the registers to the kernel thread of c, which has used one; false
// if it had them.
func (cpu *CPU) takeState(c *Context) bool {
	if riscv64.FS(c.Status) != riscv64.Off {
		return false
	}
	cpu.saveState()
	c.F, c.FCSR = [32]uint64{}, 0
	c.Status |= floatDirty
	return true
}
