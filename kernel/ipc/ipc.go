// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"loam/kernel/pool"
	"loam/machine/tables"
)

// MaxDepth is how many times an entity is lent on.
const MaxDepth = 16

// State is what a thread does here.
type State uint8

// The states of a Party.
const (
	Idle      State = iota
	Receiving       // it waits at an endpoint
	Sending         // its call waits to be received
	Calling         // its call has been received
)

// Party is a thread, by whose number it is named.
type Party struct {
	State    State
	Told     bool   // Calling: its receiver is to be told, or has been, that the call isn't wanted any more
	Home     int32  // the CPU, plus 1, that may touch it without the kernel lock; 0: none
	Entity   int32  // on which it runs
	Client   int32  // who has lent Entity, pool.Nil: it is its own
	Depth    int32  // how often Entity was lent on until here
	Endpoint int32  // not Idle: where
	Server   int32  // Calling: the process that has received it
	Taker    int32  // Calling: the thread that has
	Priority int32  // Sending: fixed, 0: none
	use      uint32 // Calling: of the endpoint's place
	Calls    uint64
	Badge    uint64 // of the handle that its call was made by
}

// Endpoint is where calls are received.
type Endpoint struct {
	Home     int32 // as in Party
	From     int32 // the CPU, plus 1, where it was called from last
	Object   int32 // header
	Receiver int32 // the thread that came last, pool.Nil: look at others
	Pending  int32 // in senders, urgent and cancels
	Taker    int32 // who received the last call, pool.Nil

	// Watch is the notification, its header plus 1, that is signalled WatchBits when
	// a call is queued; 0: none. It is the kernel's alone.
	Watch     int32
	WatchBits uint64

	// News is the notification, its header plus 1, that is signalled NewsBits when there is
	// news of a process whose calls are forwarded here; 0: none. It is the kernel's alone.
	News     int32
	NewsBits uint64

	others  pool.List // more receivers
	senders pool.List
	urgent  pool.List // senders of a fixed priority
	cancels pool.List // callers that are Told, to be
	handle  pool.Handle
}

// System is all threads and endpoints.
type System struct {
	Parties   []Party
	Runs      []int32 // entity -> the thread that runs on it
	endpoints *pool.Pool[Endpoint]
	links     []pool.Link
}

// New makes a system for threads 0 to threads-1 and as many endpoints as said,
// whose tables come from a source (nil: the Go heap).
func New(from *tables.Source, threads, endpoints int) *System {
	return &System{
		Parties:   tables.Make[Party](from, threads),
		Runs:      tables.Make[int32](from, threads),
		links:     tables.Make[pool.Link](from, threads),
		endpoints: pool.In[Endpoint](from, endpoints),
	}
}

// Reset makes thread t a new one.
func (s *System) Reset(t int32) {
	calls := s.Parties[t].Calls // goes on: an old token stays one
	s.Parties[t] = Party{Entity: t, Client: pool.Nil, Endpoint: pool.Nil, Server: pool.Nil, Taker: pool.Nil, Calls: calls}
	s.Runs[t] = t
}

// Open makes an endpoint with that header; false if there are too many.
func (s *System) Open(object int32) (int32, bool) {
	h, ep, ok := s.endpoints.Get()
	if !ok {
		return pool.Nil, false
	}
	*ep = Endpoint{Object: object, Receiver: pool.Nil, Taker: pool.Nil, handle: h}
	return h.Index, true
}

// Close gives an endpoint back, where nobody waits.
func (s *System) Close(e int32) {
	ep := s.endpoints.Index(e)
	if ep.Pending != 0 || ep.Receiver != pool.Nil || !ep.others.Empty() {
		panic("ipc: an endpoint is closed where somebody waits")
	}
	s.endpoints.Put(ep.handle)
}

// Endpoint gives an endpoint.
func (s *System) Endpoint(e int32) *Endpoint { return s.endpoints.Index(e) }

// Tokens: the caller's number in the low bits, its calls above.
const tokenBits = 14

// token names the call that thread c makes.
func (p *Party) token(c int32) uint64 { return p.Calls<<tokenBits | uint64(uint32(c)) }

