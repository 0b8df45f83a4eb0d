//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/amd64"

const exitPort = 0xf4 // isa-debug-exit

// powerOff ends the machine, if it has the emulator's exit device.
func powerOff(value uint32) { outl(exitPort, value) }

// sendStop stops another CPU by an NMI, for it may have interrupts off.
func sendStop(c *CPU) { sendIPI(amd64.IPINMI(c.apic, x2apic)) }

func (c *Context) trapName() string     { return amd64.VectorName(uint8(c.Vector)) }
func (c *Context) faultAddress() uint64 { return c.CR2 }

// leaveDevice is for devices that fault. Ports don't.
func leaveDevice(*Context) {}

func registers(c *Context) {
	row("rip", c.RIP, "rsp", c.RSP, "rbp", c.RBP)
	row("rax", c.RAX, "rbx", c.RBX, "rcx", c.RCX)
	row("rdx", c.RDX, "rsi", c.RSI, "rdi", c.RDI)
	row("r8 ", c.R8, "r9 ", c.R9, "r10", c.R10)
	row("r11", c.R11, "r12", c.R12, "r13", c.R13)
	row("r14", c.R14, "r15", c.R15, "flg", c.RFLAGS)
	row("cr2", c.CR2, "err", c.Err, "cr3", readCR3())
}

// backtraceFrom prints the call chain by frame pointers, for as long as they
// stay within mapped kernel memory and grow.
func backtraceFrom(c *Context) {
	symbol(c.RIP)
	backtrace(c.RBP)
}

// backtraceHere prints the caller's.
//
//go:noinline
func backtraceHere() { backtrace(framePointer()) }

func backtrace(fp uint64) {
	var t trail
	for range trailWalk {
		if fp < kernelLow || fp&7 != 0 || !mapped(fp) || !mapped(fp+8) {
			break
		}
		pc, up := load64(fp+8), load64(fp)
		if pc == 0 || t.shown == trailMost {
			break
		}
		t.call(pc)
		if up <= fp {
			break
		}
		fp = up
	}
	t.end()
}
