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

// framePair takes a frame through the CPU's cache and frees it, n times. Four in
// a turn of the loop: its own instructions should hardly count. That all went
// well shows at the end.
func framePair(n int) error {
	frames := metal.Frames()
	before := frames.Stats()
	for range n / 4 {
		a, _ := frames.Alloc(frame.User)
		frames.Free(a, frame.User)
		b, _ := frames.Alloc(frame.User)
		frames.Free(b, frame.User)
		c, _ := frames.Alloc(frame.User)
		frames.Free(c, frame.User)
		d, _ := frames.Alloc(frame.User)
		frames.Free(d, frame.User)
	}
	if after := frames.Stats(); after.Owned[frame.User] != before.Owned[frame.User] || frames.Last().Code != frame.OK {
		return fmt.Errorf("before %+v, after %+v, last %+v", before, after, frames.Last())
	}
	return nil
}
