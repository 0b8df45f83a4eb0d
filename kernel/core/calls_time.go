//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/machine/metal"
)

// clock reads a clock for the current thread.
func (r *runner) clock(kind decode.ClockKind) int64 {
	now := metal.Now()
	switch kind {
	case decode.Real:
		return now + k.wallOffset
	case decode.ThreadCPU:
		return r.threadTime(r.index)
	case decode.ProcessCPU:
		return processTime(r.p, now)
	}
	return now
}

// processTime gives the CPU time of all threads of p, dead ones included.
func processTime(p *Process, now int64) int64 { return k.sched.GroupUsed(p.handle.Index, now) }

// sysClockGettime: the clock (RDI), where to put its time (RSI). Nosplit for the
// two instructions of the check, a hundredth of the call; the runner's stack
// never grows.
//
//go:nosplit
//loam:noalloc
func sysClockGettime(r *runner, c *metal.Context) uint64 {
	off := c.Arg1() - r.near.page
	if c.Arg0() != abi.CLOCK_MONOTONIC || off >= r.near.pairs {
		return r.otherClock(c)
	}
	metal.NowInto(k.env.Mem.Word(r.near.pa + off))
	return 0
}

// otherClock is the long way of sysClockGettime, under the kernel lock.
//
//go:noinline
func (r *runner) otherClock(c *metal.Context) uint64 {
	r.comeIn()
	if r.work != 0 {
		return c.Rewind()
	}
	v := r.anyClock(c)
	if v == 0 {
		r.rememberNear(abi.UserAddr(c.Arg1()))
	}
	r.goOut()
	return v
}

func (r *runner) anyClock(c *metal.Context) uint64 {
	kind := decode.Clock(c.Arg0())
	if kind == decode.BadClock {
		return abi.EINVAL.Result()
	}
	t := abi.TimespecOf(r.clock(kind))
	return r.putPair(c.Arg1(), uint64(t.Sec), uint64(t.Nsec))
}

func sysClockGetres(r *runner, c *metal.Context) uint64 {
	if decode.Clock(c.Arg0()) == decode.BadClock {
		return abi.EINVAL.Result()
	}
	if c.Arg1() == 0 {
		return 0
	}
	return r.putPair(c.Arg1(), 0, 1)
}

func sysGettimeofday(r *runner, c *metal.Context) uint64 {
	if c.Arg0() != 0 {
		t := abi.TimevalOf(r.clock(decode.Real))
		if e := r.putPair(c.Arg0(), uint64(t.Sec), uint64(t.Usec)); e != 0 {
			return e
		}
	}
	if c.Arg1() != 0 { // struct timezone: UTC
		var zone [8]byte
		return r.put(c.Arg1(), zone[:])
	}
	return 0
}

func sysTime(r *runner, c *metal.Context) uint64 {
	s := uint64(r.clock(decode.Real) / 1e9)
	if c.Arg0() != 0 {
		var b [8]byte
		putWord(b[:], s)
		if e := r.put(c.Arg0(), b[:]); e != 0 {
			return e
		}
	}
	return s
}

// ticksPerSecond is AT_CLKTCK and the unit of times(2).
const ticksPerSecond = 100

// sysTimes: struct tms is user, system, children's user and system time.
func sysTimes(r *runner, c *metal.Context) uint64 {
	const tick = 1e9 / ticksPerSecond
	now := metal.Now()
	if c.Arg0() != 0 {
		var b [32]byte
		putWord(b[0:], uint64(processTime(r.p, now)/tick))
		putWord(b[16:], uint64(r.p.childTime/tick))
		if e := r.put(c.Arg0(), b[:]); e != 0 {
			return e
		}
	}
	return uint64(now / tick)
}

// timespec reads a time from the caller's memory.
func (r *runner) timespec(addr uint64) (ns int64, e abi.Errno) {
	var b [abi.TimespecSize]byte
	if e := r.as.ReadUser(abi.UserAddr(addr), b[:]); e != 0 {
		return 0, e
	}
	ns, ok := abi.GetTimespec(b[:]).Nanoseconds()
	if !ok {
		return 0, abi.EINVAL
	}
	return ns, 0
}

