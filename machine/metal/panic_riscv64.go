//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/ns16550"
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
	showLog()
	puts("loam: nothing turns this machine off: halted\n")
}

// leaveDevice does without a device of a panic's own, if that is what faulted: the
// devicetree was wrong. What the console has had so far goes to the other one.
func leaveDevice(c *Context) {
	switch at := uintptr(c.Addr); {
	case at == testAt:
		testAt = 0
	case console.at != 0 && at-console.at < ns16550.Registers<<console.shift:
		console.at, logShown = 0, false
		showLog()
	}
}

// nothingThere says of a fault that no device or memory has answered.
func nothingThere(c *Context) {
	if c.Vector != riscv64.CauseLoadAccess && c.Vector != riscv64.CauseStoreAccess {
		return
	}
	puts("nothing answers at physical address 0x")
	putHex(physicalOf(c.Addr), 1)
	puts(": the devicetree may be wrong\n")
}

// physicalOf returns where the kernel's tables lead from an address that is mapped.
func physicalOf(va uint64) uint64 {
	if kernelRoot == 0 || readSatp() != riscv64.Satp(kernelRoot, 0) && va-earlyDirect < earlyMapped {
		return va - earlyDirect
	}
	pa, _ := translate(va)
	return pa
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
	nothingThere(c)
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
	var t trail
	for range trailWalk {
		size := frameSize(uintptr(pc))
		if size != 0 {
			if sp&7 != 0 || !mapped(sp) {
				break
			}
			ra = load64(sp)
			sp += size
		}
		if ra == 0 || ra < header.TextStart || ra >= header.TextEnd || t.shown == trailMost || ra == pc && size == 0 {
			break
		}
		pc, ra = ra, 0
		t.call(pc)
	}
	t.end()
}
