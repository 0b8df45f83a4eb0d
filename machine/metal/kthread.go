//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

import "math"

// The threads of the kernel's own Go runtime, multiplexed on the CPU by
// runtimeCall and kernelTrap. Policy: the runner first whenever an event is
// there for it; the others in turn, each for at most kthreadSlice, in Idle and
// Turn only. One CPU for now; the table and each CPU's current index are what
// several will share.

const (
	maxKThreads  = 64
	kthreadSlice = 1_000_000 // ns
	never        = math.MaxInt64
)

type kstate uint8

const (
	kFree    kstate = iota
	kReady          // in the ready queue
	kRunning        // on the CPU
	kFutex          // waits on futex until deadline
	kSleep          // until deadline
	kPoll           // in epoll_pwait until deadline or a write to the eventfd
	kIdling         // the runner: until an event
)

// kthread is one thread of the Go runtime. Pointer-free; linked by index.
type kthread struct {
	ctx      uintptr // its Context
	futex    uint64  // address it waits on (kFutex) or its event buffer (kPoll)
	deadline int64   // on the clock of Now
	next     int32   // in the ready queue
	state    kstate
	runner   bool
}

var (
	kthreads     [maxKThreads]kthread
	kthreadTop   int32 // none is used from here on: walks end there
	readyHead    int32 = -1
	readyTail    int32 = -1
	idleThread   int32
	runnerThread int32 = -1

	// deadlines is the number of threads with one, so that arming the timer
	// does not look at the table when there is none.
	deadlines int32

	// The one epoll instance and eventfd of the runtime's network poller.
	pollData    uint64
	pollPending bool
)

// newKThread returns the index of a fresh thread with a Context, or -1.
func newKThread() int32 {
	for i := range kthreads {
		if kthreads[i].state != kFree {
			continue
		}
		// An ended thread leaves its Context to the next in its slot.
		if kthreads[i].ctx == 0 {
			c := NewContext()
			if c == nil {
				return -1
			}
			kthreads[i].ctx = addressOf(c)
		}
		kthreads[i] = kthread{ctx: kthreads[i].ctx, next: -1, state: kRunning, deadline: never}
		kthreadTop = max(kthreadTop, int32(i)+1)
		return int32(i)
	}
	return -1
}

// ready appends thread i to the ready queue; the runner goes to its head.
func ready(i int32) {
	t := &kthreads[i]
	if t.deadline != never {
		t.deadline = never
		deadlines--
	}
	t.state = kReady
	if t.runner && readyHead >= 0 {
		t.next = readyHead
		readyHead = i
		return
	}
	t.next = -1
	if readyTail < 0 {
		readyHead = i
	} else {
		kthreads[readyTail].next = i
	}
	readyTail = i
}

// wake makes a waiting thread ready with result r of its call.
func wake(i int32, r int64) {
	contextAt(kthreads[i].ctx).RAX = uint64(r)
	ready(i)
}

// block takes the current thread off the CPU until deadline at the latest.
func block(cpu *CPU, s kstate, futex uint64, deadline int64) {
	t := &kthreads[cpu.current]
	t.state, t.futex, t.deadline = s, futex, deadline
	if deadline != never {
		deadlines++
	}
	next(cpu)
}

// next gives the CPU to the head of the ready queue, or to the idle thread.
func next(cpu *CPU) {
	i := readyHead
	if i < 0 {
		i = idleThread
	} else {
		readyHead = kthreads[i].next
		if readyHead < 0 {
			readyTail = -1
		}
	}
	t := &kthreads[i]
	t.state = kRunning
	cpu.current = i
	cpu.kctx = t.ctx
	armTimer()
}

// yield puts the current thread at the end of the queue.
func yield(cpu *CPU) {
	if readyHead < 0 {
		return
	}
	if i := cpu.current; i != idleThread {
		t := &kthreads[i]
		wasRunner := t.runner
		t.runner = false // to the tail, not the head
		ready(i)
		t.runner = wasRunner
	}
	next(cpu)
}

// expire wakes the threads whose deadline has passed.
func expire(now int64) {
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
			wake(i, -etimedout)
		case kSleep, kPoll:
			wake(i, 0)
		}
	}
}

// earliest returns the first deadline of any kernel thread.
func earliest() int64 {
	if deadlines == 0 {
		return never
	}
	first := int64(never)
	for i := range kthreadTop {
		if t := &kthreads[i%maxKThreads]; t.state != kFree && t.deadline < first {
			first = t.deadline
		}
	}
	return first
}

// wakeRunner ends the runner's Idle, if it is there.
func wakeRunner(cpu *CPU) {
	if runnerThread >= 0 && kthreads[runnerThread].state == kIdling {
		wake(runnerThread, int64(cpu.events))
		cpu.events = 0
	}
}

// startThreads makes the idle thread and the first thread of Go's runtime,
// which will start at entry with sp.
func startThreads(cpu *CPU, entry, sp uint64) bool {
	const interruptsOn = 0x202
	idleThread = newKThread()
	first := newKThread()
	if idleThread < 0 || first < 0 {
		return false
	}
	c := contextAt(kthreads[idleThread].ctx)
	_, _, _, loop := entries()
	c.RIP, c.RSP, c.RFLAGS = uint64(loop), sp, interruptsOn
	c = contextAt(kthreads[first].ctx)
	c.RIP, c.RSP, c.RFLAGS = entry, sp, interruptsOn
	cpu.current, cpu.kctx = first, kthreads[first].ctx
	return true
}
