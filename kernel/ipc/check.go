// SPDX-License-Identifier: Apache-2.0

package ipc

import "loam/kernel/pool"

// Check looks at the invariants of the package comment and says what isn't so, "" if all
// is, and of which thread or endpoint. exists tells which threads there are: others
// were never reset, or have ended and left everything.
func (s *System) Check(exists func(t int32) bool) (broken string, at int32) {
	if !s.endpoints.Check() {
		return "ipc: the pool of endpoints", 0
	}
	var sending, receiving, linked int
	for e := s.endpoints.Next(pool.Nil); e != pool.Nil; e = s.endpoints.Next(e) {
		if broken = s.checkEndpoint(e, &sending, &receiving, &linked); broken != "" {
			return broken, e
		}
	}
	// Each element of a queue is a thread that says so, and has one link: so nobody is in
	// two, and everybody who says so is in one, if there are as many.
	threads := 0
	for i := range s.Parties {
		t := int32(i)
		if s.links[i].Linked() {
			linked--
		}
		if !exists(t) {
			continue
		}
		threads++
		p := &s.Parties[i]
		switch p.State {
		case Sending:
			sending--
		case Receiving:
			receiving--
		case Idle:
			if p.Told {
				return "ipc: a cancelled call of a thread that calls nobody", t
			}
		}
		if broken = s.checkLending(t); broken != "" {
			return broken, t
		}
	}
	switch {
	case sending != 0:
		return "ipc: threads say that they send and are in no queue, less one that are in two", int32(-sending)
	case receiving != 0:
		return "ipc: threads say that they receive and nobody knows", int32(-receiving)
	case linked != 0:
		return "ipc: threads are linked and in no queue", int32(-linked)
	}
	return s.checkChains(exists, threads)
}

// checkEndpoint looks at who waits at an endpoint, and counts them.
func (s *System) checkEndpoint(e int32, sending, receiving, linked *int) (broken string) {
	ep := s.endpoints.Index(e)
	pending := 0
	for _, q := range [...]struct {
		list  *pool.List
		state State
		good  func(p *Party) bool
	}{
		{&ep.senders, Sending, func(p *Party) bool { return p.Priority == 0 }},
		{&ep.urgent, Sending, func(p *Party) bool { return p.Priority > 0 }},
		{&ep.cancels, Calling, func(p *Party) bool { return p.Told }},
		{&ep.others, Receiving, func(*Party) bool { return true }},
	} {
		n, ok := q.list.Check(s.links)
		if !ok {
			return "ipc: the links of an endpoint's queue"
		}
		for t := q.list.First(); t != pool.Nil; t = q.list.Next(s.links, t) {
			if p := &s.Parties[t]; p.State != q.state || p.Endpoint != e || !q.good(p) {
				return "ipc: a thread in an endpoint's queue says something else"
			}
		}
		*linked += n
		switch q.state {
		case Sending:
			*sending += n
			pending += n
		case Calling:
			pending += n
		default:
			*receiving += n
		}
	}
	if t := ep.Receiver; t != pool.Nil {
		*receiving++
		if p := &s.Parties[t]; p.State != Receiving || p.Endpoint != e || s.links[t].Linked() {
			return "ipc: an endpoint's receiver says something else"
		}
	}
	switch {
	case int(ep.Pending) != pending:
		return "ipc: an endpoint counts those that wait wrongly"
	case ep.Home != 0 && pending != 0:
		return "ipc: an endpoint where somebody waits has a home"
	}
	return ""
}

// checkLending looks at whose entity thread t runs on.
func (s *System) checkLending(t int32) (broken string) {
	p := &s.Parties[t]
	if p.Client == pool.Nil {
		if p.Entity != t || p.Depth != 0 {
			return "ipc: a thread that was lent nothing runs on another's entity"
		}
		return ""
	}
	c := &s.Parties[p.Client]
	switch {
	case c.State != Calling:
		return "ipc: a thread runs on the entity of one that hasn't called"
	case c.Entity != p.Entity || c.Depth+1 != p.Depth || p.Depth > MaxDepth:
		return "ipc: a thread runs on another entity than its client"
	}
	return ""
}

// checkChains looks from each entity's end: all threads are on one chain.
func (s *System) checkChains(exists func(t int32) bool, threads int) (broken string, at int32) {
	n := 0
	for i := range s.Parties {
		e := int32(i)
		if !exists(e) {
			continue
		}
		t := s.Runs[e]
		for depth := 0; ; depth++ {
			if t < 0 || int(t) >= len(s.Parties) || depth > MaxDepth || !exists(t) || s.Parties[t].Entity != e && (t != e || depth > 0) {
				return "ipc: the chain of who runs on an entity is broken", e
			}
			if t == e || s.Parties[t].Entity != e {
				break
			}
			n++
			t = s.Parties[t].Client
		}
		if s.Parties[e].Entity == e {
			n++
		}
	}
	if n != threads {
		return "ipc: threads are on no entity's chain", int32(threads - n)
	}
	return "", 0
}
