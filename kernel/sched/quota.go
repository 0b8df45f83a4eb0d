// SPDX-License-Identifier: Apache-2.0

package sched

import "loam/kernel/pool"

// Groups of threads, their CPU time and their quotas. A queue of a machine on
// which some group has a quota is special: choose asks for each thread whether it
// may run.

// Bounds of quotas, in nanoseconds.
const (
	MinPeriod = 1_000_000
	MaxPeriod = 10_000_000_000
	MinQuota  = 100_000

	// maxDebt is the most that a group owes of later periods: only a machine that
	// was stopped makes more.
	maxDebt = 1_000_000_000
	// pieces bounds the threads that one Pick parks, or one Refill lets go on.
	pieces = 16
)

// group is what the policy knows of a group. Number 0 of the table is of the
// threads in no group.
type group struct {
	used    int64 // CPU time of its threads, ended ones too
	quota   int64 // CPU time of each period, 0: as much as there is
	period  int64
	left    int64 // of the quota; under 0 it is owed to the next period
	until   int64 // the period's end
	parked  pool.List
	members int32
}

// SetGroup puts t into a group, or into none (g None). What t has used counts for
// the group that it was used in. A new or reset thread is in none, and one that
// is retired leaves its group.
func (s *Scheduler) SetGroup(t, g int32, now int64, here int) {
	th := &s.threads[t]
	if th.unused() {
		s.Reset(t)
	}
	waits := th.state == parked
	if waits {
		s.unpark(t, th)
	}
	q := &s.queues[th.queue]
	if th.state > parked {
		q.charge(now)
		q.renew = true
		s.kick(q, here)
	}
	s.leaveGroup(th)
	th.group = g + 1
	s.groups[g+1].members++
	if s.groups[g+1].quota != 0 {
		s.kickGroup(g+1, here) // the slices that they have are for fewer
	}
	if waits {
		s.queues[here].enqueue(t, now, false)
	}
}

// leaveGroup takes th, which isn't parked, out of its group.
func (s *Scheduler) leaveGroup(th *thread) {
	if th.group != 0 {
		s.groups[th.group].members--
		th.group = 0
	}
}

// ResetGroup makes g, a group that no thread is in, a new one: without a quota,
// its time 0.
func (s *Scheduler) ResetGroup(g int32) {
	if s.groups[g+1].quota != 0 {
		s.limited--
	}
	s.refills.Remove(g + 1)
	s.groups[g+1] = group{members: s.groups[g+1].members}
}

// SetQuota bounds the CPU time that the threads of g together may have, on all
// CPUs, in each period from now on, both in nanoseconds; a quota of 0 bounds
// nothing. It reports false, and changes nothing, when the period is not from
// MinPeriod to MaxPeriod or the quota is under MinQuota. CPU here calls Pick;
// others that have to are in TakeKicks.
func (s *Scheduler) SetQuota(g int32, quota, period, now int64, here int) bool {
	if quota != 0 && (quota < MinQuota || period < MinPeriod || period > MaxPeriod) {
		return false
	}
	x := &s.groups[g+1]
	s.chargeGroup(g+1, now)
	if x.quota != 0 {
		s.limited--
	}
	// More than all CPUs have is as much as there is, and n quotas don't overflow.
	quota = min(quota, period*int64(len(s.queues)))
	x.quota, x.period, x.left, x.until = quota, period, quota, now+period
	if quota != 0 {
		s.limited++
		for i := range s.queues {
			s.queues[i].special = true
		}
	}
	if !x.parked.Empty() {
		s.refills.Set(g+1, now)
	}
	for i := range s.queues { // who waits may run now, or may not
		s.queues[i].renew = true
		s.kick(&s.queues[i], here)
	}
	return true
}

// Quota gives the quota of g and its period; 0, 0 without one.
func (s *Scheduler) Quota(g int32) (quota, period int64) {
	x := &s.groups[g+1]
	if x.quota == 0 {
		return 0, 0
	}
	return x.quota, x.period
}

// NextRefill gives the time when Refill has to be called; false when no thread
// waits for that.
func (s *Scheduler) NextRefill() (at int64, ok bool) { return s.refills.Next() }

// Refill lets threads go on whose group has used up its quota in a period that is
// over now, a few at a time: while NextRefill answers a time that has come, there
// are more. CPU here calls Pick; others that have to are in TakeKicks.
func (s *Scheduler) Refill(now int64, here int) {
	for range pieces {
		g, ok := s.refills.First()
		if !ok {
			return
		}
		if at, _ := s.refills.Next(); at > now {
			return
		}
		x := &s.groups[g]
		if s.exhausted(g, now) {
			s.refills.Set(g, x.until)
			continue
		}
		t := x.parked.First()
		s.unpark(t, &s.threads[t])
		s.queues[here].enqueue(t, now, false)
	}
}

