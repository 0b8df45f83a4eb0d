// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"testing"
)

// quotaSim is a computer whose threads are in groups with quotas. It accounts by
// itself, period by period, and serves NextRefill.
type quotaSim struct {
	*computer
	group  []int32 // of each thread
	begin  []int64 // of the first period of each group
	spent  []int64 // in this period
	total  []int64
	worst  []int64 // beyond the quota in one period
	period []int64 // number of this period
}

func newQuotaSim(t *testing.T, cpus, threads int, seed uint64) *quotaSim {
	c := newComputer(t, cpus, threads, seed)
	for i := range c.cpus { // periods are those of the machine's clock
		c.cpus[i].skew = 0
	}
	m := &quotaSim{
		computer: c, group: make([]int32, threads), begin: make([]int64, 4), spent: make([]int64, 4),
		total: make([]int64, 4), worst: make([]int64, 4), period: make([]int64, 4),
	}
	for i := range m.group {
		m.group[i] = None
	}
	c.late = func() int64 { return c.r.Int64N(5000) }
	c.passes = m.account
	c.refill = true
	return m
}

// account spends the time from c.now to to.
func (m *quotaSim) account(to int64) {
	for i := range m.cpus {
		if t := m.cpus[i].current; t != None && m.group[t] != None {
			g := m.group[t]
			quota, period := m.s.Quota(g)
			if quota == 0 {
				continue
			}
			for from := m.now; from < to; { // cut at the ends of periods
				n := (from - m.begin[g]) / period
				if n != m.period[g] {
					m.period[g], m.spent[g] = n, 0
				}
				end := min(m.begin[g]+(n+1)*period, to)
				m.spent[g] += end - from
				m.worst[g] = max(m.worst[g], m.spent[g]-quota)
				from = end
			}
			m.total[g] += to - m.now
		}
	}
}

func (m *quotaSim) join(t, g int32) {
	m.s.SetGroup(t, g, m.clock(0), 0)
	m.group[t] = g
	m.cpus[0].timer = m.now
	m.kick()
}

func (m *quotaSim) limit(g int32, quota, period int64) {
	if !m.s.SetQuota(g, quota, period, m.clock(0), 0) {
		m.t.Fatal("refused")
	}
	m.begin[g], m.spent[g], m.period[g] = m.now, 0, 0
	m.cpus[0].timer = m.now
	m.kick()
}

// overrun is the bound that is documented, and the timers' lateness here.
func (m *quotaSim) overrun(threads int) int64 {
	return int64(min(threads, len(m.cpus))) * (minSlice + 5000 + m.lag)
}

// TestQuota: on random machines a group never gets more than its quota and the
// bound in a period, never more than its quota in the mean, and all of it if it
// can use it. Nobody else pays, and no CPU idles beside a thread that may run.
func TestQuota(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 14))
		cpus := 1 + r.IntN(8)
		n := 2 + r.IntN(3*cpus)
		m := newQuotaSim(t, cpus, n, seed)
		members := make([]int, 4)
		for i := range n {
			if g := r.Int32N(5) - 1; g != None {
				m.join(int32(i), g)
				members[g]++
			}
			if r.IntN(4) == 0 {
				m.s.SetPriority(int32(i), 1+r.IntN(4), 0, 0)
			}
			if r.IntN(3) == 0 {
				m.work[i] = work{burst: 1 + r.Int64N(8*ms), pause: 1 + r.Int64N(20*ms)}
			}
		}
		quotas := make([]int64, 3)
		for g := range int32(3) { // the fourth has none
			period := (1 + r.Int64N(50)) * ms
			quotas[g] = max(MinQuota, r.Int64N(period*int64(cpus)))
			m.limit(g, quotas[g], period)
		}
		m.startAll(r.IntN(cpus))
		start := m.now
		m.run(start + 1000*ms)
		for g := range int32(3) {
			if over := m.worst[g]; over > m.overrun(members[g]) {
				t.Errorf("seed %d: %d threads on %d CPUs had %d us beyond their quota", seed, members[g], cpus, over/1000)
			}
			_, period := m.s.Quota(g)
			if most := (1000*ms/period+1)*quotas[g] + m.overrun(members[g]); m.total[g] > most {
				t.Errorf("seed %d: a group had %d us, its quota in all %d", seed, m.total[g]/1000, most/1000)
			}
			if got := m.s.GroupUsed(g, m.now); got < m.total[g]-1000 || got > m.total[g]+1000 {
				t.Errorf("seed %d: a group used %d ns, counted %d", seed, m.total[g], got)
			}
		}
		for i := range n {
			if got := m.s.Used(int32(i), m.now); got < m.work[i].ran-1000 || got > m.work[i].ran+1000 {
				t.Errorf("seed %d: thread %d used %d ns, counted %d", seed, i, m.work[i].ran, got)
			}
		}
		if m.conflict > DefaultSlice+2*m.lag+5000 {
			t.Errorf("seed %d: a CPU idled for %d us while a thread waited for it", seed, m.conflict/1000)
		}
	}
}

