//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "math/bits"

// Time is the processor's counter, scaled; clock_*.go have where its rate is known
// from.

var (
	clockHz    uint64
	clockScale uint64 // ns = ticks * clockScale >> 32
	wallStart  int64  // Unix ns when Now was 0
	entryTicks uint64 // when boot began
)

// Now returns the time since power-on in ns. It never goes back.
func Now() int64 {
	hi, lo := bits.Mul64(ticks(), clockScale)
	return int64(hi<<32 | lo>>32)
}

// Entered returns when the kernel was entered, on the clock of Now: what came
// before is the firmware's and the loader's.
func Entered() int64 {
	hi, lo := bits.Mul64(entryTicks, clockScale)
	return int64(hi<<32 | lo>>32)
}

// WallTime returns Unix time in ns. Its accuracy is that of the moment at
// which the loam command started the emulator.
func WallTime() int64 { return wallStart + Now() }

// ClockScale is how the processor's counter becomes Now: ns = ticks * scale >> 32.
func ClockScale() uint64 { return clockScale }

// ClockHz is the counter's rate.
func ClockHz() uint64 { return clockHz }

// setClock sets the counter's rate.
func setClock(hz uint64) {
	clockHz = hz
	clockScale, _ = bits.Div64(1_000_000_000>>32, (1_000_000_000<<32)&(1<<64-1), hz)
}

// armTimer programs this CPU's next timer interrupt: the first of the runner's
// deadline, those of the kernel threads that blocked here, and the end of the
// slice of a kernel thread that others wait behind.
func armTimer(cpu *CPU) {
	at := min(cpu.deadline, cpu.soonest)
	if readyHead >= 0 {
		at = min(at, Now()+kthreadSlice)
	}
	setTimer(cpu, at)
}

// armSlice brings the timer forward to the end of a slice from now, if it is
// set to later: a thread has come into the queue behind one that goes on, and
// that may spin without a call until the other has run. A slice that has begun
// is not made longer.
func armSlice(cpu *CPU) {
	if cpu.unset {
		armTimer(cpu)
	} else if at := Now() + kthreadSlice; at < cpu.timerSet {
		setTimer(cpu, at)
	}
}

// setTimer programs the timer for a time, if it isn't already.
func setTimer(cpu *CPU, at int64) {
	if at != cpu.timerSet || cpu.unset {
		cpu.timerSet, cpu.unset = at, false
		programTimer(at)
	}
}
