//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/machine/riscv64"
	"loam/machine/sbi"
)

// Interrupts: of devices by the PLIC (RISC-V Platform-Level Interrupt Controller
// Specification 1.0), which come to the boot hart; of the timer by the hart itself or
// SBI; of other harts by SBI.

// plicContext has the registers of a hart's context.
type plicContext struct {
	number    uint32
	enable    uintptr // of source 0
	threshold uintptr
	claim     uintptr
}

var (
	plicPriority uintptr // of source 0
	hostIRQ      uint32  // of the host channel's port
)

// mapPLIC maps what the boot hart needs of the controller.
func mapPLIC(cpu *CPU) {
	h, p := hartOf(cpu.hart), &tree.PLIC
	if p.Size == 0 || h == nil || h.ContextS < 0 {
		return
	}
	n := uint32(h.ContextS)
	if !riscv64.PLICHas(p.Size, n, p.Sources) {
		machineFatal("the devicetree's interrupt controller has no registers for this hart")
	}
	enable, _ := riscv64.PLICEnable(n, 0)
	last, _ := riscv64.PLICEnable(n, p.Sources)
	plicPriority = mapDevice(p.Start, riscv64.PLICPriority(p.Sources)+4)
	cpu.plic.enable = mapDevice(p.Start+enable, last+4-enable)
	cpu.plic.claim = mapDevice(p.Start+riscv64.PLICClaim(n), 4)
	cpu.plic.threshold = mapDevice(p.Start+riscv64.PLICThreshold(n), 4)
	cpu.plic.number = n
}

// startIRQ turns this hart's interrupts on, as far as they may come when sstatus lets
// them.
func startIRQ(cpu *CPU) {
	sources := uint64(riscv64.SoftInterrupt | riscv64.TimerInterrupt)
	if cpu.plic.claim != 0 {
		mmioWrite32(cpu.plic.threshold, riscv64.PLICNever) // sources of every other priority come
		sources |= riscv64.ExternalInterrupt
	}
	programTimerOff()
	writeEnabled(sources)
}

// programTimerOff keeps the timer from interrupting before it is set.
func programTimerOff() {
	if hasSstc {
		writeTimer(^uint64(0))
	}
}

// routeIRQ has a device's interrupt come to the boot hart.
func routeIRQ(irq uint32) {
	if !hasSource(irq) {
		machineFatal("a device's interrupt has no way to a hart")
	}
	slotOf[irq] = kernelsLine
	enableSource(irq, true)
}

// hasSource reports whether the controller has a source, and a way to the boot hart.
func hasSource(irq uint32) bool {
	return irq != 0 && plicPriority != 0 && irq <= tree.PLIC.Sources && irq < riscv64.PLICSources
}

// enableSource lets a source interrupt the boot hart, or not.
func enableSource(irq uint32, on bool) {
	plic := &cpus[0].plic
	at, bit := riscv64.PLICEnable(plic.number, irq)
	first, _ := riscv64.PLICEnable(plic.number, 0)
	enable := plic.enable + uintptr(at-first)
	if on {
		mmioWrite32(plicPriority+uintptr(riscv64.PLICPriority(irq)), riscv64.PLICLowest)
		mmioWrite32(enable, mmioRead32(enable)|bit)
	} else {
		mmioWrite32(enable, mmioRead32(enable)&^bit)
	}
}

// sendKick interrupts another hart. What was stored before is there when it comes.
func sendKick(c *CPU) {
	fence()
	sbiCall(sbi.IPI, sbi.IPISend, 1, c.hart, 0)
}

// serveDevices takes the interrupts of devices that wait, and notes what they mean.
func serveDevices(cpu *CPU) {
	for {
		irq := mmioRead32(cpu.plic.claim)
		switch {
		case irq == 0:
			return
		case irq == hostIRQ:
			cpu.events |= uint32(receiveAll())
		case lineFired(cpu, irq):
			continue // UnmaskLine completes it
		}
		mmioWrite32(cpu.plic.claim, irq)
	}
}
