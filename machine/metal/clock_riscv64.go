//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"math/bits"

	"loam/machine/sbi"
)

// The counter is the time register, whose rate the devicetree has. It is coarse: 100
// ns on QEMU's virt.

// tickScale makes ticks of ns: ticks = ns * tickScale >> 64.
var tickScale uint64

func startClock() {
	const second = 1_000_000_000
	if tree.Ticks == 0 || tree.Ticks >= second {
		machineFatal("the devicetree's timebase-frequency is not between 1 Hz and 1 GHz")
	}
	setClock(tree.Ticks)
	tickScale, _ = bits.Div64(tree.Ticks, 0, second)
	if wallStart == 0 {
		wallStart = readRTC()
	}
}

// programTimer has this hart's timer interrupt at a time, or soon after. It goes on
// to until it is set to another time.
func programTimer(at int64) {
	when := ^uint64(0)
	if at != never {
		hi, _ := bits.Mul64(uint64(at), tickScale)
		when = hi + 1
	}
	if hasSstc {
		writeTimer(when)
		return
	}
	sbiCall(sbi.Time, sbi.TimeSet, when, 0, 0)
}

// logClock says how time is kept.
func logClock() {
	puts("counter at ")
	putMHz(clockHz)
	if hasSstc {
		puts(", timer by Sstc")
	} else {
		puts(", timer by SBI")
	}
}
