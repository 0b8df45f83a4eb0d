// SPDX-License-Identifier: Apache-2.0

package sched

import "math/bits"

// Constants of the balance between CPUs, times in nanoseconds of CPU time.
const (
	// looks bounds how many waiting threads of a queue are looked at, at once.
	looks = 8
	// balanceInterval is the least between two balances of a queue.
	balanceInterval = 2 * DefaultSlice
	// behind is how much a thread of the queue, in the mean, has to have got less
	// than one on another CPU for a thread to move there: more than the lead that
	// threads of one queue have over each other.
	behind = 2 * DefaultSlice
	// maxBehind is how much of it is remembered. What threads miss that may not
	// move, or don't use that are alone, must not add up for ever.
	maxBehind = 4 * DefaultSlice
	// maxCredit bounds what a thread that moves has to come, or owes.
	maxCredit = 4 * DefaultSlice
	// maxLead bounds leads so that a product with W can't overflow.
	maxLead = 1 << 31
)

// chooseOfAll is choose with an eye on the other CPUs.
func (q *Queue) chooseOfAll(now int64) {
	if t := q.live; t != None {
		q.live = None // the CPU is in the kernel: the registers are in memory
		th := &q.threads[t]
		if th.queue == q.cpu && th.state > parked && th.allowed&q.bit == 0 {
			q.s.pass(t, q, now, int(q.cpu))
		}
	}
	q.fetch(now)
	q.choose()
	if q.levels != 0 {
		q.push(now)
	}
	if q.waiting != 0 {
		q.spread(now)
	}
}

// fetch takes from other CPUs what goes before all that is here, or anything if
// there is nothing here.
func (q *Queue) fetch(now int64) {
	if q.s.pending&^q.bit != 0 {
		q.pull(now)
	}
	if q.weight == 0 && q.fixed == 0 {
		q.steal(now)
	}
}

// steal takes a waiting thread from the queue of the most load that has one
// for this CPU.
func (q *Queue) steal(now int64) {
	var from *Queue
	most, found := int64(0), None
	for i := range q.s.queues {
		x := &q.s.queues[i]
		if x.waiting == 0 || x.load() <= most || x.current == None && x.waiting == 1 && x.fixed == 0 {
			continue // a CPU that is about to run its only thread keeps it
		}
		if t := x.look(q.bit, now); t != None {
			from, most, found = x, x.load(), t
		}
	}
	if found != None {
		q.s.moves.Stolen++
		q.take(found, from, now)
	}
}

// spread gives waiting threads to other CPUs: to idle ones at once, to others
// when it is time. When all who wait are bound to this CPU, and who was chosen
// isn't, that one goes.
func (q *Queue) spread(now int64) {
	for q.waiting != 0 && q.s.idle != 0 {
		t := q.look(q.s.idle, now)
		if t == None {
			t = q.current
			if q.waiting == 0 || t == None || q.threads[t].allowed&q.s.idle == 0 {
				break
			}
		}
		q.s.pass(t, q, now, int(q.cpu))
		if q.current == None {
			q.fetch(now)
			q.choose()
		}
	}
	if q.waiting != 0 && now-q.balanced >= balanceInterval {
		q.balanced = now
		q.balance(now)
	}
}

// waiter gives the i-th waiting thread, counted from the cursor: first who would
// run soonest, ready before early.
func (q *Queue) waiter(i int) int32 {
	if q.spare != None {
		return q.spare
	}
	i = (q.cursor + i) % q.waiting
	if n := q.ready.Len(); i >= n {
		return q.early.At(i - n)
	}
	return q.ready.At(i)
}

// look gives, of a few waiting threads that may run on one of the CPUs in mask
// and can be moved, the one of the least virtual time, to whom most is owed; None
// if there is none among them. The next look is at others then, so that threads
// which are bound to this CPU don't hide the others for ever. Those whose group has
// used up its quota are parked: who looked would not be told when they may run.
func (q *Queue) look(mask uint64, now int64) int32 {
	best, i := None, 0
	for n := looks; i < min(q.waiting, n); {
		t := q.waiter(i)
		th := &q.threads[t]
		if q.special && q.s.exhausted(th.group, now) {
			q.park(t, th)
			best, i, n = None, 0, n-1 // the others stand elsewhere now
			continue
		}
		if th.allowed&mask != 0 && t != q.live && (best == None || th.v < q.threads[best].v) {
			best = t
		}
		i++
	}
	if best == None {
		q.cursor = (q.cursor + i) & (MaxThreads - 1)
	} else {
		q.cursor = 0
	}
	return best
}

