// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"slices"
	"syscall"

	"loam/test/programs/cases"
)

func instructionCases() []cases.Case {
	out := []cases.Case{
		together("privileged instructions", privileged),
		together("ports", ports),
		together("invalid instructions", invalid),
		together("software interrupts", interrupts),
		together("arithmetic faults", arithmetic),
		together("segment registers", selectors),
		{Name: "calls with odd flags", Run: oddFlags},
		{Name: "single steps", Run: singleSteps},
		{Name: "flags of a program are its own", Run: flagsKept},
		{Name: "faults with odd flags", Run: faultsOddFlags},
		{Name: "segment bases are a thread's own", Run: segmentBases},
		{Name: "registers survive a call", Run: registersSurvive},
		{Name: "kernel addresses do not leak through a call", Run: nothingLeaks},
	}
	if onLoam {
		out = append(out, cases.Case{Name: "every selector", Run: everySelector})
	}
	return out
}

var privileged = []instruction{
	{"hlt", []byte{0xf4}, onlySegv, noAddress, false},
	{"mov rax, cr0", []byte{0x0f, 0x20, 0xc0}, onlySegv, noAddress, false},
	{"mov cr0, rax", []byte{0x0f, 0x22, 0xc0}, onlySegv, noAddress, false},
	{"mov cr3, rax", []byte{0x0f, 0x22, 0xd8}, onlySegv, noAddress, false},
	{"mov rax, cr3", []byte{0x0f, 0x20, 0xd8}, onlySegv, noAddress, false},
	{"mov cr4, rax", []byte{0x0f, 0x22, 0xe0}, onlySegv, noAddress, false},
	{"mov cr8, rax", []byte{0x44, 0x0f, 0x22, 0xc0}, onlySegv, noAddress, false},
	{"mov dr7, rax", []byte{0x0f, 0x23, 0xf8}, onlySegv, noAddress, false},
	{"mov rax, dr6", []byte{0x0f, 0x21, 0xf0}, onlySegv, noAddress, false},
	{"rdmsr", []byte{0x0f, 0x32}, onlySegv, noAddress, false},
	{"wrmsr", []byte{0x0f, 0x30}, onlySegv, noAddress, false},
	{"lgdt [rdi]", []byte{0x0f, 0x01, 0x17}, onlySegv, noAddress, false},
	{"lidt [rdi]", []byte{0x0f, 0x01, 0x1f}, onlySegv, noAddress, false},
	{"lldt ax", []byte{0x0f, 0x00, 0xd0}, onlySegv, noAddress, false},
	{"ltr ax", []byte{0x0f, 0x00, 0xd8}, onlySegv, noAddress, false},
	{"lmsw ax", []byte{0x0f, 0x01, 0xf0}, onlySegv, noAddress, false},
	{"clts", []byte{0x0f, 0x06}, onlySegv, noAddress, false},
	{"invlpg [rdi]", []byte{0x0f, 0x01, 0x3f}, onlySegv, noAddress, false},
	{"invd", []byte{0x0f, 0x08}, onlySegv, noAddress, false},
	{"wbinvd", []byte{0x0f, 0x09}, onlySegv, noAddress, false},
	{"swapgs", []byte{0x0f, 0x01, 0xf8}, onlySegv, noAddress, false},
	{"sysret", []byte{0x48, 0x0f, 0x07}, onlySegv, noAddress, false},
	{"sysexit", []byte{0x0f, 0x35}, []uint64{segv, ill}, -1, false},
	{"xsetbv", []byte{0x31, 0xc9, 0x31, 0xd2, 0xb8, 1, 0, 0, 0, 0x0f, 0x01, 0xd1}, onlySegv, noAddress, false},
	{"rdpmc", []byte{0x31, 0xc9, 0x0f, 0x33}, []uint64{segv, ill}, -1, false},
	{"sysenter", []byte{0x0f, 0x34}, []uint64{segv, ill}, -1, true},
	{"vmcall", []byte{0x0f, 0x01, 0xc1}, []uint64{segv, ill}, -1, true},
	{"vmmcall", []byte{0x0f, 0x01, 0xd9}, []uint64{segv, ill}, -1, true},
	{"rsm", []byte{0x0f, 0xaa}, []uint64{segv, ill}, -1, false},
}

