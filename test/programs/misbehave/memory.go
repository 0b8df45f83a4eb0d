// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"syscall"

	"loam/test/programs/cases"
)

// errorCase is a call that must fail in one way.
type errorCase struct {
	name string
	want syscall.Errno
	nr   uintptr
	args []uintptr
}

func (c errorCase) run() error {
	v, e := call(c.nr, c.args...)
	for e == syscall.EINTR { // Go's runtime may want to preempt this thread
		v, e = call(c.nr, c.args...)
	}
	if e != c.want {
		return fmt.Errorf("gives %#x, error %d (%v), want %d (%v)", v, e, e, c.want, c.want)
	}
	return nil
}

// group makes one case of many calls.
func group(name string, all []errorCase) cases.Case {
	return cases.Case{Name: name, Run: func() error {
		var errs []error
		for _, c := range all {
			if err := c.run(); err != nil {
				errs = append(errs, fmt.Errorf("%s %w", c.name, err))
			}
		}
		return errors.Join(errs...)
	}}
}

const (
	sysMmap     = syscall.SYS_MMAP
	sysMunmap   = syscall.SYS_MUNMAP
	sysMprotect = syscall.SYS_MPROTECT
	sysMadvise  = syscall.SYS_MADVISE
	sysMremap   = syscall.SYS_MREMAP

	einval = syscall.EINVAL
	enomem = syscall.ENOMEM
	efault = syscall.EFAULT
	ebadf  = syscall.EBADF
	esrch  = syscall.ESRCH
	enosys = syscall.ENOSYS
)

func memoryCases() []cases.Case {
	base := pages(4, protRW)
	out := []cases.Case{
		group("mmap: bad arguments", []errorCase{
			{"length 0", einval, sysMmap, []uintptr{0, 0, protRW, anonymous, minusOne, 0}},
			{"length of half the space", enomem, sysMmap, []uintptr{0, 1 << 47, protRW, anonymous, minusOne, 0}},
			{"length of all bits", enomem, sysMmap, []uintptr{0, minusOne, protRW, anonymous, minusOne, 0}},
			{"length that rounds to 0", enomem, sysMmap, []uintptr{0, minusOne - 5, protRW, anonymous, minusOne, 0}},
			{"neither shared nor private", einval, sysMmap, []uintptr{0, page, protRW, syscall.MAP_ANON, minusOne, 0}},
			{"fixed, misaligned", einval, sysMmap, []uintptr{base + 1, page, protRW, fixed, minusOne, 0}},
			{"fixed, last page of the lower half", enomem, sysMmap, []uintptr{neverMapped, page, protRW, fixed, minusOne, 0}},
			{"fixed, over the limit", enomem, sysMmap, []uintptr{lastPage, 2 * page, protRW, fixed, minusOne, 0}},
			{"fixed, not canonical", enomem, sysMmap, []uintptr{nonCanonical, page, protRW, fixed, minusOne, 0}},
			{"fixed, in the kernel", enomem, sysMmap, []uintptr{kernelText &^ (page - 1), page, protRX, fixed, minusOne, 0}},
			{"fixed, overflowing", enomem, sysMmap, []uintptr{veryLast, 2 * page, protRW, fixed, minusOne, 0}},
			{"fixed, no replacement", syscall.EEXIST, sysMmap, []uintptr{base, page, protRW, noReplace, minusOne, 0}},
			{"no such file", ebadf, sysMmap, []uintptr{0, page, protRW, syscall.MAP_PRIVATE, 999, 0}},
		}),
		group("munmap: bad arguments", []errorCase{
			{"misaligned", einval, sysMunmap, []uintptr{base + 1, page}},
			{"length 0", einval, sysMunmap, []uintptr{base, 0}},
			{"kernel", einval, sysMunmap, []uintptr{kernelText &^ (page - 1), page}},
			{"direct map", einval, sysMunmap, []uintptr{directMap, page}},
			{"not canonical", einval, sysMunmap, []uintptr{nonCanonical, page}},
			{"over the limit", einval, sysMunmap, []uintptr{lastPage, 2 * page}},
			{"everything", einval, sysMunmap, []uintptr{0, minusOne}},
			{"overflowing", einval, sysMunmap, []uintptr{base, minusOne - base}},
			{"a hole is fine", 0, sysMunmap, []uintptr{hole &^ (page - 1), page}},
		}),
		group("mprotect: bad arguments", []errorCase{
			{"misaligned", einval, sysMprotect, []uintptr{base + 8, page, protR}},
			{"unknown rights", einval, sysMprotect, []uintptr{base, page, 0x100}},
			{"hole", enomem, sysMprotect, []uintptr{hole &^ (page - 1), page, protR}},
			{"hole behind", enomem, sysMprotect, []uintptr{base, 5 * page, protRW}},
			{"kernel", enomem, sysMprotect, []uintptr{kernelText &^ (page - 1), page, protRW}},
			{"direct map", enomem, sysMprotect, []uintptr{directMap, page, protRW}},
			{"overflowing", enomem, sysMprotect, []uintptr{base, minusOne - base, protR}},
			{"nothing", 0, sysMprotect, []uintptr{base, 0, protR}},
		}),
		group("madvise: bad arguments", []errorCase{
			{"misaligned", einval, sysMadvise, []uintptr{base + 8, page, 4}},
			{"unknown advice", einval, sysMadvise, []uintptr{base, page, 9999}},
			{"hole", enomem, sysMadvise, []uintptr{hole &^ (page - 1), page, 4}},
			{"kernel", enomem, sysMadvise, []uintptr{kernelText &^ (page - 1), page, 4}},
			{"overflowing", einval, sysMadvise, []uintptr{base, minusOne - base + 1 - page*2 + page, 9999}},
		}),
		group("mremap: bad arguments", []errorCase{
			{"misaligned", einval, sysMremap, []uintptr{base + 8, page, page, 0}},
			{"new length 0", einval, sysMremap, []uintptr{base, page, 0, 0}},
			{"hole", efault, sysMremap, []uintptr{hole &^ (page - 1), page, 2 * page, 1}},
			{"kernel", efault, sysMremap, []uintptr{kernelText &^ (page - 1), page, 2 * page, 1}},
			{"unknown flag", einval, sysMremap, []uintptr{base, page, page, 0x100}},
		}),
		group("mincore: bad arguments", []errorCase{
			{"misaligned", einval, syscall.SYS_MINCORE, []uintptr{base + 8, page, scratch}},
			{"hole", enomem, syscall.SYS_MINCORE, []uintptr{hole &^ (page - 1), page, scratch}},
			{"kernel", enomem, syscall.SYS_MINCORE, []uintptr{kernelText &^ (page - 1), page, scratch}},
		}),
		{Name: "brk of the kernel's addresses changes nothing", Run: brkKernel},
		{Name: "page zero can't be had", Run: pageZero},
		{Name: "fresh memory is zero again and again", Run: freshMemory},
		{Name: "memory given back is zero", Run: dontNeed},
		{Name: "mremap keeps contents", Run: mremapMoves},
	}
	if onLoam {
		out = append(out, group("never writable and executable", []errorCase{
			{"mmap", syscall.EACCES, sysMmap, []uintptr{0, page, protRWX, anonymous, minusOne, 0}},
			{"mprotect", syscall.EACCES, sysMprotect, []uintptr{base, page, protRWX}},
			{"mprotect of code", syscall.EACCES, sysMprotect, []uintptr{restorerAddr &^ (page - 1), page, protRWX}},
		}))
	}
	return out
}

