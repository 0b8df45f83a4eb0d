// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"syscall"

	"loam/test/programs/cases"
)

const (
	segv = uint64(syscall.SIGSEGV)
	bus  = uint64(syscall.SIGBUS)
	ill  = uint64(syscall.SIGILL)
	fpe  = uint64(syscall.SIGFPE)
	trap = uint64(syscall.SIGTRAP)

	mapErr    = 1    // SEGV_MAPERR
	accErr    = 2    // SEGV_ACCERR
	noAddress = 0x80 // SI_KERNEL
)

// faults runs code on an address and checks signal, code and address. A code of
// -1 stands for any.
func faults(what string, at uintptr, addr uintptr, signo uint64, info int64) error {
	s := run(at, with(addr))
	wantAddr := uint64(addr)
	if info == noAddress {
		wantAddr = 0
	}
	if s.Signo != signo || info >= 0 && (s.Code != uint64(info) || s.Addr != wantAddr) {
		return fmt.Errorf("%s %#x: signal %d, code %#x, address %#x; want %d, %#x, %#x",
			what, addr, s.Signo, s.Code, s.Addr, signo, info, wantAddr)
	}
	return nil
}

func accessCases() []cases.Case {
	return []cases.Case{
		{Name: "kernel half: read, write, run", Run: kernelHalf},
		{Name: "addresses that are not canonical", Run: notCanonical},
		{Name: "last page of the lower half", Run: beyondLimit},
		{Name: "holes", Run: holes},
		{Name: "rights of pages", Run: rights},
		{Name: "data is not executable", Run: executeData},
		{Name: "program text is not writable", Run: programText},
		{Name: "stack pointer anywhere", Run: stackAnywhere},
		{Name: "call at the end of memory", Run: callAtEnd},
	}
}

// kernelHalf: to the program it is as if nothing were there. Linux tells
// MAPERR from ACCERR, which says what is mapped; so any code is right there.
func kernelHalf() error {
	var errs []error
	info := int64(-1)
	if onLoam {
		info = mapErr
	}
	for _, addr := range []uintptr{directMap, directMap + 1<<20, kernelHeap, kernelStack, kernelText, veryLast, kernelDevices, minusOne - 63} {
		for what, at := range map[string]uintptr{"read": readCode, "write": writeCode, "add": addCode, "jump": jumpCode, "call": callCode, "return": returnCode} {
			errs = append(errs, faults(what, at, addr, segv, info))
		}
	}
	return errors.Join(errs...)
}

func notCanonical() error {
	var errs []error
	for _, addr := range []uintptr{nonCanonical, 1 << 63, directMap - 128, 0x7fff_0000_0000_0000} {
		for what, at := range map[string]uintptr{"read": readCode, "write": writeCode, "jump": jumpCode, "call": callCode, "return": returnCode} {
			errs = append(errs, faults(what, at, addr, segv, nonCanonicalInfo))
		}
		// On amd64 a stack fault, which QEMU's emulation takes for a general one.
		if s := run(pushCode, with(addr+64)); s.Signo != bus && s.Signo != segv {
			errs = append(errs, fmt.Errorf("push %#x: %+v", addr, s))
		}
	}
	return errors.Join(errs...)
}

func beyondLimit() error {
	return errors.Join(
		faults("read", readCode, neverMapped, segv, mapErr),
		faults("write", writeCode, neverMapped+8, segv, mapErr),
		faults("jump", jumpCode, neverMapped, segv, mapErr),
		faults("jump", jumpCode, nonCanonical-2, segv, mapErr),
	)
}

func holes() error {
	end := pages(1, protRW) + page
	return errors.Join(
		faults("read", readCode, hole, segv, mapErr),
		faults("write", writeCode, hole, segv, mapErr),
		faults("jump", jumpCode, hole, segv, mapErr),
		faults("read", readCode, 0, segv, mapErr),
		faults("write", writeCode, 8, segv, mapErr),
		faults("jump", jumpCode, 0, segv, mapErr),
		faults("read", readCode, end, segv, mapErr),
		faults("write", writeCode, end, segv, mapErr),
	)
}

