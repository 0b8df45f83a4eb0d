// SPDX-License-Identifier: Apache-2.0

package sched

import "math/bits"

// The fixed priorities of one CPU's queue. A fixed thread is never in the heaps
// nor in W and S; Queue.special has the calls of the fair class see to it.

// MaxPriority is the highest fixed priority.
const MaxPriority = 31

// Priority gives t's fixed priority, 1 to MaxPriority, or 0 in the fair class.
func (s *Scheduler) Priority(t int32) int { return int(s.threads[t].prio) }

// SetPriority gives t a fixed priority from 1 to MaxPriority, or 0 for the fair
// class, clipping prio to that range. A thread that waits goes to the tail of its
// new level, on the CPU that suits it best then; what it is owed or owes in the
// fair class is forgotten. CPU here calls Pick; others that have to are in
// TakeKicks.
func (s *Scheduler) SetPriority(t int32, prio int, now int64, here int) {
	p := int8(min(max(prio, 0), MaxPriority))
	th := &s.threads[t]
	if th.unused() {
		s.Reset(t)
	}
	q := &s.queues[th.queue]
	switch {
	case th.prio == p:
	case th.state <= parked:
		th.setPriority(p, s.slice)
	case th.runs():
		q.charge(now)
		q.rerank(th, p)
		s.kick(q, here)
	case th.prio != 0:
		q.removeFixed(t, th, now)
		th.setPriority(p, s.slice)
		s.queues[here].enqueue(t, now, false)
	default:
		q.charge(now)
		q.remove(t, th)
		q.leave(th)
		th.setPriority(p, s.slice)
		s.queues[here].enqueue(t, now, false)
	}
}

// setPriority changes the priority of th, which is in no queue.
func (th *thread) setPriority(p int8, slice int64) {
	th.prio = p
	th.v, th.d = unplaced, unending
	th.setNice(int(th.nice))
	if p != 0 {
		th.weight, th.part = 0, slice
	}
}

// rerank changes the priority of th, which is the running thread here.
func (q *Queue) rerank(th *thread, p int8) {
	was := th.prio
	if was == 0 {
		q.leave(th)
		th.setPriority(p, q.s.slice)
		th.state = ruling
		q.countFixed()
	}
	th.prio = p
	if p == 0 {
		th.state = running
		th.setPriority(0, 0)
		q.uncountFixed()
		q.place(th)
		q.join(th)
		th.d = th.v + th.virtual(q.s.slice)
	}
	q.renew, q.passed = true, false
}

// wakeFixed makes t, which is fixed and in no queue, runnable here. This CPU has
// to look: a timer may have to be set, and Slice doesn't know.
//
//go:noinline
func (q *Queue) wakeFixed(t int32, th *thread, now int64) (look bool) {
	q.charge(now)
	th.part = q.s.slice
	q.addFixed(t, th)
	return true
}

// addFixed puts t, which keeps what is left of its turn, at the tail of its level
// here. It reports whether the CPU has to look.
func (q *Queue) addFixed(t int32, th *thread) (look bool) {
	th.queue = q.cpu
	q.countFixed()
	q.enlist(t, th, false)
	if q.current == None || th.prio > q.threads[q.current].prio {
		q.renew = true
		return true
	}
	return q.renew || th.prio == q.threads[q.current].prio // they take turns: there has to be a timer
}

// enlist puts t into the list of its level, as the last or the first one.
func (q *Queue) enlist(t int32, th *thread, first bool) {
	th.state = queued
	l := &q.level[th.prio&MaxPriority]
	if first {
		l.PushFront(q.s.links, t)
	} else {
		l.PushBack(q.s.links, t)
	}
	q.levels |= 1 << th.prio
	q.s.pending |= q.bit
}

// unlist takes t out of the list of its level.
func (q *Queue) unlist(t int32, th *thread) {
	l := &q.level[th.prio&MaxPriority]
	l.Remove(q.s.links, t)
	if !l.Empty() {
		return
	}
	q.levels &^= 1 << th.prio
	if q.levels == 0 {
		q.s.pending &^= q.bit
	}
}

// countFixed counts one more runnable fixed thread.
func (q *Queue) countFixed() {
	q.fixed++
	q.special = true
	q.s.urgent |= q.bit
	q.s.idle &^= q.bit
}

