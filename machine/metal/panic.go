//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/amd64"
	"loam/machine/spin"
)

// How the machine ends. A panic shows the log, what happened, the registers
// and a symbolised stack on every console, and stops the machine with a
// status of its own: never a silent hang.

// Values for Shutdown; the emulator exits with value<<1 | 1.
const (
	ShutdownOK    = 0x10
	ShutdownPanic = 0x11
)

const exitPort = 0xf4 // isa-debug-exit

// Shutdown ends the machine. On one without the emulator's exit device it
// halts.
//
//loam:fatal
func Shutdown(value uint32) {
	outl(exitPort, value)
	if stopping == 0 {
		stopping = uint32(thisCPU().id) + 1
		stopOthers()
	}
	halt()
}

var (
	panicContext Context // of a trap in machine code
	panicking    uint32  // how often the reporting CPU has begun
	stopping     uint32  // number of the CPU that reports plus 1, 0: none; read by paranoid
)

// beginPanic makes the caller the one CPU that reports and stops the others. One
// that panics at the same time stands still.
func beginPanic() {
	me := uint32(thisCPU().id) + 1
	if by := claimShared32(addr(&stopping), me); by != 0 && by != me {
		halt()
	}
	if panicking++; panicking == 1 {
		stopOthers()
	}
}

// stopOthers stops the other CPUs by an NMI, for they may have interrupts off,
// and gives them time to be out of the console.
func stopOthers() {
	const patience = 100_000 // PAUSEs
	if cpuCount == 1 {
		return
	}
	// One by one: a CPU that was left out has no table for an NMI.
	for i := range cpuCount {
		if c := &cpus[i%MaxCPUs]; c != thisCPU() {
			sendIPI(amd64.IPINMI(c.apic, x2apic))
		}
	}
	for range patience {
		spin.Pause()
	}
}

// machinePanic reports a trap that machine code took.
//
//loam:fatal
func machinePanic(cpu *CPU) {
	beginPanic()
	if panicking > 1 {
		// The report itself failed: say so with the least code.
		puts("\nloam: another fault while reporting the first: rip ")
		putHex(panicContext.RIP, 16)
		puts(" cr2 ")
		putHex(panicContext.CR2, 16)
		put('\n')
		Shutdown(ShutdownPanic)
	}
	report(cpu, &panicContext, "fault in the machine floor")
}

// kernelPanic reports a trap in the kernel's ordinary Go code.
//
//loam:fatal
//go:noinline
func kernelPanic(cpu *CPU, c *Context, what string) {
	beginPanic()
	report(cpu, c, what)
}

// goPanic ends the machine after Go's runtime has printed its own report.
//
//loam:fatal
func goPanic(cpu *CPU, c *Context) {
	beginPanic()
	showLog()
	if c.RDI == 0 {
		Shutdown(ShutdownOK)
	}
	puts("loam: kernel panic: Go's runtime gave up with status ")
	putDec(c.RDI)
	puts(" on CPU ")
	putDec(cpu.id)
	put('\n')
	Shutdown(ShutdownPanic)
}

// machineFatal ends the machine with a reason, from anywhere.
//
//loam:fatal
func machineFatal(why ...string) {
	beginPanic()
	showLog()
	puts("loam: kernel panic: ")
	for _, s := range why {
		puts(s)
	}
	put('\n')
	backtrace(framePointer())
	Shutdown(ShutdownPanic)
}

func report(cpu *CPU, c *Context, what string) {
	showLog()
	puts("loam: kernel panic: ")
	puts(what)
	puts(": ")
	puts(amd64.VectorName(uint8(c.Vector)))
	puts(" on CPU ")
	putDec(cpu.id)
	put('\n')
	registers(c)
	puts("stack:\n")
	backtraceFrom(c.RIP, c.RBP)
	Shutdown(ShutdownPanic)
}

func registers(c *Context) {
	row("rip", c.RIP, "rsp", c.RSP, "rbp", c.RBP)
	row("rax", c.RAX, "rbx", c.RBX, "rcx", c.RCX)
	row("rdx", c.RDX, "rsi", c.RSI, "rdi", c.RDI)
	row("r8 ", c.R8, "r9 ", c.R9, "r10", c.R10)
	row("r11", c.R11, "r12", c.R12, "r13", c.R13)
	row("r14", c.R14, "r15", c.R15, "flg", c.RFLAGS)
	row("cr2", c.CR2, "err", c.Err, "cr3", readCR3())
}

func row(n1 string, v1 uint64, n2 string, v2 uint64, n3 string, v3 uint64) {
	register(n1, v1)
	register(n2, v2)
	register(n3, v3)
	put('\n')
}

func register(name string, v uint64) {
	puts("  ")
	puts(name)
	put(' ')
	putHex(v, 16)
}

// backtraceFrom prints the call chain by frame pointers, for as long as they
// stay within mapped kernel memory and grow.
func backtraceFrom(pc, fp uint64) {
	symbol(pc)
	backtrace(fp)
}

func backtrace(fp uint64) {
	const most = 4096
	last, repeats, shown := uint64(0), uint64(0), 0
	for range most {
		if fp < kernelLow || fp&7 != 0 || !mapped(fp) || !mapped(fp+8) {
			break
		}
		pc, up := load64(fp+8), load64(fp)
		if pc == 0 || shown == 40 {
			break
		}
		if pc == last {
			repeats++ // recursion: one line for all
		} else {
			repeated(repeats)
			symbol(pc - 1)
			last, repeats = pc, 0
			shown++
		}
		if up <= fp {
			break
		}
		fp = up
	}
	repeated(repeats)
}

func repeated(n uint64) {
	if n == 0 {
		return
	}
	puts("  ... and ")
	putDec(n)
	puts(" more of it\n")
}

// mapped reports whether an 8-byte load at va is safe.
func mapped(va uint64) bool {
	if kernelRoot == 0 {
		return va >= imageMap
	}
	table := memory.Table(kernelRoot)
	for shift := 39; shift >= 12; shift -= 9 {
		e := table[va>>shift&511]
		if e&amd64.PTEPresent == 0 {
			return false
		}
		if shift == 12 || shift < 39 && e&pteHuge != 0 {
			return true
		}
		table = memory.Table(e & pteAddr)
	}
	return true
}

func symbol(pc uint64) {
	puts("  ")
	putHex(pc, 16)
	if pc >= header.TextStart && pc < header.TextEnd {
		name, file, line := symbolOf(uintptr(pc))
		put(' ')
		puts(name)
		puts(" ")
		puts(file)
		put(':')
		putDec(uint64(line))
	}
	put('\n')
}