func rights() error {
	none, r, rx := pages(1, protNone), pages(1, protR), pages(1, protRX)
	errs := []error{
		faults("read of none", readCode, none, segv, accErr),
		faults("write to none", writeCode, none, segv, accErr),
		faults("jump to none", jumpCode, none, segv, accErr),
		faults("read of read-only", readCode, r, 0, -1),
		faults("write to read-only", writeCode, r, segv, accErr),
		faults("add to read-only", addCode, r, segv, accErr),
		faults("jump to read-only", jumpCode, r, segv, accErr),
		faults("write to code", writeCode, rx, segv, accErr),
		faults("write to code", writeCode, jumpCode, segv, accErr),
	}
	// Rights that are taken away are gone at once, given ones are there.
	rw := pages(1, protRW)
	for range 3 {
		errs = append(errs, faults("write", writeCode, rw, 0, -1))
		must(sysMprotect, rw, page, protR)
		errs = append(errs, faults("write after mprotect", writeCode, rw, segv, accErr), faults("read", readCode, rw, 0, -1))
		must(sysMprotect, rw, page, protNone)
		errs = append(errs, faults("read after mprotect", readCode, rw, segv, accErr))
		must(sysMprotect, rw, page, protRW)
	}
	free(rw)
	return errors.Join(append(errs, faults("read after munmap", readCode, rw, segv, mapErr))...)
}

func executeData() error {
	data := pages(1, protRW)
	copy(mem(data, page), codeEnd)
	errs := []error{faults("jump to data", jumpCode, data, segv, accErr)}
	must(sysMprotect, data, page, protRX)
	errs = append(errs, faults("jump to code", jumpCode, data, 0, -1))
	must(sysMprotect, data, page, protRW)
	return errors.Join(append(errs, faults("jump to data again", jumpCode, data, segv, accErr))...)
}

func programText() error {
	return errors.Join(
		faults("write", writeCode, handlerAddr, segv, accErr),
		faults("add", addCode, restorerAddr, segv, accErr),
	)
}

// stackAnywhere makes calls and takes faults while the stack pointer is where
// no stack is: the kernel must not use it.
func stackAnywhere() error {
	for _, sp := range []uintptr{0, 1, hole, neverMapped, nonCanonical, directMap, kernelStack, kernelText, minusOne} {
		regs := calling(syscall.SYS_GETPID, sp)
		if s := run(stackCall, regs); s.Signo != 0 || regs.result() != uint64(syscall.Getpid()) {
			return fmt.Errorf("call with SP %#x: signal %d, result %#x", sp, s.Signo, regs.result())
		}
		if s := run(stackFault, with(sp)); s.Signo != ill {
			return fmt.Errorf("fault with SP %#x: %+v", sp, s)
		}
	}
	if s := run(stackSpin, with(kernelText)); s.Signo != 0 {
		return fmt.Errorf("interrupted with SP in the kernel: %+v", s)
	}
	return nil
}

// callAtEnd makes a call with the last bytes that the program may have: the address to return to is the first that it may not.
func callAtEnd() error {
	low, high := uintptr(lastPage/2&^(page-1)), uintptr(neverMapped)
	for high-low > page { // low can be had, high can't
		if middle := low + (high-low)/2&^(page-1); canHave(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	if v, e := call(sysMmap, low, page, protRW, noReplace, minusOne, 0); e == syscall.EEXIST {
		return nil // the stack is there
	} else if e != 0 || v != low {
		return fmt.Errorf("mmap of the last page, %#x: %#x, %v", low, v, e)
	}
	defer free(low)
	n := uintptr(len(callInstruction))
	copy(mem(low+page-n, len(callInstruction)), callInstruction)
	must(sysMprotect, low, page, protRX)
	s := run(jumpCode, calling(syscall.SYS_GETPID, high-n))
	if s.Signo != segv || s.Addr != uint64(high) || s.PC != uint64(high) {
		return fmt.Errorf("%+v", s)
	}
	return nil
}

// canHave reports whether a page is the program's, or could be.
func canHave(addr uintptr) bool {
	_, e := call(sysMmap, addr, page, protR, noReplace, minusOne, 0)
	if e == 0 {
		free(addr)
	}
	return e == 0 || e == syscall.EEXIST
}
