//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/decode"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// Forwarded calls. The kernel answers those of Linux's calls that are about a process's own
// memory, threads, signals and time. All others, of a process with a server for them
// (CallProcessForward), are made as messages to that server, in the name of the thread
// that made them: it waits and lends as in any other call (package ipc), and its registers, but
// for the result, are as it left them. Such a message is never one of the thread's own,
// whose options stay what they are (Thread.message): what goes with it is the thread's
// whole memory, which the server reaches by CallMessageRead and CallMessageWrite until it has answered.
//
// A process without a server that can answer is ended: there is no error that a program would
// expect of a write, and one that it doesn't expect is worse than an end.
//
// Rejected: a list of the numbers that are forwarded, for each process (who needs another
// list than this one?); copying the strings and structures of known calls here (the kernel
// would have to know them all).

// forwardTo is where a process's calls go.
type forwardTo struct {
	endpoint int32 // header, with a reference, plus 1; 0: nowhere, the kernel answers
	badge    uint64
}

// loamProcessForward: process, endpoint.
func loamProcessForward(r *runner, c *metal.Context) uint64 {
	p, e := r.process(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	endpoint, e := r.object(c.Arg1(), abi.KindEndpoint, abi.RightWrite)
	switch {
	case e != 0:
		return e.Result()
	case p == r.p:
		return abi.EPERM.Result()
	}
	_, _, badge, _ := object.Look(r.handles(), abi.Handle(c.Arg1()))
	k.objects.Refer(endpoint)
	if k.several { // no CPU is about to forward to the old one without lock
		r.barrier(nil)
	}
	r.dropForward(p)
	p.forward = forwardTo{endpoint + 1, badge}
	return 0
}

// loamProcessSignal: process, signal.
func loamProcessSignal(r *runner, c *metal.Context) uint64 {
	p, e := r.process(c.Arg0(), abi.RightManage)
	switch {
	case e != 0:
		return e.Result()
	case c.Arg1() == 0:
		return 0
	case c.Arg1() > abi.NumSignals:
		return abi.EINVAL.Result()
	}
	r.postProcess(p, abi.SentInfo(abi.Signal(c.Arg1()), abi.SI_KERNEL, 0, 0))
	return 0
}

// dropForward forgets where the calls of p go.
func (r *runner) dropForward(p *Process) {
	if i := p.forward.endpoint; i != 0 {
		p.forward = forwardTo{}
		r.unrefer(i - 1)
	}
}

// otherCall makes the calls that are forwarded if the process has a server for them.
//
//loam:indirect table=otherCalls
func otherCall(r *runner, c *metal.Context) uint64 {
	if r.p.forward.endpoint != 0 {
		return r.forward(c)
	}
	return otherCalls[c.Number()](r, c)
}

// forward has the current thread's call made by its process's server.
func (r *runner) forward(c *metal.Context) uint64 {
	to := &r.p.forward
	if e := r.forwardMasked(c); e != 0 {
		return e.Result()
	}
	o := k.objects.At(to.endpoint - 1)
	if o.Receivers() == 0 {
		r.forsake(r.p)
		return abi.ENOSYS.Result()
	}
	e := o.Record
	ep := k.ipc.Endpoint(e)
	r.reachHome(ep.Home)
	r.t.forwarded = true
	p := &k.ipc.Parties[r.index]
	p.Badge, p.Priority = to.badge, int32(k.sched.Priority(r.entity))
	ep.From = r.id + 1
	if t := r.receiver(e); t != pool.Nil {
		return r.callTo(c, t, e, 0, decode.Never)
	}
	r.queueCall(e)
	return r.pause(forSend, decode.Never)
}

// forwardNow is forward without the kernel lock, as callNow is for a call of the thread's own.
//
//loam:noalloc
func (r *runner) forwardNow(c *metal.Context) bool {
	if r.pair.state != apart {
		r.part()
	}
	if maskOf(c) != 0 {
		return false
	}
	me, to := r.index, &r.p.forward
	e := k.objects.At(to.endpoint - 1).Record
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
	token := k.ipc.Call(me, i, e, t.process)
	r.t.wait, r.t.forwarded, t.wait = forReply, true, running
	their := s.c
	their.TakeCall(c, uint64(r.t.tid))
	their.SetReceived(to.badge, 0, token)
	their.SetResult(abi.ReceivedForwarded)
	r.hop(s)
	return true
}

// forsake ends a process whose calls nobody answers any more.
func (r *runner) forsake(p *Process) {
	if p.ended {
		return
	}
	var l line
	if name := p.programName(); len(name) > 0 {
		l.bytes(name)
	} else {
		l.text("a process") // of no file
	}
	l.text(" (pid ")
	l.number(uint64(p.pid))
	l.text(") was killed: what answers its system calls has ended")
	metal.HostWrite(channel.Notice, l.done())
	metal.LogLine(l.done())
	r.endProcess(p, killed)
}

// tellCall puts the call of t, thread i, into the registers of who receives it, and gives
// the result, which says if there is a signal that its mask lets through.
func (t *Thread) tellCall(to, c *metal.Context, i int32, came uint64) uint64 {
	to.SetReceived(k.ipc.Parties[i].Badge, came, k.ipc.Token(i))
	if t.forwarded {
		to.TakeCall(c, uint64(t.tid))
		if t.sig.Masked() && t.due(k.processes.Index(t.process)) {
			return abi.ReceivedInterrupted
		}
		return abi.ReceivedForwarded
	}
	to.TakeWords(c)
	return abi.ReceivedCall
}

// forwardAnswered ends the forwarded call of thread x by the current thread's message.
func (r *runner) forwardAnswered(c *metal.Context, x int32, t *Thread) abi.Errno {
	m := &r.t.message
	if m.sendBytes|m.handles != 0 {
		return abi.EINVAL
	}
	result := c.Word0()
	if m.flags&abi.MessageInterrupted != 0 {
		result = abi.EINTR.Result()
		t.restart, t.signalled = ifRestart, true
	}
	t.forwarded = false
	if t.sig.Masked() {
		result = t.endMask(k.processes.Index(t.process), k.contexts[x].Number(), result)
	}
	r.endCall(x)
	k.contexts[x].SetResult(result)
	r.resumes(x, t)
	return 0
}

// moveForwarded copies between the current thread's memory, at addr, and that of a thread
// whose forwarded call it has received, at theirs.
func (r *runner) moveForwarded(p *Process, theirs, addr, n uint64, write bool) uint64 {
	s := &k.spaces.Index(p.memory).Space
	if theirs < abi.UserLimit {
		n = min(n, abi.UserLimit-theirs)
	}
	var done uint64
	var mine, other abi.Errno
	if write {
		done, mine, other = copyBytes(r.as, addr, s, theirs, n)
	} else {
		done, other, mine = copyBytes(s, theirs, r.as, addr, n)
	}
	if mine != 0 {
		return mine.Result()
	}
	ofAnother(s, other)
	return done
}
