// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"testing"
)

// TestYieldTo makes the same of two machines, one by YieldTo where it may, the other
// by Yield and Pick: they must not differ, however threads come, go and run.
func TestYieldTo(t *testing.T) {
	const threads = 4
	short := 0
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 7))
		a, b := New(nil, 1, threads, 4), New(nil, 1, threads, 4)
		qa, qb := a.Queue(0), b.Queue(0)
		both := func(f func(s *Scheduler, q *Queue)) { f(a, qa); f(b, qb) }
		now := int64(0)
		for step := range 4000 {
			now += random.Int64N(1 << random.IntN(23))
			i := int32(random.IntN(threads))
			switch {
			case step%64 == 0:
				both(func(_ *Scheduler, q *Queue) { q.Enqueue(i, now) })
			case step%64 == 32:
				both(func(_ *Scheduler, q *Queue) { q.Dequeue(i, now) })
			case random.IntN(500) == 0:
				nice := random.IntN(3) - 1
				both(func(s *Scheduler, _ *Queue) { s.SetNice(i, nice, now, 0) })
			case random.IntN(500) == 0:
				prio := max(0, random.IntN(6)-4)
				both(func(s *Scheduler, _ *Queue) { s.SetPriority(i, prio, now, 0) })
			default:
				next, slice, ok := qa.YieldTo(now)
				if !ok {
					qa.Yield(now)
					next, slice = qa.Pick(now)
				} else {
					short++
				}
				qb.Yield(now)
				if n, s := qb.Pick(now); n != next || s != slice {
					t.Fatalf("seed %d, step %d: %d for %d ns; by Yield and Pick %d for %d ns", seed, step, next, slice, n, s)
				}
				(&oracle{t, qa}).check()
				continue
			}
			both(func(_ *Scheduler, q *Queue) { q.Pick(now) })
		}
		for i := range a.threads {
			if a.threads[i] != b.threads[i] {
				t.Fatalf("seed %d: thread %d is %+v, by Yield and Pick %+v", seed, i, a.threads[i], b.threads[i])
			}
		}
	}
	if short < 1000 {
		t.Errorf("YieldTo did it %d times only", short)
	}
}