// uncountFixed counts one less.
//
//go:noinline
func (q *Queue) uncountFixed() {
	q.fixed--
	if q.fixed != 0 {
		return
	}
	q.s.urgent &^= q.bit
	if q.weight == 0 {
		q.s.idle |= q.bit
	}
}

// dequeueFixed is Dequeue and Retire of a thread that isn't in the fair class, or
// not here.
//
//go:noinline
func (q *Queue) dequeueFixed(t int32, th *thread, now int64) {
	switch {
	case th.state == asleep || th.queue != q.cpu:
	case th.state == parked:
		q.s.unpark(t, th)
	default:
		q.removeFixed(t, th, now)
	}
}

// removeFixed takes t, which is fixed and runnable here, from wherever it is.
func (q *Queue) removeFixed(t int32, th *thread, now int64) {
	q.charge(now)
	if th.state == ruling {
		q.current, q.passed = None, false
	} else {
		q.unlist(t, th)
	}
	th.state = asleep
	q.uncountFixed()
}

// highest gives the priority of the first fixed thread that waits here, 0 if
// there is none.
func (q *Queue) highest() int8 { return int8(bits.Len32(q.levels >> 1)) }

// top gives the highest priority of a runnable thread here: 0 is the fair class,
// or nobody.
func (q *Queue) top() int8 {
	p := q.highest()
	if q.current != None {
		p = max(p, q.threads[q.current].prio)
	}
	return p
}

// chargeFixed counts time as used of th's turn.
//
//go:noinline
func (q *Queue) chargeFixed(th *thread, ran int64) {
	th.part -= ran
	if th.part <= 0 {
		th.part = q.s.slice
		if q.levels>>th.prio&1 != 0 {
			q.renew, q.passed = true, true
		}
	}
	if q.waiting != 0 && q.several && q.since-q.balanced >= balanceInterval {
		q.renew = true // for balance
	}
}

// yieldFixed ends the turn of the running thread if it is a fixed one; it reports
// whether it is.
func (q *Queue) yieldFixed(now int64) bool {
	if q.current == None || q.threads[q.current].prio == 0 {
		return false
	}
	q.charge(now)
	th := &q.threads[q.current]
	if q.levels>>th.prio&1 != 0 {
		th.part = q.s.slice
		q.renew, q.passed = true, true
	}
	return true
}

// turn is what Pick answers on a CPU that has fixed threads. With nobody else on its level
// the running one has it for ever; but where fair threads wait that may have to
// go to another CPU, the CPU looks after an interval.
//
//go:noinline
func (q *Queue) turn() int64 {
	if q.current == None && q.more {
		return minSlice
	}
	if q.current == None || q.fixed == 0 {
		return q.Slice()
	}
	th := &q.threads[q.current]
	left := int64(Forever)
	if q.levels>>th.prio&1 != 0 {
		left = th.part
	}
	if q.waiting != 0 && q.several {
		left = min(left, q.balanced+balanceInterval-q.since)
	}
	return max(left, minSlice)
}

// chooseFixed makes the first of the highest level the current thread. It reports
// false when the choice is the fair class's.
func (q *Queue) chooseFixed() (chosen bool) {
	if q.fixed == 0 {
		q.special = q.s.limited != 0
		return q.resume()
	}
	old, passed, top := q.current, q.passed, q.highest()
	q.renew, q.passed = false, false
	if old != None {
		ot := &q.threads[old]
		switch {
		case ot.prio > top || ot.prio == top && !passed:
			return true
		case ot.prio == 0:
			q.current, q.broken = None, old
			q.wait(old, ot)
		default:
			q.enlist(old, ot, !passed)
		}
	}
	next := q.level[top&MaxPriority].First()
	nt := &q.threads[next]
	q.unlist(next, nt)
	nt.state = ruling
	q.current = next
	return true
}

// resume gives the CPU back to the fair thread that a fixed one took it from,
// unless one came meanwhile that would have taken it too: so threads of the fair
// class don't change at each run of a driver. It reports whether it did.
func (q *Queue) resume() bool {
	t := q.broken
	q.broken = None
	if t == None || q.current != None {
		return false
	}
	th := &q.threads[t]
	if th.queue != q.cpu || th.state < spare || th.state == running {
		return false
	}
	if q.waiting > 1 {
		next := q.best()
		if nt := &q.threads[next]; q.eligible(nt.v) && nt.d < th.d {
			return false
		}
	}
	q.remove(t, th)
	q.renew, q.passed = false, false
	th.state = running
	q.current = t
	return true
}