func brkKernel() error {
	now, _ := call(syscall.SYS_BRK, 0)
	for _, addr := range []uintptr{kernelText, directMap, nonCanonical, neverMapped, minusOne, 1} {
		if got, _ := call(syscall.SYS_BRK, addr); got != now {
			return fmt.Errorf("brk(%#x) gives %#x, was %#x", addr, got, now)
		}
	}
	return nil
}

func pageZero() error {
	if !onLoam {
		return nil // Linux gives it to root
	}
	for _, addr := range []uintptr{0, page} {
		if v, e := call(sysMmap, addr, page, protRW, fixed, minusOne, 0); e == 0 {
			return fmt.Errorf("mapped at %#x", v)
		}
	}
	return nil
}

func freshMemory() error {
	const n = 64
	for round := range 20 {
		addr := pages(n, protRW)
		for i := range uintptr(n) {
			w := word(addr + i*page + uintptr(round)*8)
			if *w != 0 {
				return fmt.Errorf("round %d, page %d holds %#x", round, i, *w)
			}
			for j := range uintptr(page / 8) {
				*word(addr + i*page + j*8) = 0xdead
			}
		}
		must(sysMunmap, addr, n*page)
	}
	return nil
}

func dontNeed() error {
	const dontneed = 4
	addr := pages(8, protRW)
	for i := range uintptr(8) {
		*word(addr + i*page) = uint64(i + 1)
	}
	must(sysMadvise, addr+2*page, 3*page, dontneed)
	for i := range uintptr(8) {
		want := uint64(i + 1)
		if i >= 2 && i < 5 {
			want = 0
		}
		if got := *word(addr + i*page); got != want {
			return fmt.Errorf("page %d holds %d, want %d", i, got, want)
		}
	}
	return nil
}

func mremapMoves() error {
	const mayMove = 1
	addr := pages(2, protRW)
	*word(addr), *word(addr + page) = 11, 22
	wall := addr + 2*page // something stands in the way of growing in place
	_, _ = call(sysMmap, wall, page, protR, noReplace, minusOne, 0)
	moved := must(sysMremap, addr, 2*page, 16*page, mayMove)
	if *word(moved) != 11 || *word(moved + page) != 22 || *word(moved + 15*page) != 0 {
		return fmt.Errorf("contents changed")
	}
	if moved != addr {
		if s := run(readCode, with(addr)); s.Signo != uint64(syscall.SIGSEGV) {
			return fmt.Errorf("the old address still reads: %+v", s)
		}
	}
	must(sysMunmap, moved, 16*page)
	return nil
}
