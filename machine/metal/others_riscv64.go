//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/riscv64"
	"loam/machine/sbi"
	"loam/machine/spin"
)

// Starting the other harts: SBI's hart state management. Each comes through other and
// bootOther to its idle thread.

const startupWait = 3_000_000_000 // ns that a hart has to start: a host may be busy

// otherSatp is satp for a hart that starts; read before it has translation.
var otherSatp uint64

// startOthers starts the harts that the devicetree lists, up to cpus= of the command
// line, and leaves out those that don't come.
func startOthers() {
	otherSatp = riscv64.Satp(kernelRoot, 0)
	most := mostCPUs()
	for i := 0; i < tree.HartCount && cpuCount < most; i++ {
		h := &tree.Harts[i]
		if h.ID == cpus[0].hart || !h.Enabled {
			continue
		}
		switch {
		case !likeBoot(h.ISA):
			leaveOut(h.ID, "can't do what the boot hart can")
		case !startOther(&cpus[cpuCount], h.ID):
			leaveOut(h.ID, "does not start")
		default:
			cpuCount++
		}
	}
}

func leaveOut(hart uint64, why string) {
	lateCPUs++
	stamp()
	puts("hart ")
	putDec(hart)
	put(' ')
	puts(why)
	puts(": left out\n")
}

// startOther starts one hart and waits for it. One that may yet come finds no place of
// its own: its structure is not used again.
func startOther(cpu *CPU, hart uint64) bool {
	if cpu.machineSP == 0 {
		cpu.prepare(cpuCount, hart)
		objects.AddCPU(uint32(cpu.id)) // without it shares the boot CPU's front
		cpu.objects = objects.Front(uint32(cpu.id))
		buildStacks(cpu)
		if !makeIdle(cpu) {
			return false
		}
	}
	cpu.hart = hart
	_, _, other, _ := entries()
	fence()
	code, _ := sbiCall(sbi.HSM, sbi.HSMStart, hart, imagePhys(uint64(other)), addr(cpu))
	if code != int64(sbi.Success) {
		return false
	}
	for begin := Now(); Now()-begin < startupWait; spin.Pause() {
		if loadShared32(addr(&cpu.online)) != 0 {
			return true
		}
	}
	return false
}

// bootOther is boot for the other harts.
//
//loam:trap stack=12288
func bootOther(cpu *CPU) {
	cpu.root = kernelRoot
	startTraps()
	startIRQ(cpu)
	cpu.current, cpu.kctx = cpu.idle, kthreads[cpu.idle].ctx
	storeShared32(addr(&cpu.online), 1)
}
