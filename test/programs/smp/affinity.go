// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/test/programs/smp/low"
)

// late is how late something may come on a busy and emulated machine.
const late = 60 * time.Second

// allCPUs: the calls and Go's runtime agree on the machine's CPUs.
func allCPUs() error {
	cpus := low.All()
	if n := runtime.NumCPU(); n != len(cpus) {
		return fmt.Errorf("sched_getaffinity says %v, Go's runtime %d CPUs", cpus, n)
	}
	want := number("CPUS")
	if want == 0 {
		return nil
	}
	for i, n := range cpus {
		if i != n {
			return fmt.Errorf("CPUs are %v", cpus)
		}
	}
	if len(cpus) != want {
		return fmt.Errorf("%d CPUs, want %d", len(cpus), want)
	}
	return nil
}

// pinned runs f on a thread of its own, which ends with it: whatever f does to
// its affinity goes with the thread.
func pinned(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// stays checks that the caller's thread is on a CPU and remains there.
func stays(cpu int) error {
	for i := range 50 {
		if got := low.CPU(); got != cpu {
			return fmt.Errorf("on CPU %d, was to be on %d", got, cpu)
		}
		switch i % 10 {
		case 3:
			low.Must(syscall.SYS_SCHED_YIELD)
		case 7:
			time.Sleep(50 * time.Microsecond)
		}
	}
	return nil
}

// moves: a thread that names a CPU is there when the call returns.
func moves() error {
	cpus := low.All()
	var errs [4]error
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = pinned(func() error {
				for round := range 20 * rounds {
					cpu := cpus[(i+round)%len(cpus)]
					low.Pin(cpu)
					if s, _ := low.Affinity(0); s != low.Of(cpu) {
						return fmt.Errorf("affinity is %v, was set to %d", s.List(), cpu)
					}
					if err := stays(cpu); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// movesAnother pins a thread that runs all the time from outside.
func movesAnother() error {
	cpus := low.All()
	tid, stop := make(chan int), atomic.Bool{}
	var at atomic.Int64 // calls<<8 | CPU
	ended := make(chan error)
	go func() {
		ended <- pinned(func() error {
			tid <- syscall.Gettid()
			for n := int64(0); !stop.Load(); n++ {
				at.Store(n<<8 | int64(low.CPU()))
			}
			return nil
		})
	}()
	id := <-tid
	defer func() { stop.Store(true); <-ended }()
	for round := range 30 * rounds {
		cpu := cpus[round%len(cpus)]
		if e := low.SetAffinity(id, low.Of(cpu)); e != 0 {
			return fmt.Errorf("sched_setaffinity of another thread: %v", e)
		}
		// A call that had begun may yet say where the thread was.
		start := at.Load() >> 8
		deadline := time.Now().Add(late)
		for at.Load()>>8 < start+3 {
			if time.Now().After(deadline) {
				return fmt.Errorf("round %d: the thread does not run on CPU %d", round, cpu)
			}
			runtime.Gosched()
		}
		if now := at.Load() & 0xff; now != int64(cpu) {
			return fmt.Errorf("round %d: the thread is on CPU %d, want %d", round, now, cpu)
		}
	}
	return nil
}

// wakesElsewhere moves a thread while it waits in a futex.
func wakesElsewhere() error {
	cpus := low.All()
	var word uint32
	tid, where := make(chan int), make(chan int)
	n := 10 * rounds
	go func() {
		_ = pinned(func() error {
			tid <- syscall.Gettid()
			for i := range n {
				for atomic.LoadUint32(&word) == uint32(i) {
					_ = low.Futex(&word, low.FutexWait, uintptr(i))
				}
				where <- low.CPU()
			}
			return nil
		})
	}()
	id := <-tid
	var err error
	for i := range n {
		cpu := cpus[i%len(cpus)]
		time.Sleep(time.Millisecond) // for it to wait
		if e := low.SetAffinity(id, low.Of(cpu)); e != 0 {
			err = e
		}
		atomic.AddUint32(&word, 1)
		_ = low.Futex(&word, low.FutexWake, 1)
		if got := <-where; got != cpu {
			err = fmt.Errorf("it woke on CPU %d, was to wake on %d", got, cpu)
		}
	}
	return err
}

// masks: what sched_setaffinity(2) and sched_getaffinity(2) refuse, and what
// they make of CPUs that are not there.
func masks() error {
	return pinned(func() error {
		cpus := low.All()
		last := cpus[len(cpus)-1]
		nobody := 0x7fff_fff0
		for _, c := range []struct {
			name string
			got  syscall.Errno
			want syscall.Errno
		}{
			{"no CPU", low.SetAffinity(0, low.Set{}), syscall.EINVAL},
			{"a CPU that is not there", low.SetAffinity(0, low.Of(1000)), syscall.EINVAL},
			{"a set of no size", second(low.Call(syscall.SYS_SCHED_SETAFFINITY, 0, 0, 0)), syscall.EINVAL},
			{"a set nowhere", second(low.Call(syscall.SYS_SCHED_SETAFFINITY, 0, low.SetSize, 8)), syscall.EFAULT},
			{"nobody's set", low.SetAffinity(nobody, low.Of(last)), syscall.ESRCH},
			{"ask into no size", second(low.Call(syscall.SYS_SCHED_GETAFFINITY, 0, 0, 0)), syscall.EINVAL},
			{"ask into an odd size", second(low.Call(syscall.SYS_SCHED_GETAFFINITY, 0, low.SetSize-1, 8)), syscall.EINVAL},
			{"ask into nowhere", second(low.Call(syscall.SYS_SCHED_GETAFFINITY, 0, low.SetSize, 8)), syscall.EFAULT},
			{"ask for nobody", askNobody(nobody), syscall.ESRCH},
		} {
			if c.got != c.want {
				return fmt.Errorf("%s: %v, want %v", c.name, c.got, c.want)
			}
		}
		if s, _ := low.Affinity(0); !slices.Equal(s.List(), cpus) {
			return fmt.Errorf("what was refused has changed the set to %v", s.List())
		}
		if e := low.SetAffinity(0, low.Of(last, 1000)); e != 0 {
			return fmt.Errorf("one CPU that is there, and one that is not: %v", e)
		}
		if s, _ := low.Affinity(0); s != low.Of(last) {
			return fmt.Errorf("a set of CPU %d and one that is not there became %v", last, s.List())
		}
		return stays(last)
	})
}

func second(_ uintptr, e syscall.Errno) syscall.Errno { return e }

func askNobody(tid int) syscall.Errno {
	_, e := low.Affinity(tid)
	return e
}

var (
	heir     low.Thread
	question low.Request
	answer   low.Set
)

// inherited: a new thread may run where its maker may.
func inherited() error {
	return pinned(func() error {
		for _, cpu := range low.All() {
			low.Pin(cpu)
			answer = low.Set{}
			question = low.Request{Nr: syscall.SYS_SCHED_GETAFFINITY, Args: [6]uintptr{0, low.SetSize, low.Address(&answer)}}
			if e := heir.Start(&question); e != 0 {
				return fmt.Errorf("clone: %v", e)
			}
			heir.Join()
			if int(question.Result) <= 0 || answer != low.Of(cpu) {
				return fmt.Errorf("the child of a thread on CPU %d may run on %v (result %d)", cpu, answer.List(), int(question.Result))
			}
		}
		return nil
	})
}

// spreads: busy threads that don't care come to be on every CPU.
func spreads() error {
	cpus := low.All()
	var seen [1024]atomic.Bool
	var missing atomic.Int64
	missing.Store(int64(len(cpus)))
	deadline := time.Now().Add(late)
	var wg sync.WaitGroup
	for range 2 * len(cpus) {
		wg.Go(func() {
			_ = pinned(func() error {
				for missing.Load() > 0 && time.Now().Before(deadline) {
					if !seen[low.CPU()].Swap(true) {
						missing.Add(-1)
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	if n := missing.Load(); n > 0 {
		return fmt.Errorf("%d busy threads leave %d of %d CPUs idle", 2*len(cpus), n, len(cpus))
	}
	return nil
}
