// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
)

// limitPages is the limit of a child that has one, 16 MiB: Go's runtime needs a
// part of that.
const limitPages = 16 * mib / page

func limitCases() []cases.Case {
	one := func(role ...string) func() error {
		return func() error {
			before := used()
			c := start(false, limitPages, role...)
			if err := c.end(abi.ExitStatus{}); err != nil {
				return err
			}
			if now := used(); now > before+limitPages/4 {
				return fmt.Errorf("%d pages are charged, %d before", now, before)
			}
			return nil
		}
	}
	return []cases.Case{
		{Name: "SIGBUS at the limit, and on", Run: one("recover")},
		{Name: "ENOMEM at the limit", Run: one("calls")},
		{Name: "the limit is for descendants, too", Run: one("parent", "64")},
		{Name: "an untreated SIGBUS", Run: func() error {
			c := start(false, limitPages, "overrun", "64")
			return c.end(abi.ExitStatus{Kind: abi.Exited, Value: 2}) // Go's runtime says so
		}},
		{Name: "nothing is left", Run: nothingLeft},
	}
}

// fault runs f, which may touch what can't be had, and gives the error of the
// fault, if there was one.
func fault(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err, _ = r.(runtime.Error)
		}
	}()
	f()
	return nil
}

// warmUp takes a fault, so that what the runtime needs for the next has its pages,
// and has the runtime take no memory at a moment of its own.
func warmUp() {
	debug.SetGCPercent(-1)
	var nothing *[page]byte
	if fault(func() { nothing[0] = 1 }) == nil {
		panic("no fault")
	}
}

// atLimit wants nearly all pages that this process may have to be charged, and
// few more.
func atLimit() error {
	const (
		less = 8  // tables of pages that aren't there yet
		more = 24 // what the kernel lends for the handler, and tables
	)
	if now := used(); now > limitPages+more || now < limitPages-less {
		return fmt.Errorf("%d pages are charged, the limit is %d", now, limitPages)
	}
	return nil
}

// recovers touches more than there may be, gives some back, and touches again.
func recovers() error {
	warmUp()
	b := anonymous(64 * mib)
	for range 3 {
		err := fault(func() { touch(b, 3) })
		if err == nil {
			return fmt.Errorf("there was no limit")
		}
		if a, is := err.(interface{ Addr() uintptr }); !is || a.Addr()%page != 0 {
			return fmt.Errorf("%v", err)
		}
		if err := atLimit(); err != nil {
			return err
		}
		ok(syscall.Madvise(b, syscall.MADV_DONTNEED))
		touch(b[:mib], 5)
		if !touched(b[:mib], 5) {
			return fmt.Errorf("its memory isn't what it was")
		}
	}
	return nil
}

// callsAtLimit has the kernel write to fresh pages: ENOMEM, and a page that is
// given back can be had again.
func callsAtLimit() error {
	warmUp()
	b := anonymous(mib)
	touch(b, 1)
	if err := takeAll(); err != nil {
		return err
	}
	if err := atLimit(); err != nil {
		return err
	}
	ok(syscall.Madvise(b, syscall.MADV_DONTNEED))
	if err := copyIn(b[:1]); err != nil || b[0] != 1 {
		return fmt.Errorf("%v %d", err, b[0])
	}
	return nil
}

// parent has a child that takes all that this process may have, and ends of it.
func parent(size int) error {
	c := start(false, 0, "overrun", fmt.Sprint(size))
	if err := c.end(abi.ExitStatus{Kind: abi.Exited, Value: 2}); err != nil {
		return err
	}
	b := anonymous(mib)
	touch(b, 1)
	return nil
}
