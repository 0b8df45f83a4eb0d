// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"

	"loam/test/programs/cases"
	"loam/test/programs/smp/low"
	rv "loam/test/rv64"
)

func instructionCases() []cases.Case {
	return []cases.Case{
		together("privileged instructions", privileged),
		together("control and status registers of others", foreignRegisters()),
		together("invalid instructions", invalid()),
		together("breakpoints", breakpoints),
		together("what never faults", harmless),
		{Name: "time and its likes", Run: counters},
		{Name: "division has no faults", Run: division},
		{Name: "misaligned memory", Run: misaligned},
		{Name: "atomics on misaligned memory", Run: misalignedAtomics},
		{Name: "an instruction over the end of memory", Run: halfInstruction},
		{Name: "code that changes itself", Run: changedCode},
		{Name: "registers survive a call", Run: registersSurvive},
		{Name: "GP and TP are a thread's own", Run: threadPointers},
		{Name: "floating-point state is a thread's own", Run: floatState},
		{Name: "reserved rounding modes", Run: roundingModes},
	}
}

var onlyIll = []uint64{ill}

// one is an instruction of 4 bytes that must be refused as Linux does: ILL_ILLOPC.
func one(name string, w uint32) instruction {
	return instruction{name: name, code: rv.Code(w), signo: onlyIll, info: 1}
}

var privileged = []instruction{
	one("sret", rv.SRet),
	one("mret", rv.MRet),
	one("uret", rv.URet),
	one("dret", 0x7b200073),
	{"wfi", rv.Code(rv.WFI), []uint64{ill, 0}, -1, false}, // it may also go on after a while
	one("sfence.vma", rv.SFenceVMA(rv.Zero, rv.Zero)),
	one("sfence.vma a0, a1", rv.SFenceVMA(rv.A0, rv.A1)),
	one("sinval.vma", rv.SInvalVMA(rv.Zero, rv.Zero)),
	one("hfence.gvma", rv.HFenceGVMA(rv.Zero, rv.Zero)),
	one("hlv.d", 0x6c0540f3),
}

// foreignRegisters are those that belong to more than a program: of supervisor, guests,
// machine and debugger. Each is read, and then written.
func foreignRegisters() []instruction {
	var out []instruction
	for name, csr := range map[string]uint32{
		"sstatus": 0x100, "sie": 0x104, "stvec": 0x105, "scounteren": 0x106, "senvcfg": 0x10a, "sscratch": 0x140,
		"sepc": 0x141, "scause": 0x142, "stval": 0x143, "sip": 0x144, "stimecmp": 0x14d, "satp": 0x180,
		"vsstatus": 0x200, "vsatp": 0x280, "hstatus": 0x600, "hgatp": 0x680,
		"mstatus": 0x300, "misa": 0x301, "medeleg": 0x302, "mideleg": 0x303, "mie": 0x304, "mtvec": 0x305,
		"mcounteren": 0x306, "menvcfg": 0x30a, "mscratch": 0x340, "mepc": 0x341, "mcause": 0x342, "mtval": 0x343,
		"mip": 0x344, "pmpcfg0": 0x3a0, "pmpaddr0": 0x3b0, "pmpaddr15": 0x3bf, "mcycle": 0xb00, "mhpmcounter3": 0xb03,
		"mvendorid": 0xf11, "mhartid": 0xf14, "tselect": 0x7a0, "dcsr": 0x7b0, "dpc": 0x7b1,
		"nothing": 0x8ff, "the last": 0xfff,
	} {
		out = append(out, one("read "+name, rv.CSRRS(rv.A1, csr, rv.Zero)), one("write "+name, rv.CSRRW(rv.Zero, csr, rv.A0)))
	}
	// Those that a program may read, it may not write.
	for name, csr := range map[string]uint32{"cycle": 0xc00, "time": 0xc01, "instret": 0xc02, "vl": 0xc20, "vlenb": 0xc22} {
		out = append(out, one("write "+name, rv.CSRRW(rv.Zero, csr, rv.A0)), one("set in "+name, rv.CSRRSI(rv.Zero, csr, 1)))
	}
	return out
}

