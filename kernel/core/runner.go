//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"sync/atomic"

	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/ipc"
	"loam/kernel/object"
	"loam/kernel/sched"
	"loam/kernel/space"
	"loam/machine/metal"
)

// runner is the state of one CPU's loop. Its own CPU uses it; what other CPUs do
// with it, they do with the kernel lock held. t to c describe the current thread
// and are nil (index sched.None) when there is none.
type runner struct {
	// out is 1 while the CPU is in user mode or in a call that takes no lock:
	// docs/concurrency.md. Atomic: others wait for it to become 0.
	out uint32

	work uint32 // why the loop can't enter the current thread again at once

	calls uint64 // for people, and for alerts

	t     *Thread
	p     *Process
	as    *space.Space
	c     *metal.Context
	index int32         // of t
	hands *object.Table // of p

	// entity is what the scheduler chose, sched.None without: t runs on it, but for
	// moments (package ipc).
	entity int32
	party  *ipc.Party // of t

	cpu   *metal.CPU
	id    int32
	queue *sched.Queue
	now   int64 // the time of this trap, 0 until somebody asks
	armed int64 // the deadline that the timer has, decode.Never without one

	moved  bool  // the call has moved bytes already: it ends rather than wait
	idle   bool  // the CPU is in Idle
	loaded int32 // index of the space whose root the CPU has, or pool.Nil; atomic

	corpse *metal.Context // of a current thread that ended: the call still writes to it

	orders uint32      // what other CPUs want of this one
	forget space.Flush // translations that it has to forget (orderForget)
	near   near
	pair   pair
	arch   archRunner
	turns  turns
	alerts alerts

	// buf is where data stays between a program's memory and a device.
	buf [bufSize]byte
}

const bufSize = 4096

// Bits of runner.work.
const (
	workChoose = 1 << iota // another thread may have to run, or the timer to be set
	workSignal             // the current thread may have a signal to take
	workFlush              // translations of some space are not so any more
	workMap                // a map of memory is made (drawMap)
	workAbsent             // the kernel has missed a page for the current thread's call
)

// loop runs the CPU's threads for ever. It begins with the kernel lock held. What
// it does around a call is comeIn and goOut, written out: every call pays for it.
//
//loam:noalloc
//loam:indirect table=calls
func (r *runner) loop() {
	for {
		r.choose()
		for r.work == 0 {
			c := r.c
			if trap := metal.Enter(c); trap != metal.TrapSyscall {
				r.trap(trap)
				continue
			}
			r.calls++
			f := rareCall
			if nr := c.Number(); nr < uint64(len(calls)) {
				f = calls[nr]
				way := ways[nr]
				if way == lockless {
					c.SetResult(f(r, c))
					continue
				}
				if way == other && r.p.forward.endpoint != 0 && r.forwardNow(c) {
					continue
				}
			} else if nr-abi.CallEndpointCall <= abi.CallMessageWrite-abi.CallEndpointCall && r.messageNow(nr, c) {
				continue
			} else if nr == abi.CallNotificationSignal && r.pair.state == alerting && r.alertNow(c) {
				continue
			}
			if r.pair.state != apart {
				r.part()
			}
			if k.several {
				atomic.StoreUint32(&r.out, 0)
				kernelLock.Lock()
				k.holder = r.id
				k.frames.Use(uint32(r.id))
				if r.orders != 0 {
					// Another CPU's order goes first, and the call starts again then.
					r.obey()
					c.SetResult(c.Rewind())
					break
				}
			}
			c.SetResult(f(r, c))
			if r.work |= k.dirty; r.work != 0 {
				break
			}
			r.now = 0
			if k.several {
				atomic.StoreUint32(&r.out, 1)
				kernelLock.Unlock()
			}
		}
	}
}

// function gives the function behind a call's number.
func function(nr uint64) call {
	if nr < uint64(len(calls)) {
		return calls[nr]
	}
	return rareCall
}

// trap handles an exception or an interrupt in the current thread.
//
//loam:noalloc
func (r *runner) trap(trap metal.Trap) {
	if trap >= metal.TrapInterrupt {
		r.interrupted(trap)
		return
	}
	r.comeIn()
	switch {
	case r.t == nil: // another CPU has ended it
	case !trap.IsPageFault():
		r.exception()
	case r.work == 0: // else an order goes first, and the fault comes again if it still is one
		r.pageFault()
	}
	r.goOut()
}

