// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"testing"
)

// machine simulates one CPU and its threads. Each thread runs for burst, then
// sleeps for pause; burst 0 means that it never sleeps.
type machine struct {
	s      *Scheduler
	q      *Queue
	now    int64
	work   []work
	jitter func() int64 // how late the timer interrupt comes

	fair    int32 // of the fair class, who ran last
	changes int   // how often another one of it ran
}

type work struct {
	burst, pause int64
	left         int64 // of the burst
	wakes        int64 // when the pause ends, 0 while runnable
	since        int64 // when it became runnable
	waiting      bool  // became runnable and hasn't run since
	ran          int64
	latency      int64 // the longest from wake to running
	idle         int64 // the longest between two times on the CPU while runnable
	last         int64
	onSleep      func(m *machine, t int32)
}

func newMachine(n int) *machine {
	s := New(nil, 1, n, 4)
	return &machine{s: s, q: s.Queue(0), work: make([]work, n), jitter: func() int64 { return 0 }}
}

// start makes t runnable now.
func (m *machine) start(t int32) bool {
	w := &m.work[t]
	w.left, w.wakes, w.since, w.last, w.waiting = w.burst, 0, m.now, m.now, true
	return m.q.Enqueue(t, m.now)
}

// run simulates until the time end.
func (m *machine) run(end int64) {
	for m.now < end {
		t, slice := m.q.Pick(m.now)
		next := m.nextWake(end)
		if t == None {
			m.now = next
			m.wakeDue()
			continue
		}
		w := &m.work[t]
		if m.s.Priority(t) == 0 && t != m.fair {
			m.fair = t
			m.changes++
		}
		if w.waiting {
			w.latency = max(w.latency, m.now-w.since)
			w.waiting = false
		}
		w.idle = max(w.idle, m.now-w.last)
		stop := end
		if slice != Forever {
			stop = min(stop, m.now+slice+m.jitter())
		}
		if w.burst > 0 {
			stop = min(stop, m.now+w.left)
		}
		stop = min(stop, next)
		w.ran += stop - m.now
		w.left -= stop - m.now
		m.now = stop
		w.last = m.now
		if w.burst > 0 && w.left <= 0 {
			m.sleep(t)
		}
		m.wakeDue()
	}
}

func (m *machine) sleep(t int32) {
	w := &m.work[t]
	if w.onSleep != nil {
		w.onSleep(m, t)
		return
	}
	m.q.Dequeue(t, m.now)
	w.wakes = m.now + w.pause
}

func (m *machine) nextWake(end int64) int64 {
	for i := range m.work {
		if w := m.work[i].wakes; w != 0 {
			end = min(end, w)
		}
	}
	return end
}

func (m *machine) wakeDue() {
	for i := range m.work {
		if w := m.work[i].wakes; w != 0 && w <= m.now {
			m.start(int32(i))
		}
	}
}

const ms = 1_000_000

// TestFairness: threads that never sleep are never further from their share
// than a slice, whatever their weights.
func TestFairness(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 6))
		n := 2 + r.IntN(10)
		m := newMachine(n)
		late := int64(0)
		if seed%2 == 1 { // the timer comes up to 0.2 ms late
			late = ms / 5
			m.jitter = func() int64 { return r.Int64N(late) }
		}
		total := int64(0)
		for i := range n {
			m.q.SetNice(int32(i), r.IntN(21)-10, 0)
			total += m.s.threads[i].weight
			m.start(int32(i))
		}
		for m.now < 3000*ms {
			m.run(m.now + 7*ms)
			for i := range m.work {
				ideal := float64(m.now) * float64(m.s.threads[i].weight) / float64(total)
				if lag := ideal - float64(m.work[i].ran); lag > float64(DefaultSlice+late) || lag < -float64(DefaultSlice+late) {
					t.Fatalf("seed %d: thread %d of nice %d is %.0f ns from its share at %d ms",
						seed, i, m.s.Nice(int32(i)), lag, m.now/ms)
				}
			}
		}
	}
}

// TestSleeperLatency: a thread that computes little runs soon after it wakes,
// however many others compute.
func TestSleeperLatency(t *testing.T) {
	for _, hogs := range []int{1, 2, 5, 20} {
		m := newMachine(hogs + 1)
		m.work[0] = work{burst: ms / 10, pause: 10 * ms * int64(hogs)}
		for i := range m.work {
			m.start(int32(i))
		}
		m.run(20_000 * ms)
		bound := int64(hogs+1)*DefaultSlice/wakeFraction + DefaultSlice
		if m.work[0].latency > bound {
			t.Errorf("%d hogs: woke and waited %d us, bound %d us", hogs, m.work[0].latency/1000, bound/1000)
		}
		t.Logf("%d hogs: longest wait after waking %d us", hogs, m.work[0].latency/1000)
	}
}

// TestSleepersDontRob: a thread that sleeps half the time gets no more than its
// share, and one that computes no less.
func TestSleepersDontRob(t *testing.T) {
	for _, sleepers := range []int{1, 3, 9} {
		m := newMachine(sleepers + 1)
		m.start(0)
		for i := 1; i <= sleepers; i++ {
			m.work[i] = work{burst: ms, pause: ms / 10}
			m.start(int32(i))
		}
		m.run(10_000 * ms)
		share := m.now / int64(sleepers+1)
		if got := m.work[0].ran; got < share-DefaultSlice {
			t.Errorf("%d sleepers: the computing thread got %d of %d ms", sleepers, got/ms, share/ms)
		}
	}
}

