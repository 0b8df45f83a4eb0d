// SPDX-License-Identifier: Apache-2.0

package sched

// Bounds that keep S and (v-base)*W within 63 bits. W is at most MaxThreads
// times the greatest weight, under 2^31. A runnable thread's v is within 2^31
// of V (maxCharge at the least weight is 2^30.4 virtual nanoseconds, and lag
// is bounded by a request and an overrun), base is kept within 2^30 of V.
const (
	// maxCharge is the most that one charge counts, in nanoseconds. A thread
	// runs that long only when the machine itself was stopped.
	maxCharge = 20_000_000
	// maxDistance is the furthest from V that a thread is placed.
	maxDistance = 1 << 30
	// baseDrift is how far V may be from base before base moves, as a power of 2.
	baseDrift = 30
	// maxVirtual is where virtual time starts again from 0.
	maxVirtual = 1 << 61
)

// charge counts the time since the last charge as used by the running thread.
func (q *Queue) charge(now int64) {
	ran := now - q.since
	q.since = now
	if q.current == None || ran <= 0 {
		return
	}
	th := &q.s.threads[q.current]
	dv := min(ran, maxCharge)
	if th.weight != unitWeight {
		dv = th.divide(dv)
	}
	th.v += dv
	q.sum += th.weight * dv
	if th.v >= th.d { // the request is done: the next one starts
		th.d = th.v + th.virtual(q.s.slice)
		q.renew = true
	}
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
func (q *Queue) eligible(v int64) bool { return (v-q.base)*q.weight <= q.sum }

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
	q.weight += th.weight
	q.sum += th.weight * (th.v - q.base)
}

// leave takes th out of W and S.
func (q *Queue) leave(th *thread) {
	q.weight -= th.weight
	q.sum -= th.weight * (th.v - q.base)
	if q.weight == 0 {
		q.base = th.v // V of a lone thread is its v
	}
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
	for i := range q.s.threads {
		th := &q.s.threads[i]
		if th.queue == q.cpu && th.v != unplaced {
			th.v = max(th.v-delta, unplaced)
			th.d -= delta
		}
	}
	q.ready.Shift(delta)
	q.early.Shift(delta)
}
