// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"loam/test/programs/cases"
)

// A forged frame: what rt_sigreturn takes the state from that it returns to. forge
// gets the addresses of the ucontext and of the floating-point state.
type forged struct {
	name  string
	forge func(uc, fp uintptr)
	signo []uint64
}

func sigreturnCases() []cases.Case {
	return append([]cases.Case{
		{Name: "sigreturn: honest frame", Run: honestFrame},
		{Name: "sigreturn: forged frames", Run: forgedFrames},
		{Name: "sigreturn: no frame", Run: noFrame},
		{Name: "handlers that are nowhere", Run: handlersNowhere},
	}, sigreturnCasesHere()...)
}

// put puts a word into the ucontext.
func put(offset uintptr, v uint64) func(uc, fp uintptr) {
	return func(uc, _ uintptr) { *word(uc + offset) = v }
}

func forgedFrames() error {
	var errs []error
	for _, f := range forgeries {
		uc, fp, _ := frame()
		f.forge(uc, fp)
		s := run(sigreturnCode, with(uc))
		if !slices.Contains(f.signo, s.Signo) {
			errs = append(errs, fmt.Errorf("%s: signal %d at %#x, want %d", f.name, s.Signo, s.PC, f.signo))
		}
		if pid := syscall.Getpid(); pid <= 0 {
			errs = append(errs, fmt.Errorf("%s: getpid gives %d", f.name, pid))
		}
	}
	return errors.Join(errs...)
}

// noFrame: rt_sigreturn where nothing can be read, or nothing sensible is.
func noFrame() error {
	edge := pages(1, protRW)
	for _, at := range []uintptr{0, 8, hole, neverMapped, nonCanonical, directMap, kernelText, minusOne - 7, edge + page - 64} {
		if s := run(sigreturnCode, with(at)); s.Signo != segv {
			return fmt.Errorf("frame at %#x: %+v", at, s)
		}
	}
	return nil
}

// handlersNowhere sends signals whose handlers are where no code is: the fault
// is the program's.
func handlersNowhere() error {
	for _, addr := range []uintptr{hole, neverMapped, nonCanonical, 1 << 63, directMap, kernelText, minusOne} {
		action, old := scratch, scratch+64
		for i, w := range newAction(addr) {
			*word(action + uintptr(8*i)) = w
		}
		must(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGUSR2), action, old, 8)
		self := code(callInstruction...)
		s := run(self, calling(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGUSR2)))
		must(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGUSR2), old, 0, 8)
		if s.Signo != segv {
			return fmt.Errorf("handler at %#x: %+v", addr, s)
		}
		free(self)
	}
	return nil
}
