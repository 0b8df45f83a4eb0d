// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math"
	"math/rand/v2"
	"testing"
)

// idealShares gives each thread's CPU time per nanosecond on a machine that is
// perfectly divided by weight, where nobody can use more than one CPU.
func idealShares(s *Scheduler) []float64 {
	share := make([]float64, len(s.threads))
	cpus, total := float64(len(s.queues)), 0.0
	for i := range s.threads {
		total += float64(s.threads[i].weight)
	}
	for again := true; again; {
		again = false
		for i := range s.threads {
			w := float64(s.threads[i].weight)
			if share[i] == 0 && total > 0 && cpus*w >= total {
				share[i], again = 1, true
				cpus, total = cpus-1, total-w
			}
		}
	}
	for i := range share {
		if share[i] == 0 {
			share[i] = cpus * float64(s.threads[i].weight) / total
		}
	}
	return share
}

// TestSharesOfSeveralCPUs: equal threads that don't divide evenly get equal
// shares over a second. Where they do divide evenly, nothing ever moves.
func TestSharesOfSeveralCPUs(t *testing.T) {
	for _, x := range []struct {
		cpus, n int
		bound   float64
	}{
		{1, 3, 0.01}, {2, 2, 0}, {2, 3, 0.02}, {2, 4, 0.01}, {2, 5, 0.02}, {4, 5, 0.02}, {4, 7, 0.02},
		{4, 8, 0.01}, {8, 9, 0.03}, {8, 17, 0.03}, {8, 100, 0.08}, {64, 65, 0.05}, {64, 200, 0.05},
	} {
		c := newComputer(t, x.cpus, x.n, 1)
		c.startAll(0)
		c.run(11 * ms)
		started := c.s.Moves().total()
		c.run(1001 * ms)
		moves := c.s.Moves().total() - started
		share := idealShares(c.s)
		worst := 0.0
		for i := range c.work {
			worst = max(worst, math.Abs(float64(c.work[i].ran)/(1000*ms)/share[i]-1))
		}
		t.Logf("%d threads on %d CPUs: within %.1f %% of their shares, %d moves", x.n, x.cpus, 100*worst, moves)
		if worst > x.bound+0.001 {
			t.Errorf("%d threads on %d CPUs: %.1f %% from their shares", x.n, x.cpus, 100*worst)
		}
		if even := x.n%x.cpus == 0; even && moves > 0 || moves > 100*uint64(x.cpus) {
			t.Errorf("%d threads on %d CPUs: %d moves", x.n, x.cpus, moves)
		}
		c.checkConflict()
	}
}

// checkConflict: a CPU idles beside a waiting thread only while a kick is under
// way.
func (c *computer) checkConflict() {
	c.t.Helper()
	if c.conflict > 2*c.lag {
		c.t.Errorf("a CPU idled for %d us while a thread waited for it", c.conflict/1000)
	}
}

// checkWaits: nobody who is runnable is off the CPUs for longer than some
// requests of all others on one CPU, by weight.
func (c *computer) checkWaits(requests int64) {
	c.t.Helper()
	total := int64(0)
	for i := range c.s.threads {
		total += c.s.threads[i].weight
	}
	for i := range c.work {
		bound := requests*DefaultSlice*total/c.s.threads[i].weight + 4*DefaultSlice
		if c.work[i].idle > bound {
			c.t.Errorf("thread %d, nice %d, waited %d us, bound %d us", i, c.s.Nice(int32(i)), c.work[i].idle/1000, bound/1000)
		}
	}
}

// TestNiceOfSeveralCPUs: whatever the weights, over five seconds threads that
// don't sleep get what they would on a perfectly divided machine, within 3 % and
// six slices.
func TestNiceOfSeveralCPUs(t *testing.T) {
	moves, seconds := uint64(0), uint64(0)
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 10))
		cpus, span := 2+r.IntN(7), 1+r.IntN(20)
		n := cpus + 1 + r.IntN(2*cpus)
		c := newComputer(t, cpus, n, seed)
		for i := range n {
			c.s.SetNice(int32(i), r.IntN(2*span+1)-span, 0, 0)
		}
		c.startAll(r.IntN(cpus))
		c.run(5001 * ms)
		for i, share := range idealShares(c.s) {
			ideal := share * 5000 * ms
			if off := math.Abs(float64(c.work[i].ran) - ideal); off > 0.03*ideal+6*DefaultSlice {
				t.Errorf("seed %d, %d CPUs: thread %d of nice %d got %d ms, not %.0f", seed, cpus, i, c.s.Nice(int32(i)), c.work[i].ran/ms, ideal/ms)
			}
		}
		c.checkWaits(3)
		c.checkConflict()
		moves, seconds = moves+c.s.Moves().total(), seconds+5*uint64(cpus)
	}
	t.Logf("%d moves in %d seconds of CPU time", moves, seconds)
	if moves > 3*seconds {
		t.Errorf("%d moves in %d seconds of CPU time", moves, seconds)
	}
}

// TestRandomLoadsOfSeveralCPUs: under any mixture of sleep, weight and affinity
// everybody runs again within a bound, and no CPU idles beside a waiting thread.
// That threads keep to their CPUs the computer checks.
func TestRandomLoadsOfSeveralCPUs(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 11))
		cpus := 1 + r.IntN(8)
		n := 2 + r.IntN(3*cpus)
		c := newComputer(t, cpus, n, seed)
		for i := range n {
			c.s.SetNice(int32(i), r.IntN(11)-5, 0, 0)
			if r.IntN(3) == 0 {
				c.s.SetAffinity(int32(i), r.Uint64()|1<<r.IntN(cpus), 0, 0)
			}
			if r.IntN(2) == 0 {
				c.work[i] = work{burst: 1 + r.Int64N(8*ms), pause: 1 + r.Int64N(20*ms)}
			}
		}
		c.startAll(r.IntN(cpus))
		for range 20 { // now and then somebody's affinity changes
			c.run(c.now + 100*ms)
			cpu := r.IntN(cpus)
			c.setAffinity(int32(r.IntN(n)), r.Uint64()|1<<r.IntN(cpus), cpu)
		}
		c.checkWaits(4)
		if c.conflict > DefaultSlice+2*c.lag {
			t.Errorf("seed %d: a CPU idled for %d us while a thread waited for it", seed, c.conflict/1000)
		}
	}
}

