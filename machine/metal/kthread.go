//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"math"

	"loam/machine/spin"
)

// The threads of the kernel's own Go runtime, multiplexed on the CPUs by
// runtimeCall and kernelTrap. Policy (docs/concurrency.md): a runner on its own
// CPU and before all others there; the others in turn, each for at most
// kthreadSlice, on a CPU that idles or whose runner is in Idle or Turn.

const (
	maxKThreads  = 256
	kthreadSlice = 1_000_000 // ns
	never        = math.MaxInt64
)

// machineLock guards the threads, their queue, and the kernel's half of the page
// tables. Its functions that need it held say so by taking a CPU, the caller's.
var machineLock = spin.Lock{Rank: rankMachine}

// Ranks of locks; docs/concurrency.md.
const (
	// RankKernel is for the lock of the kernel floor.
	RankKernel  = 1
	rankChannel = 2
	rankMachine = 3
	rankConsole = 7
)

type kstate uint8

const (
	kFree    kstate = iota
	kReady          // in the ready queue, or a runner that waits for its CPU
	kRunning        // on a CPU
	kFutex          // waits on futex until deadline
	kSleep          // until deadline
	kPoll           // in epoll_pwait until deadline or a write to the eventfd
	kIdling         // a runner: until an event
	kForget         // in madvise or munmap, until every CPU has obeyed order futex
)

// kthread is one thread of the Go runtime. Pointer-free; linked by index.
type kthread struct {
	ctx      uintptr // its Context
	futex    uint64  // address it waits on (kFutex), its event buffer (kPoll), or an order (kForget)
	aside    uint64  // the first of the frames that it has put aside, each naming the next; 0: none
	deadline int64   // on the clock of Now
	next     int32   // in the ready queue
	cpu      int32   // whose timer ends its wait; of a runner: its CPU
	state    kstate
	runner   bool
}

var (
	kthreads   [maxKThreads]kthread
	kthreadTop int32 // none is used from here on: walks end there
	readyHead  int32 = none
	readyTail  int32 = none
	readyCount int32

	// deadlines is the number of threads with one, so that arming the timer
	// does not look at the table when there is none.
	deadlines int32

	// The one epoll instance and eventfd of the runtime's network poller.
	pollData    uint64
	pollPending bool
)

// newKThread returns the index of a fresh thread with a Context, or none.
func newKThread() int32 {
	for i := range kthreads {
		if kthreads[i].state != kFree {
			continue
		}
		// An ended thread leaves its Context to the next in its slot.
		if kthreads[i].ctx == 0 {
			c := newContext(threadKind)
			if c == nil {
				return none
			}
			kthreads[i].ctx = addressOf(c)
		}
		kthreads[i] = kthread{ctx: kthreads[i].ctx, next: none, state: kRunning, deadline: never}
		kthreadTop = max(kthreadTop, int32(i)+1)
		return int32(i)
	}
	return none
}

// ready lets thread i have a CPU: a runner its own, any other the first that
// has time for it.
func ready(cpu *CPU, i int32) {
	t := &kthreads[i]
	if at := t.deadline; at != never {
		t.deadline = never
		deadlines--
		if home := &cpus[t.cpu%MaxCPUs]; at == home.soonest {
			home.soonest = earliest(home)
		}
	}
	t.state = kReady
	if t.runner {
		home := &cpus[t.cpu%MaxCPUs]
		home.runnerReady = true
		if home != cpu {
			nudge(home)
		}
		return
	}
	enqueue(i)
	if !cpu.idles() { // else this CPU will run it
		prod(cpu)
	}
}

// enqueue appends thread i to the ready queue.
func enqueue(i int32) {
	kthreads[i].next = none
	if readyTail < 0 {
		readyHead = i
	} else {
		kthreads[readyTail].next = i
	}
	readyTail = i
	readyCount++
}

// prod interrupts a CPU that idles, if there is one besides cpu: it is to run a
// thread of the queue.
func prod(cpu *CPU) {
	for i := range cpuCount {
		if c := &cpus[i%MaxCPUs]; c != cpu && c.idles() && !c.nudged {
			nudge(c)
			return
		}
	}
}

