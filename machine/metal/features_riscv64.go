//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// What harts can do, and control registers of one hart; package riscv64 encodes.

var (
	commonISA riscv64.ISA // what every hart in use can do
	hasSstc   bool        // harts have a timer of their own for supervisor mode
)

// detectCPU looks for what the boot hart has and the kernel uses.
func detectCPU(cpu *CPU) {
	h := hartOf(cpu.hart)
	if h == nil || !h.ISA.Has(riscv64.General) {
		machineFatal("the devicetree doesn't say that this hart has what Go's code needs: rv64imafdc")
	}
	commonISA = h.ISA
	hasSstc = h.ISA.Has(riscv64.Sstc)
	if h.ISA.Has(riscv64.ExtV) {
		if n := vectorBytesHere(); 32*n <= vectorRoom {
			vectorLength = n
		}
	}
	hasTags = enoughTags()
}

func vectorBytesHere() uint64 {
	setStatus(riscv64.Initial.VS())
	n := vectorBytes()
	clearStatus(riscv64.StatusVS)
	return n
}

// alike reports whether this hart is like the boot hart in what the devicetree doesn't
// say.
func alike() bool {
	return (vectorLength == 0 || vectorBytesHere() == vectorLength) && (!hasTags || enoughTags())
}

// likeBoot reports whether another hart can do what the boot hart can, as far as the
// kernel or programs rely on it.
func likeBoot(isa riscv64.ISA) bool { return isa.Has(commonISA) }

// startTraps has traps of this hart come to trapVector, and says what user mode may
// do: read the clock and the counters, and nothing that is ours.
func startTraps() {
	_, vector, _, _ := entries()
	writeTrapVector(uint64(vector) | riscv64.VectorDirect)
	writeCounters(riscv64.CounterCycle | riscv64.CounterTime | riscv64.CounterInstret)
	if commonISA.Has(riscv64.Zicboz) {
		writeUserEnv(riscv64.EnvZero)
	}
}

// idleEntry is where idle threads begin.
func idleEntry() uint64 {
	_, _, _, loop := entries()
	return uint64(loop)
}
