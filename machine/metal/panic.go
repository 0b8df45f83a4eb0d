//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/spin"

// How the machine ends. A panic shows the log, what happened, the registers
// and a symbolised stack on every console, and stops the machine with a
// status of its own: never a silent hang.

// Values for Shutdown; the emulator exits with value<<1 | 1.
const (
	ShutdownOK    = 0x10
	ShutdownPanic = 0x11
)

// Shutdown ends the machine. On one without the emulator's exit device it
// halts.
//
//loam:fatal
func Shutdown(value uint32) {
	powerOff(value)
	if stopping == 0 {
		stopping = uint32(thisCPU().id) + 1
		stopOthers()
	}
	halt()
}

var (
	panicContext Context // of a trap in machine code
	panicking    uint32  // how often the reporting CPU has begun
	stopping     uint32  // number of the CPU that reports plus 1, 0: none
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

// stopOthers stops the other CPUs and gives them time to be out of the console.
func stopOthers() {
	const patience = 100_000 // PAUSEs
	if cpuCount == 1 {
		return
	}
	// One by one: a CPU that was left out is not ready for it.
	for i := range cpuCount {
		if c := &cpus[i%MaxCPUs]; c != thisCPU() {
			sendStop(c)
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
	switch {
	case panicking > 4:
		halt()
	case panicking > 2:
		leaveDevice(&panicContext)
		Shutdown(ShutdownPanic)
	case panicking > 1:
		// The report itself failed: say so with the least code.
		leaveDevice(&panicContext)
		puts("\nloam: another fault while reporting the first: pc ")
		putHex(panicContext.PC(), 16)
		puts(" address ")
		putHex(panicContext.faultAddress(), 16)
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
	if c.Arg0() == 0 {
		Shutdown(ShutdownOK)
	}
	puts("loam: kernel panic: Go's runtime gave up with status ")
	putDec(c.Arg0())
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
	backtraceHere()
	Shutdown(ShutdownPanic)
}

// Fatal ends the machine with a reason: for what the kernel floor finds that can't be.
func Fatal(why string) { machineFatal(why) }

// report shows what has happened and ends the machine.
//
//loam:fatal
//go:noinline
func report(cpu *CPU, c *Context, what string) {
	leaveDevice(c)
	showLog()
	puts("loam: kernel panic: ")
	puts(what)
	puts(": ")
	puts(c.trapName())
	puts(" on CPU ")
	putDec(cpu.id)
	put('\n')
	registers(c)
	puts("stack:\n")
	backtraceFrom(c)
	Shutdown(ShutdownPanic)
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

// trail prints the calls of a chain, a line each, but for a recursion's one for all.
type trail struct {
	last, repeats uint64
	shown         int
}

const (
	trailMost = 40   // calls that are shown
	trailWalk = 4096 // and looked at
)

// call prints the call that returns to pc.
func (t *trail) call(pc uint64) {
	if pc == t.last {
		t.repeats++
		return
	}
	t.end()
	symbol(pc - 1)
	t.last, t.repeats = pc, 0
	t.shown++
}

// end says how much of a recursion wasn't printed.
func (t *trail) end() {
	if t.repeats == 0 {
		return
	}
	puts("  ... and ")
	putDec(t.repeats)
	puts(" more of it\n")
}

// mapped reports whether an 8-byte load at va is safe.
func mapped(va uint64) bool {
	if kernelRoot == 0 {
		return va >= imageMap
	}
	_, ok := translate(va)
	return ok
}

// translate follows the kernel's tables.
func translate(va uint64) (pa uint64, ok bool) {
	table := memory.Table(kernelRoot)
	for shift := rootShift; ; shift -= 9 {
		e := table[va>>shift&511]
		if e&ptePresent == 0 {
			return 0, false
		}
		if shift == 12 || isHuge(e) {
			return pteFrame(e) + va&(1<<shift-1), true
		}
		table = memory.Table(pteFrame(e))
	}
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