// Token names the call that thread c makes.
func (s *System) Token(c int32) uint64 { return s.Parties[c].token(c) }

// Named gives the thread that a token speaks of, true or not; pool.Nil if there is no
// such thread.
func (s *System) Named(token uint64) int32 {
	c := int32(token & (1<<tokenBits - 1))
	if int(c) >= len(s.Parties) {
		return pool.Nil
	}
	return c
}

// Caller gives the thread whose call a token names, if it waits for a thread of that
// process; else pool.Nil.
func (s *System) Caller(token uint64, process int32) int32 {
	c := s.Named(token)
	if c == pool.Nil {
		return pool.Nil
	}
	p := &s.Parties[c]
	if p.State != Calling || p.Calls != token>>tokenBits || p.Server != process {
		return pool.Nil
	}
	return c
}

// sending is the queue of those that send as p does.
func (ep *Endpoint) sending(p *Party) *pool.List {
	if p.Priority > 0 {
		return &ep.urgent
	}
	return &ep.senders
}

// Queue has thread c wait with its call at endpoint e, where nobody receives.
func (s *System) Queue(c, e int32) {
	p, ep := &s.Parties[c], s.endpoints.Index(e)
	p.State, p.Endpoint, p.Home = Sending, e, 0
	ep.Home = 0
	ep.sending(p).PushBack(s.links, c)
	ep.Pending++
}

// Waiting gives a thread that receives at endpoint e, pool.Nil if there is none.
func (s *System) Waiting(e int32) int32 {
	ep := s.endpoints.Index(e)
	if ep.Receiver != pool.Nil {
		return ep.Receiver
	}
	return ep.others.First()
}

// WaitingNext gives the thread that receives at endpoint e after thread t does, pool.Nil if
// t is the last one.
func (s *System) WaitingNext(e, t int32) int32 {
	ep := s.endpoints.Index(e)
	if ep.Receiver == t {
		return ep.others.First()
	}
	return ep.others.Next(s.links, t)
}

// Sender gives the thread whose call is to be received next at endpoint e, pool.Nil
// if there is none.
func (s *System) Sender(e int32) int32 {
	ep := s.endpoints.Index(e)
	first := ep.urgent.First()
	if first == pool.Nil {
		return ep.senders.First()
	}
	for i := first; i != pool.Nil; i = ep.urgent.Next(s.links, i) {
		if s.Parties[i].Priority > s.Parties[first].Priority {
			first = i
		}
	}
	return first
}

// Park has thread t, which is Idle, receive at endpoint e.
func (s *System) Park(t, e int32) {
	p, ep := &s.Parties[t], s.endpoints.Index(e)
	p.State, p.Endpoint = Receiving, e
	if ep.Receiver != pool.Nil {
		ep.others.PushFront(s.links, ep.Receiver)
	}
	ep.Receiver = t
}

// Take has thread t receive the call of thread c, Sending or Idle and about to call endpoint e.
// t may be Receiving there. It doesn't lend.
func (s *System) Take(c, t, e, process int32) {
	s.Leave(t)
	s.Leave(c)
	p := &s.Parties[c]
	ep := s.endpoints.Index(e)
	p.State, p.Endpoint, p.Server, p.Taker, p.Told = Calling, e, process, t, false
	p.use = ep.handle.Gen
	p.Calls++
	ep.Taker = t
}

// Lend has thread t, which runs on its own entity, run on that of c, whose call it
// has received. false: it was lent on too often already, and nothing changes.
func (s *System) Lend(c, t int32) bool {
	from, to := &s.Parties[c], &s.Parties[t]
	if from.Depth >= MaxDepth {
		return false
	}
	to.Entity, to.Client, to.Depth = from.Entity, c, from.Depth+1
	s.Runs[from.Entity] = t
	return true
}