func invalid() []instruction {
	out := []instruction{
		one("unimp", rv.Illegal),
		one("all bits", 0xffffffff),
		one("custom-0", 0x0000000b),
		one("custom-3", 0x0000007b),
		one("amo of 2 bytes", 0x0000102f),
		one("load of 16 bytes", 0x00007003),
		one("store of 16 bytes", 0x00007023),
		one("shift by 64 of 32 bits", 0x0205951b),
		one("ecall with a register", rv.ECall|1<<7),
		{"two zero bytes", []byte{0, 0}, onlyIll, 1, false},
		{"c.lui of nothing", []byte{0x81, 0x65}, onlyIll, 1, false},
		{"c.jr x0", []byte{0x02, 0x80}, onlyIll, 1, false},
		{"6 bytes", []byte{0x1f, 0, 0, 0, 0, 0}, onlyIll, 1, false},
		{"8 bytes", []byte{0x3f, 0, 0, 0, 0, 0, 0, 0}, onlyIll, 1, false},
	}
	if !low.HasVectors {
		out = append(out,
			one("vsetvli", 0x0d0572d7),
			one("vector load", 0x02056087),
			one("read vl", rv.CSRRS(rv.A1, 0xc20, rv.Zero)),
			one("write vstart", rv.CSRRW(rv.Zero, 8, rv.A0)),
		)
	}
	return out
}

var breakpoints = []instruction{
	{"ebreak", rv.Code(rv.EBreak), []uint64{trap}, 1, false},
	{"c.ebreak", []byte{0x02, 0x90}, []uint64{trap}, 1, false},
	// What marks a call to a debugger's host (semihosting): Loam has none.
	{"semihosting", rv.Code(0x01f01013, rv.EBreak, 0x40705013), []uint64{trap}, 1, true},
}

var harmless = []instruction{
	{"fence", rv.Code(rv.Fence), []uint64{0}, -1, false},
	{"fence.i", rv.Code(rv.FenceI), []uint64{0}, -1, false},
	{"pause", rv.Code(0x0100000f), []uint64{0}, -1, false},
	{"fence of unknown bits", rv.Code(0xf00f8f8f), []uint64{0}, -1, false},
	{"hint", rv.Code(rv.LUI(rv.Zero, 0x12345)), []uint64{0}, -1, false},
	{"cbo.zero", rv.Code(rv.CBOZero(rv.A0)), []uint64{0, ill}, -1, false},   // ill: no Zicboz
	{"cbo.inval", rv.Code(rv.CBOInval(rv.A0)), []uint64{0, ill}, -1, false}, // no Zicbom; else it cleans, too
}

// counters: the clock can be read, by the vDSO if by nobody else, and goes on; on Loam
// cycles and instructions, too. What else there is to count is machine mode's to say,
// and is kept from programs.
func counters() error {
	at := assemble(rv.CSRRS(rv.A0, 0xc01, rv.Zero))
	last := uint64(0)
	for range 100 {
		r := with()
		if s := run(at, r); s.Signo != 0 || r.result() < last {
			return fmt.Errorf("rdtime: %d after %d, %+v", r.result(), last, s)
		}
		last = r.result()
	}
	for csr, want := range map[uint32]uint64{0xc00: 0, 0xc02: 0, 0xc03: ill, 0xc1f: ill} {
		if s := run(assemble(rv.CSRRS(rv.A0, csr, rv.Zero)), with()); s.Signo != want && (onLoam || s.Signo != ill) {
			return fmt.Errorf("counter %#x: %+v", csr, s)
		}
	}
	return nil
}

// division gives what volume I, 7.2 says.
func division() error {
	const least = 1 << 63
	div := assemble(rv.DIV(rv.A0, rv.A0, rv.A1))
	for _, c := range [][3]uintptr{{7, 0, minusOne}, {least, minusOne, least}, {0, 0, minusOne}, {42, 6, 7}} {
		r := with(c[0], c[1])
		if s := run(div, r); s.Signo != 0 || r.result() != uint64(c[2]) {
			return fmt.Errorf("%d / %d is %d, %+v", c[0], c[1], r.result(), s)
		}
	}
	return nil
}

// misaligned loads and stores work, across pages too, of which the second is not there
// yet or can't be had.
func misaligned() error {
	load, save := assemble(rv.LD(rv.A0, rv.A0, 0)), assemble(rv.SD(rv.A1, rv.A0, 0))
	at := pages(2, protRW)
	const v = 0x0123456789abcdef
	for _, o := range []uintptr{1, 3, 5, 7, 61, page - 7, page - 4, page - 1} {
		if s := run(save, with(at+o, v)); s.Signo != 0 {
			return fmt.Errorf("store at %d: %+v", o, s)
		}
		r := with(at + o)
		if s := run(load, r); s.Signo != 0 || r.result() != v {
			return fmt.Errorf("load at %d: %#x, %+v", o, r.result(), s)
		}
	}
	must(sysMprotect, at+page, page, protNone)
	*word(at + page - 8) = v
	for what, c := range map[string]uintptr{"load": load, "store": save} {
		if s := run(c, with(at+page-4)); s.Signo != segv || s.Code != accErr || s.Addr != uint64(at+page) {
			return fmt.Errorf("%s into a page without rights: %+v", what, s)
		}
	}
	if *word(at + page - 8) != v {
		return fmt.Errorf("half of a store is there: %#x", *word(at + page - 8))
	}
	return nil
}

