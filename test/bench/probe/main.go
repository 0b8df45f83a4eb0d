// SPDX-License-Identifier: Apache-2.0

// Command probe measures what a kernel costs a Go program. It runs unchanged
// on Loam and on Linux, as a static linux/amd64 executable, and prints lines
// "name value unit" that host/bench reads. Under instruction counting a
// nanosecond is an instruction.
//
// Each measurement runs once to warm up and then several times; its figure is
// the median of the costs of one operation. One that the kernel can't do
// prints "name FAIL why" and the rest goes on. What each does is said at its
// function. The exit status is 1 if any failed.
//
// Names and methods are those with which the figures of other systems were
// taken (bench/rivals.txt), so that the columns compare. The loops call the
// kernel by RawSyscall: Go's scheduler has no part in the figure, unless the
// measurement is of Go's scheduler.
//
// Arguments are the names of the measurements to do; none means all. No
// package unsafe: globals do not move, so reflect's address of one is good
// for a call, and pages come from syscall.Mmap where they are touched.
package main

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// measurement is one line of output.
type measurement struct {
	name string
	unit string // ns, us or ms for one operation
	n    int    // operations in one sample
	run  func(n int) (time.Duration, error)
}

const samples = 5 // and one to warm up

var measurements = []measurement{
	{"null_call", "ns", 20000, nullCall},
	{"clock_call", "ns", 20000, clockCall},
	{"time_now", "ns", 20000, timeNow},
	{"sched_yield", "ns", 10000, schedYield},
	{"mmap_munmap", "ns", 2000, mmapMunmap},
	{"page_fault", "ns", 2048, pageFault},
	{"fault_large", "ns", 16384, faultLarge},
	{"futex_threads", "ns", 2000, futexThreads},
	{"chan_goroutines", "ns", 20000, chanGoroutines},
	{"chan_threads", "ns", 2000, chanThreads},
	{"thread_create", "ns", 100, threadCreate},
	{"thread_raw", "ns", 1000, threadRaw},
	{"pipe_threads", "ns", 2000, pipeThreads},
	{"signal_self", "ns", 1000, signalSelf},
	{"alloc_64b", "ns", 200000, allocSmall},
	{"gc_cycle", "us", 5, gcCycle},
	{"sleep_1ms", "us", 50, sleepMillisecond},
	{"sha256_16mib", "ms", 1, sha256Control},
}

func main() {
	wanted := os.Args[1:]
	failed := false
	for _, m := range measurements {
		if len(wanted) > 0 && !slices.Contains(wanted, m.name) {
			continue
		}
		value, err := m.measure()
		if err != nil {
			failed = true
			os.Stdout.WriteString(m.name + " FAIL " + err.Error() + "\n")
			continue
		}
		os.Stdout.WriteString(m.name + " " + strconv.FormatFloat(value, 'f', 1, 64) + " " + m.unit + "\n")
	}
	if failed {
		os.Exit(1)
	}
}

// measure returns the median of the samples, in m's unit for one operation.
func (m measurement) measure() (float64, error) {
	runtime.GC() // each starts with a clean heap
	var got []float64
	for i := range samples + 1 {
		d, err := m.run(m.n)
		if err != nil {
			return 0, err
		}
		if i > 0 {
			got = append(got, float64(d.Nanoseconds())/float64(m.n))
		}
	}
	slices.Sort(got)
	return got[samples/2] / map[string]float64{"ns": 1, "us": 1e3, "ms": 1e6}[m.unit], nil
}
