// SPDX-License-Identifier: Apache-2.0

// Command chance prints, line by line, what no two runs of a program have in
// common unless somebody sees to it: the time, random numbers, the order of a
// map, addresses, which goroutine comes first, and what the collector did.
package main

import (
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	start := time.Now()
	fmt.Println("time", start.UnixNano())
	var b [24]byte
	_, _ = rand.Read(b[:])
	fmt.Printf("crypto/rand %x\n", b)
	fmt.Println("math/rand", mathrand.Uint64(), mathrand.Perm(10))
	m := map[int]bool{}
	for i := range 20 {
		m[i] = true
	}
	fmt.Print("map")
	for k := range m {
		fmt.Print(" ", k)
	}
	fmt.Printf("\naddresses %p %p\n", m, &os.Args[0])
	fmt.Println("select", choices())
	fmt.Println("goroutines", race())
	fmt.Println("collector", collect())
	n, err := io.Copy(io.Discard, os.Stdin)
	fmt.Println("input", n, err)
	fmt.Println("took", time.Since(start).Nanoseconds())
}

// choices are those of select among channels that are all ready.
func choices() string {
	a, b := make(chan byte, 64), make(chan byte, 64)
	var s strings.Builder
	for range 64 {
		a <- 'a'
		b <- 'b'
		select {
		case c := <-a:
			s.WriteByte(c)
			<-b
		case c := <-b:
			s.WriteByte(c)
			<-a
		}
	}
	return s.String()
}

// race is the order in which busy and sleeping goroutines take turns.
func race() string {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var s strings.Builder
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				for range 20_000 * (g%3 + 1) {
					work.Add(1)
				}
				mu.Lock()
				s.WriteByte('0' + byte(g))
				mu.Unlock()
				if i%5 == 4 {
					time.Sleep(time.Duration(g*50) * time.Microsecond)
				}
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	return s.String()
}

var work atomic.Int64

// collect makes garbage and says how often it was collected.
func collect() string {
	var kept [64][]byte
	for i := range 4000 {
		kept[i%len(kept)] = make([]byte, 1000+i*7%5000)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprint(m.NumGC, m.Mallocs, m.TotalAlloc, m.HeapAlloc, m.PauseTotalNs, len(kept[0]))
}
