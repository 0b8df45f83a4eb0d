//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"loam/machine/bootinfo"
	"loam/machine/metal"
)

// What the kernel measures of itself on request: the pauses of its collector
// (collect=1 on the command line), and in checked builds the times with interrupts
// off.

// collections are the figures of the collector, by collect; atomic.
type collections struct {
	on      bool   // constant
	running uint32 // 1 once a program runs: before that the kernel is busy with itself
	count   uint64
	total   uint64 // ns that the world was stopped for, in all
	longest uint64 // ns, in one collection, which stops it twice
}

// startCollecting has the collector run continuously if the command line wants it. It
// doesn't run otherwise (metal's startRuntime).
// It allocates, on the spare P of Go's scheduler.
func startCollecting() {
	if on, _ := bootinfo.Flag(metal.CommandLine(), "collect"); on {
		k.stats.collections.on = true
		for range 3 { // it takes what memory it needs before any program does
			runtime.GC()
		}
		go collect(&k.stats.collections)
	}
}

func collect(c *collections) {
	gc := debug.GCStats{Pause: make([]time.Duration, 0, 1<<10)}
	debug.ReadGCStats(&gc)
	before := gc.PauseTotal
	for {
		running := atomic.LoadUint32(&c.running) != 0
		runtime.GC()
		debug.ReadGCStats(&gc)
		if !running {
			before = gc.PauseTotal
			continue
		}
		atomic.AddUint64(&c.count, 1)
		atomic.StoreUint64(&c.total, uint64(gc.PauseTotal-before))
		if len(gc.Pause) > 0 && uint64(gc.Pause[0]) > atomic.LoadUint64(&c.longest) {
			atomic.StoreUint64(&c.longest, uint64(gc.Pause[0]))
		}
	}
}

// reportMeasured sends what was measured to the host.
func reportMeasured() {
	if m := k.stats.mallocs; m != nil {
		m.report()
	}
	c := &k.stats.collections
	if n := atomic.LoadUint64(&c.count); n > 0 {
		stat("collections", n, "collections")
		stat("pause_average", atomic.LoadUint64(&c.total)/n, "ns")
		stat("pause_longest", atomic.LoadUint64(&c.longest), "ns")
	}
	if ns, trap := metal.LongestOff(); ns > 0 {
		stat("irqoff_longest", uint64(ns), "ns")
		stat("irqoff_longest_trap", trap, "trap")
	}
}
