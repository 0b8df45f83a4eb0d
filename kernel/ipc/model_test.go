// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"fmt"
	"slices"

	"loam/kernel/pool"
)

// The model: threads, endpoints and processes with pointers to each other, and
// nothing kept that can be computed.

type modelThread struct {
	index    int32
	process  int32
	state    State
	told     bool // its receiver is to be told, or has been
	client   *modelThread
	at       *modelEndpoint // where it sends, receives or has called
	server   int32          // Calling: the process that received its call
	taker    *modelThread
	priority int32
	token    uint64 // Calling
}

type modelEndpoint struct {
	index     int32
	gone      bool
	receivers []*modelThread // the next one first
	senders   []*modelThread
	cancels   []*modelThread
	taker     *modelThread
}

type model struct {
	threads   []*modelThread
	endpoints []*modelEndpoint
	tokens    map[uint64]bool // all that were ever given
}

// entity gives whose entity t runs on, and how often it was lent on.
func (t *modelThread) entity() (owner *modelThread, depth int32) {
	for owner = t; owner.client != nil; owner = owner.client {
		depth++
	}
	return owner, depth
}

// servant gives who runs on what t runs on because t has called, or nil.
func (m *model) servant(t *modelThread) *modelThread {
	for _, s := range m.threads {
		if s.client == t {
			return s
		}
	}
	return nil
}

func (m *model) last(t *modelThread) *modelThread {
	for s := t; s != nil; s = m.servant(s) {
		t = s
	}
	return t
}

func (e *modelEndpoint) receiver() *modelThread {
	if len(e.receivers) == 0 {
		return nil
	}
	return e.receivers[0]
}

// sender gives the first of those with the highest priority.
func (e *modelEndpoint) sender() *modelThread {
	var best *modelThread
	for _, t := range e.senders {
		if best == nil || t.priority > best.priority {
			best = t
		}
	}
	return best
}

// some gives those of a fixed priority, or the others.
func some(list []*modelThread, urgent bool) (found []*modelThread) {
	for _, t := range list {
		if t.priority > 0 == urgent {
			found = append(found, t)
		}
	}
	return found
}

func without(list []*modelThread, t *modelThread) []*modelThread {
	return slices.DeleteFunc(slices.Clone(list), func(x *modelThread) bool { return x == t })
}

// leave takes t out of its queue.
func (m *model) leave(t *modelThread) {
	if t.state != Sending && t.state != Receiving {
		return
	}
	t.at.senders, t.at.receivers = without(t.at.senders, t), without(t.at.receivers, t)
	t.state, t.at = Idle, nil
}

// take has t receive the call of c at e; lock-free calls always lend.
func (m *model) take(c, t *modelThread, e *modelEndpoint) {
	m.leave(c)
	m.leave(t)
	c.state, c.at, c.server, c.taker, c.told = Calling, e, t.process, t, false
	e.taker = t
	if _, depth := c.entity(); depth < MaxDepth {
		t.client = c
	}
}

// end ends the call of c: by an answer, or otherwise.
func (m *model) end(c *modelThread) {
	if s := m.servant(c); s != nil {
		s.client = nil
	}
	if !c.at.gone {
		c.at.cancels = without(c.at.cancels, c)
	}
	c.state, c.at, c.taker, c.told = Idle, nil, nil, false
}

// caller gives whose call a token names for a process.
func (m *model) caller(token uint64, process int32) int32 {
	for _, t := range m.threads {
		if t.state == Calling && t.token == token && t.server == process {
			return t.index
		}
	}
	return pool.Nil
}

// check compares the system with the model, and each invariant that doc.go names.
func (m *model) check(s *System) error {
	for _, t := range m.threads {
		if err := m.checkThread(s, t); err != nil {
			return fmt.Errorf("thread %d: %w", t.index, err)
		}
	}
	for _, e := range m.endpoints {
		if err := m.checkEndpoint(s, e); err != nil {
			return fmt.Errorf("endpoint %d: %w", e.index, err)
		}
	}
	return nil
}

