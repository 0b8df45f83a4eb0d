//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi"
)

// The system calls that the kernel's own Go runtime makes, answered where it
// stands. They have Linux's numbers and semantics as far as runtime/os_linux.go
// and runtime/netpoll_epoll.go use them; anything else is -ENOSYS.

const (
	enoent    = int64(abi.ENOENT)
	eagain    = int64(abi.EAGAIN)
	enomem    = int64(abi.ENOMEM)
	einval    = int64(abi.EINVAL)
	enosys    = int64(abi.ENOSYS)
	etimedout = int64(abi.ETIMEDOUT)
)

// Calls of our own, by the same door.
const (
	callIdle  = 0x4c00 + iota // the runner has nothing to run
	callTurn                  // the runner lets the others run
	callPin                   // the caller becomes the runner of a CPU, and moves there
	callTable                 // addresses for a table
)

const (
	epollFD = 3
	eventFD = 4

	epollDataAt = abi.EpollEventSize - 8 // in struct epoll_event
)

// runtimeCall answers the call that the current kernel thread makes; its
// registers are in its Context. It may leave another thread current.
//
//loam:trap stack=24576
func runtimeCall(cpu *CPU) {
	c := contextAt(cpu.kctx)
	machineLock.Lock()
	cpu.obey()
	c.SetResult(uint64(answer(cpu, c)))
	if readyHead >= 0 {
		armSlice(cpu) // whom the call woke must not wait for ever
	}
	machineLock.Unlock()
}

// answer returns the result for the calling thread. A call that blocks stores
// nothing then: wake sets the result later, over what answer returns now.
func answer(cpu *CPU, c *Context) int64 {
	switch c.callNumber() {
	case abi.SYS_FUTEX:
		return kFutexCall(cpu, c)
	case abi.SYS_CLOCK_GETTIME:
		return kClock(c)
	case abi.SYS_NANOSLEEP:
		touch(c.Arg0(), 16)
		block(cpu, kSleep, 0, Now()+int64(load64(c.Arg0()))*1e9+int64(load64(c.Arg0()+8)))
	case abi.SYS_SCHED_YIELD, callTurn:
		// A spinning caller may have interrupts off: look for those whose
		// time has come as the timer would.
		expire(cpu, Now())
		askRunners(cpu)
		yield(cpu)
	case callPin:
		pin(cpu, c, c.Arg0())
	case callIdle:
		return kIdle(cpu)
	case callTable:
		return int64(takeTable(c.Arg0()))
	case abi.SYS_MMAP:
		return heapMap(c.Arg0(), c.Arg1(), c.Arg3())
	case abi.SYS_MUNMAP:
		return heapGive(cpu, c)
	case abi.SYS_MADVISE:
		if c.Arg2() == abi.MADV_DONTNEED || c.Arg2() == abi.MADV_FREE {
			return heapGive(cpu, c)
		}
	case abi.SYS_CLONE:
		return kClone(cpu, c)
	case abi.SYS_EXIT:
		kthreads[cpu.current].state = kFree // its Context is reused as it is
		next(cpu)
	case abi.SYS_SCHED_GETAFFINITY:
		return kAffinity(c)
	case abi.SYS_GETTID:
		return int64(cpu.current) + 1
	case abi.SYS_GETPID:
		return 1
	case abi.SYS_WRITE:
		return kWrite(cpu, c)
	case abi.SYS_READ:
		return kRead(c)
	case abi.SYS_FCNTL:
		return 2 // O_RDWR: descriptors 0 to 2 are there
	case abi.SYS_OPENAT:
		return -enoent
	case abi.SYS_PRCTL:
		return -einval // ENOSYS would make it ask again
	case abi.SYS_RT_SIGPROCMASK, abi.SYS_SIGALTSTACK, abi.SYS_RT_SIGACTION, abi.SYS_TGKILL:
		// No signals in the kernel; GODEBUG=asyncpreemptoff=1.
	case abi.SYS_EPOLL_CREATE1:
		return epollFD
	case abi.SYS_EVENTFD2:
		return eventFD
	case abi.SYS_EPOLL_CTL:
		touch(c.Arg3(), abi.EpollEventSize)
		pollData = load64(c.Arg3() + epollDataAt)
	case abi.SYS_EPOLL_PWAIT:
		return kEpollWait(cpu, c)
	case abi.SYS_EXIT_GROUP:
		goPanic(cpu, c)
	default:
		return c.archCall()
	}
	return 0
}

