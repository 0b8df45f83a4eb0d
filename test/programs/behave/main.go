// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command behave checks that what a Go program may expect of its runtime and
// of the kernel under it is so. It asks for nothing that Linux does not give,
// so that it passes there, too.
package main

import (
	"syscall"

	"loam/test/programs/cases"
)

func main() {
	cases.Main([]cases.Case{
		// runtime.go
		{Name: "maps and channels", Run: mapsAndChannels},
		{Name: "thousand goroutines", Run: thousandGoroutines},
		{Name: "heap of 64 MiB", Run: heapGrowth},
		{Name: "collections", Run: collections},
		{Name: "memory limits", Run: memoryLimits},
		{Name: "memory given back reads as zero", Run: scavenged},
		{Name: "deep recursion", Run: deepRecursion},
		{Name: "identity", Run: identity},
		{Name: "random numbers", Run: randomNumbers},
		// faults.go
		{Name: "nil dereference recovered", Run: nilRecovered},
		{Name: "nil dereference recovered often", Run: nilRecoveredOften},
		{Name: "nil function recovered", Run: nilFunction},
		{Name: "bad address recovered", Run: badAddress},
		{Name: "division by zero recovered", Run: divisionRecovered},
		{Name: "index out of range recovered", Run: indexRecovered},
		// memory.go
		{Name: "large memory", Run: func() error { return largeMemory(syscall.MADV_NORMAL) }},
		{Name: "large memory in large pages", Run: func() error { return largeMemory(hugePages) }},
		{Name: "large memory in small pages", Run: func() error { return largeMemory(noHugePages) }},
		{Name: "large memory of many threads", Run: largeByMany},
		{Name: "memory that grows down", Run: growsDown},
		// clock.go
		{Name: "wall clock", Run: wallClock},
		{Name: "sleep", Run: sleep},
		{Name: "timer slack", Run: timerSlack},
		{Name: "many sleepers", Run: manySleepers},
		{Name: "timers", Run: timers},
		{Name: "tickers", Run: tickers},
		{Name: "deadlines", Run: deadlines},
		{Name: "select with time-outs", Run: selectTimeouts},
		// threads.go
		{Name: "mutex contention", Run: mutexContention},
		{Name: "condition variables", Run: conditions},
		{Name: "read-write locks", Run: readWriteLocks},
		{Name: "locked threads", Run: lockedThreads},
		{Name: "threads come and go", Run: threadsComeAndGo},
		{Name: "the last word of a thread", Run: lastWordOfThread},
		{Name: "tight loop preempted, one P", Run: func() error { return tightLoop(1) }},
		{Name: "tight loop preempted, two Ps", Run: func() error { return tightLoop(2) }},
		{Name: "pipes", Run: pipes},
		{Name: "pipe deadline", Run: pipeDeadline},
		// vector.go
		{Name: "hashes under preemption", Run: hashes},
		{Name: "floating point under preemption", Run: floats},
		{Name: "vector registers per thread", Run: vectorRegisters},
		// signals.go
		{Name: "signal to oneself", Run: signalToOneself},
		{Name: "signals in a burst", Run: signalBurst},
		{Name: "signal ignored", Run: signalIgnored},
		{Name: "profile timer", Run: profileTimer},
	})
}