func (m *model) checkThread(s *System, t *modelThread) error {
	p := &s.Parties[t.index]
	owner, depth := t.entity()
	client := pool.Nil
	if t.client != nil {
		client = t.client.index
		if t.client.state != Calling {
			return fmt.Errorf("its client is %d", t.client.state)
		}
	}
	if p.State != t.state || p.Entity != owner.index || p.Client != client || p.Depth != depth {
		return fmt.Errorf("%+v; state %d, entity %d, client %d, depth %d expected", *p, t.state, owner.index, client, depth)
	}
	if depth > MaxDepth {
		return fmt.Errorf("depth %d", depth)
	}
	if owner == t && s.Runs[t.index] != m.last(t).index {
		return fmt.Errorf("thread %d runs on its entity, not %d", s.Runs[t.index], m.last(t).index)
	}
	if t.state != Idle && p.Endpoint != t.at.index {
		return fmt.Errorf("at endpoint %d, not %d", p.Endpoint, t.at.index)
	}
	if t.state == Calling && (p.Server != t.server || p.Taker != t.taker.index || p.Told != t.told || s.Token(t.index) != t.token) {
		return fmt.Errorf("%+v; server %d, taker %d, told %v, token %#x expected", *p, t.server, t.taker.index, t.told, t.token)
	}
	linked := t.state == Sending
	if t.state == Receiving {
		linked = s.Endpoint(p.Endpoint).Receiver != t.index
	}
	if t.state == Calling && !t.at.gone {
		linked = slices.Contains(t.at.cancels, t)
	}
	if s.links[t.index].Linked() != linked {
		return fmt.Errorf("it is in a queue: %v; expected %v", !linked, linked)
	}
	return nil
}

func (m *model) checkEndpoint(s *System, e *modelEndpoint) error {
	ep := s.Endpoint(e.index)
	var receivers []int32
	for t := s.Waiting(e.index); t != pool.Nil; t = s.WaitingNext(e.index, t) {
		receivers = append(receivers, t)
	}
	for _, queue := range []struct {
		name string
		got  []int32
		want []*modelThread
	}{
		{"receivers", receivers, e.receivers},
		{"senders", list(s, &ep.senders), some(e.senders, false)},
		{"urgent senders", list(s, &ep.urgent), some(e.senders, true)},
		{"cancels", list(s, &ep.cancels), e.cancels},
	} {
		if !slices.Equal(queue.got, indices(queue.want)) {
			return fmt.Errorf("%s are %v, not %v", queue.name, queue.got, indices(queue.want))
		}
	}
	pending := len(e.senders) + len(e.cancels)
	switch {
	case int(ep.Pending) != pending:
		return fmt.Errorf("pending %d, expected %d", ep.Pending, pending)
	case ep.Home != 0 && pending != 0:
		return fmt.Errorf("its home is %d, and %d are pending", ep.Home, pending)
	case s.Waiting(e.index) != index(e.receiver()) || s.Sender(e.index) != index(e.sender()):
		return fmt.Errorf("next are receiver %d and sender %d", s.Waiting(e.index), s.Sender(e.index))
	case s.Empty(e.index) != (pending+len(e.receivers) == 0):
		return fmt.Errorf("empty: %v", s.Empty(e.index))
	case ep.Taker != index(e.taker):
		return fmt.Errorf("taker %d, not %d", ep.Taker, index(e.taker))
	}
	return nil
}

func index(t *modelThread) int32 {
	if t == nil {
		return pool.Nil
	}
	return t.index
}

func indices(list []*modelThread) []int32 {
	var all []int32
	for _, t := range list {
		all = append(all, t.index)
	}
	return all
}

func list(s *System, q *pool.List) []int32 {
	var all []int32
	for i := q.First(); i != pool.Nil; i = q.Next(s.links, i) {
		all = append(all, i)
	}
	return all
}
