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

// A hart that comes too late must not take what is another's by then: two harts with
// one structure have one stack, and ruin the memory of whoever is next. So there is a
// ticket (CPU.ticket), for one hart by its number, which it takes or the boot hart
// takes back.

const (
	startupWait = 10_000_000_000 // ns that a hart has to start: a host may be busy

	hsmExtension = sbi.HSM
	hsmStop      = sbi.HSMStop
)

// entered tells whether a hart has come to supervisor. It is not 0 in the image, so
// that it doesn't lie in .bss, which supervisor clears.
//
// OpenSBI (lib/sbi/sbi_hsm.c, sbi_hsm_hart_start) marks a hart as to be started before it stores where:
// one that looks just then goes where the first hart went, to the kernel's start. There
// it stops, and startOther starts it again.
var entered uint32 = enteredNever

const (
	enteredOnce  = 1
	enteredNever = 2

	startAgain = 10_000_000 // ns until startOther looks whether a hart has stopped
)

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
		what := uint32(unlike)
		if likeBoot(h.ISA) {
			what = startOther(&cpus[cpuCount], h.ID)
		}
		switch what {
		case unlike:
			leaveOut(h.ID, "can't do what the boot hart can: left out")
		case absent:
			leaveOut(h.ID, "does not start: left out")
		default:
			cpuCount++
		}
	}
}

// Values of CPU.online.
const (
	absent = iota
	started
	unlike // it isn't like the boot hart, and has stopped
)

func leaveOut(hart uint64, why string) {
	lateCPUs++
	tellHart(hart, why)
}

// tellHart writes a line about a hart to the log.
func tellHart(hart uint64, what string) {
	stamp()
	puts("hart ")
	putDec(hart)
	put(' ')
	puts(what)
	put('\n')
}

// startOther starts one hart, waits for it, and says what became of it. The structure
// is free again if that isn't started.
func startOther(cpu *CPU, hart uint64) (what uint32) {
	if !cpu.giveNeeds() {
		return absent
	}
	cpu.hart, cpu.online = hart, absent
	_, _, other, _ := entries()
	swapShared64(addr(&cpu.ticket), hart+1)
	fence()
	code, _ := sbiCall(sbi.HSM, sbi.HSMStart, hart, imagePhys(uint64(other)), addr(cpu))
	next := Now() + startAgain
	for begin := Now(); code == int64(sbi.Success) && Now()-begin < startupWait; spin.Pause() {
		if what = loadShared32(addr(&cpu.online)); what != absent {
			return what
		}
		if now := Now(); now >= next {
			next = now + startAgain
			if _, state := sbiCall(sbi.HSM, sbi.HSMStatus, hart, 0, 0); state == uint64(sbi.Stopped) {
				tellHart(hart, "began where the first hart did: started again")
				sbiCall(sbi.HSM, sbi.HSMStart, hart, imagePhys(uint64(other)), addr(cpu))
			}
		}
	}
	if swapShared64(addr(&cpu.ticket), 0) != 0 {
		return absent
	}
	// It has taken its ticket just now and is on its way, with locks perhaps.
	for what == absent {
		spin.Pause()
		what = loadShared32(addr(&cpu.online))
	}
	return what
}

// bootOther is boot for the other harts. A hart that is unlike the boot hart stops, and
// says so when it has done with its structure and stack.
//
//loam:trap stack=12288
func bootOther(cpu *CPU) (ok bool) {
	cpu.root = kernelRoot
	startTraps()
	if !alike() {
		return false
	}
	startIRQ(cpu)
	cpu.current, cpu.kctx = cpu.idle, kthreads[cpu.idle].ctx
	storeShared32(addr(&cpu.online), started)
	return true
}
