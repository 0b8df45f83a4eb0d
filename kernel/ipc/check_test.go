// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"testing"

	"loam/kernel/pool"
)

func everybody(int32) bool { return true }

// TestCheck: each damage is seen.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(s *System, p []Party, a, b *Endpoint)
		broken bool
	}{
		{"nothing", func(*System, []Party, *Endpoint, *Endpoint) {}, false},
		{"an answer", func(s *System, _ []Party, _, _ *Endpoint) { s.Recall(1); s.Answer(1) }, false},
		{"pending", func(_ *System, _ []Party, a, _ *Endpoint) { a.Pending-- }, true},
		{"a home", func(_ *System, _ []Party, a, _ *Endpoint) { a.Home = 1 }, true},
		{"a sender that says it is idle", func(_ *System, p []Party, _, _ *Endpoint) { p[3].State = Idle }, true},
		{"a sender at another endpoint", func(_ *System, p []Party, _, b *Endpoint) { p[3].Endpoint = 1 }, true},
		{"an urgent sender in the wrong queue", func(_ *System, p []Party, _, _ *Endpoint) { p[4].Priority = 0 }, true},
		{"one who says that it sends", func(_ *System, p []Party, _, _ *Endpoint) { p[8].State = Sending }, true},
		{"one who says that it receives", func(_ *System, p []Party, _, _ *Endpoint) { p[8].State = Receiving }, true},
		{"a receiver that is another", func(_ *System, _ []Party, _, b *Endpoint) { b.Receiver = 8 }, true},
		{"a receiver forgotten", func(_ *System, _ []Party, _, b *Endpoint) { b.Receiver = pool.Nil }, true},
		{"receivers forgotten", func(_ *System, _ []Party, _, b *Endpoint) { b.others = pool.List{} }, true},
		{"a cancel of who isn't", func(_ *System, p []Party, _, _ *Endpoint) { p[7].Told = false }, true},
		{"told, and idle", func(_ *System, p []Party, _, _ *Endpoint) { p[8].Told = true }, true},
		{"a queue in a ring", func(s *System, _ []Party, a, _ *Endpoint) {
			a.senders.Remove(s.links, 3)
			a.senders.PushBack(s.links, 3)
			a.urgent = a.senders
		}, true},
		{"a link of nobody", func(s *System, _ []Party, _, _ *Endpoint) {
			var q pool.List
			q.PushBack(s.links, 8)
		}, true},
		{"another's entity", func(_ *System, p []Party, _, _ *Endpoint) { p[8].Entity = 3 }, true},
		{"a depth", func(_ *System, p []Party, _, _ *Endpoint) { p[2].Depth++ }, true},
		{"a client that hasn't called", func(_ *System, p []Party, _, _ *Endpoint) { p[0].State = Idle }, true},
		{"a client that is another", func(_ *System, p []Party, _, _ *Endpoint) { p[2].Client = 7 }, true},
		{"two on one entity", func(s *System, p []Party, _, _ *Endpoint) { s.Runs[0] = 1 }, true},
		{"nobody on an entity", func(s *System, p []Party, _, _ *Endpoint) { s.Runs[8] = pool.Nil }, true},
		{"an entity of two", func(s *System, p []Party, _, _ *Endpoint) { s.Runs[8] = 2 }, true},
		{"a ring of clients", func(s *System, p []Party, _, _ *Endpoint) { p[1].Client = 2 }, true},
		{"the pool", func(s *System, _ []Party, _, _ *Endpoint) { *s.endpoints = *pool.New[Endpoint](2) }, true},
	} {
		s := New(nil, 9, 3)
		for i := range int32(9) {
			s.Reset(i)
		}
		e, _ := s.Open(0)
		f, _ := s.Open(1)
		call := func(c, t int32) {
			s.Take(c, t, e, 1)
			s.Lend(c, t)
		}
		call(0, 1)
		call(1, 2)
		s.Parties[4].Priority = 5
		s.Queue(3, e)
		s.Queue(4, e)
		s.Park(5, f)
		s.Park(6, f)
		s.Take(7, 8, e, 1)
		s.Tell(7)
		if broken, at := s.Check(everybody); broken != "" {
			t.Fatalf("%s: %d", broken, at)
		}
		c.damage(s, s.Parties, s.Endpoint(e), s.Endpoint(f))
		if broken, at := s.Check(everybody); (broken != "") != c.broken {
			t.Errorf("%s: %q, %d", c.name, broken, at)
		}
	}
}
