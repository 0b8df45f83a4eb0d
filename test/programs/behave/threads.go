// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func mutexContention() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for range 16 {
		wg.Go(func() {
			for i := range 2000 {
				mu.Lock()
				n++
				mu.Unlock()
				if i%100 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	if n != 32_000 {
		return fmt.Errorf("counted %d of 32000", n)
	}
	return nil
}

// conditions passes a turn around threads that wait on one condition.
func conditions() error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	const players, rounds = 8, 100
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	turn := 0
	var wg sync.WaitGroup
	for p := range players {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for range rounds {
				mu.Lock()
				for turn%players != p {
					cond.Wait()
				}
				turn++
				mu.Unlock()
				cond.Broadcast()
			}
		})
	}
	wg.Wait()
	if turn != players*rounds {
		return fmt.Errorf("%d turns, want %d", turn, players*rounds)
	}
	return nil
}

func readWriteLocks() error {
	var mu sync.RWMutex
	var wg sync.WaitGroup
	var a, b int
	var torn atomic.Int64
	for i := range 12 {
		wg.Go(func() {
			for range 300 {
				if i%4 == 0 {
					mu.Lock()
					a++
					runtime.Gosched()
					b++
					mu.Unlock()
					continue
				}
				mu.RLock()
				if a != b {
					torn.Add(1)
				}
				mu.RUnlock()
			}
		})
	}
	wg.Wait()
	if torn.Load() != 0 || a != 900 {
		return fmt.Errorf("%d torn reads, %d writes", torn.Load(), a)
	}
	return nil
}

// lockedThreads runs 50 goroutines on threads of their own, all alive at once.
func lockedThreads() error {
	const n = 50
	var mu sync.Mutex
	var wg, all sync.WaitGroup
	ids := map[int]bool{}
	all.Add(n)
	for range n {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			mu.Lock()
			ids[syscall.Gettid()] = true
			mu.Unlock()
			all.Done()
			all.Wait()
			if !ids[syscall.Gettid()] {
				panic("a locked goroutine changed its thread")
			}
		})
	}
	wg.Wait()
	if len(ids) != n {
		return fmt.Errorf("%d threads for %d locked goroutines", len(ids), n)
	}
	return nil
}

// threadsComeAndGo ends threads: a goroutine that ends locked takes its thread
// with it.
func threadsComeAndGo() error {
	for range 200 {
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			close(done)
		}()
		<-done
	}
	return nil
}

// lastWord has a page of the program's file that nobody writes but the test: it is
// larger than two of them.
var lastWord = [4096]uint32{2048: 1}

// lastWordOfThread looks at the word that is cleared when a thread has ended, in a page
// that is copied for that.
func lastWordOfThread() error {
	word := &lastWord[2048]
	if atomic.LoadUint32(word) != 1 {
		return errors.New("it isn't there")
	}
	go endClearing(word)
	for end := time.Now().Add(5 * time.Second); atomic.LoadUint32(word) != 0; {
		if time.Now().After(end) {
			return errors.New("it isn't seen")
		}
	}
	return nil
}

// endClearing ends a thread that has a word to be cleared; not the first one, which Go
// keeps.
func endClearing(word *uint32) {
	runtime.LockOSThread() // the thread ends with its goroutine
	if syscall.Gettid() == syscall.Getpid() {
		go endClearing(word) // elsewhere
		time.Sleep(10 * time.Millisecond)
		runtime.UnlockOSThread()
		return
	}
	syscall.RawSyscall(syscall.SYS_SET_TID_ADDRESS, addressOf(word), 0, 0)
}

// tightLoop stops a loop without calls, which takes a signal to its thread.
func tightLoop(procs int) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range procs {
		wg.Go(func() {
			for !stop.Load() {
			}
		})
	}
	time.Sleep(time.Millisecond)
	for range 5 {
		runtime.GC()
	}
	other := make(chan bool)
	go func() { other <- true }()
	<-other
	stop.Store(true)
	wg.Wait()
	return nil
}

func pipes() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	go func() {
		for i := range 300_000 {
			if _, err := w.Write([]byte{byte(i)}); err != nil || i%3 == 0 && i > 3000 {
				break
			}
		}
		chunk := make([]byte, 200_000)
		for i := range chunk {
			chunk[i] = byte(i * 7)
		}
		_, _ = w.Write(chunk)
		_ = w.Close()
	}()
	got, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	tail := got[max(0, len(got)-200_000):]
	for i, v := range tail {
		if v != byte(i*7) {
			return fmt.Errorf("byte %d of %d is %#x", i, len(tail), v)
		}
	}
	if len(tail) != 200_000 {
		return fmt.Errorf("%d bytes", len(got))
	}
	return nil
}

func pipeDeadline() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer w.Close()
	start := time.Now()
	if err := r.SetReadDeadline(start.Add(10 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("read from an empty pipe: %v", err)
	}
	return took(start, 10*time.Millisecond)
}
