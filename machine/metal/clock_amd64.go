//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"math/bits"

	"loam/machine/amd64"
	"loam/machine/bootinfo"
)

// The counter is the TSC. Its rate is given on the command line (under
// instruction counting it is exact: 1 GHz) or measured against the local
// APIC's timer, whose rate is the emulator's and KVM's constant 1 GHz.
//
// Rejected: waiting on the PIT's channel 2, which took 96 % of a prototype's
// boot and is absent from microvm.

const apicHz = 1_000_000_000 // QEMU hw/intc/apic_common.c: APIC bus cycle of 1 ns

var tscGiven bool // by the command line

func startClock() {
	hz, code := bootinfo.Uint(CommandLine(), "tsc")
	tscGiven = code == bootinfo.OK && hz >= 1_000_000 && hz <= 100_000_000_000
	if !tscGiven {
		hz = measureTSC()
	}
	setClock(hz)
	if wallStart == 0 {
		wallStart = readRTC()
	}
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
		before := ticks()
		a := 0xffff_ffff - uint64(lapicRead(amd64.APICTimerCurrent))
		after := ticks()
		if after-before < best {
			best, tsc, apic = after-before, before+(after-before)/2, a
		}
	}
	return tsc, apic
}

// programTimer has this CPU's timer interrupt at a time.
func programTimer(at int64) {
	if at == never {
		lapicWrite(amd64.APICTimerInitial, 0)
		return
	}
	ticks := uint32(min(max(at-Now(), 1), 0xffff_ffff))
	if x2apic {
		wrmsr(amd64.X2APICMSR(amd64.APICTimerInitial), uint64(ticks))
		return
	}
	mmioWrite32(deviceMap+lapicBase+amd64.APICTimerInitial, ticks)
}

// logClock says how time is kept.
func logClock() {
	puts("TSC at ")
	putMHz(clockHz)
	if tscGiven {
		puts(", as told")
	} else {
		puts(", measured")
	}
}
