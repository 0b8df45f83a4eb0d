// SPDX-License-Identifier: Apache-2.0

package sched

// A call and the Pick after it in one, where there is no choice: on one CPU, without
// quotas. Each gives what Pick would, or false when it isn't so; then nothing has changed.

// YieldTo is Yield, and the Pick after it, in the commonest case: two threads of nice
// 0, and nothing else to be looked at. It gives what Pick would; when it isn't so, false,
// and nothing has changed.
func (q *Queue) YieldTo(now int64) (t int32, slice int64, ok bool) {
	old, next := q.current, q.spare
	if old|next < 0 || q.several || q.special { // None is negative
		return None, 0, false
	}
	ot, nt := &q.threads[old], &q.threads[next]
	ran, d := now-q.since, ot.d
	left := d - ot.v // above 0, for it runs
	if ot.weight != unitWeight || nt.weight != unitWeight || uint64(ran) >= uint64(left) || d-q.base > maxDistance {
		return None, 0, false
	}
	q.since = now
	ot.used += ran
	q.groups[ot.group].used += ran
	q.sum += unitWeight * left
	ot.v, ot.d = d, d+q.s.slice
	ot.state, nt.state = spare, running
	q.spare, q.current, q.live = old, next, next
	q.renew = false
	return next, max(nt.d-nt.v, minSlice), true
}

// SleepTo is Dequeue of the running thread when one other waits, of the fair class, which a fixed one
// took the CPU from if that is what runs. That one is alone then.
func (q *Queue) SleepTo(now int64) (t int32, slice int64, ok bool) {
	old, next := q.current, q.spare
	if old == None || next == None || q.several {
		return None, 0, false
	}
	ot := &q.threads[old]
	switch {
	case !q.special:
		q.charge(now)
		q.leave(ot)
	case q.fixed == 1 && ot.state == ruling && q.broken == next && q.s.limited == 0:
		q.charge(now)
		q.uncountFixed()
		q.special, q.broken = false, None
	default:
		return None, 0, false
	}
	ot.state = asleep
	q.waiting, q.spare = 0, None
	q.renew, q.passed = false, false
	q.threads[next].state = running
	q.current, q.live = next, next
	return next, Forever, true
}

// WakeTo is Wake of a thread of a fixed priority when one of the fair class runs, and no
// fixed one waits.
func (q *Queue) WakeTo(t int32, now int64) (slice int64, ok bool) {
	th, old := &q.threads[t], q.current
	if old == None || q.several || th.prio == 0 || th.state != asleep || q.levels != 0 || q.s.limited != 0 {
		return 0, false
	}
	ot := &q.threads[old]
	if ot.prio != 0 {
		return 0, false
	}
	q.charge(now)
	th.part = q.s.slice
	th.queue = q.cpu
	q.countFixed()
	q.broken = old
	q.wait(old, ot)
	th.state = ruling
	q.renew, q.passed = false, false
	q.current, q.live = t, t
	return Forever, true
}

// WakeAlone is Wake, and the Pick after it, of a thread that finds the CPU idle. Its slice
// is Forever.
func (q *Queue) WakeAlone(t int32, now int64) (ok bool) {
	th := &q.threads[t]
	if q.current != None || q.waiting != 0 || q.special || q.several || th.state != asleep || th.unused() {
		return false
	}
	if now > q.since {
		q.since = now
	}
	if th.weight == 0 {
		th.part = q.s.slice
		th.queue = q.cpu
		q.countFixed()
		th.state = ruling
	} else {
		// V stands at base while nobody is runnable.
		q.s.idle = 0
		th.v = min(max(th.v, q.base), q.base+maxDistance)
		q.weight, q.sum = th.weight, th.weight*(th.v-q.base)
		th.d = th.v + th.virtual(q.s.slice/wakeFraction)
		th.state = running
	}
	q.renew, q.passed = false, false
	q.current, q.live = t, t
	return true
}
