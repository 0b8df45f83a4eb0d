//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/user/object"
)

// tally counts how calls ended. Each call has one end, or the program hangs.
type tally struct {
	made, answered, reset atomic.Uint64
	other                 atomic.Pointer[string]
}

// one makes a call and notes its end.
func (t *tally) one(w *WorkClient, n uint64) {
	t.made.Add(1)
	var err error
	if n%4 == 3 {
		err = answers(w)
	} else {
		var twice uint64
		if twice, err = w.Double(background, n); err == nil && twice != 2*n {
			err = fmt.Errorf("%d was doubled to %d", n, twice)
		}
	}
	switch {
	case err == nil:
		t.answered.Add(1)
	case errors.Is(err, syscall.ECONNRESET):
		t.reset.Add(1)
	default:
		text := err.Error()
		t.other.CompareAndSwap(nil, &text)
	}
}

// kills kills the service n times, while callers make calls without pause. Each time
// another instance has to answer, and every call has to end: by the right answer, or
// by the error that says that its server died.
func kills(n, callers int) {
	var t tally
	var stop atomic.Bool
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			w := work(0)
			for i := uint64(c); !stop.Load(); i++ {
				t.one(w, i)
			}
		})
	}
	start := time.Now()
	last := uint32(0)
	for i := range n {
		last = kill(last, i)
	}
	took := time.Since(start)
	// What is called from now on meets nobody who kills.
	after := t.answered.Load()
	for t.answered.Load() < after+uint64(callers)*4 && t.other.Load() == nil {
		time.Sleep(time.Millisecond)
	}
	stop.Store(true)
	all.Wait()
	if why := t.other.Load(); why != nil {
		fmt.Println("FAIL a call ended by", *why)
		os.Exit(1)
	}
	if t.answered.Load()+t.reset.Load() != t.made.Load() || t.answered.Load() == 0 {
		fmt.Println("FAIL", t.made.Load(), "calls,", t.answered.Load(), "answers,", t.reset.Load(), "deaths")
		os.Exit(1)
	}
	fmt.Printf("killed %d times in %v: %d calls, %d answered, %d told of the death\n",
		n, took.Round(time.Millisecond), t.made.Load(), t.answered.Load(), t.reset.Load())
}

// kill kills the instance that answers, which must be another one than the last, and
// gives its process id.
func kill(last uint32, i int) uint32 {
	w := work(0)
	for {
		pid, _, h, err := w.Who(background)
		if errors.Is(err, syscall.ECONNRESET) {
			continue
		}
		if err != nil || pid == last {
			fmt.Println("FAIL instance", i, "answers", err, "as process", pid)
			os.Exit(1)
		}
		if i%2 == 1 { // not always right after its start
			time.Sleep(time.Duration(i%7) * time.Millisecond)
		}
		p := object.Process(h.Handle)
		err = p.Kill()
		_ = p.Close()
		if err != nil {
			fmt.Println("FAIL killing instance", i, err)
			os.Exit(1)
		}
		return pid
	}
}
