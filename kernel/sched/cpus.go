// SPDX-License-Identifier: Apache-2.0

package sched

import "math/bits"

// The calls by thread. Each finds the queue that the thread is on; here is the
// CPU that makes the call. What another CPU has to do is kept for TakeKicks.

// TakeKicks gives the CPUs, as bits, that have to call Pick at once because of
// calls that other CPUs made since TakeKicks was called last. The caller sends
// each an interrupt, before or after it gives the kernel lock back.
func (s *Scheduler) TakeKicks() uint64 {
	k := s.kicks
	s.kicks = 0
	return k
}

// kick says that q's CPU has to look; CPU here knows by itself.
func (s *Scheduler) kick(q *Queue, here int) {
	if int(q.cpu) != here {
		s.kicks |= q.bit
	}
}

// CPU gives the CPU whose queue t is on, or ran on last.
func (s *Scheduler) CPU(t int32) int { return int(s.threads[t].queue) }

// Running reports whether a CPU may be executing t, and which: the one whose
// last Pick answered t. That stays so after a Dequeue by another CPU, until the
// CPU itself has called Pick; till then no other CPU gets t.
func (s *Scheduler) Running(t int32) (cpu int, ok bool) {
	cpu = int(s.threads[t].queue)
	return cpu, s.queues[cpu].live == t
}

// Wake makes t runnable on the CPU that suits it best (see the package comment)
// and gives that CPU. look reports whether the CPU has to call Pick at once. For
// CPU here that is as Enqueue reports it: when look is false its timer is to be
// set by Slice. Another CPU also has to look when its timer isn't set, because
// nobody waited there; it is in TakeKicks then. A runnable t is left as it is.
func (s *Scheduler) Wake(t int32, now int64, here int) (cpu int, look bool) {
	return s.queues[here].enqueue(t, now, false)
}

// wake makes t, which sleeps, runnable, by a call on the CPU of local.
func (s *Scheduler) wake(t int32, th *thread, now int64, local *Queue) (cpu int, look bool) {
	if th.weight == 0 {
		if th.prio != 0 {
			return s.wakeFixed(t, th, now, local)
		}
		s.Reset(t)
	}
	q := s.target(t, th, local)
	if q.weight == 0 { // its time stood still
		if local.weight != 0 {
			s.front = local.machineTime()
		}
		q.offset = s.front - q.base
	}
	if q.cpu != th.queue && th.v != unplaced {
		s.moves.Woken++
	}
	cpu, look = q.enqueue(t, now, true)
	if q != local {
		if look = q.renew || q.waiting == 1; look {
			s.kicks |= q.bit
		}
	}
	return cpu, look
}

// Dequeue makes t not runnable: it waits for something. When it was running the
// CPU has to call Pick: CPU here knows, another is in TakeKicks. A t that isn't
// runnable is left as it is.
func (s *Scheduler) Dequeue(t int32, now int64, here int) {
	s.disturb(t, here).Dequeue(t, now)
}

// Retire is Dequeue of a thread that has ended. A debt that it leaves behind
// stays owed to the others, since nobody comes back to pay it: V doesn't fall as
// it does after Dequeue. Without that, a program whose threads each live for an
// instant would get more than its share.
func (s *Scheduler) Retire(t int32, now int64, here int) {
	s.disturb(t, here).Retire(t, now)
}

// disturb gives t's queue, whose CPU has to look if it is running t.
func (s *Scheduler) disturb(t int32, here int) *Queue {
	th := &s.threads[t]
	q := &s.queues[th.queue]
	if th.runs() {
		s.kick(q, here)
	}
	return q
}

// SetNice changes t's weight, clipping nice to its range. t's share changes from
// now on; what it is owed or owes, and the length of its request, stay the same
// in CPU time. The CPU that t is runnable on has to call Pick.
func (s *Scheduler) SetNice(t int32, nice int, now int64, here int) {
	nice = min(max(nice, MinNice), MaxNice)
	th := &s.threads[t]
	switch {
	case th.prio != 0:
		th.nice = int8(nice)
		return
	case th.state <= parked:
		if th.weight == 0 {
			s.Reset(t)
		}
		th.setNice(nice)
		return
	}
	q := &s.queues[th.queue]
	q.reweigh(t, th, nice, now)
	s.kick(q, here)
}