// TestTwoDontShare: two threads that were bound to one of two CPUs part within a
// slice when one of them is let go.
func TestTwoDontShare(t *testing.T) {
	for first := range int32(2) {
		c := newComputer(t, 2, 2, 1)
		c.s.SetAffinity(0, 1, 0, 0)
		c.s.SetAffinity(1, 1, 0, 0)
		c.startAll(0)
		c.run(101 * ms)
		if sum := c.work[0].ran + c.work[1].ran; sum > 100*ms {
			t.Fatalf("bound to one CPU, and got %d us", sum/1000)
		}
		c.setAffinity(first, 3, 1)
		before := c.work[0].ran + c.work[1].ran
		c.run(201 * ms)
		if got := c.work[0].ran + c.work[1].ran - before; got < 200*ms-DefaultSlice-2*c.lag {
			t.Errorf("thread %d let go: both got %d us of 200 ms", first, got/1000)
		}
		if m := c.s.Moves().total(); m != 1 {
			t.Errorf("%d moves", m)
		}
	}
}

// TestBoundAndFree: a thread bound to a busy CPU doesn't cost the free threads
// their share.
func TestBoundAndFree(t *testing.T) {
	c := newComputer(t, 2, 4, 1)
	c.s.SetAffinity(0, 1, 0, 0) // the ideal: a half for everybody
	c.startAll(0)
	c.run(1001 * ms)
	for i := range c.work {
		if f := float64(c.work[i].ran) / (500 * ms); f < 0.98 || f > 1.02 {
			t.Errorf("thread %d got %.3f of its share", i, f)
		}
	}
}

// TestOldLeads: what threads missed when they could not move, or could not use,
// is not made up for later.
func TestOldLeads(t *testing.T) {
	fair := func(c *computer, name string) {
		t.Helper()
		for i := range c.work {
			c.work[i].ran = 0
		}
		c.run(c.now + 1000*ms)
		for i, share := range idealShares(c.s) {
			if f := float64(c.work[i].ran) / (1000 * ms) / share; f < 0.94 || f > 1.06 {
				t.Errorf("%s: thread %d got %.3f of its share", name, i, f)
			}
		}
	}
	c := newComputer(t, 2, 3, 1) // one is too heavy to use its share
	c.s.SetNice(0, -10, 0, 0)
	c.startAll(0)
	c.run(5000 * ms)
	c.s.SetNice(0, 0, c.now, 0)
	fair(c, "heavy")
	for i := range int32(3) { // all are bound, two to one CPU
		c.setAffinity(i, 1+uint64(i&1), 0)
	}
	c.run(10_000 * ms)
	for i := range int32(3) {
		c.setAffinity(i, 3, 0)
	}
	fair(c, "bound")
	c = newComputer(t, 2, 7, 1) // five are bound to one CPU
	for i := range int32(7) {
		c.s.SetAffinity(i, 1+uint64(i/5), 0, 0)
	}
	c.startAll(0)
	c.run(10_000 * ms)
	for i := range int32(7) {
		c.setAffinity(i, 3, 0)
	}
	fair(c, "five and two")
}

// TestBoundDontHide: a free thread among many that are bound to the same CPU is
// found by an idle one before long.
func TestBoundDontHide(t *testing.T) {
	c := newComputer(t, 2, 60, 1)
	for i := range int32(60) {
		c.s.SetAffinity(i, 1, 0, 0)
	}
	c.startAll(0)
	c.run(50 * ms)
	q := c.s.Queue(0)
	c.s.threads[q.waiter(q.waiting-1)].allowed = 3 // as if it had been there, unseen
	c.run(200 * ms)
	if c.conflict == 0 || c.conflict > 2*(60/looks+1)*DefaultSlice {
		t.Errorf("an idle CPU found it after %d us", c.conflict/1000)
	}
}

// TestLightAmongHeavy: a light thread costs two heavy ones no more than its
// share.
func TestLightAmongHeavy(t *testing.T) {
	c := newComputer(t, 2, 3, 1)
	c.s.SetNice(2, 19, 0, 0)
	c.startAll(0)
	c.run(20_001 * ms)
	if f := float64(c.work[2].ran) / (20_000 * ms) / idealShares(c.s)[2]; f > 1.1 || f < 0.9 {
		t.Errorf("got %.2f of its share", f)
	}
}

// TestHeavyStays: a thread too heavy to use its share keeps a CPU, and the light
// ones divide the other by their weights.
func TestHeavyStays(t *testing.T) {
	c := newComputer(t, 2, 3, 1)
	for i, nice := range []int{13, 15, 3} {
		c.s.SetNice(int32(i), nice, 0, 0)
	}
	c.startAll(0)
	c.run(5001 * ms)
	for i, share := range idealShares(c.s) {
		if f := float64(c.work[i].ran) / (5000 * ms) / share; f < 0.96 || f > 1.04 {
			t.Errorf("thread %d got %.3f of its share", i, f)
		}
	}
	if m := c.s.Moves().total(); m > 10 {
		t.Errorf("%d moves", m)
	}
}
