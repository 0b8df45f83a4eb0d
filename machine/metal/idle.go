//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// How a CPU idles. The runner halts it itself, in Idle, if no other kernel thread is
// ready: then the interrupt that ends it comes back as the result of a function, as one
// in user mode does from Enter, and no kernel thread is switched to. The runner counts as
// running: who has a thread for the CPU, or wants the runner to stop, interrupts it. If
// others are ready they have the CPU until they all wait, or an event comes; then Idle
// returns, and halts the CPU the next time. The idle thread is for when the
// runner waits elsewhere, for a lock of Go's runtime, or isn't there yet.
//
// No wake-up is lost. Interrupts are off from the last look at what there is to do until
// the CPU is halted, and whatever comes in between ends that at once: on amd64 STI takes
// effect after the HLT behind it has begun, on riscv64 WFI ends also by interrupts that
// are off. Another CPU sees, with the machine lock held, that this one is about to halt
// before that looks at the ready threads for the last time.

// Idle gives the CPU to the other kernel threads until an event, halting it when they
// have nothing to do either. It may return with none.
func (cpu *CPU) Idle() Event {
	cpu.on()
	cpu.asked = false
	cpu.preemptionPoint()
	if !cpu.mayHalt() {
		e := kernelCall(callIdle, 0, 0)
		cpu.came = 0
		cpu.off()
		return Event(e)
	}
	t := cpu.await()
	cpu.off()
	cpu.came = 0
	serveInterrupt(cpu, t)
	cpu.halted, cpu.tick = false, false
	return cpu.Pending()
}

// mayHalt reports whether there is nothing to do on this CPU; then it counts as halted.
func (cpu *CPU) mayHalt() bool {
	machineLock.Lock()
	cpu.halted = readyHead < 0 && cpu.events == 0 && !cpu.asked
	machineLock.Unlock()
	return cpu.halted
}

// idles reports whether a CPU has nothing to do: other kernel threads can have it.
func (cpu *CPU) idles() bool { return cpu.halted || cpu.current == cpu.idle }

// Came is when the timer came that has ended Idle, 0 if something else did.
func (cpu *CPU) Came() int64 { return cpu.came }
