// SPDX-License-Identifier: Apache-2.0

package ipc

import "loam/kernel/pool"

// The part of calls that are made without the kernel lock, on the CPU that is the
// home of all that they touch. home is that CPU plus 1. What only looks changes
// nothing; what changes cannot fail.

// Ready gives the thread that would receive a call of thread c to endpoint e at once,
// pool.Nil if that takes the kernel lock.
func (s *System) Ready(c, e, home int32) int32 {
	ep := s.endpoints.Index(e)
	t := ep.Receiver
	if ep.Home != home || t < 0 || s.Parties[t].Home != home || s.Parties[c].Depth >= MaxDepth {
		return pool.Nil
	}
	return t
}

// Call has thread t, which Ready gave, receive the call of thread c; it runs on c's
// entity then. The result is the call's token.
func (s *System) Call(c, t, e, process int32) (token uint64) {
	from, to := &s.Parties[c], &s.Parties[t]
	ep := s.endpoints.Index(e)
	ep.Receiver, ep.Taker = pool.Nil, t
	from.Calls++
	from.State, from.Endpoint, from.Server, from.Taker, from.use = Calling, e, process, t, ep.handle.Gen
	to.State, to.Client, to.Entity, to.Depth = Idle, c, from.Entity, from.Depth+1
	s.Runs[from.Entity] = t
	return from.token(c)
}

// Answerable gives the thread that waits for the answer to a token's call from thread
// t, which would wait at endpoint e then; pool.Nil if that takes the kernel lock.
func (s *System) Answerable(token uint64, t, e, process, home int32) int32 {
	ep, to := s.endpoints.Index(e), &s.Parties[t]
	c := to.Client
	if c < 0 || ep.Home != home || ep.Receiver >= 0 {
		return pool.Nil
	}
	p := &s.Parties[c]
	if p.State != Calling || p.token(c) != token || p.Server != process || p.Home != home || p.Told || s.Runs[to.Entity] != t {
		return pool.Nil
	}
	return c
}

// Parkable reports whether thread t, which works for a caller that runs on its own entity, could wait at endpoint e
// with nobody there to be received.
func (s *System) Parkable(t, e, home int32) bool {
	ep, to := s.endpoints.Index(e), &s.Parties[t]
	return to.Depth == 1 && ep.Home == home && ep.Pending == 0 && s.Runs[to.Entity] == t
}

// ParkNow has thread t, which is Parkable, wait at endpoint e on its own entity. Its caller, which goes on waiting,
// has its own back.
func (s *System) ParkNow(t, e int32) {
	to := &s.Parties[t]
	s.Runs[to.Client], s.Runs[t] = to.Client, t
	to.Entity, to.Client, to.Depth = t, pool.Nil, 0
	s.Park(t, e)
}

// AnswerReceive ends the call of thread c, which Answerable gave, gives it its entity back,
// and has thread t wait at endpoint e.
func (s *System) AnswerReceive(c, t, e int32) {
	p, to := &s.Parties[c], &s.Parties[t]
	p.State = Idle
	s.Runs[to.Entity] = c
	to.State, to.Endpoint = Receiving, e
	to.Entity, to.Client, to.Depth = t, pool.Nil, 0
	s.endpoints.Index(e).Receiver = t
}
