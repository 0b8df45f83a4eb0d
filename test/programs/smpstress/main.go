// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command smpstress does for a while, on all CPUs at once, everything that
// kernels with several CPUs get wrong: its threads fault, map and unmap, wait
// and wake, signal each other, are moved about, begin and end, and so do its
// children. Each worker checks what it must be able to rely on. At the end the
// process exits while its threads are in every kind of call; what must be
// given back then, the kernel checks itself (loam run -v: left, frames_leaked).
//
// The last line on stdout is "stress: done" and what was done, or "stress:
// FAIL" and what was wrong, with exit status 1. It runs on Linux, too.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"loam/test/programs/smp/low"
)

var (
	seconds = flag.Float64("seconds", 1, "how long")
	seed    = flag.Uint64("seed", 1, "of what is left to chance; what the CPUs do is so anyway")
	only    = flag.String("only", "", "comma-separated names of workers")
	role    = flag.String("child", "", "what a child does")
)

// worker is one kind of work.
type worker struct {
	name    string
	threads int // that do it
	step    func(*state) error
	done    atomic.Int64 // steps
}

// state is a worker thread's.
type state struct {
	*rand.Rand
	page uintptr // kept from step to step
}

var workers = []*worker{
	{name: "map", threads: 3, step: mapStep},
	{name: "fault", threads: 2, step: faultStep},
	{name: "catch", threads: 2, step: catchStep},
	{name: "futex", threads: 4, step: futexStep},
	{name: "channel", threads: 2, step: channelStep},
	{name: "mutex", threads: 3, step: mutexStep},
	{name: "signal", threads: 2, step: signalStep},
	{name: "thread", threads: 2, step: threadStep},
	{name: "collect", threads: 1, step: collectStep},
	{name: "pipe", threads: 1, step: pipeStep},
	{name: "sleep", threads: 2, step: sleepStep},
	{name: "move", threads: 1, step: moveStep},
	{name: "child", threads: 2, step: childStep},
}

var stop atomic.Bool

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(max(8, 2*runtime.NumCPU()))
	if *role != "" {
		child(*role)
	}
	err := work(time.Duration(*seconds*float64(time.Second)), nil)
	fmt.Println("stress:", verdict(err))
	code := 0
	if err != nil {
		code = 1
	}
	everywhereAndExit(code, true)
}

// work has all workers work for a while, but for those named in without.
func work(d time.Duration, without []string) error {
	catchSignals()
	timer := time.AfterFunc(d, func() { stop.Store(true) })
	defer timer.Stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failure error
	for _, w := range workers {
		if *only != "" && !named(strings.Split(*only, ","), w.name) || named(without, w.name) {
			continue
		}
		for range w.threads {
			wg.Go(func() {
				if err := w.run(); err != nil {
					mu.Lock()
					failure = fmt.Errorf("%s: %w", w.name, err)
					mu.Unlock()
					stop.Store(true)
				}
			})
		}
	}
	wg.Wait()
	if failure != nil {
		return failure
	}
	return sums()
}

// run is one thread of a worker's. It ends with the thread, and makes at least
// one step.
func (w *worker) run() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer movable()()
		s := &state{Rand: newRand()}
		for {
			if err := w.step(s); err != nil {
				result <- err
				return
			}
			w.done.Add(1)
			if stop.Load() {
				result <- nil
				return
			}
			if s.IntN(8) == 0 {
				cpus := low.All()
				low.Pin(cpus[s.IntN(len(cpus))])
			}
		}
	}()
	return <-result
}

var streams atomic.Uint64

// newRand gives a random source that no other thread has.
func newRand() *rand.Rand { return rand.New(rand.NewPCG(*seed, streams.Add(1))) }

func named(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func verdict(err error) string {
	if err != nil {
		return "FAIL " + err.Error()
	}
	line := "done"
	for _, w := range workers {
		line += fmt.Sprintf(", %s %d", w.name, w.done.Load())
	}
	return line
}
