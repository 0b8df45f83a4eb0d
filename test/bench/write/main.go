//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command write measures what a write of 4 KiB to stdout costs, and calls about files in memory and pipes, with all that is done
// for them by others of the machine, which has one CPU: so what isn't this program's own work is the call's. It tells
// on stderr, a line "name value ns" for each figure.
package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"syscall"
	"time"
)

// Each figure is the mean of the middle half of parts. A part of writes is several times what is
// under way at most, so what one leaves for the next is little.
const parts, warm = 20, 2

var page [4096]byte

func main() {
	if len(os.Args) > 1 && os.Args[1] == roleEcho {
		if err := echo(); err != nil {
			fmt.Fprintln(os.Stderr, "pipe_processes FAIL", err)
			os.Exit(1)
		}
		return
	}
	one, err := measured(128, write)
	if err == nil {
		fmt.Fprintf(os.Stderr, "write_4kib %.1f ns\n", one)
		one, err = asleep()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "write_4kib FAIL", err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "write_4kib_asleep %.1f ns\n", one)
	if err := files(); err != nil {
		fmt.Fprintln(os.Stderr, "fstat_forwarded FAIL", err)
		os.Exit(1)
	}
	if err := pipes(); err != nil {
		fmt.Fprintln(os.Stderr, "pipe_processes FAIL", err)
		os.Exit(1)
	}
}

func write() error {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, 1, reflect.ValueOf(&page).Pointer(), uintptr(len(page)))
	if e != 0 || n != uintptr(len(page)) {
		return fmt.Errorf("%d of %d bytes: %w", n, len(page), e)
	}
	return nil
}

// asleep is the same with so much else done before each that all who have to do with it sleep.
func asleep() (float64, error) {
	other := func() error {
		for range 700 {
			_, _, _ = syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
		}
		return nil
	}
	without, err := measured(10, other)
	if err != nil {
		return 0, err
	}
	with, err := measured(10, func() error {
		_ = other()
		return write()
	})
	return with - without, err
}

// measured is the ns that one of what is done takes, n times in each part.
func measured(n int, do func() error) (float64, error) {
	var took []float64
	for i := range warm + parts {
		begun := time.Now()
		for range n {
			if err := do(); err != nil {
				return 0, err
			}
		}
		if i >= warm {
			took = append(took, float64(time.Since(begun).Nanoseconds())/float64(n))
		}
	}
	slices.Sort(took)
	sum := 0.0
	for _, x := range took[parts/4 : parts-parts/4] {
		sum += x
	}
	return sum / (parts / 2), nil
}
