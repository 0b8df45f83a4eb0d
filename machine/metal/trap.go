//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

// Trap says why user code stopped: below TrapInterrupt a CPU exception, by the
// processor's number, from there on an interrupt, TrapSyscall a system call.
type Trap uint64

// TrapInterrupt is the first Trap that is an interrupt.
const TrapInterrupt = 32

// TrapSyscall is the Trap of a system call.
const TrapSyscall = 256

// Event is a set of things that happened, for the runner.
type Event uint32

const (
	// EventTimer: the deadline of SetDeadline has passed.
	EventTimer Event = 1 << iota
	// EventInput: there is standard input to read, or its end.
	EventInput
	// EventLog: there is more of the log to be taken (TakeLog).
	EventLog
	// EventKick: another CPU called Kick, or Go's runtime wants the runner.
	EventKick
	// EventRequest: the host has a request, for HostRequest.
	EventRequest
	// EventLine: lines of devices have fired, for TakeLines.
	EventLine
)

// kernelInterrupt serves an interrupt that a kernel thread was interrupted by, and
// gives the CPU to whom it woke.
func kernelInterrupt(cpu *CPU, t Trap) {
	serveInterrupt(cpu, t)
	machineLock.Lock()
	if cpu.unset {
		armTimer(cpu)
	}
	wake := cpu.events != 0
	if wake {
		wakeRunner(cpu)
	}
	if wake || cpu.current == cpu.idle || cpu.tick || cpu.runnerReady && cpu.turns == 0 {
		cpu.tick = false
		yield(cpu)
	}
	machineLock.Unlock()
}

const noKernelMemory = "out of memory for the kernel's own heap and tables (-m gives the machine more)"

// rangeTrap backs the page of a kernel range at va after a fault.
func rangeTrap(va uint64) bool {
	machineLock.Lock()
	ok := rangeFault(va)
	machineLock.Unlock()
	return ok
}

// kickInterrupt is for an interrupt by another CPU.
func kickInterrupt(cpu *CPU) {
	machineLock.Lock()
	cpu.nudged = false
	cpu.obey()
	machineLock.Unlock()
	cpu.events |= uint32(EventKick)
}

// timerInterrupt notes that the timer has come, and what for. It is left unset: its
// next time may not be known yet.
func timerInterrupt(cpu *CPU) {
	cpu.unset, cpu.tick = true, true
	now := Now()
	cpu.came = now
	if now >= cpu.soonest {
		machineLock.Lock()
		expire(cpu, now)
		machineLock.Unlock()
	}
	if now >= cpu.deadline {
		cpu.deadline = never
		cpu.events |= uint32(EventTimer)
	}
}
