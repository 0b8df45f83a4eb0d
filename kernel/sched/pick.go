// SPDX-License-Identifier: Apache-2.0

package sched

// Pick decides who runs from now on and for how many nanoseconds at most: the
// caller calls Pick again when they are over, when Enqueue says so, and after
// Yield or Dequeue of the running thread. The slice is Forever when nobody else
// is runnable here; t is None when nobody is, and no other CPU has a thread to
// give. With several CPUs it may hand threads to others: see TakeKicks.
func (q *Queue) Pick(now int64) (t int32, slice int64) {
	q.charge(now)
	if q.current == None || q.renew {
		switch {
		case q.several:
			q.chooseOfAll(now)
		case q.special:
			q.chooseSpecial()
		default:
			q.chooseFair()
		}
	}
	q.live = q.current
	if q.special {
		return q.current, q.share(q.turn())
	}
	return q.current, q.Slice()
}

// Slice gives what Pick last answered, less what was used and given up since.
// It is for a caller that a call on this CPU has told that it needn't look.
func (q *Queue) Slice() int64 {
	if q.waiting == 0 || q.current == None {
		return Forever
	}
	th := &q.threads[q.current]
	left := th.d - th.v
	if th.weight != unitWeight {
		left = left * th.weight / unitWeight
	}
	return max(left, minSlice)
}

// choose makes the thread that should run the current one.
func (q *Queue) choose() {
	if q.special {
		q.chooseSpecial()
		return
	}
	q.chooseFair()
}

// chooseFair makes the eligible thread with the earliest deadline the current one.
func (q *Queue) chooseFair() {
	old, passed := q.current, q.passed
	q.renew, q.passed = false, false
	if q.waiting == 0 {
		return // only current is runnable, or nobody is
	}
	next := q.spare
	if next == None {
		next = q.best()
	}
	nt := &q.threads[next]
	if old == None {
		q.remove(next, nt)
	} else {
		ot := &q.threads[old]
		if !passed && q.eligible(ot.v) && (ot.d <= nt.d || !q.eligible(nt.v)) {
			return
		}
		q.exchange(next, nt, old, ot)
	}
	nt.state = running
	q.current = next
}

// exchange puts old, which was running, where next waited: if that is the wrong
// heap, best finds it out when the thread comes to the top.
func (q *Queue) exchange(next int32, nt *thread, old int32, ot *thread) {
	switch {
	case nt.state == spare:
		q.spare = old
		ot.state = spare
	case q.waiting == 1: // nobody else has been in the heaps
		q.remove(next, nt)
		q.wait(old, ot)
	case nt.state == ready:
		q.ready.Replace(next, old, ot.d)
		ot.state = ready
	default:
		q.early.Replace(next, old, ot.v)
		ot.state = early
	}
}

// best gives, of the threads in the heaps, the eligible one with the earliest
// deadline; when none is eligible, the one with the least virtual time. There
// is at least one.
func (q *Queue) best() int32 {
	for {
		t, ok := q.early.First()
		if !ok || !q.eligible(q.threads[t].v) {
			break
		}
		q.early.Remove(t)
		q.putReady(t, &q.threads[t])
	}
	for {
		t, ok := q.ready.First()
		if !ok {
			break
		}
		th := &q.threads[t]
		if q.eligible(th.v) {
			return t
		}
		q.ready.Remove(t) // V has fallen since, or it was an exchange
		q.putEarly(t, th)
	}
	t, _ := q.early.First()
	return t
}

func (q *Queue) putReady(t int32, th *thread) {
	th.state = ready
	q.ready.Set(t, th.d)
}

func (q *Queue) putEarly(t int32, th *thread) {
	th.state = early
	q.early.Set(t, th.v)
}
