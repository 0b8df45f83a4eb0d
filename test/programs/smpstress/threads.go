// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/test/programs/smp/low"
)

// late is how late something may come on a busy and emulated machine.
const late = 60 * time.Second

// What threads may be moved and signalled: none that may have ended.
var threads struct {
	sync.Mutex
	ids []int
}

// movable adds the caller's thread, until the function that it returns is
// called.
func movable() (remove func()) {
	id := syscall.Gettid()
	threads.Lock()
	defer threads.Unlock()
	threads.ids = append(threads.ids, id)
	return func() {
		threads.Lock()
		defer threads.Unlock()
		for i, x := range threads.ids {
			if x == id {
				threads.ids = append(threads.ids[:i], threads.ids[i+1:]...)
				return
			}
		}
	}
}

// moveStep pins some thread to some CPU, or to all of them again.
func moveStep(s *state) error {
	threads.Lock()
	defer threads.Unlock()
	cpus := low.All()
	to := low.Of(cpus[s.IntN(len(cpus))])
	if s.IntN(2) == 0 {
		to = low.Of(cpus...)
	}
	id := threads.ids[s.IntN(len(threads.ids))]
	if e := low.SetAffinity(id, to); e != 0 {
		return fmt.Errorf("sched_setaffinity(%d): %w", id, e)
	}
	runtime.Gosched()
	return nil
}

var turn uint32

// futexStep waits for a while until the word changes, or changes it.
func futexStep(s *state) error {
	for range 20 {
		was := atomic.LoadUint32(&turn)
		if s.IntN(3) == 0 {
			t := syscall.Timespec{Nsec: int64(s.IntN(300_000))}
			if e := low.FutexTimed(&turn, was, &t); e != 0 && e != syscall.EAGAIN && e != syscall.ETIMEDOUT && e != syscall.EINTR {
				return fmt.Errorf("futex: %w", e)
			}
			continue
		}
		atomic.AddUint32(&turn, 1)
		if e := low.Futex(&turn, low.FutexWake, uintptr(1+s.IntN(3))); e != 0 {
			return fmt.Errorf("futex: %w", e)
		}
	}
	return nil
}

// channelStep sends numbers through goroutines that each add one.
func channelStep(s *state) error {
	const n, messages = 6, 20
	chain := make([]chan int, n+1)
	for i := range chain {
		chain[i] = make(chan int, s.IntN(2))
	}
	for i := range n {
		go func() {
			for range messages {
				chain[i+1] <- 1 + <-chain[i]
			}
		}()
	}
	go func() {
		for m := range messages {
			chain[0] <- m
		}
	}()
	for m := range messages {
		if got := <-chain[n]; got != m+n {
			return fmt.Errorf("message %d came as %d, want %d", m, got, m+n)
		}
	}
	return nil
}

var counted struct {
	sync.Mutex
	n    int64
	want atomic.Int64
}

func mutexStep(*state) error {
	for range 100 {
		counted.Lock()
		counted.n++
		counted.Unlock()
	}
	counted.want.Add(100)
	return nil
}

// Signals that came, by number.
var arrived [65]atomic.Int64

func catchSignals() {
	c := make(chan os.Signal, 100)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)
	go func() {
		for s := range c {
			arrived[s.(syscall.Signal)].Add(1)
		}
	}()
}

// signalStep sends signals to other threads and to the process.
func signalStep(s *state) error {
	send := func() error {
		threads.Lock()
		defer threads.Unlock()
		id := threads.ids[s.IntN(len(threads.ids))]
		if e := low.Signal(id, syscall.SIGUSR1); e != 0 {
			return fmt.Errorf("tgkill(%d): %w", id, e)
		}
		return nil
	}
	for range 5 {
		if err := send(); err != nil {
			return err
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR2); err != nil {
			return fmt.Errorf("kill: %w", err)
		}
		time.Sleep(time.Duration(s.IntN(200)) * time.Microsecond)
	}
	return nil
}

// raw is a thread that Go doesn't know. Threads of one worker take turns.
var raw struct {
	sync.Mutex
	low.Thread
	low.Request
}

// threadStep makes threads and has them end.
func threadStep(*state) error {
	done := make(chan int)
	go func() {
		runtime.LockOSThread() // and ends with its thread
		done <- syscall.Gettid()
	}()
	if id := <-done; id == syscall.Gettid() {
		return fmt.Errorf("two threads have the id %d", id)
	}
	raw.Lock()
	defer raw.Unlock()
	raw.Request = low.Request{Nr: syscall.SYS_GETTID}
	if e := raw.Start(&raw.Request); e != 0 {
		return fmt.Errorf("clone: %w", e)
	}
	raw.Join()
	if int(raw.Result) != raw.ID {
		return fmt.Errorf("thread %d says it is %d", raw.ID, raw.Result)
	}
	return nil
}

// pipeStep sends bytes through a pipe.
func pipeStep(s *state) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	n := 1 + s.IntN(50_000)
	key := s.Uint64()
	go func() {
		rest := stream(key, n)
		for len(rest) > 0 {
			m := min(len(rest), 1+int(key%9000))
			if _, err := w.Write(rest[:m]); err != nil {
				break // the reader sees what is missing
			}
			rest = rest[m:]
		}
		_ = w.Close()
	}()
	got, err := io.ReadAll(r)
	if err != nil || string(got) != string(stream(key, n)) {
		return fmt.Errorf("%d bytes of %d, or others (%v)", len(got), n, err)
	}
	return nil
}

func stream(key uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		key = key*6364136223846793005 + 1442695040888963407
		b[i] = byte(key >> 56)
	}
	return b
}

func sleepStep(s *state) error {
	d := time.Duration(s.IntN(2_000_000))
	start := time.Now()
	time.Sleep(d)
	if t := time.Since(start); t < d || t > d+late {
		return fmt.Errorf("slept for %v, wanted %v", t, d)
	}
	return nil
}

// sums checks at the end what all threads have done together.
func sums() error {
	if counted.n != counted.want.Load() {
		return fmt.Errorf("mutex: counted %d, want %d", counted.n, counted.want.Load())
	}
	// What was sent last must arrive: signals of one kind may have become one.
	before := arrived[syscall.SIGWINCH].Load()
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		return err
	}
	for deadline := time.Now().Add(late); arrived[syscall.SIGWINCH].Load() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("a signal does not come")
		}
	}
	return nil
}
