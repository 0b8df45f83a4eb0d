// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"loam/test/programs/smp/low"
)

// together runs f on n threads that the kernel has to switch between, while a
// ticker interrupts them.
func together(n int, f func(i int) error) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	stop := make(chan bool)
	defer close(stop)
	go func() {
		for {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func hashes() error {
	data := bytes.Repeat([]byte("loam"), 4096)
	want := sha256.Sum256(data)
	block, err := aes.NewCipher(data[:16])
	if err != nil {
		return err
	}
	wantSealed := make([]byte, len(data))
	cipher.NewCTR(block, data[:16]).XORKeyStream(wantSealed, data)
	return together(4, func(i int) error {
		sealed := make([]byte, len(data))
		for round := range 40 {
			if got := sha256.Sum256(data); got != want {
				return fmt.Errorf("thread %d, round %d: wrong hash", i, round)
			}
			cipher.NewCTR(block, data[:16]).XORKeyStream(sealed, data)
			if !bytes.Equal(sealed, wantSealed) {
				return fmt.Errorf("thread %d, round %d: wrong cipher text", i, round)
			}
		}
		return nil
	})
}

func series(seed float64) float64 {
	x := seed
	for k := 1.0; k < 20_000; k++ {
		x = math.Sqrt(x*x+1/k) - 0.3*x/k + math.FMA(x, 0.001, 0.5/k)
	}
	return x
}

func floats() error {
	var want [4]float64
	for i := range want {
		want[i] = series(float64(i + 1))
	}
	return together(4, func(i int) error {
		for round := range 10 {
			if got := series(float64(i + 1)); got != want[i] {
				return fmt.Errorf("thread %d, round %d: %v, want %v", i, round, got, want[i])
			}
		}
		return nil
	})
}

// vectorRegisters fills every vector register of each thread with its own
// pattern, spins and looks at them: what the kernel leaks or mixes shows.
func vectorRegisters() error {
	return together(4, func(i int) error {
		for round := range 30 {
			if bad := low.HoldVectors(uint64(i)*0x0101010101010101+uint64(round), 300_000); bad != 0 {
				return fmt.Errorf("thread %d, round %d: registers %#x changed", i, round, bad)
			}
		}
		return nil
	})
}
