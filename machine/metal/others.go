//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// lateCPUs is how many CPUs are listed and did not start.
var lateCPUs uint64

// mostCPUs is what cpus= of the command line allows.
func mostCPUs() uint64 {
	n, code := bootinfo.Uint(CommandLine(), "cpus")
	if code != bootinfo.OK || n == 0 {
		return MaxCPUs
	}
	return min(n, MaxCPUs)
}

// giveNeeds gives the structure of a CPU that is to start what it needs: a number, a
// front of the size classes, stacks and an idle thread. false: no memory for that. One
// that has it already was for a CPU that did not come.
func (cpu *CPU) giveNeeds() bool {
	if cpu.machineSP != 0 {
		return true
	}
	cpu.prepare(cpuCount)
	objects.AddCPU(uint32(cpu.id)) // without it shares the boot CPU's front
	cpu.objects = objects.Front(uint32(cpu.id))
	buildStacks(cpu)
	return makeIdle(cpu)
}
