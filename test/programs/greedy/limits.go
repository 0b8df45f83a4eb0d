// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
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

// fault runs f, which may touch what can't be had, and gives the panic of the
// fault, if there was one. What it is, is to be asked where there is memory.
func fault(f func()) (panicked any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { panicked = recover() }()
	f()
	return nil
}

// at gives the address of a fault.
func at(panicked any) (uintptr, error) {
	if err, is := panicked.(interface{ Addr() uintptr }); is {
		return err.Addr(), nil
	}
	return 0, fmt.Errorf("%v", panicked)
}

// warmUp has Go's runtime do what it may have to do at the limit, so that it has the
// pages for it: a page that it lacks there is a fatal error. It waits, for which the
// runtime makes threads; takes faults as they will be, which allocates; and is preempted
// in a loop without calls, by a signal. It keeps to one P, whose cache is the one that has
// been filled, and collects no garbage. From here to where there is memory again only
// calls by raw are made: in others the runtime may start a thread.
func warmUp() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	if _, err := must(object.NewNotification()).Wait(1, object.After(20*time.Millisecond)); err != syscall.ETIMEDOUT {
		panic(err)
	}
	closed := object.Bytes(uint64(must(mapped(0, page, 0, 0))), page)
	for range 3 {
		must(at(fault(func() { touch(closed, 1) })))
		var other atomic.Bool
		go other.Store(true)
		for !other.Load() { // until this goroutine is preempted
		}
	}
	used()
}

// atLimit wants nearly all pages that this process may have to have been charged,
// and few more.
func atLimit(charged int) error {
	const (
		less = 8  // tables of pages that aren't there yet
		more = 24 // what the kernel lends for the handler, and tables
	)
	if charged > limitPages+more || charged < limitPages-less {
		return fmt.Errorf("%d pages are charged, the limit is %d", charged, limitPages)
	}
	return nil
}

// recovers touches more than there may be, gives some back, and touches again.
func recovers() error {
	region := must(mapped(0, 64*mib, syscall.PROT_READ|syscall.PROT_WRITE, 0))
	b := object.Bytes(uint64(region), 64*mib)
	warmUp()
	for range 3 {
		panicked := fault(func() { touch(b, 3) })
		charged := used()
		if _, e := raw(syscall.SYS_MADVISE, region, 64*mib, syscall.MADV_DONTNEED); e != 0 {
			return e
		}
		if panicked == nil {
			return fmt.Errorf("there was no limit")
		}
		if where, err := at(panicked); err != nil || where%page != 0 || where-region >= 64*mib {
			return fmt.Errorf("a fault at %#x, of %#x: %v", where, region, panicked)
		}
		if err := atLimit(charged); err != nil {
			return err
		}
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
	region := must(mapped(0, mib, syscall.PROT_READ|syscall.PROT_WRITE, 0))
	b := object.Bytes(uint64(region), mib)
	touch(b, 1)
	pipe()
	warmUp()
	err := takeAll()
	charged := used()
	_, e := raw(syscall.SYS_MADVISE, region, mib, syscall.MADV_DONTNEED)
	again := copyIn(region)
	if err != nil || e != 0 || again != 0 || b[0] != 1 {
		return fmt.Errorf("%v %v %v %d", err, e, again, b[0])
	}
	return atLimit(charged)
}

// parent has a child that takes all that this process may have, and ends of it.
func parent(size int) error {
	warmUp()
	c := start(false, 0, "overrun", fmt.Sprint(size))
	if err := c.end(abi.ExitStatus{Kind: abi.Exited, Value: 2}); err != nil {
		return err
	}
	b := anonymous(mib)
	touch(b, 1)
	return nil
}