// interrupted serves an interrupt and gives the kernel's other threads their turn.
func (r *runner) interrupted(trap metal.Trap) {
	if r.pair.state != apart {
		r.part()
	}
	atomic.StoreUint32(&r.out, 0)
	e := r.cpu.Interrupt(trap)
	if r.cpu.TurnDue() {
		r.cpu.Turn()
		e |= r.cpu.Pending()
	}
	r.comeIn()
	r.happened(e)
	r.work |= workChoose
}

// choose makes the thread that should run the current one, ready to enter. It
// waits until there is one. It begins with the kernel lock held and gives it back.
//
//loam:noalloc
func (r *runner) choose() {
	breathed, tidied := false, false
	for {
		if r.work&(workSignal|workAbsent) != 0 && r.t != nil && r.t.wait == running && !r.t.unfinished {
			r.attend()
		}
		if k.dirty != 0 {
			r.flush()
			if memoryMap.wanted {
				r.drawMap()
				continue
			}
		}
		r.work = 0
		if r.corpse != nil {
			r.release()
		}
		// One piece of what ended processes have left, until others had a chance.
		left := k.anythingLeft()
		if left && !tidied {
			left, tidied = r.reap(), true
		}
		if r.t != nil && r.party.Entity != r.entity {
			r.settleEntity(r.party.Entity)
		}
		now := r.time()
		i, slice := r.queue.Pick(now)
		if k.several {
			r.kick()
		}
		if i != r.entity || i != sched.None && k.ipc.Runs[i] != r.index {
			if r.change(i); i != sched.None && r.p.ended {
				r.bury(r.index, true)
				r.breathe() // there may be thousands of them
				tidied = false
				continue
			}
		}
		r.arm(now, slice)
		r.now = 0
		if k.sched.Parked() && r.recallParked() {
			r.breathe()
			tidied = false
			continue
		}
		if i == sched.None {
			if left {
				r.breathe()
			} else if r.rest() {
				return
			}
			tidied = false
			continue
		}
		switch {
		case r.work != 0:
		case r.t.retry:
			r.again()
		case r.t.unfinished:
			if breathed = !breathed; breathed {
				r.breathe()
				continue
			}
			r.goOn()
		}
		if audited {
			r.audit()
		}
		if r.goOut(); r.work == 0 {
			return
		}
	}
}

// rest gives the CPU away until something happens. It reports whether that has made a
// thread ready to enter, as choose does.
func (r *runner) rest() bool {
	r.idle = true
	metal.ReportMistakes()
	unlock()
	e := r.cpu.Idle()
	if k.several || r.pair.state != apart {
		r.comeIn()
	}
	r.idle = false
	r.now = r.cpu.Came()
	r.happened(e)
	return r.enterAlone()
}

// enterAlone makes the thread current that the scheduler has chosen when it woke on an
// idle CPU, and gives the kernel lock back, if there is nothing else to do: it is to
// choose what switchTo is.
func (r *runner) enterAlone() bool {
	e := r.queue.Current()
	if e == sched.None || r.entity != sched.None || r.work&^workChoose|k.dirty != 0 || !r.queue.Alone() || k.anythingLeft() || k.sched.Parked() {
		return false
	}
	i := k.ipc.Runs[e]
	s := &k.seats[i]
	if t, p := s.t, s.p; t.retry || t.unfinished || t.signalled || p.ended || p.signalled(t) {
		return false
	}
	r.entity = e
	r.take(s)
	r.comeHome()
	r.work = 0
	r.arm(r.time(), sched.Forever)
	r.goOut()
	return true
}

// release frees the context of a thread that ended here.
func (r *runner) release() {
	metal.FreeContext(r.corpse)
	r.corpse = nil
}

// breathe lets others have the lock, and interrupts come, between two pieces of
// work that is done for no thread.
func (r *runner) breathe() {
	r.now = 0
	unlock()
	r.cpu.Breathe()
	r.comeIn()
	r.happened(r.cpu.Pending())
}

// change makes the thread that runs on an entity, or none, the current one.
func (r *runner) change(entity int32) {
	r.cpu.Leave()
	if r.t != nil {
		r.t.switches++
		r.t.on = 0
		r.leaveHome()
	}
	r.entity = entity
	if entity == sched.None {
		r.index = sched.None
		r.t, r.p, r.as, r.c = nil, nil, nil, nil
		r.party = nil
		return
	}
	i := k.ipc.Runs[entity]
	r.become(i)
	r.comeHome()
	if r.t.signalled || r.t.due(r.p) {
		r.work |= workSignal
	}
}

// become makes thread i the current one, on an entity that is current already. It
// may be called without the kernel lock.
func (r *runner) become(i int32) {
	r.take(&k.seats[i])
}