func kFutexCall(cpu *CPU, c *Context) int64 {
	const wait, wakeOp, private = 0, 1, 128
	switch c.Arg1() &^ private {
	case wait:
		touch(c.Arg0(), 4)
		if load32(c.Arg0()) != uint32(c.Arg2()) {
			return -eagain
		}
		deadline := int64(never)
		if c.Arg3() != 0 {
			touch(c.Arg3(), 16)
			deadline = Now() + int64(load64(c.Arg3()))*1e9 + int64(load64(c.Arg3()+8))
		}
		block(cpu, kFutex, c.Arg0(), deadline)
		return 0
	case wakeOp:
		woken := int64(0)
		for i := range kthreadTop {
			if woken == int64(c.Arg2()) {
				break
			}
			if t := &kthreads[i%maxKThreads]; t.state == kFutex && t.futex == c.Arg0() {
				wake(cpu, i, 0)
				woken++
			}
		}
		return woken
	}
	return -enosys
}

func kClock(c *Context) int64 {
	touch(c.Arg1(), 16)
	ns := Now()
	if c.Arg0() == 0 {
		ns = WallTime()
	}
	store64(c.Arg1(), uint64(ns/1e9))
	store64(c.Arg1()+8, uint64(ns%1e9))
	return 0
}

// kIdle blocks the runner until an event; Idle passes the result on.
func kIdle(cpu *CPU) int64 {
	if cpu.events != 0 {
		e := cpu.events
		cpu.events = 0
		return int64(e)
	}
	block(cpu, kIdling, 0, never)
	return 0
}

// kClone starts a thread: it continues after the same call, on its own
// stack and thread-local storage, with result 0.
func kClone(cpu *CPU, c *Context) int64 {
	i := newKThread()
	if i < 0 {
		return -eagain
	}
	c.fork(contextAt(kthreads[i].ctx))
	wake(cpu, i, 0)
	return int64(i) + 1
}

// pin makes the calling thread the runner of CPU id, where it goes on.
func pin(cpu *CPU, c *Context, id uint64) {
	i, home := cpu.current, &cpus[id%MaxCPUs]
	kthreads[i].runner, kthreads[i].cpu = true, int32(home.id)
	home.runner = i
	home.setRunner(c)
	if home != cpu {
		ready(cpu, i)
		next(cpu)
	}
}

// kAffinity reports one CPU more than there are: a P for the runner of each,
// which it keeps, and one for the rest of the kernel's goroutines.
func kAffinity(c *Context) int64 {
	const size = 16 // two words of the mask
	touch(c.Arg2(), size)
	n := cpuCount + 1
	low, high := ^uint64(0), uint64(0)
	if n < 64 {
		low = 1<<n - 1
	} else {
		high = 1<<(n-64) - 1
	}
	store64(c.Arg2(), low)
	store64(c.Arg2()+8, high)
	return size
}

func kWrite(cpu *CPU, c *Context) int64 {
	if c.Arg0() == eventFD {
		pollPending = true
		for i := range kthreadTop {
			if t := &kthreads[i%maxKThreads]; t.state == kPoll {
				wake(cpu, i, int64(pollEvent(t)))
			}
		}
		return 8
	}
	for i := uint64(0); i < c.Arg2(); i += pageSize {
		touch(c.Arg1()+i, 1)
	}
	touch(c.Arg1(), c.Arg2())
	consoleLock.Lock()
	consoleWrite(bytesAt(c.Arg1(), c.Arg2()))
	consoleLock.Unlock()
	return int64(c.Arg2())
}

func kRead(c *Context) int64 {
	if c.Arg0() != eventFD || !pollPending {
		return -eagain
	}
	pollPending = false
	touch(c.Arg1(), 8)
	store64(c.Arg1(), 1)
	return 8
}

func kEpollWait(cpu *CPU, c *Context) int64 {
	touch(c.Arg1(), abi.EpollEventSize)
	t := &kthreads[cpu.current]
	t.futex = c.Arg1()
	if pollPending {
		return pollEvent(t)
	}
	ms := int64(int32(c.Arg3()))
	if ms == 0 {
		return 0
	}
	deadline := int64(never)
	if ms > 0 {
		deadline = Now() + ms*1e6
	}
	block(cpu, kPoll, c.Arg1(), deadline)
	return 0
}

// pollEvent stores the eventfd's event where t asked for it and returns 1.
func pollEvent(t *kthread) int64 {
	const epollin = 1
	store64(t.futex, epollin)
	store64(t.futex+epollDataAt, pollData)
	return 1
}
