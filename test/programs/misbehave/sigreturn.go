// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"loam/test/programs/cases"
)

// A forged frame: what rt_sigreturn reads at the stack pointer is a ucontext
// (offsets as in asm_amd64.s), with the extended state where it says.
type forged struct {
	name  string
	forge func(uc, fp uintptr)
	signo []uint64
}

// Offsets in ucontext.
const (
	ucFlags   = 0
	ucR8      = 40
	ucRDI     = 104
	ucRSP     = 160
	ucRIP     = 168
	ucEFlags  = 176
	ucCS      = 184 // CS, GS, FS, SS: 16 bits each
	ucFPState = 224
	ucMask    = 296
)

// Offsets in the extended state (XSAVE's standard format).
const (
	fpControl = 0
	fpMXCSR   = 24
	fpMagic   = 464 // sw_reserved: magic, size, features
	fpHeader  = 512
)

// landed stores RFLAGS where RDI points and stops.
var landed = code(0x9c, 0x58, 0x48, 0x89, 0x07, 0x0f, 0x0b) // PUSHFQ; POP RAX; MOV [RDI],RAX; UD2

func sigreturnCases() []cases.Case {
	return []cases.Case{
		{Name: "sigreturn: honest frame", Run: honestFrame},
		{Name: "sigreturn: forged frames", Run: forgedFrames},
		{Name: "sigreturn: forged flags", Run: forgedFlags},
		{Name: "sigreturn: no frame", Run: noFrame},
		{Name: "handlers that are nowhere", Run: handlersNowhere},
	}
}

// frame makes a good frame that goes to landed, and gives the addresses of its
// ucontext and its extended state.
func frame() (uc, fp, result uintptr) {
	base := pages(4, protRW)
	uc, fp, result = base+8, base+page, base+2*page
	*word(uc + ucRIP), *word(uc + ucRSP) = uint64(landed), uint64(base+3*page)
	*word(uc + ucRDI), *word(uc + ucEFlags) = uint64(result), flagInterrupt|2
	*word(uc + ucCS) = 0x002b000000000033
	*word(uc + ucFlags) = 2 | 4
	*word(fp + fpControl) = 0x37f
	*word(fp + fpMXCSR) = 0x1f80
	return uc, fp, result
}

// sigreturnCode: MOV RSP, RDI; MOV EAX, 15; SYSCALL; INT3.
var sigreturnCode = code(0x48, 0x89, 0xfc, 0xb8, 15, 0, 0, 0, 0x0f, 0x05, 0xcc)

func honestFrame() error {
	for _, withState := range []bool{false, true} {
		uc, fp, result := frame()
		if withState {
			*word(uc + ucFPState) = uint64(fp)
		}
		s := run(sigreturnCode, &registers{RDI: uint64(uc)})
		if s.Signo != ill || s.RIP != uint64(landed)+5 || *word(result)&flagInterrupt == 0 {
			return fmt.Errorf("%+v, flags %#x", s, *word(result))
		}
	}
	return nil
}

func put(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(uc, _ uintptr) { *word(uc + offset) = v }
}

// state hands in an extended state with one word changed.
func state(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(uc, fp uintptr) {
		*word(uc + ucFPState) = uint64(fp)
		*word(fp + offset) = v
	}
}

// extended hands in a state that claims to be XSAVE's, with its header changed.
func extended(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(uc, fp uintptr) {
		const magic1, magic2, size = 0x46505853, 0x46505845, 832
		*word(uc + ucFlags) |= 1
		*word(uc + ucFPState) = uint64(fp)
		*word(fp + fpMagic) = (size+4)<<32 | magic1
		*word(fp + fpMagic + 8) = 7
		*word(fp + fpMagic + 16) = size
		*word(fp + fpHeader) = 7
		*word(fp + size) = magic2
		*word(fp + offset) = v
	}
}

var landsOrDies = []uint64{ill, segv}

