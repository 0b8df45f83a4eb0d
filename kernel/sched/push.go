// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/bits"

	"loam/kernel/pool"
)

// Fixed threads on several CPUs: none of them waits while a CPU that it may run
// on runs something lower. Who wakes goes to such a CPU; who has to give way is
// pushed to one; a CPU whose thread was the reason pulls.

// wakeFixed makes t, which is fixed and sleeps, runnable on the CPU that suits it
// best.
func (s *Scheduler) wakeFixed(t int32, th *thread, now int64, local *Queue) (cpu int, look bool) {
	q := s.fixedTarget(t, th, local)
	if q.cpu != th.queue {
		s.moves.Woken++
	}
	q.charge(now)
	th.part = s.slice
	look = q.addFixed(t, th)
	if !look && s.below(q.threads[q.current].allowed&^q.bit, th.prio) != nil {
		q.renew, look = true, true // who runs can make room: see push
	}
	if look {
		s.kick(q, int(local.cpu))
	}
	return int(q.cpu), look || q == local
}

// fixedTarget chooses the queue for a fixed thread that becomes runnable.
func (s *Scheduler) fixedTarget(t int32, th *thread, local *Queue) *Queue {
	last := &s.queues[th.queue]
	if last.live == t {
		return last // its registers may still be there
	}
	if idle := s.idle & th.allowed; idle != 0 {
		return s.chooseIdle(idle, last, local)
	}
	best, least := local, int32(1<<30)
	if local.bit&th.allowed != 0 { // no interrupt has to bring it in
		least = local.rank()
	}
	if last.bit&th.allowed != 0 && last.rank() < least {
		best, least = last, last.rank()
	}
	if q := s.lowest(th.allowed, least); q != nil {
		return q
	}
	return best
}

// rank orders CPUs by whom a fixed thread would take one from: nobody, the fair
// class, the lower of two fixed threads; of equals, where fewer of them are.
func (q *Queue) rank() int32 {
	if q.s.idle&q.bit != 0 {
		return -1
	}
	return int32(q.top())<<16 + q.fixed
}

// lowest gives the CPU, of those in mask, of the least rank under the one given;
// nil if there is none.
func (s *Scheduler) lowest(mask uint64, rank int32) *Queue {
	var best *Queue
	for m := mask; m != 0; m &= m - 1 {
		q := &s.queues[bits.TrailingZeros64(m)&(MaxCPUs-1)]
		if r := q.rank(); r < rank {
			best, rank = q, r
		}
	}
	return best
}

// below gives the CPU, of those in mask, that a thread of priority p should take:
// nil if none runs something lower.
func (s *Scheduler) below(mask uint64, p int8) *Queue { return s.lowest(mask, int32(p)<<16) }

// pull takes a fixed thread that waits elsewhere, may run here and goes before
// everything here: the highest one.
func (q *Queue) pull(now int64) {
	var from *Queue
	best, found := q.top(), None
	for m := q.s.pending &^ q.bit; m != 0; m &= m - 1 {
		x := &q.s.queues[bits.TrailingZeros64(m)&(MaxCPUs-1)]
		if t := x.lookAbove(best, q.bit, now); t != None {
			from, best, found = x, q.threads[t].prio, t
		}
	}
	if found != None {
		q.s.moves.Stolen++
		q.take(found, from, now)
	}
}

// lookAbove gives the first waiting thread of a priority above p that may run on
// one of the CPUs in mask and can be moved: not the one that this CPU is about to
// run. Like look it looks at a few only, and parks.
func (q *Queue) lookAbove(p int8, mask uint64, now int64) int32 {
	next := q.current == None || q.highest() > q.threads[q.current].prio
	for t, n := q.firstFixed(), looks; t != pool.Nil && n > 0; n-- {
		th := &q.threads[t]
		if th.prio <= p {
			break
		}
		after := q.nextFixed(t)
		switch {
		case q.s.exhausted(th.group, now):
			q.park(t, th)
		case !next && th.allowed&mask != 0 && t != q.live:
			return t
		default:
			next = false
		}
		t = after
	}
	return None
}

// firstFixed gives the first waiting fixed thread, pool.Nil if there is none.
func (q *Queue) firstFixed() int32 { return q.level[q.highest()&MaxPriority].First() }

// nextFixed gives the waiting fixed thread after t, pool.Nil at the end.
func (q *Queue) nextFixed(t int32) int32 {
	p := q.threads[t].prio & MaxPriority
	if next := q.level[p].Next(q.s.links, t); next != pool.Nil {
		return next
	}
	below := bits.Len32(q.levels & (1<<p - 1))
	if below == 0 {
		return pool.Nil
	}
	return q.level[(below-1)&MaxPriority].First()
}

// push gives fixed threads that wait here to CPUs that run something lower. When
// the first that waits has no other CPU, and who was chosen has, that one goes.
func (q *Queue) push(now int64) {
	t := q.firstFixed()
	for range looks {
		next := q.nextFixed(t)
		th := &q.threads[t]
		if to := q.s.below(th.allowed&^q.bit, th.prio); to != nil {
			q.give(t, to, now)
		}
		if t = next; t == pool.Nil {
			break
		}
	}
	if q.levels == 0 || q.current == None {
		return
	}
	if to := q.s.below(q.threads[q.current].allowed&^q.bit, q.highest()); to != nil {
		q.give(q.current, to, now)
		q.fetch(now)
		q.choose()
	}
}

// give moves t, which is runnable here, to another CPU.
func (q *Queue) give(t int32, to *Queue, now int64) {
	q.s.moves.Given++
	if to.take(t, q, now) {
		q.s.kick(to, int(q.cpu))
	}
}

// relieve gives threads of the fair class to other CPUs, since fixed threads have
// had this one since the last balance.
func (q *Queue) relieve(now int64) {
	s := q.s
	for range min(q.waiting, looks) {
		t := q.look(s.all&^s.urgent, now)
		if t == None {
			break
		}
		mask := q.threads[t].allowed &^ s.urgent
		q.give(t, s.leastLoaded(mask, &s.queues[bits.TrailingZeros64(mask)&(MaxCPUs-1)]), now)
	}
	q.stood = q.machineTime()
}
