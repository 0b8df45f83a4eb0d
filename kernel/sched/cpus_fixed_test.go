// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math"
	"math/rand/v2"
	"testing"
)

// waitsAbove reports whether a fixed thread waits that goes before what some CPU
// executes that it may run on.
func (c *computer) waitsAbove() bool {
	for t := range c.s.threads {
		th := &c.s.threads[t]
		if th.state != queued {
			continue
		}
		for i := range c.cpus {
			x := c.cpus[i].current
			if th.allowed>>i&1 != 0 && (x == None || c.s.threads[x].prio < th.prio) {
				return true
			}
		}
	}
	return false
}

// TestFixedOfSeveralCPUs: on random machines a fixed thread waits for a CPU that
// has something lower only while a kick is under way. That fair threads get on
// again, and no CPU idles, is tested beside.
func TestFixedOfSeveralCPUs(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 13))
		cpus := 1 + r.IntN(8)
		n := 2 + r.IntN(3*cpus)
		c := newComputer(t, cpus, n, seed)
		bound := seed%2 == 0
		for i := range n {
			if r.IntN(2) == 0 {
				c.s.SetPriority(int32(i), 1+r.IntN(6), 0, 0)
				pause := 2 + r.Int64N(20*ms)
				c.work[i] = work{burst: 1 + r.Int64N(pause), pause: pause}
			}
			if bound && r.IntN(3) == 0 {
				c.s.SetAffinity(int32(i), r.Uint64()|1<<r.IntN(cpus), 0, 0)
			}
		}
		c.startAll(r.IntN(cpus))
		above, since := int64(0), int64(never)
		c.watch = func() {
			if !c.waitsAbove() {
				since = never
				return
			}
			since = min(since, c.now)
			above = max(above, c.now-since)
		}
		c.run(500 * ms)
		if above > 2*c.lag {
			t.Errorf("seed %d: a fixed thread waited %d us for a CPU with something lower", seed, above/1000)
		}
		if c.conflict > DefaultSlice+2*c.lag {
			t.Errorf("seed %d: a CPU idled for %d us while a thread waited for it", seed, c.conflict/1000)
		}
	}
}

// TestRelieve: fair threads leave a CPU that a fixed one keeps, and share the
// others equally.
func TestRelieve(t *testing.T) {
	for _, x := range []struct{ cpus, hogs, n int }{{2, 1, 3}, {4, 2, 5}, {4, 3, 4}, {8, 2, 30}} {
		c := newComputer(t, x.cpus, x.n+x.hogs, 1)
		c.startAll(0)
		c.run(20 * ms)
		for i := range x.hogs {
			c.s.SetPriority(int32(i), 1, c.clock(0), 0)
			c.cpus[0].timer = c.now
			c.kick()
		}
		c.run(50 * ms)
		for i := range c.work {
			c.work[i].ran, c.work[i].idle = 0, 0
		}
		c.run(1050 * ms)
		share := float64(x.cpus-x.hogs) / float64(x.n)
		for i := range c.work {
			got := float64(c.work[i].ran) / (1000 * ms)
			want := min(share, 1)
			if i < x.hogs {
				want = 1
			}
			if math.Abs(got/want-1) > 0.06 {
				t.Errorf("%+v: thread %d got %.3f of a CPU, not %.3f", x, i, got, want)
			}
		}
	}
}

// TestFixedTargets: where a fixed thread wakes.
func TestFixedTargets(t *testing.T) {
	const fair, idle = 0, -1
	for _, x := range []struct {
		name       string
		runs       []int // priority
		last, here int
		allowed    uint64
		want       int
		look       bool
	}{
		{"its last CPU is idle", []int{fair, idle, idle}, 2, 0, 7, 2, true},
		{"here is idle", []int{fair, idle, idle}, 0, 2, 7, 2, true},
		{"the lowest idle", []int{fair, fair, idle, idle}, 0, 0, 15, 2, true},
		{"fair ones: here", []int{fair, fair, fair}, 0, 1, 7, 1, true},
		{"fair ones: last", []int{fair, fair, 9}, 1, 2, 7, 1, true},
		{"a fair one before the lowest fixed", []int{1, 2, fair}, 0, 1, 7, 2, true},
		{"the lowest fixed below", []int{4, 2, 3}, 0, 0, 7, 1, true},
		{"the lowest that is allowed", []int{4, 2, 3}, 0, 0, 5, 2, true},
		{"none below: waits", []int{9, 9, 9}, 1, 0, 2, 1, false},
	} {
		s := New(nil, 4, 8, 4)
		for i, p := range x.runs {
			if p != idle {
				s.SetPriority(int32(i), p, 0, 0)
				s.SetAffinity(int32(i), 1<<i, 0, 0)
				s.Queue(i).Enqueue(int32(i), 0)
				s.Queue(i).Pick(0)
			}
		}
		for i := len(x.runs); i < 4; i++ { // there are no more CPUs in this case
			s.idle &^= 1 << i
		}
		s.TakeKicks()
		const th = 7
		s.SetPriority(th, 5, 0, 0)
		s.SetAffinity(th, x.allowed, 0, 0)
		s.threads[th].queue = int32(x.last)
		cpu, look := s.Wake(th, 0, x.here)
		if cpu != x.want || look != (x.look || cpu == x.here) || (s.TakeKicks() == 1<<x.want) != (look && cpu != x.here) {
			t.Errorf("%s: CPU %d, look %v", x.name, cpu, look)
		}
	}
}