var ports = []instruction{
	{"cli", []byte{0xfa}, onlySegv, noAddress, false},
	{"sti", []byte{0xfb}, onlySegv, noAddress, false},
	{"in al, 0x60", []byte{0xe4, 0x60}, onlySegv, noAddress, false},
	{"in al, dx", []byte{0x66, 0xba, 0xf8, 0x03, 0xec}, onlySegv, noAddress, false},
	{"out 0xe9, al", []byte{0xe6, 0xe9}, onlySegv, noAddress, false},
	{"out 0xf4, eax", []byte{0xe7, 0xf4}, onlySegv, noAddress, false},
	{"out dx, al", []byte{0x66, 0xba, 0xf4, 0x00, 0xee}, onlySegv, noAddress, false},
	{"outsb", []byte{0x66, 0xba, 0xe9, 0x00, 0x6e}, onlySegv, noAddress, false},
	{"rep outsb", []byte{0x66, 0xba, 0xe9, 0x00, 0xb9, 8, 0, 0, 0, 0xf3, 0x6e}, onlySegv, noAddress, false},
	{"insb", []byte{0x66, 0xba, 0xf8, 0x03, 0x6c}, onlySegv, noAddress, false},
}

var invalid = []instruction{
	{"ud2", []byte{0x0f, 0x0b}, []uint64{ill}, -1, false},
	{"push es", []byte{0x06}, []uint64{ill}, -1, false},
	{"into", []byte{0xce}, []uint64{ill}, -1, false},
	{"mov cs, ax", []byte{0x8e, 0xc8}, []uint64{ill}, -1, false},
	{"far call, direct", []byte{0x9a, 0, 0, 0, 0, 0, 0}, []uint64{ill}, -1, false},
	{"sixteen prefixes", slices.Concat(slices.Repeat([]byte{0x66}, 16), []byte{0x90}), []uint64{segv, ill}, -1, false},
}

var interrupts = []instruction{
	{"int3", []byte{0xcc}, []uint64{trap}, noAddress, false},
	{"int 3", []byte{0xcd, 0x03}, []uint64{trap}, noAddress, false},
	{"icebp", []byte{0xf1}, []uint64{trap, ill}, -1, false}, // QEMU's emulation has none,
	{"int 0", []byte{0xcd, 0x00}, onlySegv, noAddress, false},
	{"int 1", []byte{0xcd, 0x01}, onlySegv, noAddress, false},
	{"int 2", []byte{0xcd, 0x02}, onlySegv, noAddress, false},
	{"int 8", []byte{0xcd, 0x08}, onlySegv, noAddress, false},
	{"int 14", []byte{0xcd, 0x0e}, onlySegv, noAddress, false},
	{"int 18", []byte{0xcd, 0x12}, onlySegv, noAddress, false},
	{"int 0x20", []byte{0xcd, 0x20}, onlySegv, noAddress, false},
	{"int 0x80", []byte{0xb8, 1, 0, 0, 0, 0xcd, 0x80}, onlySegv, noAddress, true},
	{"int 0xff", []byte{0xcd, 0xff}, onlySegv, noAddress, false},
}