// Affinity gives the CPUs, as bits, that t may run on. A new thread is given
// its creator's by SetAffinity(t, s.Affinity(creator), ...).
func (s *Scheduler) Affinity(t int32) uint64 {
	if s.threads[t].unused() {
		return s.all
	}
	return s.threads[t].allowed
}

// SetAffinity says on which CPUs, as bits, t may run. Bits of CPUs that there
// aren't are ignored; it reports false, and changes nothing, if no others are
// left. A thread that waits where it may not run moves at once; one that runs
// there when that CPU looks: CPU here calls Pick if it runs t, another is in
// TakeKicks.
func (s *Scheduler) SetAffinity(t int32, mask uint64, now int64, here int) bool {
	mask &= s.all
	if mask == 0 {
		return false
	}
	th := &s.threads[t]
	if th.unused() {
		s.Reset(t)
	}
	th.allowed = mask
	q := &s.queues[th.queue]
	forbidden := mask&q.bit == 0
	switch {
	case th.state <= parked:
	case q.live == t || th.runs():
		if forbidden || q.waiting != 0 && mask&s.idle != 0 || q.levels != 0 {
			q.renew = true
			s.kick(q, here)
		}
	case forbidden || mask&s.idle != 0 || th.prio != 0 && s.below(mask, th.prio) != nil:
		s.pass(t, q, now, here)
	}
	return true
}

// pass moves t, which waits on q and may not stay, to the CPU that suits it
// best.
func (s *Scheduler) pass(t int32, q *Queue, now int64, here int) {
	th, local := &s.threads[t], &s.queues[here]
	to := s.target(t, th, local)
	if th.prio != 0 {
		to = s.fixedTarget(t, th, local)
	}
	s.moves.Given++
	if to.take(t, q, now) {
		s.kick(to, here)
	}
}

// stayMargin: a thread that wakes leaves a busy CPU only for one with less than
// this many fifths of its load, or small differences would drive it around.
const stayMargin = 4

// target chooses the queue for a thread that becomes runnable.
func (s *Scheduler) target(t int32, th *thread, local *Queue) *Queue {
	last := &s.queues[th.queue]
	if last.live == t {
		return last // its registers may still be there
	}
	warm := th.v != unplaced && last.bit&th.allowed != 0
	if idle := s.idle & th.allowed; idle != 0 {
		if !warm {
			last = local
		}
		return s.chooseIdle(idle, last, local)
	}
	best := s.leastLoaded(th.allowed, local)
	if warm && stayMargin*last.load() <= (stayMargin+1)*best.load() {
		return last
	}
	return best
}

// chooseIdle chooses one of the idle CPUs.
func (s *Scheduler) chooseIdle(idle uint64, last, local *Queue) *Queue {
	switch {
	case last.bit&idle != 0:
		return last // its data may still be in the cache
	case local.bit&idle != 0:
		return local // awake already
	}
	// The lowest: so the same few CPUs are used and the others stay asleep.
	return &s.queues[bits.TrailingZeros64(idle)]
}

// load is what a thread of the fair class competes with here: a fixed thread
// counts as one of nice 0.
func (q *Queue) load() int64 { return q.weight + int64(q.fixed)*unitWeight }

// leastLoaded gives the allowed queue of the least load; of equals first, then
// the lowest-numbered.
func (s *Scheduler) leastLoaded(allowed uint64, first *Queue) *Queue {
	best := first
	if first.bit&allowed == 0 {
		best = &s.queues[bits.TrailingZeros64(allowed)]
	}
	for m := allowed; m != 0; m &= m - 1 {
		if q := &s.queues[bits.TrailingZeros64(m)&(MaxCPUs-1)]; q.load() < best.load() {
			best = q
		}
	}
	return best
}

// Moves counts threads that changed their CPU.
type Moves struct {
	Woken    uint64 // woke on another CPU than the one they ran on last
	Stolen   uint64 // were taken by a CPU that had nothing to run
	Given    uint64 // were given to an idle CPU, or had to leave one by SetAffinity
	Balanced uint64 // were handed on so that shares become equal
}

// Moves gives the counts since New.
func (s *Scheduler) Moves() Moves { return s.moves }
