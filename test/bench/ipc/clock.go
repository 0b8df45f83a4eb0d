//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"loam/user/sys"
)

// warm is how often a thing is done before it is measured: by then the monitor thread
// of each Go runtime sleeps long. It is measured in parts, so many times in each.
const warm, parts, times = 8000, 100, 200

// inParts is the ns that one of what f does takes, which does it so many times. Now and then
// a thread of Go's runtime has the CPU, or its collector works: that is chance, and the parts
// in the middle, of which the mean is, have none of it.
func inParts(f func(times int) error) (float64, error) {
	if err := f(warm); err != nil {
		return 0, err
	}
	took, reading := make([]float64, parts), timed(readClock)
	for i := range took {
		begun := sys.Monotonic()
		if err := f(times); err != nil {
			return 0, err
		}
		took[i] = (float64(sys.Monotonic()-begun) - reading) / times
	}
	return middle(took), nil
}

// clockStep is the least in ns by which the clock was seen to move, less the 1 that the finest
// moves by.
func clockStep() float64 {
	readings := make([]int64, 1000)
	for i := range readings {
		putOff(i % 100)
		readings[i] = sys.Monotonic()
	}
	step := int64(0)
	for _, r := range readings { // the greatest divisor of all readings
		for a, b := step, r; ; {
			if b == 0 {
				step = a
				break
			}
			a, b = b, a%b
		}
	}
	return float64(step - 1)
}

// putOff passes time, as much with each turn as with any other.
//
//go:noinline
func putOff(n int) {
	for range n { // the compiler keeps loops that do nothing
	}
}

// putOffNothing puts off n times, and not at all.
func putOffNothing(n int) {
	for range n {
		putOff(0)
	}
}

// readClock reads the clock n times.
func readClock(n int) {
	for range n {
		sys.Monotonic()
	}
}

// timed is the ns that one turn of f takes, when no other thread has the CPU.
func timed(f func(n int)) float64 {
	const many = 20_000
	took := make([]int64, 9)
	for i := range took {
		begun := sys.Monotonic()
		f(many)
		took[i] = sys.Monotonic() - begun
	}
	return float64(slices.Min(took)) / many
}

// middle is the mean of the middle half.
func middle(ns []float64) float64 {
	slices.Sort(ns)
	quarter := len(ns) / 4
	sum := 0.0
	for _, x := range ns[quarter : len(ns)-quarter] {
		sum += x
	}
	return sum / float64(len(ns)-2*quarter)
}
