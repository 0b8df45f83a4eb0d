// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"

	"loam/abi"
	"loam/test/programs/smp/low"
	"loam/user/object"
)

func nullCalls() error {
	for range count {
		if _, e := low.Call(syscall.SYS_GETPPID); e != 0 {
			return e
		}
	}
	return nil
}

func clockCalls() error {
	at := low.Map(low.Page)
	for range count {
		if _, e := low.Call(syscall.SYS_CLOCK_GETTIME, abi.CLOCK_MONOTONIC, at); e != 0 {
			return e
		}
	}
	return nil
}

func infoCalls() error {
	for range count {
		if _, err := object.Info(abi.HandleProcess); err != nil {
			return err
		}
	}
	return nil
}

// areaPages is how many pages the faults are spread over: more than one table of
// pages has.
const areaPages = 1024

// faults touches pages that have no frames, and gives these back.
func faults() error {
	area := low.Map(areaPages * low.Page)
	defer low.Unmap(area, areaPages*low.Page)
	_, _ = low.Call(syscall.SYS_MADVISE, area, areaPages*low.Page, abi.MADV_NOHUGEPAGE)
	for done := 0; done < count; done += areaPages {
		for i := range uintptr(areaPages) {
			low.Store(area+i*low.Page, 1)
		}
		if _, e := low.Call(syscall.SYS_MADVISE, area, areaPages*low.Page, syscall.MADV_DONTNEED); e != 0 {
			return e
		}
	}
	return nil
}

// maps makes an area of one page, which is touched, and takes it away.
func maps() error {
	for range seldom {
		a := low.Map(low.Page)
		low.Store(a, 1)
		low.Unmap(a, low.Page)
	}
	return nil
}

// timers waits for the clock, and has a timer tick while it computes.
func timers() error {
	const every = 50_000 // ns
	for range min(count, 10_000) {
		ts := syscall.NsecToTimespec(every)
		_ = syscall.Nanosleep(&ts, nil) // that it comes back is all that counts
	}
	return nil
}
