// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"loam/kernel/pool"
)

// oracle states, slowly and in exact arithmetic, what a queue should hold.
type oracle struct {
	t *testing.T
	q *Queue
}

func (o *oracle) sums() (w, s *big.Int) {
	w, s = new(big.Int), new(big.Int)
	for i := range o.q.s.threads {
		th := &o.q.s.threads[i]
		if th.state < spare || th.queue != o.q.cpu {
			continue
		}
		tw := big.NewInt(th.weight)
		w.Add(w, tw)
		s.Add(s, tw.Mul(tw, new(big.Int).Sub(big.NewInt(th.v), big.NewInt(o.q.base))))
	}
	return w, s
}

// eligible is v <= V, exactly.
func (o *oracle) eligible(v int64) bool {
	d := new(big.Int).Sub(big.NewInt(v), big.NewInt(o.q.base))
	return d.Mul(d, big.NewInt(o.q.weight)).Cmp(big.NewInt(o.q.sum)) <= 0
}

// check looks at every thread and at the sums.
func (o *oracle) check() {
	o.t.Helper()
	w, s := o.sums()
	if w.Cmp(big.NewInt(o.q.weight)) != 0 {
		o.t.Fatalf("W is %d, want %v", o.q.weight, w)
	}
	if s.Add(s, big.NewInt(o.q.owed)).Cmp(big.NewInt(o.q.sum)) != 0 || o.q.owed < 0 {
		o.t.Fatalf("S is %d, want %v; owed %d", o.q.sum, s, o.q.owed)
	}
	n, fixed := 0, o.fixed()
	for i := range o.q.s.threads {
		th := &o.q.s.threads[i]
		state := th.state
		if th.queue != o.q.cpu || state == parked {
			state = asleep
		}
		_, inReady := o.q.ready.Deadline(int32(i))
		_, inEarly := o.q.early.Deadline(int32(i))
		if inReady != (state == ready) || inEarly != (state == early) || (o.q.spare == int32(i)) != (state == spare) || (o.q.current == int32(i)) != (state == running || state == ruling) {
			o.t.Fatalf("CPU %d, thread %d: state %d, ready %v, early %v", o.q.cpu, i, state, inReady, inEarly)
		}
		if state == asleep {
			continue
		}
		n++
		if th.prio != 0 {
			fixed--
			continue
		}
		if th.d <= th.v {
			o.t.Fatalf("thread %d: deadline %d, virtual time %d", i, th.d, th.v)
		}
		if o.eligible(th.v) != o.q.eligible(th.v) {
			o.t.Fatalf("thread %d: eligible %v", i, o.q.eligible(th.v))
		}
		if dist := th.v - o.q.virtualTime(); dist > reach || dist < -reach {
			o.t.Fatalf("thread %d is %d from V", i, dist)
		}
	}
	if fixed != 0 {
		o.t.Fatalf("CPU %d: %d fixed threads counted too many", o.q.cpu, fixed)
	}
	if n != o.q.Len() || o.q.spare != None && o.q.waiting != 1 {
		o.t.Fatalf("Len is %d, want %d", o.q.Len(), n)
	}
	if idle := o.q.s.idle&o.q.bit != 0; idle != (n == 0) {
		o.t.Fatalf("CPU %d: idle is %v with %d runnable", o.q.cpu, idle, n)
	}
}

// fixed gives the number of fixed threads that should be here, after a look at
// their lists.
func (o *oracle) fixed() (n int) {
	o.t.Helper()
	waiting := 0
	for p := range o.q.level {
		for i := o.q.level[p].First(); i != pool.Nil; i = o.q.level[p].Next(o.q.s.links, i) {
			th := &o.q.s.threads[i]
			if p == 0 || th.prio != int8(p) || th.state != queued || th.queue != o.q.cpu || th.weight != 0 {
				o.t.Fatalf("thread %d of priority %d, state %d, is in list %d of CPU %d", i, th.prio, th.state, p, o.q.cpu)
			}
			waiting++
		}
		if o.q.level[p].Empty() == (o.q.levels>>p&1 != 0) {
			o.t.Fatalf("CPU %d: levels %x, list %d", o.q.cpu, o.q.levels, p)
		}
	}
	n = waiting
	if c := o.q.current; c != None && o.q.s.threads[c].prio != 0 {
		n++
	}
	s := o.q.s
	if int(o.q.fixed) != n || s.urgent&o.q.bit != 0 != (n != 0) || s.pending&o.q.bit != 0 != (waiting != 0) || n != 0 && !o.q.special {
		o.t.Fatalf("CPU %d: %d fixed threads, %d of them wait; counted %d", o.q.cpu, n, waiting, o.q.fixed)
	}
	return n
}

