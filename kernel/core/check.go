//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/kernel/pool"
	"loam/machine/frame"
)

// reportLeft sends what is left of programs when all have ended. "left" is the
// sum; what isn't 0 has a line of its own, and every bit of it leaked.
func reportLeft() {
	if _, ok := k.sched.NextRefill(); !ok {
		k.timers.Remove(k.refillTimer()) // set for a thread that has ended before its quota came
	}
	corrupt, waiting := 0, 0
	if k.frames.Check() != frame.OK {
		corrupt = 1
	}
	for i := range int32(k.threads.Cap()) {
		if _, ok := k.futexes.Waiting(i); ok {
			waiting++
		}
	}
	if k.waiting.First() != pool.Nil {
		waiting++
	}
	sum := 0
	for _, left := range [...]struct {
		name string
		n    int
	}{
		{"left_threads", k.threads.Len()},
		{"left_processes", k.processes.Len()},
		{"left_spaces", k.spaces.Len()},
		{"left_areas", k.stats.nodesAtStart - k.nodes.Left()},
		{"left_deadlines", k.timers.Len()},
		{"left_waiting", waiting},
		{"left_files", k.poll.InUse()},
		{"left_memory", k.memories.Len()},
		{"left_objects", k.objects.Len()},
		{"left_accounts", k.objects.Accounts()},
		{"left_frames_corrupt", corrupt},
		{"left_frames_mistaken", int(k.frames.Mistakes())},
	} {
		if left.n != 0 {
			stat(left.name, uint64(left.n), "objects")
		}
		sum += left.n
	}
	stat("left", uint64(sum), "objects")
}
