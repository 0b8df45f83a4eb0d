// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command process measures what processes cost, by Loam's own calls, so it
// runs on Loam only. Its output is that of test/bench/probe. The boot archive
// must hold this program under the name "program" and, under the name "tiny",
// one that only exits.
//
// The child of a measurement is this program again, with an argument that says
// what to do; what the two share lies at a fixed address.
package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Roles of a child, its first argument.
const (
	roleReturn = "return" // end at once
	roleTurns  = "turns"  // pass turns, see futexProcesses
)

const (
	samples = 5 // and one to warm up
	turns   = 2000
)

func main() {
	switch {
	case len(os.Args) < 2:
		parent()
	case os.Args[1] == roleTurns:
		takeTurns(shared(), turns*(samples+1)+1, 1)
	}
}

func parent() {
	ok := report("spawn_tiny", func() (float64, error) { return spawning(50, "tiny") })
	ok = report("spawn_hello", func() (float64, error) { return spawning(20, "program", "process", roleReturn) }) && ok
	ok = report("futex_processes", futexProcesses) && ok
	if !ok {
		os.Exit(1)
	}
}

// report prints one figure in ns.
func report(name string, measure func() (float64, error)) bool {
	ns, err := measure()
	if err != nil {
		fmt.Println(name, "FAIL", err)
		return false
	}
	fmt.Printf("%s %.1f ns\n", name, ns)
	return true
}

// median takes the samples of a measurement of n operations.
func median(n int, run func() error) (float64, error) {
	var got []float64
	for i := range samples + 1 {
		start := time.Now()
		if err := run(); err != nil {
			return 0, err
		}
		if i > 0 {
			got = append(got, float64(time.Since(start).Nanoseconds())/float64(n))
		}
	}
	slices.Sort(got)
	return got[samples/2], nil
}

// spawning starts a program of the boot archive and waits for its end, n times.
func spawning(n int, name string, args ...string) (float64, error) {
	return median(n, func() error {
		for range n {
			pid, err := spawn(name, args, nil)
			if err != nil {
				return err
			}
			if err := wait(pid); err != nil {
				return err
			}
		}
		return nil
	})
}

// wait waits for the end of a child, which must be a good one.
func wait(pid int) error {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return err
		case status != 0:
			return fmt.Errorf("child: status %#x", uint32(status))
		default:
			return nil
		}
	}
}

// futexProcesses passes a turn to another process and back: two wake-ups, two
// waits, two switches of the address space. The child's start is not counted.
func futexProcesses() (float64, error) {
	memory, err := mapShared()
	if err != nil {
		return 0, err
	}
	pid, err := spawn("program", []string{"process", roleTurns}, memory)
	if err != nil {
		return 0, err
	}
	word := shared()
	takeTurns(word, 1, 0) // the warm-up waits for the child to be up
	ns, err := median(turns, func() error {
		takeTurns(word, turns, 0)
		return nil
	})
	return ns, errors.Join(err, wait(pid))
}

// takeTurns waits n times for the turn of side me and passes it on.
func takeTurns(word *uint32, n int, me uint32) {
	other := 1 - me
	for range n {
		for atomic.LoadUint32(word) != me {
			futex(word, futexWait, other)
		}
		atomic.StoreUint32(word, other)
		futex(word, futexWake, 1)
	}
}