// misalignedAtomics: no hart of QEMU's does them, and no kernel. The signal has the
// instruction's address and not the memory's: so Linux has it (arch/riscv/kernel/traps.c).
func misalignedAtomics() error {
	for name, w := range map[string]uint32{
		"amoadd": rv.AMOADD(rv.A1, rv.A2, rv.A0), "lr": rv.LR(rv.A1, rv.A0),
	} {
		at := assemble(w)
		s := run(at, with(scratch+4))
		if s.Signo != bus || s.Code != 1 || onLoam && s.Addr != uint64(at) { // BUS_ADRALN
			return fmt.Errorf("%s: %+v", name, s)
		}
	}
	return nil
}

// halfInstruction jumps to the last two bytes of a page, where an instruction of four
// begins: what is missing is what is behind.
func halfInstruction() error {
	at := pages(1, protRW)
	b := mem(at, page)
	copy(b[page-2:], rv.Code(rv.ADDI(rv.A0, rv.A0, 1))[:2])
	must(sysMprotect, at, page, protRX)
	flushCode()
	s := run(jumpCode, with(at+page-2))
	if s.Signo != segv || s.Code != mapErr || s.Addr != uint64(at+page) || s.PC != uint64(at+page-2) {
		return fmt.Errorf("%+v", s)
	}
	return nil
}

// changedCode writes code again and again where it has just been executed.
func changedCode() error {
	at := pages(1, protRW)
	for n := range int32(200) {
		copy(mem(at, page), rv.Code(rv.ADDI(rv.A0, rv.Zero, n), rv.Ret))
		must(sysMprotect, at, page, protRX)
		flushCode()
		r := with()
		if s := run(at, r); s.Signo != 0 || r.result() != uint64(n) {
			return fmt.Errorf("round %d gives %d, %+v", n, r.result(), s)
		}
		must(sysMprotect, at, page, protRW)
	}
	return nil
}

// numbered has a value of its own in each register.
func numbered() *registers {
	r := &registers{}
	for i := range r.X {
		r.X[i] = 0x5a5a_0000_0000_0000 | uint64(i)<<8
	}
	return r
}

// kept checks that all registers but one are as they were.
func kept(what string, got, want *registers, but int) error {
	for i := range want.X {
		if loaded := i > 2 && i != 27 && i != 31; loaded && i != but && got.X[i] != want.X[i] {
			return fmt.Errorf("%s: x%d is %#x, was %#x", what, i, got.X[i], want.X[i])
		}
	}
	return nil
}

// registersSurvive: a call changes A0 and nothing else, a fault that the kernel
// resolves and an interrupt nothing at all.
func registersSurvive() error {
	call := code(callInstruction...)
	for range 10 {
		r, want := numbered().set(regA7, sysYield), numbered().set(regA7, sysYield)
		if s := run(call, r); s.Signo != 0 || r.result() != 0 {
			return fmt.Errorf("%+v, result %#x", s, r.result())
		}
		if err := kept("a call", r, want, regA0); err != nil {
			return err
		}
	}
	fault := assemble(rv.SD(rv.S1, rv.A0, 8))
	const n = 16
	addr := pages(n, protRW)
	for i := range uintptr(n) {
		r, want := numbered().set(regA0, uint64(addr+i*page)), numbered().set(regA0, uint64(addr+i*page))
		if s := run(fault, r); s.Signo != 0 || *word(addr + i*page + 8) != r.X[regS1] {
			return fmt.Errorf("page %d: %+v", i, s)
		}
		if err := kept("a fault", r, want, 0); err != nil {
			return err
		}
	}
	r, want := numbered().set(regA0, 64<<20), numbered().set(regA0, 0)
	if s := run(assemble(rv.ADDI(rv.A0, rv.A0, -1), rv.BNE(rv.A0, rv.Zero, -4)), r); s.Signo != 0 {
		return fmt.Errorf("%+v", s)
	}
	return kept("interrupts", r, want, 0)
}