// TestQuotaIsGot: alone, a group gets all of its quota, on as many CPUs as it has
// threads for.
func TestQuotaIsGot(t *testing.T) {
	for _, x := range []struct {
		cpus, n       int
		quota, period int64
	}{{1, 1, 3 * ms, 10 * ms}, {1, 5, ms, 2 * ms}, {2, 2, 15 * ms, 10 * ms}, {4, 9, 2 * ms, 5 * ms}, {8, 8, 100_000, ms}, {4, 2, 50 * ms, 20 * ms}} {
		m := newQuotaSim(t, x.cpus, x.n, 1)
		for i := range x.n {
			m.join(int32(i), 0)
		}
		m.limit(0, x.quota, x.period)
		m.startAll(0)
		m.run(m.now + 1000*ms)
		want := min(1000*ms/x.period*x.quota, 1000*ms*int64(min(x.n, x.cpus)))
		if got := m.total[0]; got < want-want/20 || got > want+m.overrun(x.n) {
			t.Errorf("%+v: got %d us of %d", x, got/1000, want/1000)
		}
		if m.worst[0] > m.overrun(x.n) {
			t.Errorf("%+v: %d us beyond the quota", x, m.worst[0]/1000)
		}
	}
}

// TestQuotaBoundsFixed: a driver that never waits leaves the CPU to others when
// its quota is used up.
func TestQuotaBoundsFixed(t *testing.T) {
	m := newQuotaSim(t, 1, 3, 1)
	m.s.SetPriority(0, 31, 0, 0)
	m.join(0, 0)
	m.limit(0, 2*ms, 10*ms)
	m.startAll(0)
	m.run(m.now + 1000*ms)
	if got := m.work[0].ran; got < 195*ms || got > 201*ms {
		t.Errorf("it had %d us", got/1000)
	}
	if a, b := m.work[1].ran, m.work[2].ran; a+b < 790*ms || a-b > 2*DefaultSlice || b-a > 2*DefaultSlice {
		t.Errorf("the others had %d and %d us", a/1000, b/1000)
	}
}

// TestManyParked: thousands of threads of one group wait for its next period, and
// no call parks or lets go on more than a few of them.
func TestManyParked(t *testing.T) {
	const n = 3000
	s := New(nil, 1, n+1, 1)
	q := s.Queue(0)
	for i := range int32(n) {
		s.SetGroup(i, 0, 0, 0)
		q.Enqueue(i, 0)
	}
	s.SetQuota(0, MinQuota, MinPeriod, 0, 0)
	q.Pick(0)
	now, calls := int64(MinQuota), 0
	for { // until all are parked
		before := q.Len()
		th, slice := q.Pick(now)
		if before-q.Len() > pieces {
			t.Fatalf("a Pick parked %d threads", before-q.Len())
		}
		if q.Len() == 0 {
			if th != None || slice != Forever {
				t.Fatalf("picked %d for %d", th, slice)
			}
			break
		}
		if th != None || slice == Forever {
			t.Fatalf("picked %d for %d with %d to go", th, slice, q.Len())
		}
		calls++
	}
	if calls < n/pieces-1 {
		t.Errorf("%d calls", calls)
	}
	if at, ok := s.NextRefill(); !ok || at != MinPeriod {
		t.Fatalf("refill at %d, %v", at, ok)
	}
	q.Enqueue(n, now) // one of nobody's group
	if th, _ := q.Pick(now); th != n {
		t.Fatalf("picked %d", th)
	}
	q.Dequeue(n, now)
	s.Refill(MinPeriod-1, 0)
	if q.Len() != 0 {
		t.Fatal("refilled early")
	}
	for done := 0; done < n; done = q.Len() {
		if at, ok := s.NextRefill(); !ok || at > MinPeriod {
			t.Fatalf("refill at %d, %v, with %d to go", at, ok, n-done)
		}
		s.Refill(MinPeriod, 0)
		if d := q.Len() - done; d < 1 || d > pieces {
			t.Fatalf("a Refill let %d go on", d)
		}
	}
	if _, ok := s.NextRefill(); ok {
		t.Error("nobody waits")
	}
}

