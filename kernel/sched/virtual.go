// SPDX-License-Identifier: Apache-2.0

package sched

// Bounds that keep S and (v-base)*W within 63 bits. W is at most MaxThreads
// times the greatest weight, under 2^30.5. base is kept within 2^30 of V, but for
// the time between a thread's leaving and the end of a request.
const (
	// maxCharge is the most that one charge counts, in nanoseconds. A thread
	// runs that long only when the machine itself was stopped.
	maxCharge = 20_000_000
	// maxDistance is the furthest from V that a thread is placed, or stays after
	// it ran: four slices of the least weight.
	maxDistance = 1 << 30
	// reach is the distance from base within which v and V are compared by
	// multiplication; a thread's v doesn't get there by running.
	reach = 1 << 32
	// baseDrift is how far V may be from base before base moves, as a power of 2.
	baseDrift = 29
	// maxVirtual is where virtual time starts again from 0.
	maxVirtual = 1 << 61
)

// charge counts the time since the last charge as used by the running thread. A
// now before that, from a CPU whose clock is a little behind, counts nothing.
func (q *Queue) charge(now int64) {
	ran := now - q.since
	if ran <= 0 {
		return
	}
	q.since = now
	if q.current == None {
		return
	}
	th := &q.threads[q.current]
	th.used += ran
	g := &q.groups[th.group]
	g.used += ran
	if g.quota != 0 {
		q.consume(th.group, ran, now)
	}
	dv := min(ran, maxCharge)
	if th.weight != unitWeight {
		if th.weight == 0 {
			q.chargeFixed(th, ran)
			return
		}
		dv = th.divide(dv)
	}
	th.v += dv
	q.sum += th.weight * dv
	if th.v >= th.d {
		q.finish(th)
	}
}

// finish ends the request of the running thread and starts the next one.
func (q *Queue) finish(th *thread) {
	q.settle(th)
	th.d = th.v + th.virtual(q.s.slice)
	q.renew = true
}

// settle keeps what grows within its bounds.
func (q *Queue) settle(th *thread) {
	q.bound(th)
	if drift := q.sum >> baseDrift; drift > q.weight || drift < -q.weight {
		q.rebase()
	}
}

// divide turns CPU time into virtual time and keeps the remainder for the next
// time, so that a thread charged often is charged right.
func (th *thread) divide(ran int64) int64 {
	x := ran*unitWeight + th.part
	th.part = x % th.weight
	return x / th.weight
}

// virtual gives the virtual length of a request of ran nanoseconds.
func (th *thread) virtual(ran int64) int64 {
	if th.weight == unitWeight {
		return ran
	}
	return ran * unitWeight / th.weight
}

// eligible reports whether v <= V.
func (q *Queue) eligible(v int64) bool {
	d := v - q.base
	if uint64(d+reach) > 2*reach {
		return d < 0
	}
	return d*q.weight <= q.sum
}

// bound keeps the virtual time of a thread that doesn't use what it is given,
// or uses more, within reach of V.
func (q *Queue) bound(th *thread) {
	var v int64
	switch {
	case q.eligible(th.v + maxDistance): // it gave up its turns
		v = q.virtualTime() - maxDistance/2
	case !q.eligible(th.v - maxDistance):
		v = q.virtualTime() + maxDistance/2
	default:
		return
	}
	q.sum += th.weight * (v - th.v)
	th.d += v - th.v
	th.v = v
}

// virtualTime gives V, rounded down; on an idle queue, where V stopped.
func (q *Queue) virtualTime() int64 {
	if q.weight == 0 {
		return q.base
	}
	v := q.sum / q.weight
	if v*q.weight > q.sum {
		v--
	}
	return q.base + v
}

// join counts th in W and S.
func (q *Queue) join(th *thread) {
	q.s.idle &^= q.bit
	q.weight += th.weight
	q.sum += th.weight * (th.v - q.base)
}

// leave takes th out of W and S. V stops where it is when the queue is empty.
func (q *Queue) leave(th *thread) {
	if q.weight == th.weight {
		q.base = q.virtualTime()
		q.weight, q.sum, q.owed = 0, 0, 0
		if q.fixed == 0 {
			q.s.idle |= q.bit
		}
		return
	}
	if q.owed > 0 { // what th was owed of it goes with th
		d := min(max(th.weight*(q.virtualTime()-th.v), 0), q.owed)
		q.owed -= d
		q.sum -= d
	}
	q.weight -= th.weight
	q.sum -= th.weight * (th.v - q.base)
}

// rebase moves base to V, and starts virtual time again when it would end: a
// thread of nice 19 alone on its CPU gets there after a year.
func (q *Queue) rebase() {
	delta := q.virtualTime() - q.base
	q.base += delta
	q.sum -= delta * q.weight
	if q.base < maxVirtual {
		return
	}
	delta = q.base
	q.base = 0
	q.offset += delta
	for i := range q.threads {
		th := &q.threads[i]
		if th.queue == q.cpu && th.v != unplaced {
			th.v = max(th.v-delta, unplaced)
			th.d -= delta
		}
	}
	q.ready.Shift(delta)
	q.early.Shift(delta)
}