// threadPointers: GP and TP may hold anything, in calls, faults and interrupts; the
// kernel, whose own they are in its mode, must use neither of them.
func threadPointers() error {
	at := assemble(rv.ECall, rv.SD(rv.A0, rv.A1, 0), rv.LUI(rv.T0, 16<<20>>12), rv.ADDI(rv.T0, rv.T0, -1), rv.BNE(rv.T0, rv.Zero, -4))
	fault := assemble(rv.Illegal)
	for _, v := range []uintptr{0, 0x1234, lastPage, neverMapped, nonCanonical, directMap, kernelStack, kernelText, veryLast, minusOne} {
		set := func(r *registers) *registers { return r.set(regTP, uint64(v)).set(regGP, ^uint64(v)) }
		r := set(calling(sysYield, 0, pages(1, protRW)))
		if s := run(at, r); s.Signo != 0 || r.X[regTP] != uint64(v) || r.X[regGP] != ^uint64(v) {
			return fmt.Errorf("%#x: TP is %#x, GP %#x, %+v", v, r.X[regTP], r.X[regGP], s)
		}
		if s := run(fault, set(with())); s.Signo != ill {
			return fmt.Errorf("fault with TP %#x: %+v", v, s)
		}
		if context[ucX/8+regTP] != uint64(v) || context[ucX/8+regGP] != ^uint64(v) {
			return fmt.Errorf("the frame has TP %#x and GP %#x, want %#x", context[ucX/8+regTP], context[ucX/8+regGP], v)
		}
	}
	return nil
}

// floats puts a pattern at an address: 32 registers and FCSR, all of whose bits are set
// that there are but for the mode, which goes round.
func floats(at uintptr, pattern uint64) {
	for i := range uintptr(32) {
		*word(at + 8*i) = pattern ^ uint64(i)<<32
	}
	*word(at + 256) = pattern%5<<5 | 0x1f
}

// withFloats loads all that belongs to floating point from A1, executes instructions,
// and stores it at A2.
func withFloats(middle ...uint32) uintptr {
	words := []uint32{}
	for f := range uint32(32) {
		words = append(words, rv.FLD(f, rv.A1, int32(8*f)))
	}
	words = append(words, rv.LD(rv.T0, rv.A1, 256), rv.CSRRW(rv.Zero, 3, rv.T0))
	words = append(words, middle...)
	for f := range uint32(32) {
		words = append(words, rv.FSD(f, rv.A2, int32(8*f)))
	}
	return assemble(append(words, rv.CSRRS(rv.T0, 3, rv.Zero), rv.SD(rv.T0, rv.A2, 256))...)
}

// floatState: a call, a fault that the kernel resolves and interrupts leave it alone; a
// signal's frame has it.
func floatState() error {
	in, out := pages(1, protRW), pages(1, protRW)
	same := func(what string, at func(i uintptr) uint64) error {
		for i := range uintptr(33) {
			if got, want := at(i), *word(in + 8*i); got != want {
				return fmt.Errorf("%s: f%d (32: FCSR) is %#x, was %#x", what, i, got, want)
			}
		}
		return nil
	}
	call, fault, stop := withFloats(rv.ECall), withFloats(rv.SD(rv.Zero, rv.A3, 0)), withFloats(rv.Illegal)
	spin := withFloats(rv.LUI(rv.T0, 16<<20>>12), rv.ADDI(rv.T0, rv.T0, -1), rv.BNE(rv.T0, rv.Zero, -4))
	for n := range uint64(10) {
		floats(in, n*0x0101010101010101)
		for what, at := range map[string]uintptr{"a call": call, "a fault": fault, "interrupts": spin} {
			fresh := pages(1, protRW)
			if s := run(at, calling(sysYield, 0, in, out, fresh)); s.Signo != 0 {
				return fmt.Errorf("%s: %+v", what, s)
			}
			if err := same(what, func(i uintptr) uint64 { return *word(out + 8*i) }); err != nil {
				return err
			}
			free(fresh)
		}
		if s := run(stop, calling(0, 0, in, out)); s.Signo != ill {
			return fmt.Errorf("%+v", s)
		}
		if err := same("the frame", func(i uintptr) uint64 { return context[ucFloat/8+i] }); err != nil {
			return err
		}
	}
	return nil
}

// roundingModes: FCSR takes a reserved one, and what would round by it is illegal, with
// the kernel none the worse.
func roundingModes() error {
	for _, mode := range []uint32{5, 6, 7} {
		s := run(assemble(rv.CSRRWI(rv.Zero, 2, mode), rv.FDIV(1, 2, 3)), with())
		if s.Signo != ill {
			return fmt.Errorf("mode %d: %+v", mode, s)
		}
		if s := run(assemble(rv.CSRRWI(rv.Zero, 2, mode), rv.ECall, rv.CSRRS(rv.A1, 2, rv.Zero)), calling(sysYield)); s.Signo != 0 {
			return fmt.Errorf("a call in mode %d: %+v", mode, s)
		}
	}
	return nil
}