// nudge interrupts another CPU, if no such interrupt is on its way already.
func nudge(c *CPU) {
	if !c.nudged {
		c.nudged = true
		sendKick(c)
	}
}

// wake makes a waiting thread ready with result r of its call.
func wake(cpu *CPU, i int32, r int64) {
	contextAt(kthreads[i].ctx).SetResult(uint64(r))
	ready(cpu, i)
}

// block takes the current thread off the CPU until deadline at the latest.
func block(cpu *CPU, s kstate, futex uint64, deadline int64) {
	t := &kthreads[cpu.current]
	t.state, t.futex, t.deadline = s, futex, deadline
	if !t.runner {
		t.cpu = int32(cpu.id)
		askRunners(cpu)
	}
	if deadline != never {
		deadlines++
		cpu.soonest = min(cpu.soonest, deadline)
	}
	next(cpu)
}

// next gives the CPU to who is to have it.
func next(cpu *CPU) {
	i := cpu.first()
	t := &kthreads[i]
	t.state = kRunning
	cpu.current = i
	cpu.kctx = t.ctx
	armTimer(cpu)
}

// first takes the runner, or the head of the ready queue, or the idle thread. A runner
// that idles goes before the idle thread: it halts the CPU itself then.
func (cpu *CPU) first() int32 {
	if cpu.runnerReady && (cpu.turns == 0 || readyHead < 0) {
		cpu.runnerReady, cpu.turns = false, 0
		return cpu.runner
	}
	i := readyHead
	if i < 0 {
		if r := cpu.runner; r >= 0 && kthreads[r].state == kIdling {
			return r
		}
		return cpu.idle
	}
	readyHead = kthreads[i].next
	if readyHead < 0 {
		readyTail = none
	}
	readyCount--
	cpu.turns = max(cpu.turns-1, 0)
	return i
}

// yield lets those who wait for the CPU go before the current thread.
func yield(cpu *CPU) {
	if readyHead < 0 && !cpu.runnerReady {
		return
	}
	switch i := cpu.current; i {
	case cpu.idle:
	case cpu.runner:
		kthreads[i].state = kReady
		cpu.runnerReady, cpu.turns = true, readyCount
	default:
		kthreads[i].state = kReady
		enqueue(i)
	}
	next(cpu)
}

// expire wakes the threads whose deadline has passed.
func expire(cpu *CPU, now int64) {
	if deadlines == 0 {
		return
	}
	for i := range kthreadTop {
		t := &kthreads[i%maxKThreads]
		if t.deadline > now || t.state == kFree {
			continue
		}
		switch t.state {
		case kFutex:
			wake(cpu, i, -etimedout)
		case kSleep, kPoll:
			wake(cpu, i, 0)
		}
	}
}

// earliest returns the first deadline of the kernel threads that a CPU's timer is
// for: CPU.soonest.
func earliest(cpu *CPU) int64 {
	if deadlines == 0 {
		return never
	}
	first := int64(never)
	for i := range kthreadTop {
		t := &kthreads[i%maxKThreads]
		if t.state != kFree && t.deadline < first && uint64(t.cpu) == cpu.id {
			first = t.deadline
		}
	}
	return first
}

// wakeRunner ends the runner's Idle, if it is there.
func wakeRunner(cpu *CPU) {
	if cpu.runner >= 0 && kthreads[cpu.runner].state == kIdling {
		wake(cpu, cpu.runner, int64(cpu.events))
		cpu.events = 0
	}
}

// makeIdle gives a CPU its idle thread.
func makeIdle(cpu *CPU) bool {
	i := newKThread()
	if i < 0 {
		return false
	}
	cpu.idle = i
	contextAt(kthreads[i].ctx).start(idleEntry(), cpu.machineSP) // it has no use for a stack
	return true
}

// startThreads makes the idle thread and the first thread of Go's runtime,
// which will start at entry with sp.
func startThreads(cpu *CPU, entry, sp uint64) bool {
	if !makeIdle(cpu) {
		return false
	}
	first := newKThread()
	if first < 0 {
		return false
	}
	contextAt(kthreads[first].ctx).start(entry, sp)
	cpu.current, cpu.kctx = first, kthreads[first].ctx
	return true
}