var forgeries = []forged{
	{"instruction pointer in the kernel", put(ucRIP, kernelText), onlySegv},
	{"instruction pointer in the direct map", put(ucRIP, directMap), onlySegv},
	{"instruction pointer not canonical", put(ucRIP, nonCanonical), onlySegv},
	{"instruction pointer not canonical, high", put(ucRIP, 1<<63), onlySegv},
	{"instruction pointer on the last page", put(ucRIP, neverMapped), onlySegv},
	{"instruction pointer nowhere", put(ucRIP, hole), onlySegv},
	{"instruction pointer all bits", put(ucRIP, minusOneWord), onlySegv},
	{"stack pointer in the kernel", put(ucRSP, kernelStack), onlySegv}, // landed pushes
	{"stack pointer not canonical", put(ucRSP, nonCanonical+64), []uint64{bus, segv}},
	{"ring 0's selectors", put(ucCS, 0x0010000000000008), landsOrDies},
	{"null selectors", put(ucCS, 0), landsOrDies},
	{"selectors outside of the table", put(ucCS, minusOneWord), landsOrDies},
	{"state in the kernel", put(ucFPState, directMap), onlySegv},
	{"state not canonical", put(ucFPState, nonCanonical), onlySegv},
	{"state nowhere", put(ucFPState, hole), onlySegv},
	{"state on the last page", put(ucFPState, neverMapped), onlySegv},
	{"state misaligned", func(uc, fp uintptr) { state(8, 0)(uc, fp); *word(uc + ucFPState) += 4 }, landsOrDies},
	{"state all bits of MXCSR", state(fpMXCSR, minusOneWord), landsOrDies},
	{"state all bits of the control word", state(fpControl, minusOneWord), landsOrDies},
	{"extended state, honest", extended(fpHeader, 7), []uint64{ill}},
	{"extended state, unknown features", extended(fpHeader, minusOneWord), landsOrDies},
	{"extended state, compacted", extended(fpHeader+8, 1<<63|7), landsOrDies},
	{"extended state, reserved bytes", extended(fpHeader+16, minusOneWord), landsOrDies},
	{"extended state, huge size", extended(fpMagic+16, 0xffffffff), landsOrDies},
	{"extended state, size 0", extended(fpMagic+16, 0), landsOrDies},
	{"extended state, all features", extended(fpMagic+8, minusOneWord), landsOrDies},
	{"extended state, all bits of MXCSR", extended(fpMXCSR, minusOneWord), landsOrDies},
}

func forgedFrames() error {
	var errs []error
	for _, f := range forgeries {
		uc, fp, _ := frame()
		f.forge(uc, fp)
		s := run(sigreturnCode, &registers{RDI: uint64(uc)})
		if !slices.Contains(f.signo, s.Signo) {
			errs = append(errs, fmt.Errorf("%s: signal %d at %#x, want %d", f.name, s.Signo, s.RIP, f.signo))
		}
		if pid := syscall.Getpid(); pid <= 0 {
			errs = append(errs, fmt.Errorf("%s: getpid gives %d", f.name, pid))
		}
	}
	return errors.Join(errs...)
}

func forgedFlags() error {
	for _, f := range []uint64{0, flagIOPL, flagNested, 1 << 17, 1<<19 | 1<<20, minusOneWord &^ flagTrap, flagDirection | flagAlignment} {
		uc, _, result := frame()
		*word(uc + ucEFlags) = f
		s := run(sigreturnCode, &registers{RDI: uint64(uc)})
		got := *word(result)
		if s.Signo != ill || got&flagIOPL != 0 || got&flagInterrupt == 0 || got&(1<<17|1<<19|1<<20) != 0 {
			return fmt.Errorf("flags %#x: signal %d, flags then %#x", f, s.Signo, got)
		}
	}
	return nil
}

// noFrame: rt_sigreturn where nothing can be read, or nothing sensible is.
func noFrame() error {
	edge := pages(1, protRW)
	for _, sp := range []uintptr{0, 8, hole, neverMapped, nonCanonical, directMap, kernelText, minusOne - 7, edge + page - 64} {
		if s := run(sigreturnCode, &registers{RDI: uint64(sp)}); s.Signo != segv {
			return fmt.Errorf("frame at %#x: %+v", sp, s)
		}
	}
	return nil
}

// handlersNowhere sends signals whose handlers are where no code is: the fault
// is the program's.
func handlersNowhere() error {
	const siginfo, onstack, hasRestorer, nodefer = 4, 0x08000000, 0x04000000, 0x40000000
	for _, addr := range []uintptr{hole, neverMapped, nonCanonical, 1 << 63, directMap, kernelText, minusOne} {
		action, old := scratch, scratch+64
		*word(action), *word(action + 8) = uint64(addr), siginfo|onstack|hasRestorer|nodefer
		*word(action + 16), *word(action + 24) = uint64(restorerAddr), 0
		must(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGUSR2), action, old, 8)
		self := code(0x0f, 0x05)
		s := run(self, &registers{RAX: syscall.SYS_TGKILL, RDI: uint64(syscall.Getpid()), RSI: uint64(syscall.Gettid()), RDX: uint64(syscall.SIGUSR2)})
		must(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGUSR2), old, 0, 8)
		if s.Signo != segv {
			return fmt.Errorf("handler at %#x: %+v", addr, s)
		}
		free(self)
	}
	return nil
}