var arithmetic = []instruction{
	{"division by zero", []byte{0x31, 0xc9, 0x31, 0xd2, 0xf7, 0xf1}, []uint64{fpe}, 1, false},
	{"quotient too large", []byte{0xb8, 0, 0, 0, 0x80, 0x99, 0xb9, 0xff, 0xff, 0xff, 0xff, 0xf7, 0xf9}, []uint64{fpe}, 1, false},
	// PUSH 0x37b; FLDCW [RSP]; POP RAX; FLD1; FLDZ; FDIVP; FWAIT
	{"x87 division by zero", []byte{0x68, 0x7b, 3, 0, 0, 0xd9, 0x2c, 0x24, 0x58, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b}, []uint64{fpe}, 3, false},
	// PUSH 0x37e; FLDCW [RSP]; POP RAX; FLDZ; FLDZ; FDIVP; FWAIT
	{"x87 invalid operation", []byte{0x68, 0x7e, 3, 0, 0, 0xd9, 0x2c, 0x24, 0x58, 0xd9, 0xee, 0xd9, 0xee, 0xde, 0xf9, 0x9b}, []uint64{fpe}, 7, false},
	// PUSH 0x1d80; LDMXCSR [RSP]; POP RAX; XORPS X0,X0; MOV EAX,1; CVTSI2SS X1,EAX; DIVSS X1,X0.
	// QEMU's emulation raises no such exception.
	{"SSE division by zero", []byte{0x68, 0x80, 0x1d, 0, 0, 0x0f, 0xae, 0x14, 0x24, 0x58, 0x0f, 0x57, 0xc0, 0xb8, 1, 0, 0, 0, 0xf3, 0x0f, 0x2a, 0xc8, 0xf3, 0x0f, 0x5e, 0xc8,
		0x68, 0x80, 0x1f, 0, 0, 0x0f, 0xae, 0x14, 0x24, 0x58}, []uint64{fpe, 0}, 3, false},
	// PUSH -1; LDMXCSR [RSP]; POP RAX; then the usual value.
	{"reserved bits of MXCSR", []byte{0x6a, 0xff, 0x0f, 0xae, 0x14, 0x24, 0x58, 0x68, 0x80, 0x1f, 0, 0, 0x0f, 0xae, 0x14, 0x24, 0x58}, []uint64{segv, 0}, noAddress, false},
	// PUSHFQ; OR [RSP],AC; POPFQ; MOV EAX,[RSP+1]. QEMU's emulation may not check.
	{"misaligned under AC", []byte{0x9c, 0x81, 0x0c, 0x24, 0, 0, 4, 0, 0x9d, 0x8b, 0x44, 0x24, 0x01}, []uint64{bus, 0}, -1, false},
}

// selectors are loads of segment registers that must fail, and one that
// must not. Far returns and IRET are left out: QEMU's emulation before 9.1
// reads their operands from the stack as ring 0 would, which SMAP forbids, and
// the program faults for ever.
var selectors = []instruction{
	{"mov ds, 0", []byte{0x31, 0xc0, 0x8e, 0xd8}, []uint64{0}, -1, false},
	{"mov ss, 0", []byte{0x31, 0xc0, 0x8e, 0xd0}, onlySegv, noAddress, false},
	{"mov ss, 8", []byte{0xb8, 8, 0, 0, 0, 0x8e, 0xd0}, onlySegv, noAddress, false},
	{"mov ds, 0xfff8", []byte{0xb8, 0xf8, 0xff, 0, 0, 0x8e, 0xd8}, onlySegv, noAddress, false},
}

// Bits of RFLAGS.
const (
	flagTrap      = 1 << 8
	flagInterrupt = 1 << 9
	flagDirection = 1 << 10
	flagIOPL      = 3 << 12
	flagNested    = 1 << 14
	flagAlignment = 1 << 18
	flagID        = 1 << 21
)

// withFlags: PUSH RDI; POPFQ; SYSCALL.
var withFlags = code(0x57, 0x9d, 0x0f, 0x05)

func oddFlags() error {
	pid := uint64(syscall.Getpid())
	for _, f := range []uint64{
		flagNested, flagAlignment, flagDirection, flagID, flagIOPL, 0x8d5, // all arithmetic ones
		flagNested | flagAlignment | flagDirection | flagID | flagIOPL | 0x8d5, minusOneWord &^ flagTrap,
	} {
		for _, nr := range []uint64{syscall.SYS_GETPID, syscall.SYS_SCHED_YIELD, 9999} {
			want := map[uint64]uint64{syscall.SYS_GETPID: pid, syscall.SYS_SCHED_YIELD: 0, 9999: ^uint64(enosys) + 1}[nr]
			regs := registers{RAX: nr, RDI: f}
			if s := run(withFlags, &regs); s.Signo != 0 || regs.RAX != want {
				return fmt.Errorf("flags %#x, call %d: signal %d, result %#x", f, nr, s.Signo, regs.RAX)
			}
		}
	}
	return nil
}

