//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"time"

	"loam/machine/bootinfo"
	"loam/machine/metal"
)

func main() {
	name, _ := bootinfo.Lookup(metal.CommandLine(), "test")
	maps.Copy(tests, testsHere)
	switch f := tests[string(name)]; {
	case f == nil:
		say("no test named %q", name)
		metal.Shutdown(metal.ShutdownPanic)
	default:
		if err := f(); err != nil {
			say("FAIL %s: %v", name, err)
			metal.Shutdown(metal.ShutdownPanic)
		}
		say("ok %s", name)
		metal.Shutdown(metal.ShutdownOK)
	}
}

func say(format string, args ...any) { metal.Log(fmt.Sprintf(format, args...)) }

// tests that return come first; those that end in the kernel's panic after.
var tests = map[string]func() error{
	"runtime":     goRuntime,
	"collector":   collector,
	"sleep":       sleep,
	"random":      random,
	"runner":      runner,
	"wakes":       wakes,
	"giveback":    giveback,
	"forget":      forget,
	"space":       kernelSpace,
	"freetwice":   freeTwice,
	"bench":       bench,
	"nil":         nilDereference,
	"pagezero":    pageZero,
	"writetext":   writeText,
	"executedata": executeData,
	"overflow":    stackOverflow,
	"divide":      divide,
	"panic":       goPanic,
	"guard":       guard,
	"throw":       throw,
	"machine":     machineFault,
}

// goRuntime exercises maps, channels, goroutines, defer and recover.
func goRuntime() error {
	const n = 64
	results := make(chan [2]int)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results <- [2]int{i, i * i} })
	}
	go func() { wg.Wait(); close(results) }()
	squares := map[int]int{}
	for r := range results {
		squares[r[0]] = r[1]
	}
	for i := range n {
		if squares[i] != i*i {
			return fmt.Errorf("square of %d: got %d", i, squares[i])
		}
	}
	if s := strings.Repeat("ab", 3); s != "ababab" {
		return fmt.Errorf("strings: %q", s)
	}
	return recovered()
}

// recovered checks that a panic of ordinary kernel code can be recovered.
func recovered() (err error) {
	defer func() {
		if r := recover(); r == nil {
			err = fmt.Errorf("an index out of range did not panic")
		} else {
			err = nil
		}
	}()
	var s []int
	return fmt.Errorf("read %d", s[len(squaresOf)])
}

var squaresOf [3]int

// collector allocates several times what may be alive and collects.
func collector() error {
	type node struct {
		next *node
		data [1000]byte
	}
	var keep *node
	for round := range 40 {
		var list *node
		for i := range 500 {
			list = &node{next: list}
			list.data[i] = byte(round)
			if list.data[(i+1)%1000] != 0 {
				return fmt.Errorf("fresh memory is not zero")
			}
		}
		if round%10 == 0 {
			keep = list
		}
		list = nil
		runtime.GC()
	}
	n := 0
	for p := keep; p != nil; p = p.next {
		n++
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	say("%d collections, longest pause below %v, heap %d KiB", m.NumGC, time.Duration(m.PauseNs[(m.NumGC+255)%256]), m.HeapAlloc>>10)
	if n != 500 {
		return fmt.Errorf("%d of 500 nodes left", n)
	}
	if m.NumGC < 40 {
		return fmt.Errorf("only %d collections", m.NumGC)
	}
	return nil
}

// kernelSpace tells where the kernel has put what, and that it is there.
func kernelSpace() error {
	s := metal.Places()
	heap, table := make([]byte, 1<<20), metal.TableRange(64)
	say("direct %#x tables %#x stacks %#x heap %#x", s.Direct, s.Tables, s.Stacks, s.Heap)
	switch p := uint64(addressOf(heap)); {
	case p < s.Heap || p >= s.Heap+kernelHeap:
		return fmt.Errorf("the heap has %#x", p)
	case uint64(table) < s.Tables || uint64(table) >= s.Tables+kernelTables:
		return fmt.Errorf("the tables have %#x", table)
	case metal.Phys().Virtual(0) != uintptr(s.Direct):
		return fmt.Errorf("the direct map is at %#x", metal.Phys().Virtual(0))
	}
	return nil
}

func sleep() error {
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	if d := time.Since(start); d < 20*time.Millisecond || d > 10*time.Second {
		return fmt.Errorf("20 ms took %v", d)
	}
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for range 5 {
		<-ticker.C
	}
	return nil
}

func random() error {
	var a, b [64]byte
	metal.Random(a[:])
	metal.Random(b[:])
	if a == b || a == [64]byte{} {
		return fmt.Errorf("not random: %x %x", a, b)
	}
	return nil
}

// runner checks that the runner's Idle and Turn let other goroutines run, and
// a collection by another goroutine end, while this one is not preemptible.
func runner() error {
	done := make(chan bool, 1)
	cpu := metal.CPUAt(0)
	metal.RunOn(cpu)
	go func() {
		for range 3 {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		done <- true
	}()
	for len(done) == 0 {
		at := metal.Now() + 1_000_000
		cpu.SetDeadline(at)
		for e := metal.Event(0); e&metal.EventTimer == 0; e |= cpu.Pending() {
			if e |= cpu.Idle(); metal.Now() > at+1_000_000_000 {
				return fmt.Errorf("idle goes on without the timer's event")
			}
		}
		if cpu.TurnDue() {
			cpu.Turn()
		}
	}
	return nil
}
