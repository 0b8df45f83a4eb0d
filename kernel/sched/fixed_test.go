// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// levels states the order of fixed threads on one CPU, slowly: a list for each
// priority, who runs included.
type levels struct {
	t    *testing.T
	s    *Scheduler
	wait [MaxPriority + 1][]int32
	runs int32
	left map[int32]int64 // of each thread's turn
}

func (l *levels) priority(t int32) int { return l.s.Priority(t) }

func (l *levels) wake(t int32) {
	l.wait[l.priority(t)] = append(l.wait[l.priority(t)], t)
	l.left[t] = DefaultSlice
}

func (l *levels) stop(t int32) {
	if l.runs == t {
		l.runs = None
	}
	for p := range l.wait {
		l.wait[p] = slices.DeleteFunc(l.wait[p], func(x int32) bool { return x == t })
	}
}

// spend counts time; who has used its turn goes behind the others of its level.
func (l *levels) spend(ran int64) {
	if l.runs == None || ran == 0 {
		return
	}
	if l.left[l.runs] -= ran; l.left[l.runs] <= 0 {
		l.left[l.runs] = DefaultSlice
		l.yield()
	}
}

func (l *levels) yield() {
	if l.runs == None {
		return
	}
	if p := l.priority(l.runs); len(l.wait[p]) > 0 {
		l.left[l.runs] = DefaultSlice
		l.wait[p] = append(l.wait[p], l.runs)
		l.runs = None
	}
}

// pick gives the thread that has to run: None when a fair one may.
func (l *levels) pick() int32 {
	top := MaxPriority
	for top > 0 && len(l.wait[top]) == 0 {
		top--
	}
	if l.runs != None {
		p := l.priority(l.runs)
		if p >= top {
			return l.runs
		}
		l.wait[p] = append([]int32{l.runs}, l.wait[p]...)
		l.runs = None
	}
	if top > 0 {
		l.runs, l.wait[top] = l.wait[top][0], l.wait[top][1:]
	}
	return l.runs
}

// TestFixedOrder compares one CPU's choices with the slow lists.
func TestFixedOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 12))
		n := int32(2 + r.IntN(10))
		s := New(nil, 1, int(n), 4)
		q := s.Queue(0)
		l := &levels{t: t, s: s, runs: None, left: map[int32]int64{}}
		span := 1 + r.IntN(4)
		now := int64(1)
		for range 2000 {
			th, ran := r.Int32N(n), int64(0)
			if r.IntN(2) == 0 {
				ran = r.Int64N(2 * ms)
			}
			now += ran
			l.spend(ran)
			q.charge(now)
			if r.IntN(2) == 0 || l.runs == None {
				l.look(q, now)
			}
			switch r.IntN(6) {
			case 0, 1:
				comes := !s.Runnable(th) && s.Priority(th) != 0
				if comes {
					l.wake(th)
				}
				if look := q.Enqueue(th, now); !look && comes {
					t.Fatal("a fixed thread came, and the CPU needn't look")
				}
			case 2:
				if s.Priority(th) != 0 {
					l.stop(th)
				}
				q.Dequeue(th, now)
			case 3:
				l.yield()
				q.Yield(now)
			case 4:
				p := r.IntN(2*span) - span/2
				l.setPriority(th, min(max(p, 0), MaxPriority))
				s.SetPriority(th, p, now, 0)
			}
			l.look(q, now)
		}
	}
}

// look compares Pick with the lists.
func (l *levels) look(q *Queue, now int64) {
	l.t.Helper()
	got, slice := q.Pick(now)
	want := l.pick()
	if want != None && got != want || want == None && got != None && l.priority(got) != 0 {
		l.t.Fatalf("chose %d, want %d", got, want)
	}
	if want == None {
		return
	}
	if rivals := len(l.wait[l.priority(want)]) > 0; rivals && slice != max(l.left[want], minSlice) || !rivals && slice != Forever {
		l.t.Fatalf("slice %d, rivals %v, left %d", slice, rivals, l.left[want])
	}
}

// setPriority runs before the scheduler's, which knows the old priority until then.
func (l *levels) setPriority(t int32, p int) {
	switch {
	case l.priority(t) == p || !l.s.Runnable(t):
	case l.s.Queue(0).Current() == t:
		if l.runs = None; p != 0 {
			if l.runs = t; l.priority(t) == 0 {
				l.left[t] = DefaultSlice
			}
		}
	default:
		l.stop(t)
		if p != 0 {
			l.wait[p] = append(l.wait[p], t)
			l.left[t] = DefaultSlice
		}
	}
}

// TestFairUndisturbed: what fixed threads run doesn't change how fair ones divide
// the rest, and how often these change.
func TestFairUndisturbed(t *testing.T) {
	for _, driver := range []bool{false, true} {
		m := newMachine(4)
		m.q.SetNice(1, 3, 0)
		m.q.SetNice(2, -2, 0)
		if driver {
			m.s.SetPriority(3, 9, 0, 0)
			m.work[3] = work{burst: ms / 50, pause: ms / 5}
			m.start(3)
		}
		total := int64(0)
		for i := range int32(3) {
			m.start(i)
			total += m.s.threads[i].weight
		}
		m.run(3000 * ms)
		got := m.now - m.work[3].ran
		for i := range 3 {
			ideal := float64(got) * float64(m.s.threads[i].weight) / float64(total)
			if lag := ideal - float64(m.work[i].ran); lag > 1.1*DefaultSlice || lag < -1.1*DefaultSlice {
				t.Errorf("driver %v: thread %d is %.0f us from its share", driver, i, lag/1000)
			}
		}
		if changes := m.changes; driver && changes > 3000/3*2 {
			t.Errorf("fair threads changed %d times in 3 s", changes)
		}
		if m.work[3].latency != 0 {
			t.Errorf("the driver waited %d ns", m.work[3].latency)
		}
	}
}

// TestResume: a fair thread that comes while a fixed one runs takes the turn of the
// one that was broken into, if it would have otherwise.
func TestResume(t *testing.T) {
	for _, nice := range []int{0, -20} {
		s := New(nil, 1, 4, 4)
		q := s.Queue(0)
		s.SetPriority(3, 1, 0, 0)
		q.SetNice(2, nice, 0)
		q.Enqueue(0, 0)
		q.Enqueue(1, 0)
		first, _ := q.Pick(0)
		q.Enqueue(3, ms/5)
		if th, _ := q.Pick(ms / 5); th != 3 {
			t.Fatalf("chose %d", th)
		}
		if nice != 0 { // it has a deadline before all others, and is eligible
			q.Enqueue(2, ms)
			s.threads[2].v = q.base - 10*ms
			q.sum = s.sumOf(q)
		}
		q.Dequeue(3, 2*ms)
		want := first
		if nice != 0 {
			want = 2
		}
		if th, _ := q.Pick(2 * ms); th != want {
			t.Errorf("nice %d: chose %d, want %d", nice, th, want)
		}
	}
}

// sumOf gives what S should be.
func (s *Scheduler) sumOf(q *Queue) (sum int64) {
	for i := range s.threads {
		if th := &s.threads[i]; th.state >= spare && th.queue == q.cpu {
			sum += th.weight * (th.v - q.base)
		}
	}
	return sum
}
