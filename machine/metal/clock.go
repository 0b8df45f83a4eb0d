//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"math/bits"

	"loam/machine/amd64"
)

// Time is the TSC's, scaled. Its rate is given on the command line (under
// instruction counting it is exact: 1 GHz) or measured against the local
// APIC's timer, whose rate is the emulator's and KVM's constant 1 GHz.
//
// Rejected: waiting on the PIT's channel 2, which took 96 % of a prototype's
// boot and is absent from microvm.

const apicHz = 1_000_000_000 // QEMU hw/intc/apic_common.c: APIC bus cycle of 1 ns

var (
	tscHz     uint64
	tscGiven  bool   // by the command line
	tscScale  uint64 // ns = tsc * tscScale >> 32
	wallStart int64  // Unix ns when Now was 0
	entryTSC  uint64 // when boot began
)

// Now returns the time since power-on in ns. It never goes back.
func Now() int64 {
	hi, lo := bits.Mul64(rdtsc(), tscScale)
	return int64(hi<<32 | lo>>32)
}

// Entered returns when the kernel was entered, on the clock of Now: what came
// before is the firmware's and the loader's.
func Entered() int64 {
	hi, lo := bits.Mul64(entryTSC, tscScale)
	return int64(hi<<32 | lo>>32)
}

// WallTime returns Unix time in ns. Its accuracy is that of the moment at
// which the loam command started the emulator.
func WallTime() int64 { return wallStart + Now() }

// TSCScale is how the time stamp counter becomes Now: ns = TSC * scale >> 32.
func TSCScale() uint64 { return tscScale }

func setTSC(hz uint64) {
	tscHz = hz
	tscScale, _ = bits.Div64(1_000_000_000>>32, (1_000_000_000<<32)&(1<<64-1), hz)
}

// measureTSC compares the TSC with the APIC's timer over 1 ms. Each end is
// the tightest of several readings, so that a reading that the host
// interrupted doesn't count.
func measureTSC() uint64 {
	const window = 1_000_000 // APIC ticks
	lapicWrite(amd64.APICTimerDivide, amd64.APICDivide1)
	lapicWrite(amd64.APICLVTTimer, amd64.APICMasked)
	lapicWrite(amd64.APICTimerInitial, 0xffff_ffff)
	t0, a0 := readPair()
	for {
		if _, a := readPair(); a-a0 >= window {
			break
		}
	}
	t1, a1 := readPair()
	lapicWrite(amd64.APICTimerInitial, 0)
	lapicWrite(amd64.APICLVTTimer, amd64.APICTimerOneShot|vectorTimer)
	hi, lo := bits.Mul64(t1-t0, apicHz)
	hz, _ := bits.Div64(hi, lo, a1-a0)
	return hz
}

// readPair reads both clocks as close together as eight tries allow.
func readPair() (tsc, apic uint64) {
	best := ^uint64(0)
	for range 8 {
		before := rdtsc()
		a := 0xffff_ffff - uint64(lapicRead(amd64.APICTimerCurrent))
		after := rdtsc()
		if after-before < best {
			best, tsc, apic = after-before, before+(after-before)/2, a
		}
	}
	return tsc, apic
}

// armTimer programs this CPU's next timer interrupt: the first of the runner's
// deadline, those of the kernel threads that blocked here, and the end of the
// slice of a kernel thread that others wait behind.
func armTimer(cpu *CPU) {
	at := min(cpu.deadline, earliest(cpu))
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
	if at := Now() + kthreadSlice; at < cpu.timerSet {
		setTimer(cpu, at)
	}
}

func setTimer(cpu *CPU, at int64) {
	if at == cpu.timerSet {
		return
	}
	cpu.timerSet = at
	if at == never {
		lapicWrite(amd64.APICTimerInitial, 0)
		return
	}
	lapicWrite(amd64.APICTimerInitial, uint32(min(max(at-Now(), 1), 0xffff_ffff)))
}
