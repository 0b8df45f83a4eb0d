// SPDX-License-Identifier: Apache-2.0

package sched

import "loam/kernel/pool"

// What kernelModel checks, and its groups.

// conserved: after Pick neither q's CPU nor another idles while a thread waits
// that q could have taken or given. The tables are small enough to be looked
// through completely.
func (m *kernelModel) conserved(q *Queue) {
	for i := range m.runnable {
		th := &m.s.threads[i]
		from := &m.s.queues[th.queue]
		if th.state <= parked || from.waiting > looks || m.mayNot(th) || q.more || from.more {
			continue
		}
		if from == q && q.waiting > 0 && th.allowed&m.s.idle != 0 {
			m.t.Fatalf("%d threads wait for CPU %d and thread %d could run on %x", q.waiting, q.cpu, i, m.s.idle)
		}
		if th.runs() || from.live == int32(i) || th.prio != 0 && from.firstFixed() == int32(i) {
			continue
		}
		if q.current == None && th.allowed&q.bit != 0 && from.Len() > 1 {
			m.t.Fatalf("CPU %d idles and could run thread %d", q.cpu, i)
		}
	}
}

// check checks what has to be true between any two calls.
func (m *kernelModel) check() {
	for i := range m.cpus {
		x := &m.cpus[i]
		x.check()
		lonely := x.timed() && !x.timer
		idles := x.q.current == None && x.q.Len() > 0 && !x.q.more
		if must := lonely || idles || x.executes != x.q.current; must && !x.told {
			m.t.Fatalf("CPU %d executes %d, has %d and %d waiting, timer %v, and needn't look", i, x.executes, x.q.current, x.q.waiting, x.timer)
		}
	}
	m.checkFixed()
	m.checkGroups()
	if broken, at := m.s.Check(); broken != "" {
		m.t.Fatalf("%s: %d", broken, at)
	}
	for i := range m.runnable {
		th := &m.s.threads[i]
		if m.s.Runnable(int32(i)) != m.runnable[i] || m.s.Affinity(int32(i)) != m.allowed[i] {
			m.t.Fatalf("thread %d: state %d, want runnable %v", i, th.state, m.runnable[i])
		}
		cpu, executes := m.s.Running(int32(i))
		if x := &m.cpus[cpu]; executes != (x.executes == int32(i)) || m.executed(int32(i)) > 1 {
			m.t.Fatalf("thread %d runs on CPU %d: %v, %d CPUs have it", i, cpu, executes, m.executed(int32(i)))
		}
		if m.runnable[i] && th.state != parked && m.allowed[i]>>th.queue&1 == 0 && !(executes && m.cpus[cpu].told) {
			m.t.Fatalf("thread %d is on CPU %d, allowed %x", i, th.queue, m.allowed[i])
		}
	}
}

// checkFixed: a fixed thread waits only while each CPU that it may run on has
// something that goes before it, or is about to look. The tables are small enough
// to be looked through completely.
func (m *kernelModel) checkFixed() {
	for i := range m.runnable {
		th := &m.s.threads[i]
		if th.state != queued || m.cpus[th.queue].told || m.cpus[th.queue].q.fixed > looks || m.mayNot(th) {
			continue
		}
		for c := range m.cpus {
			if x := &m.cpus[c]; th.allowed>>c&1 != 0 && !x.told && !x.q.more && x.q.top() < th.prio {
				m.t.Fatalf("thread %d of priority %d waits on CPU %d, while CPU %d runs %d of %d", i, th.prio, th.queue, c, x.q.current, x.q.top())
			}
		}
	}
}

func (m *kernelModel) executed(th int32) (n int) {
	for i := range m.cpus {
		if m.cpus[i].executes == th {
			n++
		}
	}
	return n
}

// changeGroup changes a thread's group or a group's quota.
func (m *kernelModel) changeGroup(th int32, here int) {
	g := m.r.Int32N(5) - 1
	switch {
	case !m.limits:
		return
	case m.r.IntN(3) != 0:
		if m.r.IntN(4) == 0 { // so that there are times with many of them
			g = None
		}
		m.s.SetGroup(th, g, m.clock(), here)
	case g == None:
		return
	default:
		quota, period := MinQuota+m.r.Int64N(20*ms), MinPeriod+m.r.Int64N(20*ms)
		if m.r.IntN(4) == 0 {
			quota = 0
		}
		if !m.s.SetQuota(g, quota, period, m.clock(), here) {
			m.t.Fatal("refused")
		}
	}
	m.cpus[here].told = true
}

// mayNot reports whether th has no quota left, as far as it is counted.
func (m *kernelModel) mayNot(th *thread) bool {
	g := &m.s.groups[th.group]
	return g.quota != 0 && g.left <= 0
}

// checkGroups: who waits for a group's next period is in its list, and the list is
// among the refills.
func (m *kernelModel) checkGroups() {
	limited := 0
	for i := range m.s.groups {
		g := &m.s.groups[i]
		members, waiting := int32(0), 0
		for t := range m.s.threads {
			if th := &m.s.threads[t]; th.group == int32(i) {
				members++
				if th.state == parked {
					waiting++
				}
			}
		}
		for t := g.parked.First(); t != pool.Nil; t = g.parked.Next(m.s.links, t) {
			waiting--
		}
		if i != 0 && g.members != members || waiting != 0 {
			m.t.Fatalf("group %d has %d members, counts %d; %d parked too many", i, members, g.members, waiting)
		}
		if _, ok := m.s.refills.Deadline(int32(i)); ok == g.parked.Empty() {
			m.t.Fatalf("group %d is among the refills: %v", i, ok)
		}
		if g.quota != 0 {
			limited++
		}
		if g.quota != 0 && (g.left > g.quota || g.until <= 0) {
			m.t.Fatalf("group %d has %d left of %d", i, g.left, g.quota)
		}
	}
	if limited != m.s.limited {
		m.t.Fatalf("%d groups have quotas, %d are counted", limited, m.s.limited)
	}
}

// refill serves what NextRefill wants, some time.
func (m *kernelModel) refill() {
	at, ok := m.s.NextRefill()
	if !ok || at > m.now || m.r.IntN(2) == 0 {
		return
	}
	here := m.r.IntN(len(m.cpus))
	m.s.Refill(m.clock(), here)
	m.cpus[here].told = true
	m.takeKicks()
	m.check()
}

func (m *kernelModel) takeKicks() {
	for j, k := 0, m.s.TakeKicks(); k != 0; j, k = j+1, k>>1 {
		m.cpus[j].told = m.cpus[j].told || k&1 != 0
	}
}
