//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// What a server does about a forwarded call, beside answering it with the next receive (answerNow), by short ways on one CPU:
// small copies, an answer to who waits, and a receive that answers nobody, whereupon the caller waits. A byte through
// a pipe is all of these. As in ipcnow.go, each function does all of it, or
// reports false and has done nothing; what it leaves is done as under the kernel lock. With several CPUs
// another one may be changing the caller's page tables, or look at the caller: nothing here is done then.

// mostNow is how many bytes moveNow copies.
const mostNow = 512

// moveNow is CallMessageRead or CallMessageWrite of little, between pages that are ready.
//
//loam:noalloc
func (r *runner) moveNow(nr uint64, c *metal.Context) bool {
	n := c.Arg3()
	if n-1 >= mostNow || k.several || r.pair.state != apart {
		return false
	}
	i := k.ipc.Caller(c.Arg0(), r.t.process)
	if i == pool.Nil {
		return false
	}
	s := &k.seats[i]
	if !s.t.forwarded || s.p.ended {
		return false
	}
	from, src, to, dst := r.as, c.Arg2(), s.as, c.Arg1()
	if nr == abi.CallMessageRead {
		from, src, to, dst = to, dst, from, src
	}
	a, b := from.ReadyToRead(src, n), to.ReadyToWrite(dst, n)
	if a == nil || b == nil {
		return false
	}
	copy(b, a)
	c.SetResult(n)
	return true
}

// replyNow is CallEndpointReply, without options, to a forwarded call that has lent nothing (any more): its caller
// is made runnable, and the current thread goes on.
//
//loam:noalloc
func (r *runner) replyNow(c *metal.Context) bool {
	if k.several || c.Arg1()|r.t.message.options != 0 {
		return false
	}
	if r.pair.state != apart {
		r.part()
	}
	i := k.ipc.Caller(c.Arg2(), r.t.process)
	if i == pool.Nil {
		return false
	}
	s, p := &k.seats[i], &k.ipc.Parties[i]
	t := s.t
	if !t.forwarded || s.p.ended || t.stopped || t.held || t.raised|r.t.raised != 0 || t.sig.Masked() || t.deadline != decode.Never ||
		p.Entity != i || k.ipc.Runs[i] != i || k.sched.Runnable(i) {
		return false
	}
	// Nothing fails from here on.
	k.ipc.Answer(i)
	p.Home = 0
	t.forwarded, t.wait = false, running
	s.c.SetResult(c.Word0())
	r.enqueue(i, metal.Now())
	c.SetResult(0)
	return true
}

// parkNow is CallEndpointReceive by who runs on the entity of a caller that it hasn't answered, where nobody waits to be received:
// both wait now, and the CPU is another's, if there is just one who wants it.
//
//loam:noalloc
func (r *runner) parkNow(c *metal.Context) bool {
	o, t := c.Arg1(), r.t
	if k.several || k.ipc.Parties[r.index].Client < 0 { // if the tables don't say so yet, it is as well
		return false
	}
	if o != t.message.same || o == noneSame || t.bound != 0 && k.objects.At(t.bound-1).Bits != 0 {
		return false
	}
	if r.pair.state != apart {
		r.part()
	}
	e, _, ok := r.endpointNow(c.Arg0(), abi.RightWait)
	if !ok {
		return false
	}
	me, home := r.index, r.id+1
	if !k.ipc.Parkable(me, e, home) || r.entity != r.party.Entity || k.sched.Runnable(me) {
		return false
	}
	if t.raised|k.threads.Index(r.party.Client).raised != 0 {
		return false
	}
	now := metal.Now()
	next, slice, ok := r.queue.SleepTo(now)
	if !ok {
		return false
	}
	// Nothing fails from here on.
	k.ipc.ParkNow(me, e)
	t.wait = forReceive
	c.SetResult(abi.ReceivedCall)
	r.switchOver(next, untilEnd(now, slice))
	return true
}
