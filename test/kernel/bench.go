//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"loam/machine/frame"
	"loam/machine/metal"
)

// The figures of the machine floor that no program can measure, for host/bench:
// a line "bench NAME VALUE UNIT" each. Under instruction counting a nanosecond
// is an instruction.

const (
	benchSamples = 5 // and one to warm up
	benchTurns   = 10_000
)

// bench measures all of them.
func bench() error {
	for _, m := range []struct {
		name string
		run  func(n int) error
	}{
		{"frame_pair", framePair},
	} {
		var took []int64
		for range benchSamples + 1 {
			start := metal.Now()
			if err := m.run(benchTurns); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			took = append(took, metal.Now()-start)
		}
		took = took[1:]
		slices.Sort(took)
		say("bench %s %.1f ns", m.name, float64(took[benchSamples/2])/benchTurns)
	}
	return nil
}

// framePair takes a frame through the CPU's cache and frees it, n times.
func framePair(n int) error {
	frames := metal.Frames()
	for range n {
		pa, code := frames.Alloc(frame.User)
		if code != frame.OK {
			return fmt.Errorf("alloc: %v", code)
		}
		if code := frames.Free(pa, frame.User); code != frame.OK {
			return fmt.Errorf("free: %v", code)
		}
	}
	return nil
}
