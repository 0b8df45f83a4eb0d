// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command spin keeps every CPU in user mode for the time that its argument
// names: threads that make no call, one for each CPU. What the kernel needs of
// the CPUs meanwhile, it must fetch.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"loam/test/programs/smp/low"
)

func main() {
	d, err := time.ParseDuration(append(os.Args, "3s")[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	debug.SetGCPercent(-1) // no calls of the program's own runtime
	cpus := low.All()
	runtime.GOMAXPROCS(len(cpus) + 2)
	end := time.Now().Add(d)
	turns := make([]int, len(cpus))
	var wg sync.WaitGroup
	for i, cpu := range cpus {
		wg.Go(func() {
			runtime.LockOSThread()
			low.Pin(cpu)
			turns[i] = spin(end)
		})
	}
	wg.Wait()
	fmt.Println("turns", turns)
}

// spin looks at the clock now and then; that is no call either.
func spin(end time.Time) int {
	n := 0
	for time.Now().Before(end) {
		for range 100_000 {
			n++
		}
	}
	return n
}