func sysNanosleep(r *runner, c *metal.Context) uint64 {
	ns, e := r.timespec(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	return r.sleep(decode.After(metal.Now(), ns), abi.UserAddr(c.Arg1()))
}

// sysClockNanosleep: clock, flags, time, where the rest goes.
func sysClockNanosleep(r *runner, c *metal.Context) uint64 {
	kind := decode.Clock(c.Arg0())
	if kind != decode.Monotonic && kind != decode.Real {
		return abi.EINVAL.Result()
	}
	ns, e := r.timespec(c.Arg2())
	if e != 0 {
		return e.Result()
	}
	if c.Arg1()&abi.TIMER_ABSTIME == 0 {
		return r.sleep(decode.After(metal.Now(), ns), abi.UserAddr(c.Arg3()))
	}
	offset := int64(0)
	if kind == decode.Real {
		offset = k.wallOffset
	}
	return r.sleep(decode.Until(ns, offset), 0)
}

func (r *runner) sleep(deadline int64, remain abi.UserAddr) uint64 {
	if deadline <= metal.Now() {
		return 0
	}
	if e := r.present(uint64(remain), abi.TimespecSize); e != 0 {
		return e.Result()
	}
	r.t.remain = remain
	return r.pause(forTime, deadline)
}

// storeRemaining tells a sleeper that a signal woke how long it still had. An
// address that can't be written loses it; the answer is EINTR anyway.
func (r *runner) storeRemaining(t *Thread) {
	if t.remain == 0 {
		return
	}
	var b [abi.TimespecSize]byte
	abi.TimespecOf(max(t.deadline-t.slackNow()-metal.Now(), 0)).Put(b[:])
	k.spaces.Index(k.processes.Index(t.process).memory).WriteUser(t.remain, b[:])
}

// Interval timers: one real-time timer a process. The CPU-time ones tick in
// real time and count only while their process runs, which is what a profiler
// needs; only the last one set of the two exists.

type itimer struct {
	next   int64 // on the clock of Now, 0 when off
	period int64
	signal abi.Signal
	used   int64 // CPU time of the process at the last tick
}

func (r *runner) timerOf(which uint64) (*itimer, int32) {
	owner := int32(k.threads.Cap()) + r.p.handle.Index*timersPerProcess
	switch which {
	case abi.ITIMER_REAL:
		return &r.p.timers[0], owner
	case abi.ITIMER_VIRTUAL, abi.ITIMER_PROF:
		return &r.p.timers[1], owner + 1
	}
	return nil, 0
}

const (
	timersPerProcess = 2
	leastPeriod      = 20_000 // ns
)

func sysSetitimer(r *runner, c *metal.Context) uint64 {
	it, owner := r.timerOf(c.Arg0())
	if it == nil {
		return abi.EINVAL.Result()
	}
	var period, value int64
	if c.Arg1() != 0 {
		var b [abi.ItimervalSize]byte
		if e := r.as.ReadUser(abi.UserAddr(c.Arg1()), b[:]); e != 0 {
			return e.Result()
		}
		v := abi.GetItimerval(b[:])
		var ok1, ok2 bool
		period, ok1 = abi.Timespec{Sec: v.Interval.Sec, Nsec: v.Interval.Usec * 1000}.Nanoseconds()
		value, ok2 = abi.Timespec{Sec: v.Value.Sec, Nsec: v.Value.Usec * 1000}.Nanoseconds()
		if !ok1 || !ok2 {
			return abi.EINVAL.Result()
		}
	}
	if c.Arg2() != 0 {
		if e := r.putItimer(c.Arg2(), it); e != 0 {
			return e
		}
	}
	k.timers.Remove(owner)
	*it = itimer{}
	if value == 0 {
		return 0
	}
	now := metal.Now()
	if period > 0 { // a machine that only serves timers does nothing else
		period = max(period, leastPeriod)
	}
	*it = itimer{next: decode.After(now, value), period: period, signal: abi.SIGALRM, used: processTime(r.p, now)}
	switch c.Arg0() {
	case abi.ITIMER_PROF:
		it.signal = abi.SIGPROF
	case abi.ITIMER_VIRTUAL:
		it.signal = abi.SIGVTALRM
	}
	k.timers.Set(owner, it.next)
	r.work |= workChoose // to arm the timer
	return 0
}

func sysGetitimer(r *runner, c *metal.Context) uint64 {
	it, _ := r.timerOf(c.Arg0())
	if it == nil {
		return abi.EINVAL.Result()
	}
	return r.putItimer(c.Arg1(), it)
}

func (r *runner) putItimer(addr uint64, it *itimer) uint64 {
	var b [abi.ItimervalSize]byte
	v := abi.Itimerval{Interval: abi.TimevalOf(it.period)}
	if it.next != 0 {
		v.Value = abi.TimevalOf(max(it.next-metal.Now(), 1000))
	}
	v.Put(b[:])
	return r.put(addr, b[:])
}

// refillTimer is the place among the timers of the scheduler's quotas.
func (k *kernel) refillTimer() int32 { return k.mapTimer() + 1 }

// setRefill has quotas refilled at a time: some thread waits for that.
func (k *kernel) setRefill(at int64) {
	if was, ok := k.timers.Deadline(k.refillTimer()); !ok || was != at {
		k.timers.Set(k.refillTimer(), at)
	}
}

// alarm serves what isn't a thread's wait: owner counts from the first process's interval
// timer. It reports whether it has sent a signal.
func (r *runner) alarm(owner int32, now int64) (sent bool) {
	switch owner + int32(k.threads.Cap()) {
	case k.mapTimer():
		k.drawAtTime()
		return false
	case k.refillTimer():
		k.sched.Refill(now, int(r.id))
		r.kick()
		return false
	}
	p := k.processes.Index(owner / timersPerProcess)
	it := &p.timers[owner%timersPerProcess]
	if it.period > 0 {
		it.next = decode.After(max(it.next, now-it.period), it.period)
		k.timers.Set(owner+int32(k.threads.Cap()), it.next)
	} else {
		it.next = 0
	}
	if it.signal != abi.SIGALRM {
		used := processTime(p, now)
		idle := used == it.used
		it.used = used
		if idle {
			return false
		}
	}
	r.postProcess(p, abi.Siginfo{Signo: it.signal, Code: abi.SI_KERNEL})
	return true
}
