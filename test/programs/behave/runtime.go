// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

func mapsAndChannels() error {
	squares := map[int]int{}
	ch := make(chan [2]int)
	go func() {
		for i := range 10_000 {
			ch <- [2]int{i, i * i}
		}
		close(ch)
	}()
	for p := range ch {
		squares[p[0]] = p[1]
	}
	for i := range 10_000 {
		if squares[i] != i*i {
			return fmt.Errorf("square of %d is %d", i, squares[i])
		}
	}
	return nil
}

func thousandGoroutines() error {
	const n = 1000
	chain := make([]chan int, n+1)
	for i := range chain {
		chain[i] = make(chan int)
	}
	for i := range n {
		go func() { chain[i+1] <- 1 + <-chain[i] }()
	}
	go func() { chain[0] <- 0 }()
	if got := <-chain[n]; got != n {
		return fmt.Errorf("%d goroutines counted, want %d", got, n)
	}
	return nil
}

func heapGrowth() error {
	const size = 64 << 20
	b := make([]byte, size)
	for i := 0; i < size; i += 1 << 10 {
		if b[i] != 0 {
			return fmt.Errorf("fresh memory holds %#x at %d", b[i], i)
		}
		b[i] = byte(i >> 10)
	}
	for i := 0; i < size; i += 1 << 10 {
		if b[i] != byte(i>>10) {
			return fmt.Errorf("byte %d changed to %#x", i, b[i])
		}
	}
	return nil
}

type node struct {
	next *node
	data [1000]byte
}

func list(n int, fill byte) *node {
	var l *node
	for range n {
		l = &node{next: l}
		for i := range l.data {
			l.data[i] = fill
		}
	}
	return l
}

func collections() error {
	keep := list(500, 0xaa)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 20 {
		list(500, byte(i))
		runtime.GC()
	}
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n < 20 {
		return fmt.Errorf("%d collections, want 20", n)
	}
	n := 0
	for l := keep; l != nil; l = l.next {
		if !bytes.Equal(l.data[:], bytes.Repeat([]byte{0xaa}, len(l.data))) {
			return fmt.Errorf("node %d changed", n)
		}
		n++
	}
	if n != 500 {
		return fmt.Errorf("%d nodes of 500 left", n)
	}
	return nil
}

func memoryLimits() error {
	old := debug.SetGCPercent(10)
	defer debug.SetGCPercent(old)
	if got := debug.SetGCPercent(20); got != 10 {
		return fmt.Errorf("SetGCPercent gives %d, want 10", got)
	}
	limit := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(limit)
	debug.SetMemoryLimit(32 << 20)
	for range 100 {
		list(100, 1)
	}
	return nil
}

// scavenged has the runtime give memory back by madvise and take it again: it
// relies on its being zero.
func scavenged() error {
	for round := range 4 {
		b := bytes.Repeat([]byte{0xff}, 8<<20)
		runtime.KeepAlive(b)
		b = nil
		debug.FreeOSMemory()
		b = make([]byte, 8<<20)
		for i, v := range b {
			if v != 0 {
				return fmt.Errorf("round %d: byte %d is %#x", round, i, v)
			}
		}
	}
	return nil
}

func deepRecursion() error {
	var wg sync.WaitGroup
	var sums [8]int
	for i := range sums {
		wg.Go(func() { sums[i] = depth(20_000) })
	}
	wg.Wait()
	for _, s := range sums {
		if s != 20_000*20_001/2 {
			return fmt.Errorf("sum %d", s)
		}
	}
	return nil
}

func depth(n int) int {
	var pad [64]byte
	if n == 0 {
		return int(pad[n])
	}
	return depth(n-1) + n + int(pad[n%64])
}

func identity() error {
	var errs []error
	if n := runtime.NumCPU(); n < 1 {
		errs = append(errs, fmt.Errorf("%d CPUs", n))
	}
	if os.Getpid() <= 0 {
		errs = append(errs, fmt.Errorf("process id %d", os.Getpid()))
	}
	if os.Getpagesize() != 4096 {
		errs = append(errs, fmt.Errorf("pages of %d bytes", os.Getpagesize()))
	}
	if dir, err := os.Getwd(); err != nil || dir == "" {
		errs = append(errs, fmt.Errorf("working directory %q: %v", dir, err))
	}
	if _, err := os.ReadFile("/no/such/file"); !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, fmt.Errorf("a file that is not there: %v", err))
	}
	return errors.Join(errs...)
}

func randomNumbers() error {
	seen := map[[32]byte]bool{}
	ones := 0
	for range 100 {
		var b [32]byte
		if _, err := rand.Read(b[:]); err != nil {
			return err
		}
		if seen[b] {
			return fmt.Errorf("%x came twice", b)
		}
		seen[b] = true
		for _, v := range b {
			for ; v != 0; v &= v - 1 {
				ones++
			}
		}
	}
	// 25,600 bits: 80 is the standard deviation.
	if ones < 12_800-800 || ones > 12_800+800 {
		return fmt.Errorf("%d of 25600 bits are set", ones)
	}
	return nil
}
