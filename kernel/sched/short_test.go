// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestShort makes the same of two machines, one by YieldTo, SleepTo, WakeTo and WakeAlone
// where it may, the other by two calls: they must not differ, however threads come, go and run.
func TestShort(t *testing.T) {
	const threads = 4
	var short [4]int
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		a, b := New(nil, 1, threads, 4), New(nil, 1, threads, 4)
		qa, qb := a.Queue(0), b.Queue(0)
		both := func(f func(s *Scheduler, q *Queue)) { f(a, qa); f(b, qb) }
		now := int64(0)
		for step := range 4000 {
			now += random.Int64N(1 << random.IntN(23))
			i := int32(random.IntN(threads))
			var next int32
			var slice int64
			ok, kind := false, random.IntN(5)
			switch {
			case random.IntN(200) == 0:
				nice := random.IntN(3) - 1
				both(func(s *Scheduler, _ *Queue) { s.SetNice(i, nice, now, 0) })
			case random.IntN(200) == 0:
				prio := max(0, random.IntN(7)-4)
				both(func(s *Scheduler, _ *Queue) { s.SetPriority(i, prio, now, 0) })
			case random.IntN(200) == 0:
				both(func(_ *Scheduler, q *Queue) { q.Enqueue(i, now); q.Yield(now) })
			case kind < 3:
				if next, slice, ok = qa.YieldTo(now); ok {
					short[0]++
				} else {
					qa.Yield(now)
				}
				qb.Yield(now)
			case kind == 3 && qa.Current() != None:
				i = qa.Current()
				if next, slice, ok = qa.SleepTo(now); ok {
					short[1]++
				} else {
					qa.Dequeue(i, now)
				}
				qb.Dequeue(i, now)
			default:
				if slice, ok = qa.WakeTo(i, now); ok {
					next = i
					short[2]++
				} else if ok = qa.WakeAlone(i, now); ok {
					next, slice = i, Forever
					short[3]++
				} else {
					qa.Enqueue(i, now)
				}
				qb.Enqueue(i, now)
			}
			if !ok {
				next, slice = qa.Pick(now)
			}
			if n, s := qb.Pick(now); n != next || s != slice {
				t.Fatalf("seed %d, step %d: %d for %d ns; by two calls %d for %d ns", seed, step, next, slice, n, s)
			}
			(&oracle{t, qa}).check()
		}
		if !slices.Equal(a.threads, b.threads) || a.idle != b.idle || a.urgent != b.urgent || a.pending != b.pending {
			t.Fatalf("seed %d: %+v, by two calls %+v", seed, a.threads, b.threads)
		}
	}
	if slices.Min(short[:]) < 1000 {
		t.Errorf("the short ways were taken %v times only", short)
	}
}
