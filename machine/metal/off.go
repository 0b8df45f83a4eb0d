//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/spin"

// The longest time that a CPU had interrupts off, measured in checked builds
// only: from a trap to the return from it, or to a window in between (Turn, Idle,
// Breathe).

// off begins a time with interrupts off.
func (cpu *CPU) off() {
	if spin.Checked {
		cpu.offSince = Now()
	}
}

// on ends it.
func (cpu *CPU) on() {
	if spin.Checked && cpu.offSince != 0 {
		cpu.offLongest = max(cpu.offLongest, Now()-cpu.offSince)
		cpu.offSince = 0
	}
}

func beginOff() {
	if spin.Checked {
		thisCPU().off()
	}
}

func leaveOff() {
	if spin.Checked {
		thisCPU().on()
	}
}

// StartMeasuring forgets what LongestOff has seen: what comes before is the start.
func StartMeasuring() {
	for i := range cpus {
		cpus[i].offLongest = 0
	}
}

// LongestOff is the longest time, in ns, that any CPU had interrupts off since
// StartMeasuring; 0 in builds that don't measure it.
func LongestOff() int64 {
	longest := int64(0)
	for i := range cpus {
		longest = max(longest, cpus[i].offLongest)
	}
	return longest
}
