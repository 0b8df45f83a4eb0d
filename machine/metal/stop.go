//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// How Go's runtime stops a runner, which it can't interrupt: docs/concurrency.md,
// "Stop the world". The runtime asks a goroutine to stop by storing stackPreempt
// into the stack guard of its g (runtime/stack.go, preempt.go), and then waits,
// by a futex, a sleep or a yield, and asks again. askRunners looks at each of
// these moments. It notes what it sees (CPU.asked): a runner that isn't preemptible
// takes the word back at its next function's prologue, and remembers (g.preempt)
// until a preemption point arms it again.

const (
	guardOffset  = 16                 // of g.stackguard0: what prologues compare with
	stackPreempt = 0xfffffffffffffade // runtime/stack.go
)

// stopWanted reports whether the runtime wants the CPU's runner to stop.
func (cpu *CPU) stopWanted() bool {
	return cpu.runnerG != 0 && load64(cpu.runnerG+guardOffset) == stackPreempt
}

// askRunners brings the runners that are asked to stop to a preemption point:
// out of user mode by an interrupt, out of Idle by waking them. One that is in
// the kernel gets the interrupt as soon as it has left; one in Turn goes first there.
func askRunners(cpu *CPU) {
	for i := range cpuCount {
		c := &cpus[i%MaxCPUs]
		if c.runner < 0 || !c.stopWanted() {
			continue
		}
		c.asked = true
		switch kthreads[c.runner].state {
		case kIdling:
			wake(cpu, c.runner, 0)
		case kReady: // its turn is now, not when all others have had theirs
			c.turns = 0
			if c != cpu {
				nudge(c)
			}
		case kRunning:
			if c != cpu {
				nudge(c)
			}
		}
	}
}

// preemptionPoint lets the runtime stop the runner, if it has asked for that. It may wait
// there for another kernel thread in a loop, which the timer must end.
func (cpu *CPU) preemptionPoint() {
	cpu.Rearm()
	pausePoint()
}