// take makes the thread of a seat the current one, as become does.
func (r *runner) take(s *seat) {
	r.t, r.p, r.as, r.c, r.hands, r.index = s.t, s.p, s.as, s.c, s.hands, s.index
	r.party = &k.ipc.Parties[s.index]
	r.t.on = r.id + 1
	if r.loaded != s.space {
		r.load(s)
	}
	r.seeCode() // after others may know that it has the space
}

// time gives the time of this trap: the clock is read once between two entries
// into user mode, when a thread starts or stops to wait or another is chosen.
func (r *runner) time() int64 { // small enough to be inlined
	if r.now != 0 {
		return r.now
	}
	return r.readClock()
}

//go:noinline
func (r *runner) readClock() int64 {
	r.now = metal.Now()
	return r.now
}

// drop says that the current thread is no more.
func (r *runner) drop() {
	r.cpu.Leave()
	if r.corpse != nil { // of one that ended just before: its call is over
		r.release()
	}
	r.corpse = r.c
	r.entity, r.index = sched.None, sched.None
	r.near.pairs = 0
	r.t, r.p, r.as, r.c = nil, nil, nil, nil
	r.party = nil
	r.work |= workChoose
}

// arm sets the timer for the end of the slice, and for the first deadline of all
// threads, if this CPU is the one that looks after it. A timer that comes too
// early is left: it costs one interrupt, a new one each switch costs more.
func (r *runner) arm(now, slice int64) {
	if refill, ok := k.sched.NextRefill(); ok {
		k.setRefill(refill)
	}
	at := decode.Never
	if first, ok := k.timers.Next(); ok {
		if first < k.alarm {
			k.alarm, k.alarmed = first, r.id
		}
		if k.alarmed == r.id {
			at = max(first, k.alarmFrom)
		}
	}
	if slice != sched.Forever {
		at = min(at, now+slice)
	}
	if at < r.armed { // armBy, written out
		r.armed = at
		r.cpu.SetDeadline(at)
	}
	r.cpu.Rearm()
}

// spare keeps the next alarm away for a moment, and if the last one had much to do, as long as it has taken
// since. Else who sets timers could have the machine do nothing but serve them.
func (k *kernel) spare(since int64, much bool) { // small enough to be inlined
	k.alarmFrom = since + moment
	if much {
		k.spareMore(since)
	}
}

//go:noinline
func (k *kernel) spareMore(since int64) {
	now := metal.Now()
	k.alarmFrom = now + max(now-since, moment)
}

const moment = 10_000 // ns

// armBy makes sure that the timer comes at the time at or before. That it comes
// is what clears r.armed.
func (r *runner) armBy(at int64) {
	if at < r.armed {
		r.armed = at
		r.cpu.SetDeadline(at)
	}
}

// goOn makes the next piece of the current thread's call. Signals wait until the
// last one.
//
//loam:noalloc
//loam:indirect table=calls
func (r *runner) goOn() {
	c := r.c
	f := function(c.Number())
	t := r.t
	t.unfinished = false
	c.SetResult(f(r, c))
	if r.t != t || t.unfinished {
		return
	}
	t.memory, t.done = space.Call{}, 0 // done, if only because it fails now
	if t.due(r.p) {
		r.work |= workSignal
	}
}

// unfinished says that the current thread's call has more to do than may be done
// in one piece: it is made again (goOn), with what it has kept in the thread.
func (r *runner) unfinished() {
	r.t.unfinished = true
	r.work |= workChoose
}

// happened acts on what an interrupt brought.
func (r *runner) happened(e metal.Event) {
	if e&metal.EventTimer != 0 {
		r.armed = decode.Never
		if k.alarmed == r.id {
			k.alarm = decode.Never // whoever arms next looks after the next one
		}
		now := r.time()
		k.spare(now, r.expire(now))
		if e == metal.EventTimer {
			return
		}
	}
	if e&metal.EventInput != 0 {
		r.inputChanged()
	}
	if e&metal.EventLine != 0 {
		r.interrupts(r.cpu.TakeLines())
	}
	if e&metal.EventRequest != 0 {
		r.tell(watchHost)
	}
	if e&metal.EventLog != 0 {
		r.tell(watchLog)
	}
}

// again makes the current thread's call once more: it waited for something
// that has changed.
//
//loam:noalloc
//loam:indirect table=calls
func (r *runner) again() {
	r.t.retry = false
	r.t.resumed = true
	c := r.c
	f := function(c.Number())
	c.SetResult(f(r, c))
	if r.t != nil && r.t.wait == running {
		r.t.resumed = false
	}
}
