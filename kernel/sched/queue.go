// SPDX-License-Identifier: Apache-2.0

package sched

import "loam/kernel/timeq"

// Queue is the run queue of one CPU. Times are nanoseconds of one clock that
// never runs backwards.
type Queue struct {
	s       *Scheduler
	threads []thread
	ready   *timeq.Queue // waiting and found eligible, by deadline
	early   *timeq.Queue // waiting and not known to be eligible, by virtual time
	waiting int          // threads in the heaps, or one in spare
	spare   int32        // the waiting thread when there is no other, or None
	current int32        // the running thread, None when idle
	cpu     int32
	renew   bool // current has to compete again at the next Pick
	passed  bool // current has yielded: Pick takes another if there is one

	weight int64 // W: sum of weights of runnable threads
	sum    int64 // S: sum of weight*(v-base) over them, and owed
	owed   int64 // the debts of threads that ended, in time multiplied by weight
	base   int64
	since  int64 // when current was charged last
}

// Current gives the running thread, None when the CPU is idle.
func (q *Queue) Current() int32 { return q.current }

// Len gives the number of runnable threads, the running one included.
func (q *Queue) Len() int {
	n := q.waiting
	if q.current != None {
		n++
	}
	return n
}

// Enqueue makes t runnable. It reports whether t should run at once, in the
// place of the running thread: the caller then calls Pick. When it reports
// false the running thread goes on, but its slice may be shorter than it was
// told: the caller sets its timer by Slice. A runnable t is left as it is.
func (q *Queue) Enqueue(t int32, now int64) (preempt bool) {
	th := &q.threads[t]
	if th.state != asleep {
		return false
	}
	if th.weight == 0 {
		q.s.Reset(t)
	}
	q.charge(now)
	q.place(th)
	q.join(th)
	th.d = th.v + th.virtual(q.s.slice/wakeFraction)
	q.wait(t, th)
	if q.current == None || th.d < q.threads[q.current].d && q.eligible(th.v) {
		q.renew = true
	}
	return q.renew
}

// place gives a thread that wakes its virtual time on this queue.
func (q *Queue) place(th *thread) {
	v := q.virtualTime()
	if th.queue != q.cpu {
		// The thread comes from another CPU: its debt there is its debt here.
		if th.v != unplaced {
			th.v += v - q.s.queues[th.queue].virtualTime()
		}
		th.queue = q.cpu
	}
	th.v = min(max(th.v, v), v+maxDistance)
}

// Dequeue makes t not runnable: it waits for something. When t was running the
// CPU is idle until the next Pick. A t that isn't runnable on this CPU is left
// as it is.
func (q *Queue) Dequeue(t int32, now int64) {
	th := &q.threads[t]
	if th.state == asleep || th.queue != q.cpu {
		return
	}
	q.charge(now)
	q.remove(t, th)
	q.leave(th)
}

// Retire makes t not runnable for good: it has ended. A debt that it leaves
// behind stays owed to the others, since nobody comes back to pay it: V doesn't
// fall as it does after Dequeue. Without that, a program whose threads each
// live for an instant would get more than its share.
func (q *Queue) Retire(t int32, now int64) {
	th := &q.threads[t]
	if th.state == asleep || th.queue != q.cpu {
		return
	}
	q.charge(now)
	v := q.virtualTime()
	q.remove(t, th)
	q.leave(th)
	if debt := (v-q.base)*q.weight - q.sum; debt > 0 {
		q.owed += debt
		q.sum += debt
	}
}

// remove takes t from wherever it stands, still counted in W and S.
func (q *Queue) remove(t int32, th *thread) {
	switch th.state {
	case running:
		q.current, q.passed = None, false
		q.waiting++
	case spare:
		q.spare = None
	case ready:
		q.ready.Remove(t)
	case early:
		q.early.Remove(t)
	}
	q.waiting--
	th.state = asleep
}

// wait puts t, which is counted in W and S, among the waiting.
func (q *Queue) wait(t int32, th *thread) {
	q.waiting++
	if q.waiting == 1 {
		th.state = spare
		q.spare = t
		return
	}
	if q.spare != None {
		q.putEarly(q.spare, &q.threads[q.spare])
		q.spare = None
	}
	q.putEarly(t, th)
}

// Yield gives up what is left of the running thread's request. Pick, which the
// caller calls next, answers another thread if one is runnable.
func (q *Queue) Yield(now int64) {
	if q.current == None || q.waiting == 0 {
		return
	}
	q.charge(now)
	th := &q.threads[q.current]
	if th.d > th.v {
		q.sum += th.weight * (th.d - th.v)
		th.v = th.d
	}
	if th.v-q.base > maxDistance {
		q.settle(th)
	}
	th.d = th.v + th.virtual(q.s.slice)
	if next := q.spare; next != None { // nothing to choose: done here
		th.state = spare
		q.spare = q.current
		q.threads[next].state = running
		q.current = next
		q.renew = false
		return
	}
	q.renew, q.passed = true, true
}

// SetNice changes t's weight, clipping nice to its range. t's share changes
// from now on; what it is owed or owes, and the length of its request, stay the
// same in CPU time.
func (q *Queue) SetNice(t int32, nice int, now int64) {
	th := &q.threads[t]
	nice = min(max(nice, MinNice), MaxNice)
	if th.state == asleep || th.queue != q.cpu {
		if th.weight == 0 {
			q.s.Reset(t)
		}
		th.setNice(nice)
		return
	}
	q.charge(now)
	was := th.state
	if was != running {
		q.remove(t, th)
	}
	v, left, old := q.virtualTime(), th.d-th.v, th.weight
	q.leave(th)
	th.setNice(nice)
	th.v = v + min(max((th.v-v)*old/th.weight, -maxDistance), maxDistance)
	th.d = th.v + max(left*old/th.weight, 1)
	q.join(th)
	if was != running {
		q.wait(t, th)
	}
	q.renew = true
}

func (th *thread) setNice(nice int) {
	th.nice = int8(nice)
	th.weight = niceWeight[nice-MinNice]
	th.part = 0
}

// Pick decides who runs from now on and for how many nanoseconds at most: the
// caller calls Pick again when they are over, when Enqueue says so, and after
// Yield or Dequeue of the running thread. The slice is Forever when nobody else
// is runnable; t is None when nobody is.
func (q *Queue) Pick(now int64) (t int32, slice int64) {
	q.charge(now)
	if q.current == None || q.renew {
		q.choose()
		q.since = now
	}
	return q.current, q.Slice()
}

// Slice gives what Pick last answered, less what was used and given up since.
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

// choose makes the eligible thread with the earliest deadline the current one.
func (q *Queue) choose() {
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