// timed reports whether the CPU needs a timer.
func (o *oracle) timed() bool {
	q := o.q
	if q.current == None {
		return q.more
	}
	if q.groups[q.s.threads[q.current].group].quota != 0 {
		return true
	}
	p := q.s.threads[q.current].prio
	return q.waiting != 0 && (p == 0 || q.several) || p != 0 && !q.level[p].Empty()
}

// chosen checks a choice: nobody eligible with an earlier deadline waits, and
// who was chosen is eligible if anybody is. except is a thread that yielded.
func (o *oracle) chosen(t, except int32) {
	o.t.Helper()
	th := &o.q.s.threads[t]
	for i := range o.q.s.threads {
		x := &o.q.s.threads[i]
		if x.state <= parked || x.runs() || int32(i) == except || x.queue != o.q.cpu {
			continue
		}
		if g := &o.q.groups[x.group]; g.quota != 0 && g.left <= 0 {
			continue
		}
		if x.prio > th.prio {
			o.t.Fatalf("chose %d of priority %d, not %d of %d", t, th.prio, i, x.prio)
		}
		if th.prio != 0 {
			continue
		}
		if o.eligible(x.v) && (!o.eligible(th.v) || x.d < th.d) {
			if o.q.Len() == 2 && except != None {
				continue // there was no other choice
			}
			o.t.Fatalf("chose %d (v %d, d %d), not %d (v %d, d %d)", t, th.v, th.d, i, x.v, x.d)
		}
	}
}

// TestAgainstOracle drives a queue with every operation in random order.
func TestAgainstOracle(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		n := 1 + r.IntN(12)
		s := New(nil, 1, n, 4)
		q := s.Queue(0)
		o := &oracle{t: t, q: q}
		fixed := seed%3 == 0
		if seed%5 == 0 { // virtual time is about to start again
			q.base = maxVirtual - 1<<31
		}
		now := int64(r.Uint64() >> 8)
		q.since = now
		for range 3000 {
			// Time passes, up to the end of the slice and a little more; now and
			// then the machine was stopped for longer.
			step := min(r.Int64N(6*ms), q.Slice())
			switch r.IntN(40) {
			case 0:
				step += 60 * ms
			case 1, 2, 3, 4, 5, 6, 7, 8:
				step = 0
			}
			due := step >= q.Slice()
			now += step
			th := int32(r.IntN(n))
			yielded := None
			switch r.IntN(10) {
			case 9:
				if fixed {
					s.SetPriority(th, r.IntN(12)-8, now, 0)
				}
			case 0, 1, 2:
				q.Enqueue(th, now)
			case 3:
				q.Dequeue(th, now)
			case 4:
				q.Retire(th, now)
				if !s.Runnable(th) {
					s.Reset(th)
				}
			case 5:
				yielded = q.Current()
				q.Yield(now)
			case 6:
				q.SetNice(th, r.IntN(60)-30, now)
			}
			o.check()
			if r.IntN(3) == 0 || due || yielded != None {
				pick(t, o, now, yielded)
			}
		}
	}
}

// pick calls Pick and checks what it answers.
func pick(t *testing.T, o *oracle, now int64, yielded int32) {
	t.Helper()
	q := o.q
	others := q.waiting
	q.charge(now)
	decided := (q.renew || q.current == None) && q.broken == None
	yields := q.passed
	th, slice := q.Pick(now)
	o.check()
	switch {
	case th != q.Current(), (th == None) != (q.Len() == 0):
		t.Fatalf("Pick gave %d with %d runnable", th, q.Len())
	case (slice == Forever) == o.timed(), slice < minSlice:
		t.Fatalf("slice %d with %d runnable", slice, q.Len())
	case yielded != None && yields && others > 0 && th == yielded && !q.special:
		t.Fatalf("yield of %d gave it the CPU back", th)
	}
	if decided && th != None {
		o.chosen(th, yielded)
	}
}

// TestExtremes: the greatest sums that can be, with no overflow (the oracle
// computes without bounds).
func TestExtremes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	s := New(nil, 1, MaxThreads, 4)
	q := s.Queue(0)
	o := &oracle{t: t, q: q}
	for i := range int32(MaxThreads) {
		nice := MinNice
		if i%64 == 0 {
			nice = MaxNice
		}
		q.SetNice(i, nice, 0)
		q.Enqueue(i, 0)
	}
	now := int64(0)
	for step := range 3000 {
		now += int64(r.IntN(2)) * maxCharge * 3
		if step%3 == 0 {
			q.Yield(now)
		}
		q.Pick(now)
		if step%100 == 0 {
			o.check()
		}
	}
	o.check()
}

func TestNewRefusesTooManyThreads(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(nil, 1, MaxThreads+1, 4)
}
