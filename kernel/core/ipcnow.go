//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/object"
	"loam/machine/metal"
)

// Calls and answers without the kernel lock. Who calls a thread that receives on
// this CPU, and who answers the call that it was lent the CPU for, switches to the
// other one directly: nothing is asked of the scheduler, for the same entity goes on
// (package ipc). What is looked at here, only this CPU changes while it is out; other
// CPUs bring it in first (reach). Each function either does all of it, or reports
// false and has done nothing: the call is made under the kernel lock then.

// endpointNow gives the endpoint that one of the current process's handles names.
func (r *runner) endpointNow(h uint64, need abi.Rights) (e int32, badge uint64, ok bool) {
	i, rights, badge, ok := object.Look(r.hands, abi.Handle(h))
	if !ok || !rights.Has(need) {
		return 0, 0, false
	}
	o := k.objects.At(i)
	return o.Record, badge, o.Kind() == abi.KindEndpoint
}

// callNow is CallEndpointCall of a message of words.
//
//loam:noalloc
func (r *runner) callNow(c *metal.Context) bool {
	if c.Arg1() != 0 || r.t.message.options != 0 {
		return false
	}
	if r.pair.state != apart { // what is looked at from here on is in the tables
		r.part()
	}
	e, badge, ok := r.endpointNow(c.Arg0(), abi.RightWrite)
	if !ok {
		return false
	}
	me := r.index
	i := k.ipc.Ready(me, e, r.id+1)
	if i < 0 {
		return false
	}
	s := &k.seats[i]
	t := s.t
	if s.p.ended {
		return false
	}
	// Nothing fails from here on.
	r.pair.caller, r.pair.handle, r.pair.badge = r.t, c.Arg0(), badge
	token := k.ipc.Call(me, i, e, t.process)
	r.t.wait, t.wait = forReply, running
	to := s.c
	to.TakeWords(c)
	to.SetReceived(badge, 0, token)
	to.SetResult(abi.ReceivedCall)
	r.hop(s)
	return true
}

// answerNow is CallEndpointReplyReceive with an answer of words.
//
//loam:noalloc
func (r *runner) answerNow(c *metal.Context) bool {
	o := c.Arg1()
	if o != r.t.message.same || o == noneSame {
		return false
	}
	if r.pair.state != apart {
		r.part()
	}
	e, _, ok := r.endpointNow(c.Arg0(), abi.RightWait)
	if !ok {
		return false
	}
	me := r.index
	i := k.ipc.Answerable(c.Arg2(), me, e, r.t.process, r.id+1)
	if i < 0 {
		return false
	}
	s := &k.seats[i]
	t := s.t
	if s.p.ended || s.p.signalled(t) || r.t.bound != 0 && k.objects.At(r.t.bound-1).Bits != 0 {
		return false
	}
	// Nothing fails from here on.
	k.ipc.AnswerReceive(i, me, e)
	r.t.wait, t.wait = forReceive, running
	to := s.c
	if t.forwarded {
		t.forwarded = false
		t.sig.RestoreMask() // no signal is due with either
		to.SetResult(c.Word0())
		r.hop(s)
		return true
	}
	to.TakeWords(c)
	to.SetCame(0)
	to.SetResult(0)
	r.hop(s)
	r.pairUp(me, e, c.Arg0(), o, c.Arg2())
	return true
}

// signalled reports whether t may have a signal to take.
func (p *Process) signalled(t *Thread) bool { return p.sig.Any() || t.sig.Any() }

// hop makes the thread of a seat the current one, which runs on the current entity now.
func (r *runner) hop(s *seat) {
	r.cpu.Park()
	r.t.on = 0
	r.t.switches++
	r.take(s)
}