// TestNobodyStarves: while threads come, run for an instant and end, one after
// the other, a computing thread still gets its half.
func TestNobodyStarves(t *testing.T) {
	m := newMachine(2)
	m.start(0)
	m.work[1] = work{burst: ms / 4, onSleep: func(m *machine, t int32) {
		m.q.Retire(t, m.now)
		m.s.Reset(t)
		m.work[t].wakes = m.now // the next one is made at once
	}}
	m.start(1)
	m.run(10_000 * ms)
	if got, want := m.work[0].ran, m.now/2-2*DefaultSlice; got < want {
		t.Errorf("beside short-lived threads: %d ms of %d", got/ms, m.now/ms)
	}
	if m.work[0].idle > 4*DefaultSlice {
		t.Errorf("waited %d us for the CPU", m.work[0].idle/1000)
	}
}

// TestRandomLoads: under any mixture everybody who is runnable runs again within
// a bound that depends on weights only.
func TestRandomLoads(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 8))
		n := 2 + r.IntN(14)
		m := newMachine(n)
		total := int64(0)
		for i := range n {
			m.q.SetNice(int32(i), r.IntN(11)-5, 0)
			total += m.s.threads[i].weight
			if r.IntN(2) == 0 {
				m.work[i] = work{burst: 1 + r.Int64N(8*ms), pause: 1 + r.Int64N(20*ms)}
			}
			m.start(int32(i))
		}
		m.run(5_000 * ms)
		for i := range m.work {
			bound := 3*DefaultSlice*total/m.s.threads[i].weight + DefaultSlice
			if m.work[i].idle > bound {
				t.Errorf("seed %d: thread %d waited %d us, bound %d us", seed, i, m.work[i].idle/1000, bound/1000)
			}
		}
	}
}

// TestYielderAndWorker: who yields all the time leaves the CPU to who works.
func TestYielderAndWorker(t *testing.T) {
	s := New(nil, 1, 2, 4)
	q := s.Queue(0)
	q.Enqueue(0, 0)
	q.Enqueue(1, 0)
	now, ran := int64(0), [2]int64{}
	for now < 1000*ms {
		th, slice := q.Pick(now)
		run := min(slice, DefaultSlice)
		if th == 0 {
			run = 1000
		}
		now += run
		ran[th] += run
		if th == 0 {
			q.Yield(now)
		}
	}
	if ran[1] < 990*ms {
		t.Errorf("the worker got %d of %d ms", ran[1]/ms, now/ms)
	}
}

// TestMove: a thread that goes to another CPU takes its debt along, and no
// credit.
func TestMove(t *testing.T) {
	s := New(nil, 2, 4, 4)
	a, b := s.Queue(0), s.Queue(1)
	a.Enqueue(0, 0)
	a.Enqueue(1, 0)
	b.Enqueue(2, 0)
	b.Enqueue(3, 0)
	b.Pick(0)
	first, _ := a.Pick(0)
	now := int64(2 * ms)
	a.charge(now)
	debt := s.threads[first].v - a.virtualTime()
	if debt <= 0 {
		t.Fatal("no debt to move")
	}
	v := a.virtualTime()
	a.Dequeue(first, now)
	fell := v - a.virtualTime()
	b.Enqueue(first, now)
	if got := s.threads[first].v - (s.threads[2].v+s.threads[3].v)/2; got != debt+fell {
		t.Errorf("debt %d became %d", debt+fell, got)
	}
	if a.Len() != 1 || b.Len() != 3 {
		t.Errorf("lengths %d, %d", a.Len(), b.Len())
	}
	// Operations on the wrong queue do nothing.
	a.Dequeue(first, now)
	a.Retire(first, now)
	if b.Len() != 3 || !s.Runnable(first) {
		t.Error("another CPU's thread was removed")
	}
}

func TestNoAllocation(t *testing.T) {
	s := New(nil, 1, 64, 4)
	q := s.Queue(0)
	now := int64(0)
	if n := testing.AllocsPerRun(100, func() {
		for i := range int32(64) {
			q.Enqueue(i, now)
		}
		for range 200 {
			now += ms
			q.Pick(now)
			q.Yield(now)
		}
		q.SetNice(5, 3, now)
		for i := range int32(64) {
			q.Dequeue(i, now)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPickAlone(b *testing.B) {
	q := New(nil, 1, 4, 4).Queue(0)
	q.Enqueue(1, 0)
	now := int64(0)
	for b.Loop() {
		now += 500
		q.Pick(now)
	}
}

func BenchmarkYield(b *testing.B) {
	q := New(nil, 1, 4, 4).Queue(0)
	q.Enqueue(1, 0)
	q.Enqueue(2, 0)
	q.Pick(0)
	now := int64(0)
	for b.Loop() {
		now += 500
		q.Yield(now)
		q.Pick(now)
	}
}

func BenchmarkSleepWake(b *testing.B) {
	q := New(nil, 1, 4, 4).Queue(0)
	q.Enqueue(1, 0)
	q.Enqueue(2, 0)
	now := int64(0)
	for b.Loop() {
		now += 500
		t, _ := q.Pick(now)
		q.Dequeue(t, now)
		q.Enqueue(t^3, now)
		q.Pick(now)
		q.Enqueue(t, now)
		q.Dequeue(t^3, now)
	}
}