// Recall gives thread c its entity back from whom it has lent it to, if to anybody:
// that thread, and those that it has lent it on to, run on that thread's own. The
// result is this other entity, pool.Nil if nothing was lent.
func (s *System) Recall(c int32) int32 {
	p := &s.Parties[c]
	last := s.Runs[p.Entity]
	if last == c {
		return pool.Nil
	}
	first := last
	for s.Parties[first].Client != c {
		first = s.Parties[first].Client
	}
	base := s.Parties[first].Depth
	for t := last; ; t = s.Parties[t].Client {
		s.Parties[t].Entity = first
		s.Parties[t].Depth -= base
		if t == first {
			break
		}
	}
	s.Parties[first].Client = pool.Nil
	s.Runs[first] = last
	s.Runs[p.Entity] = c
	return first
}

// Answer ends the call of thread c. What it has lent stays lent.
func (s *System) Answer(c int32) {
	s.untell(c)
	p := &s.Parties[c]
	p.State, p.Endpoint, p.Server, p.Taker = Idle, pool.Nil, pool.Nil, pool.Nil
}

// untell takes c out of its endpoint's cancels, if it is there.
func (s *System) untell(c int32) {
	p := &s.Parties[c]
	if p.Told && s.links[c].Linked() {
		ep := s.endpoints.Index(p.Endpoint)
		ep.cancels.Remove(s.links, c)
		ep.Pending--
	}
	p.Told = false
}

// Tell puts thread c, Calling, among those whose receivers are to be told that the
// call isn't wanted any more, once for each call.
func (s *System) Tell(c int32) bool {
	p := &s.Parties[c]
	h, ok := s.endpoints.HandleOf(p.Endpoint)
	if p.Told || !ok || h.Gen != p.use { // the endpoint may be gone, and the place another's
		return false
	}
	p.Told = true
	ep := s.endpoints.Index(p.Endpoint)
	ep.cancels.PushBack(s.links, c)
	ep.Pending++
	ep.Home = 0
	return true
}

// Cancelled takes the next of those that a receiver of that process at endpoint e is to be told of,
// pool.Nil if there is none.
func (s *System) Cancelled(e, process int32) int32 {
	ep := s.endpoints.Index(e)
	const looks = 16
	c := ep.cancels.First()
	for n := 0; n < looks && c != pool.Nil; n++ {
		if s.Parties[c].Server == process {
			ep.cancels.Remove(s.links, c)
			ep.Pending--
			return c
		}
		c = ep.cancels.Next(s.links, c)
	}
	return pool.Nil
}

// Leave takes thread t out of the queue of the endpoint where it is Sending or
// Receiving. It is Idle then.
func (s *System) Leave(t int32) {
	p := &s.Parties[t]
	switch p.State {
	case Receiving:
		s.LeaveReceive(t)
	case Sending:
		ep := s.endpoints.Index(p.Endpoint)
		ep.sending(p).Remove(s.links, t)
		ep.Pending--
		p.State, p.Endpoint = Idle, pool.Nil
	}
}

// LeaveReceive is Leave for who receives.
func (s *System) LeaveReceive(t int32) {
	p := &s.Parties[t]
	ep := s.endpoints.Index(p.Endpoint)
	if ep.Receiver == t {
		ep.Receiver = pool.Nil
	} else {
		ep.others.Remove(s.links, t)
	}
	p.State, p.Endpoint = Idle, pool.Nil
}

// Fail takes somebody who sends or receives out of endpoint e, where nobody will
// receive any more, pool.Nil if there is none left. Those who are to be told are
// forgotten, a few at a time: more says that it has to be called again.
func (s *System) Fail(e int32) (t int32, sends, more bool) {
	const atOnce = 16
	ep := s.endpoints.Index(e)
	ep.Home = 0
	for range atOnce {
		c := ep.cancels.First()
		if c == pool.Nil {
			break
		}
		s.untell(c)
		s.Parties[c].Told = true
	}
	if t = s.Sender(e); t != pool.Nil {
		return t, true, true
	}
	if t = s.Waiting(e); t != pool.Nil {
		return t, false, true
	}
	return pool.Nil, false, !ep.cancels.Empty()
}

// Empty reports whether nobody waits at endpoint e.
func (s *System) Empty(e int32) bool {
	ep := s.endpoints.Index(e)
	return ep.Pending == 0 && s.Waiting(e) == pool.Nil
}