// singleSteps sets the trap flag before instructions that enter the kernel:
// the trap is the program's, and comes after them.
func singleSteps() error {
	nop := code(0x57, 0x9d, 0x90, 0x90) // PUSH RDI; POPFQ; NOP; NOP
	for name, at := range map[string]uintptr{"nop": nop, "syscall": withFlags} {
		for range 3 {
			s := run(at, &registers{RAX: syscall.SYS_GETPID, RDI: flagTrap | flagInterrupt | 2})
			if s.Signo != trap {
				return fmt.Errorf("%s: signal %d, want SIGTRAP", name, s.Signo)
			}
		}
	}
	// The handler runs without the flag, or there would be no end of traps.
	ud := code(0x57, 0x9d, 0x0f, 0x0b)
	if s := run(ud, &registers{RDI: flagTrap | 2}); s.Signo != ill && s.Signo != trap {
		return fmt.Errorf("ud2: %+v", s)
	}
	return nil
}

// flagsKept: a program can change its arithmetic flags but neither its I/O
// privilege nor its being interruptible, and a call gives them back.
func flagsKept() error {
	// PUSH RDI; POPFQ; SYSCALL; PUSHFQ; POP RBX
	at := code(0x57, 0x9d, 0x0f, 0x05, 0x9c, 0x5b)
	for _, f := range []uint64{0, flagDirection, 0x8d5, flagIOPL, minusOneWord &^ flagTrap, flagAlignment | flagID} {
		regs := registers{RAX: syscall.SYS_GETPID, RDI: f}
		if s := run(at, &regs); s.Signo != 0 {
			return fmt.Errorf("flags %#x: %+v", f, s)
		}
		const kept = flagDirection | flagAlignment | flagID | 0x8d5
		if got := regs.RBX; got&kept != f&kept || got&flagIOPL != 0 || got&flagInterrupt == 0 {
			return fmt.Errorf("flags %#x came back as %#x", f, got)
		}
	}
	return nil
}

// faultsOddFlags takes page faults that the kernel resolves, with flags set
// that would upset its own code.
func faultsOddFlags() error {
	at := code(0x57, 0x9d, 0x48, 0x89, 0x06) // PUSH RDI; POPFQ; MOV [RSI], RAX
	const n = 16
	addr := pages(n, protRW)
	for i := range uintptr(n) {
		f := uint64(flagNested | flagAlignment | flagDirection | 0x8d5)
		if s := run(at, &registers{RAX: 77, RDI: f, RSI: uint64(addr + i*page)}); s.Signo != 0 {
			return fmt.Errorf("page %d: %+v", i, s)
		}
		if got := *word(addr + i*page); got != 77 {
			return fmt.Errorf("page %d holds %d", i, got)
		}
	}
	return nil
}

// segmentBases: what a program puts into GS by instruction or by call is kept
// across calls and faults, whatever it is.
func segmentBases() error {
	// WRGSBASE RDI; SYSCALL; MOV [RSI], RAX; RDGSBASE RBX
	at := code(0xf3, 0x48, 0x0f, 0xae, 0xdf, 0x0f, 0x05, 0x48, 0x89, 0x06, 0xf3, 0x48, 0x0f, 0xae, 0xcb)
	reset := code(0xf3, 0x48, 0x0f, 0xae, 0xdf)
	defer run(reset, &registers{})
	for _, base := range []uintptr{0, 0x1234, lastPage, kernelText, directMap, kernelStack, veryLast, minusOne} {
		fresh := pages(1, protRW)
		regs := registers{RAX: syscall.SYS_SCHED_YIELD, RDI: uint64(base), RSI: uint64(fresh)}
		if s := run(at, &regs); s.Signo != 0 || regs.RBX != uint64(base) {
			return fmt.Errorf("GS base %#x came back as %#x, signal %d", base, regs.RBX, s.Signo)
		}
		// Faults and interrupts with such a base.
		if s := run(code(0xf3, 0x48, 0x0f, 0xae, 0xdf, 0x0f, 0x0b), &registers{RDI: uint64(base)}); s.Signo != ill {
			return fmt.Errorf("ud2 with GS base %#x: %+v", base, s)
		}
		spin := code(0xf3, 0x48, 0x0f, 0xae, 0xdf, 0xb9, 0, 0, 0, 2, 0xff, 0xc9, 0x75, 0xfc, 0xf3, 0x48, 0x0f, 0xae, 0xcb)
		regs = registers{RDI: uint64(base)}
		if s := run(spin, &regs); s.Signo != 0 || regs.RBX != uint64(base) {
			return fmt.Errorf("interrupted with GS base %#x: %#x, signal %d", base, regs.RBX, s.Signo)
		}
	}
	// QEMU's emulation takes this, too.
	if s := run(reset, &registers{RDI: nonCanonical}); s.Signo != segv && s.Signo != 0 {
		return fmt.Errorf("a base that is not canonical: %+v", s)
	}
	return nil
}

