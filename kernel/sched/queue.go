// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"loam/kernel/pool"
	"loam/kernel/timeq"
)

// Queue is the run queue of one CPU. Times are nanoseconds of one clock. What
// two CPUs read of it may be a little out of order: a queue counts no time
// twice, and its time never goes back.
type Queue struct {
	s       *Scheduler
	threads []thread
	groups  []group
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

	several bool   // there are other queues
	bit     uint64 // 1<<cpu
	live    int32  // what Pick answered last: its registers may be in the CPU

	more    bool          // the last choice was broken off
	special bool          // a fixed thread is or was runnable, or a group has a quota
	fixed   int32         // runnable fixed threads, the running one included
	broken  int32         // the fair thread whose turn a fixed one broke into, or None
	levels  uint32        // which lists of level are not empty
	level   [32]pool.List // waiting fixed threads by priority, who goes next first

	offset   int64 // base is base+offset on the machine's time scale
	lead     int64 // scratch of balance: how far ahead of the balancing queue
	balanced int64 // when balance ran last
	stood    int64 // machineTime then
	cursor   int   // where look begins
}

// Current gives the running thread, None when the CPU is idle.
func (q *Queue) Current() int32 { return q.current }

// Len gives the number of runnable threads, the running one included.
func (q *Queue) Len() int {
	return q.fair() + int(q.fixed)
}

// Alone reports whether nobody waits here: Yield would change nothing.
func (q *Queue) Alone() bool { return q.waiting == 0 && q.levels == 0 }

// fair gives the number of runnable threads of the fair class.
func (q *Queue) fair() int {
	n := q.waiting
	if q.current != None && q.threads[q.current].prio == 0 {
		n++
	}
	return n
}

// Wake is Scheduler.Wake, called by this queue's CPU.
func (q *Queue) Wake(t int32, now int64) (cpu int, look bool) { return q.enqueue(t, now, false) }

// Enqueue makes t runnable on this queue, whatever t's affinity says. It reports
// as Wake does.
func (q *Queue) Enqueue(t int32, now int64) (preempt bool) {
	_, preempt = q.enqueue(t, now, true)
	return preempt
}

// enqueue makes t runnable, here or on the queue that suits it best.
func (q *Queue) enqueue(t int32, now int64, here bool) (cpu int, look bool) {
	th := &q.threads[t]
	if th.state != asleep {
		return int(th.queue), false
	}
	if q.several && !here {
		return q.s.wake(t, th, now, q)
	}
	if th.weight == 0 {
		if th.prio != 0 {
			return int(q.cpu), q.wakeFixed(t, th, now)
		}
		q.s.Reset(t)
	}
	q.charge(now)
	q.place(th)
	q.join(th)
	th.d = th.v + th.virtual(q.s.slice/wakeFraction)
	q.wait(t, th)
	if q.current == None {
		q.renew = true
	} else if ct := &q.threads[q.current]; th.d < ct.d {
		if ct.weight == 0 {
			return int(q.cpu), true // a timer may have to be set: see turn
		}
		if q.eligible(th.v) {
			q.renew = true
		}
	}
	return int(q.cpu), q.renew
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

// Dequeue is Scheduler.Dequeue for a thread on this queue, called by its CPU;
// other threads are left as they are.
func (q *Queue) Dequeue(t int32, now int64) {
	th := &q.threads[t]
	if th.state < spare || th.queue != q.cpu {
		q.dequeueFixed(t, th, now)
		return
	}
	q.charge(now)
	q.remove(t, th)
	q.leave(th)
}

// Retire is Scheduler.Retire for a thread on this queue, called by its CPU; other
// threads are left as they are.
func (q *Queue) Retire(t int32, now int64) {
	if th := &q.threads[t]; th.queue == q.cpu {
		q.retire(t, th, now)
		q.s.leaveGroup(th)
	}
}

func (q *Queue) retire(t int32, th *thread, now int64) {
	if th.state < spare {
		q.dequeueFixed(t, th, now)
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
	if q.special && q.yieldFixed(now) || q.current == None || q.waiting == 0 {
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
	if next := q.spare; next != None && !q.several && !q.special { // nothing to choose: done here
		th.state = spare
		q.spare = q.current
		q.threads[next].state = running
		q.current = next
		q.renew = false
		return
	}
	q.renew, q.passed = true, true
}

// SetNice is Scheduler.SetNice, called by this queue's CPU.
func (q *Queue) SetNice(t int32, nice int, now int64) { q.s.SetNice(t, nice, now, int(q.cpu)) }

// reweigh changes the weight of t, which is runnable here.
func (q *Queue) reweigh(t int32, th *thread, nice int, now int64) {
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
