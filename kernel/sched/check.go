// SPDX-License-Identifier: Apache-2.0

package sched

import "loam/kernel/pool"

// Check looks at the invariants of all queues and says what isn't so, "" if all is, and of
// which thread, CPU or group.
func (s *Scheduler) Check() (broken string, at int32) {
	for i := range s.queues {
		if broken, at = s.queues[i].check(); broken != "" {
			return broken, at
		}
	}
	all := int32(0)
	for i := range s.groups {
		if all += s.groups[i].members; i == 0 || s.groups[i].unused() {
			continue
		}
		if broken = s.checkGroup(int32(i)); broken != "" {
			return broken, int32(i)
		}
	}
	for i := range s.threads {
		if s.threads[i].group != 0 {
			all--
		}
	}
	if all != s.groups[0].members {
		return "sched: threads are in groups that don't count them", all
	}
	return s.refills.Check()
}

// tally is what the threads on a queue amount to.
type tally struct {
	weight, sum                   int64
	waiting, ready, early, queued int
	fixed                         int32
}

// check looks at one queue.
func (q *Queue) check() (broken string, at int32) {
	if broken, at = q.ready.Check(); broken != "" {
		return broken, at
	}
	if broken, at = q.early.Check(); broken != "" {
		return broken, at
	}
	var n tally
	for i := range q.threads {
		if th := &q.threads[i]; th.queue == q.cpu && th.state > parked {
			if broken = q.count(int32(i), th, &n); broken != "" {
				return broken, int32(i)
			}
		}
	}
	s := q.s
	idle, live := s.idle&q.bit != 0, q.weight != 0 || q.fixed != 0
	switch {
	case q.current != None && !(q.threads[q.current].runs() && q.threads[q.current].queue == q.cpu),
		q.spare != None && (q.threads[q.spare].state != spare || q.threads[q.spare].queue != q.cpu):
		return "sched: the current thread of a CPU says something else", q.cpu
	case n.weight != q.weight || n.sum+q.owed != q.sum || q.owed < 0:
		return "sched: the sums of a CPU", q.cpu
	case n.waiting != q.waiting || n.ready != q.ready.Len() || n.early != q.early.Len() || q.spare != None && n.waiting != 1:
		return "sched: those who wait for a CPU", q.cpu
	case n.fixed != q.fixed || s.urgent&q.bit != 0 != (n.fixed != 0):
		return "sched: the fixed threads of a CPU", q.cpu
	case idle == live:
		return "sched: a CPU is idle or isn't", q.cpu
	}
	return q.checkLevels(n.queued), q.cpu
}

// count looks at t, which is runnable here, and counts it.
func (q *Queue) count(t int32, th *thread, n *tally) (broken string) {
	_, inReady := q.ready.Deadline(t)
	_, inEarly := q.early.Deadline(t)
	if inReady != (th.state == ready) || inEarly != (th.state == early) ||
		(q.spare == t) != (th.state == spare) || (q.current == t) != th.runs() ||
		(th.prio != 0) != (th.state < spare) {
		return "sched: a thread is somewhere else than it says"
	}
	switch th.state {
	case ready:
		n.ready++
	case early:
		n.early++
	case queued:
		n.queued++
	}
	if th.prio != 0 {
		n.fixed++
		return ""
	}
	if th.state != running {
		n.waiting++
	}
	n.weight += th.weight
	n.sum += th.weight * (th.v - q.base)
	return ""
}

// checkLevels looks at the lists of waiting fixed threads, of which there should be so many.
func (q *Queue) checkLevels(queuedHere int) (broken string) {
	for p := range q.level {
		list := &q.level[p]
		n, ok := list.Check(q.s.links)
		if !ok || list.Empty() == (q.levels>>p&1 != 0) {
			return "sched: a list of fixed threads of a CPU"
		}
		for t := list.First(); t != pool.Nil; t = list.Next(q.s.links, t) {
			if th := &q.threads[t]; th.state != queued || th.queue != q.cpu || int(th.prio) != p {
				return "sched: a fixed thread in the list of a CPU says something else"
			}
		}
		queuedHere -= n
	}
	if queuedHere != 0 || q.s.pending&q.bit != 0 != (q.levels != 0) {
		return "sched: fixed threads in no list of a CPU"
	}
	return ""
}

// unused reports whether nobody is in the group, as far as it knows.
func (g *group) unused() bool { return g.members == 0 && g.parked.Empty() }

// checkGroup looks at a group's members and those that wait for its next period.
func (s *Scheduler) checkGroup(i int32) (broken string) {
	g := &s.groups[i]
	n, ok := g.parked.Check(s.links)
	if !ok {
		return "sched: the list of a group"
	}
	members := int32(0)
	for t := range s.threads {
		if th := &s.threads[t]; th.group == i {
			if members++; th.state == parked {
				n--
			}
		}
	}
	_, due := s.refills.Deadline(i)
	switch {
	case members != g.members:
		return "sched: the members of a group"
	case n != 0:
		return "sched: those who wait for a group's next period"
	case due == g.parked.Empty():
		return "sched: the period of a group"
	}
	return ""
}
