//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"loam/machine/frame"
	"loam/machine/metal"
)

// freeTwice makes mistakes with frames: each is refused, and the last is in the log.
func freeTwice() error {
	metal.RunOn(metal.CPUAt(0)) // with interrupts off, as the kernel floor
	frames := metal.Frames()
	pa, code := frames.Alloc(frame.DMA)
	if code != frame.OK {
		return fmt.Errorf("no frame: %v", code)
	}
	before := frames.Stats()
	if code := frames.Free(pa, frame.Heap); code != frame.WrongOwner {
		return fmt.Errorf("a free for another owner: %v", code)
	}
	if frames.Stats() != before {
		return fmt.Errorf("a mistake changed something: %+v, was %+v", frames.Stats(), before)
	}
	if code := frames.Free(pa, frame.DMA); code != frame.OK {
		return fmt.Errorf("a free: %v", code)
	}
	if code := frames.Free(pa, frame.DMA); code != frame.NotTaken {
		return fmt.Errorf("a double free: %v", code)
	}
	metal.ReportMistakes()
	metal.ReportMistakes() // says nothing more
	if n := frames.Mistakes(); n != 2 || frames.Check() != frame.OK {
		return fmt.Errorf("%d mistakes, %+v", n, frames.Last())
	}
	say("freed twice: 0x%x", pa)
	return nil
}