func registersSurvive() error {
	at := code(0x0f, 0x05)
	regs := registers{RAX: syscall.SYS_SCHED_YIELD, RDI: 1, RSI: 2, RDX: 3, R10: 4, R8: 5, R9: 6, RBX: 7}
	want := regs
	s := run(at, &regs)
	want.RAX, want.Flags = 0, regs.Flags
	if s.Signo != 0 || regs != want {
		return fmt.Errorf("%+v, want %+v", regs, want)
	}
	return nil
}

// nothingLeaks: after a call RCX holds the address behind it and R11 the flags,
// and no vector register holds anything of the kernel's.
func nothingLeaks() error {
	// VZEROALL; SYSCALL; MOV RDI, RCX; MOV RSI, R11; VMOVDQU [R10], YMM15; VMOVDQU [R10+32], YMM0
	at := code(0xc5, 0xfc, 0x77, 0x0f, 0x05, 0x48, 0x89, 0xcf, 0x4c, 0x89, 0xde,
		0xc4, 0x41, 0x7e, 0x7f, 0x3a, 0xc4, 0xc1, 0x7e, 0x7f, 0x42, 0x20)
	for i := range 8 {
		*word(scratch + uintptr(i)*8) = 0x5555
	}
	regs := registers{RAX: syscall.SYS_SCHED_YIELD, R10: uint64(scratch)}
	if s := run(at, &regs); s.Signo != 0 {
		return fmt.Errorf("%+v", s)
	}
	if regs.RDI != uint64(at)+5 {
		return fmt.Errorf("RCX is %#x, want %#x", regs.RDI, at+5)
	}
	if regs.RSI&^0x8d5 != flagInterrupt|2 {
		return fmt.Errorf("R11 is %#x", regs.RSI)
	}
	for i := range 8 {
		if w := *word(scratch + uintptr(i)*8); w != 0 {
			return fmt.Errorf("a zeroed vector register holds %#x", w)
		}
	}
	return nil
}

// everySelector tries each selector of a table of 32 as a code segment: there
// is no other mode to get into, 32-bit code in particular, whose way into the
// kernel nobody prepared.
func everySelector() error {
	const low32 = 0x40
	at := must(sysMmap, 0, page, protRW, anonymous|low32, minusOne, 0)
	// In 32-bit code 0x48 is DEC EAX: RAX tells the modes apart.
	copy(mem(at, page), []byte{0x48, 0xff, 0xc0, 0x0f, 0x0b}) // INC RAX; UD2
	must(sysMprotect, at, page, protRX)
	far := code(0xff, 0x2f) // JMP FAR [RDI]: 32 bits of address, 16 of selector
	cs := registers{}
	run(code(0x31, 0xdb, 0x8c, 0xcb), &cs) // MOV EBX, CS
	for sel := range uint64(256) {
		*word(scratch) = sel<<32 | uint64(at)
		s := run(far, with(scratch))
		ours := sel&^3 == cs.RBX&^3 // whatever privilege it asks for
		switch {
		case ours && s.Signo == ill:
		case !ours && s.Signo == segv && s.PC != uint64(at):
		default:
			return fmt.Errorf("selector %#x (ours is %#x): %+v", sel, cs.RBX, s)
		}
	}
	return nil
}
