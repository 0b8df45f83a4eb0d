//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"sync/atomic"

	"loam/abi"
	"loam/kernel/object"
	"loam/kernel/space"
	"loam/machine/metal"
)

// pair is the shortest way of a call: a caller and a receiver that have just talked
// on this CPU, and nothing has happened here since but more of the same. Then
// all that ipcnow.go looks up and checks is known, and only the registers are
// moved; what the call changes in the tables is done when somebody may look (part), before
// this CPU comes in: until then they say that the caller runs and the receiver waits.
// So whatever ends that state, here or ordered by another CPU, ends the pair.
//
// (J. Liedtke, "Improving IPC by Kernel Design", SOSP 1993, does lazily what a fast
// call needn't do, too: queues there, all of it here.)
type pair struct {
	state    pairState
	client   seat
	server   seat
	caller   *Thread // who called last
	handle   uint64  // by what
	receive  uint64  // by which the server receives
	options  uint64  // the server's
	badge    uint64
	token    uint64 // of the last call
	first    uint64 // that of the last call that the tables know of
	endpoint int32
}

// pairState is what the two are doing.
type pairState uint8

const (
	apart    pairState = iota // there is no pair
	asking                    // the client runs
	serving                   // the server does, for the client
	turning                   // there is none; two threads take turns (turns)
	alerting                  // nor here; a driver waits for the signaller, that runs (alerts)
	alerted                   // the driver runs
)

// seat is what is current with a thread.
type seat struct {
	t      *Thread
	p      *Process
	as     *space.Space
	c      *metal.Context
	hands  *object.Table
	number uint64 // of the space
	root   uint64

	// In a pair: how this CPU loads the space again (CPU.Kept), if it still has changed as often.
	word, changes uint64
	tag           uint32
	index         int32
	space         int32
}

// seatOf makes the seat of thread i.
func (k *kernel) seatOf(i int32, t *Thread, p *Process) seat {
	s := k.spaces.Index(p.memory)
	return seat{t: t, p: p, as: &s.Space, c: k.contexts[i], hands: &k.handles[p.space],
		number: s.number(), root: s.Root(), index: i, space: p.memory, changes: unknown}
}

// oneToken is the difference of the tokens of two calls of a thread.
const oneToken = 1 << 14

// pairUp is called when the current thread has just been answered by thread i, without
// the kernel lock, which received by that handle at endpoint e. The client's handle is known when it calls again.
func (r *runner) pairUp(i, e int32, receive, options, token uint64) {
	q := &r.pair
	if q.caller != r.t { // who called last isn't who was answered
		return
	}
	// What was looked up then may be gone: the handle closed, the slot another thread's.
	to, badge, ok := r.endpointNow(q.handle, abi.RightWrite)
	if !ok || to != e {
		return
	}
	q.badge = badge
	q.client, q.server = k.seats[r.index], k.seats[i]
	q.receive, q.options, q.token, q.first, q.endpoint = receive, options, token, token, e
	q.state = asking
}

// messageNow is a call about an endpoint or a message. What follows the checks is one function
// with them, for it is the shortest way that two processes have.
//
//loam:noalloc
func (r *runner) messageNow(nr uint64, c *metal.Context) bool {
	q := &r.pair
	s := &q.server
	if nr == abi.CallEndpointCall {
		if q.state != asking || c != q.client.c || c.Arg0() != q.handle || c.Arg1() != 0 {
			return r.callNow(c)
		}
		q.state = serving
		q.token += oneToken
		to := s.c
		to.TakeWords(c)
		to.SetReceived(q.badge, 0, q.token)
		to.SetResult(abi.ReceivedCall)
	} else {
		if q.state != serving || c != s.c || c.Arg2() != q.token || c.Arg0() != q.receive || c.Arg1() != q.options || nr != abi.CallEndpointReplyReceive {
			switch nr {
			case abi.CallEndpointReplyReceive:
				return r.answerNow(c)
			case abi.CallEndpointReceive:
				return r.receiveNow(c) || r.parkNow(c)
			case abi.CallEndpointReply:
				return r.replyNow(c)
			default:
				return r.moveNow(nr, c)
			}
		}
		q.state = asking
		s = &q.client
		to := s.c
		to.TakeWords(c)
		to.SetCame(0)
		to.SetResult(0)
	}
	r.cpu.Park()
	r.t, r.p, r.as, r.c, r.hands, r.index = s.t, s.p, s.as, s.c, s.hands, s.index
	if r.loaded != s.space {
		r.near.pairs = 0
		if k.several {
			atomic.StoreInt32(&r.loaded, s.space) // before Changes is read: see shoot
		} else {
			r.loaded = s.space
		}
		if s.as.Changes == s.changes {
			r.cpu.UseKept(s.word, s.root, s.tag)
		} else {
			r.loadSeat(s)
		}
	}
	r.seeCode()
	return true
}

// sit makes the thread of a seat of turns or alerts current, as the end of messageNow does.
func (r *runner) sit(s *seat) {
	r.cpu.Park()
	r.t, r.p, r.as, r.c, r.hands, r.index = s.t, s.p, s.as, s.c, s.hands, s.index
	if r.loaded != s.space {
		r.near.pairs = 0
		r.loaded = s.space // one CPU: nobody reads it now
		if s.as.Changes == s.changes {
			r.cpu.UseKept(s.word, s.root, s.tag)
		} else {
			r.loadSeat(s)
		}
	}
	r.seeCode()
}

// loadSeat loads the space of a seat, and keeps how to do that again.
func (r *runner) loadSeat(s *seat) {
	s.changes = s.as.Changes
	r.cpu.UseSpace(s.root, s.number, s.changes)
	if s.word, s.tag = r.cpu.Kept(); s.word == 0 {
		s.changes = unknown
	}
}

// unknown is no number of changes.
const unknown = ^uint64(0)

// part ends the pair, and has the tables say what is so.
func (r *runner) part() {
	q := &r.pair
	state := q.state
	q.state = apart
	if state >= turning {
		if state == turning {
			r.partTurns()
		}
		return
	}
	r.party = &k.ipc.Parties[r.index]
	calls := (q.token - q.first) / oneToken
	q.client.t.switches += calls
	q.server.t.switches += calls
	k.ipc.Parties[q.client.index].Calls += calls
	if state != serving {
		return
	}
	k.ipc.Parties[q.client.index].Calls-- // which Call counts
	k.ipc.Call(q.client.index, q.server.index, q.endpoint, q.server.t.process)
	k.ipc.Parties[q.client.index].Badge = q.badge
	q.client.t.wait, q.server.t.wait = forReply, running
	q.client.t.on, q.server.t.on = 0, r.id+1
}
