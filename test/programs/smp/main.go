// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command smp checks what a program may expect of a kernel that runs it on
// several CPUs: that threads are where they want to be and lose nothing on the
// way, that memory taken away is gone everywhere, that memory and clocks have
// one order. It asks for nothing that Linux does not give, so that it passes
// there, too, and on one CPU.
//
// The variable CPUS, if set, says how many CPUs the machine has; ROUNDS
// multiplies how long the cases go on.
package main

import (
	"os"
	"runtime"
	"strconv"

	"loam/test/programs/cases"
)

// rounds multiplies loops that try to catch something rare.
var rounds = max(1, number("ROUNDS"))

func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

func main() {
	// Threads that spin on purpose must not take the processors from the rest
	// of the program.
	runtime.GOMAXPROCS(max(8, 2*runtime.NumCPU()))
	cases.Main([]cases.Case{
		// affinity.go
		{Name: "affinity: all CPUs", Run: allCPUs},
		{Name: "affinity: a thread moves", Run: moves},
		{Name: "affinity: another thread moves", Run: movesAnother},
		{Name: "affinity: a waiting thread wakes elsewhere", Run: wakesElsewhere},
		{Name: "affinity: masks", Run: masks},
		{Name: "affinity: inherited", Run: inherited},
		{Name: "affinity: work spreads", Run: spreads},
		// migrate.go
		{Name: "migrate: registers", Run: migrate},
		{Name: "migrate: goroutines", Run: migrateGoroutines},
		// stale.go
		{Name: "stale: munmap", Run: func() error { return stale(unmapped) }},
		{Name: "stale: munmap, small and many", Run: func() error { return stale(unmappedParts) }},
		{Name: "stale: MADV_DONTNEED", Run: func() error { return stale(forgotten) }},
		{Name: "stale: mprotect to none", Run: func() error { return stale(forbidden) }},
		{Name: "stale: mprotect to read-only", Run: func() error { return stale(readOnly) }},
		{Name: "stale: mremap", Run: func() error { return stale(moved) }},
		{Name: "stale: mapped over", Run: func() error { return stale(replaced) }},
		{Name: "stale: munmap of a large page", Run: func() error { return stale(unmappedLarge) }},
		{Name: "stale: munmap in a large page", Run: func() error { return stale(unmappedParts.inLarge()) }},
		{Name: "stale: MADV_DONTNEED in a large page", Run: func() error { return stale(forgotten.inLarge()) }},
		{Name: "stale: mprotect in a large page", Run: func() error { return stale(forbidden.inLarge()) }},
		{Name: "stale: mremap from a large page", Run: func() error { return stale(moved.inLarge()) }},
		{Name: "stale: mapped over a large page", Run: func() error { return stale(replaced.inLarge()) }},
		// litmus.go
		{Name: "order: atomic counters", Run: counters},
		{Name: "order: message passing", Run: messagePassing},
		{Name: "order: store buffering, locked", Run: func() error { return storeBuffering(true) }},
		{Name: "order: store buffering, membarrier", Run: func() error { return storeBuffering(false) }},
		{Name: "clock: one for all CPUs", Run: oneClock},
	})
}
