// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"testing"

	"loam/kernel/pool"
)

// TestCheck: each damage is seen.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(s *Scheduler, q *Queue, th []thread)
		broken bool
	}{
		{"nothing", func(*Scheduler, *Queue, []thread) {}, false},
		{"a thread less", func(s *Scheduler, q *Queue, _ []thread) { s.Dequeue(1, ms, 0) }, false},
		{"asleep, and in the queue", func(_ *Scheduler, q *Queue, th []thread) { th[1].state = asleep }, true},
		{"running, and not chosen", func(_ *Scheduler, q *Queue, th []thread) { th[1].state = running }, true},
		{"a weight", func(_ *Scheduler, q *Queue, th []thread) { th[1].weight++ }, true},
		{"a virtual time", func(_ *Scheduler, q *Queue, th []thread) { th[1].v++ }, true},
		{"owed", func(_ *Scheduler, q *Queue, _ []thread) { q.owed++ }, true},
		{"waiting", func(_ *Scheduler, q *Queue, _ []thread) { q.waiting++ }, true},
		{"idle", func(s *Scheduler, q *Queue, _ []thread) { s.idle |= q.bit }, true},
		{"another CPU's", func(_ *Scheduler, q *Queue, th []thread) { th[1].queue = 1 }, true},
		{"a heap", func(_ *Scheduler, q *Queue, _ []thread) { q.early.Set(7, 0) }, true},
		{"a fixed thread", func(_ *Scheduler, q *Queue, _ []thread) { q.fixed-- }, true},
		{"a level", func(_ *Scheduler, q *Queue, _ []thread) { q.levels |= 1 << 9 }, true},
		{"a list", func(s *Scheduler, q *Queue, _ []thread) { q.level[5].Remove(s.links, 4) }, true},
		{"a priority", func(_ *Scheduler, q *Queue, th []thread) { th[4].prio = 6 }, true},
		{"pending", func(s *Scheduler, q *Queue, _ []thread) { s.pending = 0 }, true},
		{"the current one", func(_ *Scheduler, q *Queue, _ []thread) { q.current = 1 }, true},
		{"members", func(s *Scheduler, _ *Queue, _ []thread) { s.groups[1].members++ }, true},
		{"a member of nobody's", func(_ *Scheduler, _ *Queue, th []thread) { th[7].group = 2 }, true},
		{"a parked one lost", func(s *Scheduler, _ *Queue, _ []thread) { s.groups[1].parked = pool.List{} }, true},
		{"no refill", func(s *Scheduler, _ *Queue, _ []thread) { s.refills.Remove(1) }, true},
	} {
		s := New(nil, 2, 8, 2)
		q := s.Queue(0)
		for i := range int32(6) {
			s.Reset(i)
			if i > 2 && i < 6 {
				s.SetPriority(i, 5, 0, 0)
			}
		}
		s.SetGroup(5, 0, 0, 0)
		s.SetQuota(0, MinQuota, MinPeriod, 0, 0)
		q.Enqueue(5, 0)
		q.Pick(0)
		q.Pick(2 * MinQuota) // 5 has used its quota
		for i := range int32(5) {
			q.Enqueue(i, 2*MinQuota)
		}
		q.Pick(2 * MinQuota)
		if broken, at := s.Check(); broken != "" {
			t.Fatalf("%s: %d", broken, at)
		}
		if s.threads[5].state != parked || s.threads[4].state != queued {
			t.Fatalf("states %d and %d", s.threads[5].state, s.threads[4].state)
		}
		c.damage(s, q, s.threads)
		if broken, at := s.Check(); (broken != "") != c.broken {
			t.Errorf("%s: %q, %d", c.name, broken, at)
		}
	}
}