// Used gives the CPU time that was charged to t until now, in nanoseconds: since
// Reset.
func (s *Scheduler) Used(t int32, now int64) int64 {
	th := &s.threads[t]
	if th.runs() {
		return th.used + max(now-s.queues[th.queue].since, 0)
	}
	return th.used
}

// GroupUsed gives the CPU time that the threads of g were charged until now, those
// that have ended or left it too.
func (s *Scheduler) GroupUsed(g int32, now int64) int64 {
	used := s.groups[g+1].used
	for i := range s.queues {
		if q := &s.queues[i]; q.runs(g + 1) {
			used += max(now-q.since, 0)
		}
	}
	return used
}

// runs reports whether the running thread here is in group g of the table.
func (q *Queue) runs(g int32) bool {
	return q.current != None && q.threads[q.current].group == g
}

// chargeGroup charges the running threads of a group.
func (s *Scheduler) chargeGroup(g int32, now int64) {
	for i := range s.queues {
		if q := &s.queues[i]; q.runs(g) {
			q.charge(now)
		}
	}
}

// kickGroup has the CPUs look that run threads of a group.
func (s *Scheduler) kickGroup(g int32, here int) {
	for i := range s.queues {
		if q := &s.queues[i]; q.runs(g) {
			q.renew = true
			s.kick(q, here)
		}
	}
}

// consume counts the last ran nanoseconds until now as used of a group's quota.
//
//go:noinline
func (q *Queue) consume(g int32, ran, now int64) {
	x := &q.groups[g]
	after := min(max(now-x.until, 0), ran)
	x.left -= ran - after
	if now >= x.until {
		q.s.nextPeriod(g, now)
		x.left -= after
	}
	if x.left <= 0 {
		q.renew = true
	}
}

// nextPeriod begins a group's next period: the one of now, which isn't before the
// end of the last. What other CPUs have run until that end is the old one's.
func (s *Scheduler) nextPeriod(g int32, now int64) {
	x := &s.groups[g]
	end := x.until
	x.until = Forever
	s.chargeGroup(g, end)
	n := (now-end)/x.period + 1
	x.until = end + n*x.period
	x.left = max(min(x.left, 0)+n*x.quota, -maxDebt)
	x.left = min(x.left, x.quota)
}

// exhausted reports whether the threads of a group may not run now.
func (s *Scheduler) exhausted(g int32, now int64) bool {
	x := &s.groups[g]
	if x.quota == 0 {
		return false
	}
	s.chargeGroup(g, now)
	if now >= x.until {
		s.nextPeriod(g, now)
	}
	return x.left <= 0
}

// share bounds a slice by the running thread's quota: if all CPUs that can run
// threads of the group used what is left at once, each would have this much. So
// whoever asks last finds it used up exactly, but for minSlice and what the timers
// are late.
func (q *Queue) share(slice int64) int64 {
	if q.current == None {
		return slice
	}
	g := q.threads[q.current].group
	x := &q.groups[g]
	if x.quota == 0 {
		return slice
	}
	q.s.chargeGroup(g, q.since)
	n := int64(min(int(x.members), len(q.s.queues)))
	return max(min(slice, x.left/n, x.until-q.since), minSlice)
}

// park has t, which is runnable here, wait for its group's next period.
func (q *Queue) park(t int32, th *thread) {
	if th.state < spare {
		q.removeFixed(t, th, q.since)
	} else {
		q.remove(t, th)
		q.leave(th)
	}
	th.state = parked
	x := &q.groups[th.group]
	if x.parked.Empty() {
		q.s.refills.Set(th.group, x.until)
	}
	x.parked.PushBack(q.s.links, t)
	q.s.late.PushBack(q.s.lateLinks, t)
}

// Parked reports whether TakeParked has somebody to give.
func (s *Scheduler) Parked() bool { return !s.late.Empty() }

// TakeParked gives a thread that was parked since its group has used up its quota, and
// still is: each once, after the call that parked it; None when there is no other.
func (s *Scheduler) TakeParked() int32 { return s.late.PopFront(s.lateLinks) }

// unpark takes t out of its group's list.
func (s *Scheduler) unpark(t int32, th *thread) {
	x := &s.groups[th.group]
	x.parked.Remove(s.links, t)
	if x.parked.Empty() {
		s.refills.Remove(th.group)
	}
	if s.lateLinks[t].Linked() {
		s.late.Remove(s.lateLinks, t)
	}
	th.state = asleep
}

// chooseSpecial is choose where fixed priorities and quotas count. After a number
// of threads that may not run it leaves the rest for the next Pick.
func (q *Queue) chooseSpecial() {
	q.more = false
	for range pieces {
		if !q.chooseFixed() {
			q.chooseFair()
		}
		if q.current == None {
			return
		}
		th := &q.threads[q.current]
		if !q.s.exhausted(th.group, q.since) {
			return
		}
		q.park(q.current, th)
		if q.several {
			q.fetch(q.since)
		}
	}
	q.more = true
}
