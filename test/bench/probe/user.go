// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"runtime"
	"runtime/debug"
	"time"
)

// What a Go program does by itself, with the kernel behind it.

// node has 64 bytes.
type node struct {
	next *node
	_    [7]uint64
}

var list *node

// allocSmall makes garbage of 64 bytes a piece. The collector is off meanwhile, for how much
// of a cycle falls into a sample is chance, a fifth of the figure; what there is to
// allocate from was swept, by a cycle that isn't counted.
func allocSmall(n int) (time.Duration, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	start := time.Now()
	for range n {
		list = &node{}
	}
	return time.Since(start), nil
}

// gcCycle collects while 4 MiB of linked nodes are live.
func gcCycle(n int) (time.Duration, error) {
	const live = 4 << 20
	list = nil
	for range live / 64 {
		list = &node{next: list}
	}
	runtime.GC()
	start := time.Now()
	for range n {
		runtime.GC()
	}
	took := time.Since(start)
	list = nil
	return took, nil
}

// sleepMillisecond is a latency and not a cost: what time.Sleep makes of 1 ms.
func sleepMillisecond(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		time.Sleep(time.Millisecond)
	}
	return time.Since(start), nil
}

// sha256Control hashes 16 MiB. It makes no calls: on machines that are alike
// every kernel has the same figure, but for its timer.
func sha256Control(n int) (time.Duration, error) {
	block := make([]byte, 1<<20)
	start := time.Now()
	for range n {
		h := sha256.New()
		for range 16 {
			h.Write(block)
		}
		h.Sum(nil)
	}
	return time.Since(start), nil
}
