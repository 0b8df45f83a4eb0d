// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command memory measures what it costs to get rid of a large space, page by
// page: munmap, and the end of a process. Its argument is the size in MiB. It
// prints
//
//	unmap V ns         munmap of a touched area, for each page
//	exit_begins V ns   the monotonic clock when the process, with an area of
//	                   the same size touched again, is about to end
//	pages N pages      of that area
//
// Where the clock counts from the machine's start, as on Loam, the machine's
// own figures tell when everything was given back. Pages are of 4 KiB: large
// ones are not wanted where a system has them.
package main

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"syscall"
	"time"
)

const (
	page        = 4096
	noHugePages = 15 // MADV_NOHUGEPAGE
	monotonic   = 1  // CLOCK_MONOTONIC
	samples     = 3
)

var now syscall.Timespec

func main() {
	fmt.Println("unmap FAIL", measure())
	os.Exit(1)
}

// measure ends the program if all goes well.
func measure() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("%d arguments, want a size in MiB", len(os.Args)-1)
	}
	mib, err := strconv.Atoi(os.Args[1])
	if err != nil || mib < 1 || mib > 1<<20 {
		return fmt.Errorf("%q MiB", os.Args[1])
	}
	pages := mib << 20 / page
	best := time.Duration(1<<63 - 1) // without whatever else the kernel did
	for range samples {
		b, err := touched(pages)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := syscall.Munmap(b); err != nil {
			return err
		}
		best = min(best, time.Since(start))
	}
	if _, err := touched(pages); err != nil {
		return err
	}
	// The same clock that time.Now reads, but from where it counts.
	to := reflect.ValueOf(&now).Pointer()
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, monotonic, to, 0); e != 0 {
		return e
	}
	fmt.Printf("unmap %.1f ns\nexit_begins %d ns\npages %d pages\n", float64(best.Nanoseconds())/float64(pages), now.Nano(), pages)
	os.Exit(0)
	return nil
}

// touched returns an area of n pages, each written to.
func touched(n int) ([]byte, error) {
	const readWrite, anonymous = syscall.PROT_READ | syscall.PROT_WRITE, syscall.MAP_ANON | syscall.MAP_PRIVATE
	b, err := syscall.Mmap(-1, 0, n*page, readWrite, anonymous)
	if err != nil {
		return nil, err
	}
	_ = syscall.Madvise(b, noHugePages)
	for i := 0; i < len(b); i += page {
		b[i] = 1
	}
	return b, nil
}