// TestParkedThreads: what can happen to a thread that waits for its group.
func TestParkedThreads(t *testing.T) {
	s := New(nil, 2, 4, 2)
	now := int64(0)
	parkAll := func() {
		t.Helper()
		for i := range int32(2) {
			s.SetGroup(i, 0, now, 0)
			s.SetAffinity(i, 1, now, 0)
			s.Queue(0).Enqueue(i, now)
		}
		s.SetQuota(0, MinQuota, MinPeriod, now, 0)
		s.Queue(0).Pick(now)
		now += MinQuota
		s.Queue(0).Pick(now)
		if s.threads[0].state != parked || s.threads[1].state != parked || !s.Runnable(0) || s.idle != s.all {
			t.Fatalf("states %d, %d", s.threads[0].state, s.threads[1].state)
		}
		if cpu, look := s.Wake(0, now, 1); cpu != 0 || look {
			t.Fatal("a thread that waits for its group is runnable")
		}
	}
	parkAll()
	s.Dequeue(0, now, 1)
	s.Retire(1, now, 1)
	if _, ok := s.NextRefill(); ok || s.Runnable(0) || s.Runnable(1) || s.groups[1].members != 1 {
		t.Error("both are gone")
	}
	s.Reset(1)
	parkAll()
	s.SetNice(0, 5, now, 0)
	s.SetPriority(1, 3, now, 0)
	s.SetAffinity(0, 2, now, 0)
	s.SetQuota(0, 0, 0, now, 0)
	if at, ok := s.NextRefill(); !ok || at > now {
		t.Fatal("without a quota they go on")
	}
	s.Refill(now, 0)
	if s.Nice(0) != 5 || s.CPU(0) != 1 || s.Priority(1) != 3 || !s.threads[1].runs() && s.threads[1].state != queued {
		t.Error("changed while parked")
	}
	s.Dequeue(0, now, 0)
	s.Dequeue(1, now, 0)
	s.SetPriority(1, 0, now, 0)
	s.SetAffinity(0, 3, now, 0)
	parkAll()
	s.SetGroup(0, 1, now, 0)
	if s.threads[0].state == parked || s.groups[1].members != 1 || s.groups[2].members != 1 {
		t.Error("another group")
	}
	s.Dequeue(0, now, 0)
	s.Retire(0, now, 0)
	s.Retire(1, now, 0)
	s.ResetGroup(0)
	if q, p := s.Quota(0); q != 0 || p != 0 || s.limited != 0 || s.GroupUsed(0, now) != 0 {
		t.Error("ResetGroup")
	}
	for _, x := range [][2]int64{{MinQuota - 1, MinPeriod}, {MinQuota, MinPeriod - 1}, {MinQuota, MaxPeriod + 1}, {-1, MinPeriod}} {
		if s.SetQuota(1, x[0], x[1], now, 0) {
			t.Errorf("%v was taken", x)
		}
	}
}

// TestPeriodsEnd: a slice ends with the period, and what is charged later counts
// for the period in which it was used; so does what another CPU has run.
func TestPeriodsEnd(t *testing.T) {
	s := New(nil, 2, 2, 1)
	for i := range int32(2) {
		s.SetGroup(i, 0, 0, 0)
		s.SetAffinity(i, 1<<i, 0, 0)
	}
	s.SetQuota(0, 6*ms, 10*ms, 0, 0)
	s.Queue(0).Enqueue(0, 8*ms)
	s.Queue(1).Enqueue(1, 8*ms)
	if _, slice := s.Queue(0).Pick(8 * ms); slice != 2*ms {
		t.Errorf("a slice of %d us, 2 ms before the period ends", slice/1000)
	}
	s.Queue(1).Pick(8 * ms)
	s.Queue(0).Pick(11 * ms)
	if left := s.groups[1].left; left != 4*ms { // both CPUs were charged
		t.Errorf("%d us are left", left/1000)
	}
	s.Queue(1).Pick(35 * ms) // the machine was stopped, and both have run
	s.Queue(0).Pick(35 * ms)
	if left := s.groups[1].left; left != -32*ms || s.groups[1].until != 40*ms {
		t.Errorf("%d us are left until %d ms", left/1000, s.groups[1].until/ms)
	}
}

// TestTakeParked: who is parked is told once, and not when it goes on before.
func TestTakeParked(t *testing.T) {
	for _, prio := range []int{0, 3} {
		s := New(nil, 1, 3, 1)
		q := s.Queue(0)
		for i := range int32(3) {
			s.SetGroup(i, 0, 0, 0)
			s.SetPriority(i, prio, 0, 0)
			q.Wake(i, 0)
		}
		s.SetQuota(0, MinQuota, MinPeriod, 0, 0)
		if q.Pick(0); s.Parked() || s.TakeParked() != None {
			t.Fatal("somebody is parked at the start")
		}
		if i, _ := q.Pick(MinQuota); i != None || !s.Parked() {
			t.Fatalf("%d runs without time", i)
		}
		s.Dequeue(1, MinQuota, 0)
		got := [2]int32{s.TakeParked(), s.TakeParked()}
		if got != [2]int32{0, 2} && got != [2]int32{2, 0} {
			t.Errorf("%v are told, 0 and 2 wait", got)
		}
		if s.Parked() || s.TakeParked() != None {
			t.Error("somebody is told twice")
		}
		s.Refill(MinPeriod, 0)
		q.Pick(MinPeriod)
		if i, _ := q.Pick(MinPeriod + MinQuota); i != None || !s.Parked() {
			t.Errorf("%d runs without time", i)
		}
		s.Refill(2*MinPeriod, 0)
		s.Refill(2*MinPeriod, 0)
		if s.Parked() {
			t.Error("who goes on is told")
		}
	}
}
