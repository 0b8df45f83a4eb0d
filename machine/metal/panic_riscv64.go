//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/riscv64"
	"loam/machine/sbi"
)

// testAt has the registers of the test finisher; 0: there is none.
var testAt uintptr = earlyDirect + defaultTest

// powerOff ends the machine with the status that amd64's exit device would give.
func powerOff(value uint32) {
	if testAt != 0 {
		mmioWrite32(testAt, riscv64.Finish(uint16(value<<1|1)))
	}
	reason := uint64(sbi.ReasonNone)
	if value != ShutdownOK {
		reason = sbi.ReasonFailure
	}
	sbiCall(sbi.Reset, sbi.ResetSystem, sbi.ResetShutdown, reason, 0)
}

// sendStop asks another hart to stop. There is no interrupt here that can't be off:
// one with interrupts off stands still when they are on again.
func sendStop(c *CPU) { sendKick(c) }

func (c *Context) trapName() string {
	if c.Vector >= TrapInterrupt && c.Vector < TrapSyscall {
		return riscv64.CauseName(c.Vector - TrapInterrupt | riscv64.CauseInterrupt)
	}
	return riscv64.CauseName(c.Vector)
}

func (c *Context) faultAddress() uint64 { return c.Addr }

func registers(c *Context) {
	row("pc ", c.EPC, "ra ", c.X[1], "sp ", c.X[2])
	row("gp ", c.X[3], "tp ", c.X[4], "t0 ", c.X[5])
	row("t1 ", c.X[6], "t2 ", c.X[7], "s0 ", c.X[8])
	row("s1 ", c.X[9], "a0 ", c.X[10], "a1 ", c.X[11])
	row("a2 ", c.X[12], "a3 ", c.X[13], "a4 ", c.X[14])
	row("a5 ", c.X[15], "a6 ", c.X[16], "a7 ", c.X[17])
	row("s2 ", c.X[18], "s3 ", c.X[19], "s4 ", c.X[20])
	row("s5 ", c.X[21], "s6 ", c.X[22], "s7 ", c.X[23])
	row("s8 ", c.X[24], "s9 ", c.X[25], "s10", c.X[26])
	row("g  ", c.X[27], "t3 ", c.X[28], "t4 ", c.X[29])
	row("t5 ", c.X[30], "t6 ", c.X[31], "sta", c.Status)
	row("adr", c.Addr, "cau", c.Vector, "stp", readSatp())
}

// backtraceFrom prints the call chain of c. There are no frame pointers: the size of
// each frame is in the runtime's tables, and its return address at its lowest word.
func backtraceFrom(c *Context) {
	symbol(c.EPC)
	unwind(c.EPC, c.X[regSP], c.X[1])
}

// backtraceHere prints the caller's.
//
//go:noinline
func backtraceHere() {
	sp, ra := stackPointer()
	unwind(ra, sp, ra)
}

func unwind(pc, sp, ra uint64) {
	const most = 4096
	last, repeats, shown := uint64(0), uint64(0), 0
	for range most {
		size := frameSize(uintptr(pc))
		if size != 0 {
			if sp&7 != 0 || !mapped(sp) {
				break
			}
			ra = load64(sp)
			sp += size
		}
		if ra == 0 || ra < header.TextStart || ra >= header.TextEnd || shown == 40 || ra == pc && size == 0 {
			break
		}
		pc, ra = ra, 0
		if pc == last {
			repeats++ // recursion: one line for all
			continue
		}
		repeated(repeats)
		symbol(pc - 1)
		last, repeats = pc, 0
		shown++
	}
	repeated(repeats)
}