// balance moves a waiting thread to another CPU when threads there have got
// clearly more than here. The queue that is behind does it: threads wait there,
// so its timer comes, and a CPU that runs a thread alone is never disturbed for
// looking.
func (q *Queue) balance(now int64) {
	s := q.s
	near := q.neighbours()
	mine := q.machineTime()
	if q.fixed != 0 && mine == q.stood {
		q.relieve(now)
		return
	}
	s.front = mine
	most := int64(0)
	for m := near; m != 0; m &= m - 1 {
		x := &s.queues[bits.TrailingZeros64(m)&(MaxCPUs-1)]
		x.charge(now)
		x.lead = min(max(x.machineTime()-mine, -maxLead), maxLead)
		if least := -x.virtualShare(maxBehind); x.waiting == 0 && x.lead < least {
			// Nobody competes there, so nothing is owed there.
			x.offset += least - x.lead
			x.lead = least
		}
		most = max(most, x.lead)
	}
	if t, to := q.candidate(near); t != None {
		s.moves.Balanced++
		if to.take(t, q, now) {
			s.kick(to, int(q.cpu))
		}
	}
	if q.weight != 0 {
		q.offset += max(most-q.virtualShare(maxBehind), 0)
	}
	q.stood = q.machineTime()
}

// neighbours gives the other CPUs of the fair class, busy ones, that threads
// waiting here may go to.
func (q *Queue) neighbours() uint64 {
	near := uint64(0)
	for i := range min(q.waiting, looks) {
		near |= q.threads[q.waiter(i)].allowed
	}
	return near &^ q.s.idle &^ q.s.urgent &^ q.bit
}

// candidate gives the thread that is the furthest behind the threads of another,
// less loaded CPU, and that CPU; None if nobody is far enough. A move after
// which the other CPU is loaded more than this one was wants twice the reason: it
// has to be undone soon. A thread that weighs more than all others of both CPUs
// stays: wherever it is it has a CPU nearly to itself, and the others make room.
func (q *Queue) candidate(near uint64) (t int32, to *Queue) {
	least := q.virtualShare(behind)
	t, furthest := None, -int64(maxLead)
	n := min(q.waiting, looks)
	for i := range n {
		c := q.waiter(i)
		th := &q.threads[c]
		for m := near & th.allowed; m != 0; m &= m - 1 {
			x := &q.s.queues[bits.TrailingZeros64(m)&(MaxCPUs-1)]
			if x.weight >= q.weight || 2*th.weight > q.weight+x.weight {
				continue
			}
			if x.lead < least || x.lead < 2*least && x.weight+th.weight > q.weight {
				continue
			}
			if d := x.lead - th.v + q.base; d > furthest {
				t, to, furthest = c, x, d
			}
		}
	}
	if t == None {
		q.cursor = (q.cursor + n) & (MaxThreads - 1)
	} else {
		q.cursor = 0
	}
	return t, to
}

// virtualShare gives the virtual time in which a runnable thread of the queue, in
// the mean, gets ran nanoseconds.
func (q *Queue) virtualShare(ran int64) int64 {
	return ran * unitWeight * int64(q.fair()) / q.weight
}

// machineTime is V on the time scale that the queues have in common. It is
// compared by differences only, and may wrap around.
func (q *Queue) machineTime() int64 { return q.virtualTime() + q.offset }

// take moves t, which is on the queue from, to this one, with what it is owed or
// owes. It reports whether this CPU has to look. The rest of t's request is the
// same, but a credit doesn't make the deadline earlier: else who wakes here would
// wait until all of the credit is used.
func (q *Queue) take(t int32, from *Queue, now int64) (look bool) {
	th := &q.threads[t]
	from.charge(now)
	q.charge(now)
	if th.prio != 0 {
		from.removeFixed(t, th, now)
		return q.addFixed(t, th)
	}
	if q.weight == 0 {
		q.offset = from.machineTime() - q.base
	}
	from.remove(t, th)
	from.leave(th)
	left := th.d - th.v
	v := q.virtualTime()
	th.v += from.offset - q.offset
	credit := th.virtual(maxCredit)
	th.v = min(max(th.v, v-credit), v+credit)
	th.d = max(th.v, v) + left
	th.queue = q.cpu
	q.join(th)
	look = q.waiting == 0
	q.wait(t, th)
	if q.current == None || th.d < q.threads[q.current].d && q.eligible(th.v) {
		q.renew = true
	}
	return look || q.renew
}
