//go:build loam

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
		if ns := Now() - cpu.offSince; ns > cpu.offLongest {
			cpu.offLongest, cpu.offCall = ns, cpu.offNow
		}
		cpu.offSince = 0
	}
}

func beginOff(c *Context) {
	if spin.Checked {
		cpu := thisCPU()
		cpu.off()
		if cpu.offNow = c.Vector; c.Vector == uint64(TrapSyscall) {
			cpu.offNow += c.Number()
		}
	}
}

func leaveOff() {
	if spin.Checked {
		cpu := thisCPU()
		if cpu.unset {
			machineFatal("the timer is not set before user mode")
		}
		cpu.on()
	}
}

// StartMeasuring forgets what LongestOff has seen: what comes before is the start.
func StartMeasuring() {
	for i := range cpus {
		cpus[i].offLongest = 0
	}
}

// LongestOff is the longest time, in ns, that any CPU had interrupts off since
// StartMeasuring, and the Trap that it began with (for a system call, TrapSyscall
// and its number, added); 0 in builds that don't measure it.
func LongestOff() (ns int64, trap uint64) {
	for i := range cpus {
		if c := &cpus[i]; c.offLongest > ns {
			ns, trap = c.offLongest, c.offCall
		}
	}
	return ns, trap
}
