//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"loam/machine/frame"
	"loam/machine/heap"
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
		{"heap_pair", func(n int) error { return heapPair(n, 64) }},
		{"heap_pair_4kib", func(n int) error { return heapPair(n, 4<<10) }},
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

// framePair takes a frame through the CPU's cache and frees it, n times. Eight in
// a turn of the loop: its own instructions should hardly count. That all went
// well shows at the end.
func framePair(n int) error {
	frames := metal.Frames()
	before := frames.Stats()
	for range n / 8 {
		a, _ := frames.Alloc(frame.User)
		frames.Free(a, frame.User)
		b, _ := frames.Alloc(frame.User)
		frames.Free(b, frame.User)
		c, _ := frames.Alloc(frame.User)
		frames.Free(c, frame.User)
		d, _ := frames.Alloc(frame.User)
		frames.Free(d, frame.User)
		e, _ := frames.Alloc(frame.User)
		frames.Free(e, frame.User)
		f, _ := frames.Alloc(frame.User)
		frames.Free(f, frame.User)
		g, _ := frames.Alloc(frame.User)
		frames.Free(g, frame.User)
		h, _ := frames.Alloc(frame.User)
		frames.Free(h, frame.User)
	}
	if after := frames.Stats(); after.Owned[frame.User] != before.Owned[frame.User] || frames.Last().Code != frame.OK {
		return fmt.Errorf("before %+v, after %+v, last %+v", before, after, frames.Last())
	}
	return nil
}

// objects is a heap of its own: the kernel's is not the test's.
var objects heap.Heap

// heapPair takes an object of a size through the CPU's front and frees it, n
// times.
func heapPair(n int, size uint64) error {
	const end = 4 << 30 // of what it may be given
	if objects.Front(0) == (heap.Front{}) {
		if code := objects.Init(metal.Phys(), metal.Frames(), end); code != heap.OK {
			return fmt.Errorf("init: %v", code)
		}
	}
	kind, code := heap.KindOf(size, 1, heap.Kernel)
	if code != heap.OK {
		return fmt.Errorf("kind: %v", code)
	}
	cpu := objects.Front(0)
	for range n / 8 {
		a, _ := cpu.Alloc(kind)
		cpu.Free(kind, a)
		b, _ := cpu.Alloc(kind)
		cpu.Free(kind, b)
		c, _ := cpu.Alloc(kind)
		cpu.Free(kind, c)
		d, _ := cpu.Alloc(kind)
		cpu.Free(kind, d)
		e, _ := cpu.Alloc(kind)
		cpu.Free(kind, e)
		f, _ := cpu.Alloc(kind)
		cpu.Free(kind, f)
		g, _ := cpu.Alloc(kind)
		cpu.Free(kind, g)
		h, _ := cpu.Alloc(kind)
		cpu.Free(kind, h)
	}
	if last := objects.Last(); last.Code != heap.OK {
		return fmt.Errorf("%+v", last)
	}
	return nil
}
