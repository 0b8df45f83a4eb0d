//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/object"
	"loam/kernel/sched"
	"loam/machine/metal"
)

// Switches from one thread to another without the long way through choose, on one CPU.

// switchTo makes the thread that runs on an entity the current one, in a call of the
// current one, when the scheduler has said so without being asked by choose. It is what choose
// does when there is nothing else to do; if there is, or the thread doesn't
// just go on, it is left to choose, which finds everything as if the scheduler had answered
// the entity to it. until is the end of the entity's slice. The deadlines of
// k.timers are the same as at the last choose.
func (r *runner) switchTo(entity int32, until int64) (done bool) {
	if r.party.Entity != r.entity {
		r.work |= workChoose
		return false
	}
	return r.switchOver(entity, until)
}

// switchOver is switchTo from a thread that may be on another entity, if that isn't runnable.
//
//loam:noalloc
func (r *runner) switchOver(entity int32, until int64) (done bool) {
	i := k.ipc.Runs[entity]
	s := &k.seats[i]
	t, p := s.t, s.p
	if r.work|k.dirty != 0 || t.retry || t.unfinished || t.signalled || p.ended || p.signalled(t) || k.anythingLeft() {
		r.work |= workChoose
		return false
	}
	if until < r.armed {
		r.armBy(until)
	}
	if k.several { // another CPU may go on with the thread at once
		r.cpu.Leave()
	}
	r.cpu.Park()
	r.t.switches++
	r.t.on = 0
	r.leaveHome()
	r.entity = entity
	r.become(i)
	r.comeHome()
	return true
}

// untilEnd gives the time at which a slice ends, decode.Never for sched.Forever.
func untilEnd(now, slice int64) int64 {
	if slice == sched.Forever {
		return decode.Never
	}
	return now + slice
}

// giveWay says that the current thread, which is on its own entity, waits for what no
// timer ends, and switches to the next one if there is no choice. The call ends with it.
func (r *runner) giveWay() (switched bool) {
	now := r.time()
	next, slice, ok := r.queue.SleepTo(now)
	if ok {
		return r.switchTo(next, untilEnd(now, slice))
	}
	r.queue.Dequeue(r.entity, now)
	r.work |= workChoose
	return false
}

// wakeAtOnce is signal by a call, when the notification is bound to a driver: it receives,
// has a fixed priority, and the current thread hasn't. It is switched to. false: nothing has changed.
func (r *runner) wakeAtOnce(o *object.Header, bits uint64) bool {
	w := o.Bound - 1
	s := &k.seats[w]
	t := s.t
	if t.wait != forReceive || t.priority == 0 || t.deadline != decode.Never || t.stopped || t.held || s.p.ended || k.ipc.Parties[w].Entity != w {
		return false
	}
	now := r.time()
	slice, ok := r.queue.WakeTo(w, now)
	if !ok {
		return false
	}
	k.ipc.LeaveReceive(w)
	giveBits(s.c, o.Bits|bits)
	s.c.SetResult(abi.ReceivedBits)
	o.Bits = 0
	t.wait = running
	r.switchTo(w, untilEnd(now, slice))
	return true
}

// turns are two threads that have the CPU in turns, by sched_yield, when nothing has
// happened since but that. What a switch changes in the tables, but for the
// scheduler's, is done when somebody may look (part), as in a pair, whose state says that it is so.
type turns struct {
	seats    [2]seat
	entities [2]int32
	at       uint64 // switches: the lowest bit is whose turn it is; the tables know of the first
}

// setUpYield makes sched_yield a call that takes no lock where nobody takes one.
func setUpYield() {
	if !k.several {
		ways[abi.SYS_SCHED_YIELD] = lockless
	}
}

// sysSchedYield is a call without lock on one CPU: it says itself what has to be done.
func sysSchedYield(r *runner, c *metal.Context) uint64 {
	q := &r.turns
	if r.pair.state != turning {
		return r.yield()
	}
	now := metal.Now()
	_, slice, ok := r.queue.YieldTo(now)
	if !ok {
		return r.yield()
	}
	q.at++
	s := &q.seats[q.at&1]
	if until := now + slice; until < r.armed {
		r.armBy(until)
	}
	r.sit(s)
	return 0
}

// yield is sysSchedYield of who yields the first time.
func (r *runner) yield() uint64 {
	if r.queue.Alone() {
		return 0
	}
	if r.pair.state != apart {
		r.part()
	}
	now := metal.Now()
	next, slice, ok := r.queue.YieldTo(now)
	if !ok {
		r.queue.Yield(now)
		r.work |= workChoose
		return 0
	}
	me, entity := r.index, r.entity
	if r.switchTo(next, untilEnd(now, slice)) && !k.several {
		q := &r.turns
		q.seats = [2]seat{k.seats[me], k.seats[r.index]}
		q.entities = [2]int32{entity, next}
		q.at = 1
		r.pair.state = turning
	}
	return 0
}

// partTurns ends turns, and has the tables say what is so.
func (r *runner) partTurns() {
	q := &r.turns
	n := q.at - 1
	q.seats[0].t.switches += n / 2
	q.seats[1].t.switches += (n + 1) / 2
	if n&1 == 0 {
		return
	}
	q.seats[1].t.on = 0
	r.leaveHome()
	r.entity, r.party = q.entities[0], &k.ipc.Parties[r.index]
	r.t.on = r.id + 1
	r.comeHome()
}
