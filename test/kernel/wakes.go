//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sync/atomic"
	"time"

	"loam/machine/metal"
)

// wakes has CPUs idle and be woken at all moments, also just before they are halted: by
// their timers, by each other, and by the collector that stops them. A
// wake-up that is lost is waited for for ever.

const (
	timerWakes = 3000 // of each CPU
	kickWakes  = 6000 // of all CPUs in turn
)

var (
	turn    atomic.Uint32 // whose turn it is to kick the next CPU
	arrived atomic.Uint32 // CPUs that are done with something
)

func wakes() error {
	n := uint32(metal.CPUs())
	go func() { // it, too, has to be woken, and let have a CPU
		for {
			runtime.GC()
			time.Sleep(300 * time.Microsecond)
		}
	}()
	for i := uint32(1); i < n; i++ {
		go sleeper(i, n)
	}
	metal.RunOn(metal.CPUAt(0))
	wakeUps(0, n)
	return nil
}

// sleeper is the runner of another CPU.
func sleeper(i, n uint32) {
	metal.RunOn(metal.CPUAt(int(i)))
	wakeUps(i, n)
	for {
		metal.CPUAt(int(i)).Idle()
	}
}

// wakeUps is what CPU i of n does.
func wakeUps(i, n uint32) {
	cpu := metal.CPUAt(int(i))
	for k := range int64(timerWakes) {
		cpu.SetDeadline(metal.Now() + k*37%2000) // some before the CPU is halted, some after
		for e := metal.Event(0); e&metal.EventTimer == 0; {
			e = cpu.Idle()
		}
	}
	arrived.Add(1)
	for arrived.Load() < n { // by time, for nobody kicks whom it doesn't know of
		cpu.SetDeadline(metal.Now() + 50_000)
		cpu.Idle()
	}
	if n == 1 {
		return
	}
	for k := i; k < kickWakes; k += n {
		for turn.Load() != k {
			cpu.Idle()
		}
		turn.Store(k + 1)
		metal.CPUAt(int((k + 1) % n)).Kick()
	}
	for i == 0 && turn.Load() < kickWakes {
		cpu.Idle()
	}
}
