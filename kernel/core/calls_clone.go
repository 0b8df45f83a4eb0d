//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/pool"
	"loam/kernel/space"
	"loam/kernel/victim"
	"loam/machine/metal"
)

// Processes that are made of others, and that run another program, as fork(2), vfork(2) and execve(2)
// have it. Who answers the calls of a process decides what is to be; here are the means.
//
// The index of a process's first space names its table of handles, and stays. Its threads may run in
// another one (Process.memory): that of the process it was made of, as a guest, or one that took the
// place of the first, which is hollow then.

// loamProcessClone: token, address of a ProcessClone.
func loamProcessClone(r *runner, c *metal.Context) uint64 {
	x, t, e := r.forwarder(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	p := k.processes.Index(t.process)
	var b [abi.ProcessCloneSize]byte
	if e := r.as.ReadUser(abi.UserAddr(c.Arg1()), b[:]); e != 0 {
		return e.Result()
	}
	q := abi.GetProcessClone(b[:])
	switch {
	case q.Flags&^(abi.CloneMemory|abi.CloneTLS) != 0, max(q.Stack, q.ClearTID) >= abi.UserLimit,
		q.Flags&abi.CloneTLS != 0 && badTLS(q.TLS):
		return abi.EINVAL.Result()
	case k.frames.Low():
		return abi.ENOMEM.Result()
	}
	from := origin{account: r.p.objects.Account, limits: abi.DefaultLimits(), highest: min(p.highest, r.p.highest)}
	child, e := k.newProcess(&from)
	if e != 0 {
		return r.noProcess(c, e)
	}
	// Nothing fails from here on.
	k.clone(child, p, x, &q)
	r.inputChanged() // its standard input is as ready as everybody's
	return uint64(child.pid)
}

// noProcess answers a call that would make a process or a space. As long as there are ended ones that aren't
// given back, it is made again, each time after another piece of that (noRoom).
func (r *runner) noProcess(c *metal.Context, e abi.Errno) uint64 {
	if (e == abi.EAGAIN || e == abi.EDQUOT || e == abi.ENOSPC) && k.anythingLeft() {
		r.work |= workChoose
		return c.Rewind()
	}
	return e.Result()
}

// clone makes child what thread x of p has asked for.
func (k *kernel) clone(child, p *Process, x int32, q *abi.ProcessClone) {
	t := k.threads.Index(x)
	me := child.leader
	leader, to, from := k.threads.Index(me), k.contexts[me], k.contexts[x]
	inheritOf(to, from)
	if q.Stack != 0 {
		to.SetSP(q.Stack)
	}
	if q.Flags&abi.CloneTLS != 0 {
		to.SetTLS(q.TLS)
	}
	leader.clearTID = abi.UserAddr(q.ClearTID)
	leader.sig.Fork(&t.sig)
	leader.setSlack(t.slack)
	child.sig.Fork(&p.sig)
	child.name, child.vdso = p.name, p.vdso
	k.takeAfter(me, x)
	k.objects.Refer(p.forward.endpoint - 1)
	child.forward = forwardTo{p.forward.endpoint, q.Badge}
	if q.Flags&abi.CloneMemory != 0 {
		child.memory, child.guest = p.memory, true
		k.spaces.Index(p.memory).guests++
		k.seats[me] = k.seatOf(me, leader, child)
	}
	leader.held = true
}

// takeAfter gives thread i, which is in no queue, the nice value and the CPUs of thread x.
func (k *kernel) takeAfter(i, x int32) {
	now, cpu := metal.Now(), int(k.holder)
	k.sched.SetAffinity(i, k.sched.Affinity(x), now, cpu)
	k.sched.SetNice(i, k.sched.Nice(x), now, cpu)
}

// loamProcessCopy: endpoint, process id, that of the other, address.
func loamProcessCopy(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	var to *Process
	if e == 0 {
		to, e = r.managed(c.Arg0(), c.Arg2())
	}
	switch {
	case e != 0:
		return e.Result()
	case p.memory == to.memory:
		return abi.EINVAL.Result()
	case k.frames.Low():
		return abi.ENOMEM.Result()
	}
	next, e := k.spaces.Index(p.memory).CopyPiece(&k.spaces.Index(to.memory).Space, c.Arg3())
	if e == space.More {
		r.work |= workChoose
		return c.Rewind()
	}
	return valueOr(next, e)
}

// loamProcessContinue: endpoint, process id.
func loamProcessContinue(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	if e == 0 {
		r.letGo(p.leader, k.threads.Index(p.leader))
	}
	return e.Result()
}

// loamProcessReplace: token, address of a ProcessReplace, where to put a ProcessReplaced.
func loamProcessReplace(r *runner, c *metal.Context) uint64 {
	x, t, e := r.forwarder(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	p := k.processes.Index(t.process)
	var b [abi.ProcessReplaceSize]byte
	e = r.as.ReadUser(abi.UserAddr(c.Arg1()), b[:])
	if e == 0 {
		e = r.writable(c.Arg2(), abi.ProcessReplacedSize)
	}
	if e != 0 {
		return e.Result()
	}
	q := abi.GetProcessReplace(b[:])
	if max(q.Entry, q.Stack, q.Break) >= abi.UserLimit {
		return abi.EINVAL.Result()
	}
	p.renewed = true
	if !r.endThreads(p, x) {
		r.work |= workChoose
		return c.Rewind()
	}
	if !p.guest {
		r.endGuests(p.memory)
	}
	to, e := k.nextSpace(p)
	if e != 0 {
		p.renewed = false
		return r.noProcess(c, e)
	}
	s := k.spaces.Index(to)
	context := metal.NewContext()
	clock := uint64(0)
	if e = abi.ENOMEM; context != nil {
		clock, e = k.mapVDSO(&s.Space)
	}
	if e != 0 {
		if context != nil {
			metal.FreeContext(context)
		}
		k.undoSpace(p, to)
		p.renewed = false
		return e.Result()
	}
	// Nothing fails from here on.
	s.SetBrk(q.Break)
	p.vdso, p.name, p.refused = clock, q.Name, false
	p.name[len(p.name)-1] = 0
	r.renew(p, x, to, context)
	context.SetStart(q.Entry, q.Stack)
	var told [abi.ProcessReplacedSize]byte
	abi.ProcessReplaced{VDSO: clock, HWCap: hwcap(), MinSignal: minStack()}.Put(told[:])
	return r.put(c.Arg2(), told[:])
}

// endThreads ends a few of p's threads, and reports whether only the first one and thread x are left.
func (r *runner) endThreads(p *Process, x int32) bool {
	const atOnce = 16
	if k.several { // no CPU is about to switch to one of them without lock
		r.barrier(nil)
	}
	i := p.members.First()
	for n := 0; i != pool.Nil; {
		next := p.members.Next(k.siblings, i)
		if i != x && i != p.leader {
			if n == atOnce {
				return false
			}
			r.bury(i, false)
			n++
		}
		i = next
	}
	return true
}

// nextSpace gives the index of an empty space for p: its first one if nothing has been there yet, as in
// a guest.
func (k *kernel) nextSpace(p *Process) (int32, abi.Errno) {
	if p.guest && !k.spaces.Index(p.space).hollow {
		return p.space, 0
	}
	h, s, ok := k.spaces.Get()
	if !ok {
		return 0, abi.EAGAIN
	}
	s.handle, s.owner = h, p.objects
	s.owner.Object, s.owner.Space = pool.Nil, pool.Nil
	if e := k.initSpace(s); e != 0 {
		k.spaces.Put(h)
		return 0, e
	}
	s.base = p.space + 1
	k.spaces.Index(p.space).others++
	return h.Index, 0
}

// undoSpace gives back what nextSpace gave.
func (k *kernel) undoSpace(p *Process, to int32) {
	if to != p.space {
		k.dying.PushBack(k.dyingLinks, to)
	}
}

// renew has p go on in another space with nothing but its first thread, which has that context and
// waits to be let go. Thread x, which may be the same, has called.
func (r *runner) renew(p *Process, x, to int32, context *metal.Context) {
	me := p.leader
	t := k.threads.Index(me)
	t.sig.Exec(&k.threads.Index(x).sig)
	p.sig.Exec()
	nice, affinity := k.sched.Nice(x), k.sched.Affinity(x)
	if x != me {
		r.bury(x, false)
	}
	if t.gone {
		p.count++
		k.objects.At(t.object).Record = me
	} else {
		r.takeOut(me, t)
	}
	t.renew()
	t.held, t.stopped = true, p.stopped
	k.contexts[me] = context
	k.sched.Reset(me)
	k.sched.SetGroup(me, p.handle.Index, 0, 0)
	k.ipc.Reset(me)
	k.sched.SetAffinity(me, affinity, r.time(), int(r.id))
	k.sched.SetNice(me, nice, r.time(), int(r.id))
	r.leaveMemory(p)
	p.memory, p.renewed = to, false
	k.objects.At(p.objects.Space).Record = to
	k.seats[me] = k.seatOf(me, t, p)
}

// renew makes t a new thread in its place: all but its signals and what names it.
func (t *Thread) renew() {
	t.on, t.wait, t.deadline = 0, running, decode.Never
	t.retry, t.resumed, t.gone, t.stopped, t.held, t.signalled = false, false, false, false, false, false
	t.restart, t.waits, t.mask, t.remain = noRestart, 0, 0, 0
	t.clearTID, t.robust, t.robustNext, t.robustLeft = 0, 0, 0, 0
	t.unfinished, t.done, t.making, t.memory = false, 0, 0, space.Call{}
	t.short = victim.Wait{}
	t.message = message{}
	t.priority, t.boost, t.raised, t.bound = 0, 0, 0, 0
	t.ask, t.forwarded, t.keepCaps, t.fault = ask{}, false, 0, trace{}
}

// leaveMemory says that no thread of p runs in the space any more where they have run, unless that is its
// first one and p ends, when endSpace says so.
func (r *runner) leaveMemory(p *Process) {
	s := k.spaces.Index(p.memory)
	switch {
	case p.guest:
		p.guest = false
		s.guests--
		if s.ending || s.hollow {
			r.leaveSpace(p.memory)
		}
	case p.memory != p.space:
		r.endSpace(p.memory)
	case !p.zombie:
		s.hollow = true
		r.leaveSpace(p.memory)
		k.dying.PushBack(k.dyingLinks, p.memory)
		return
	}
	p.memory = p.space
}

// endGuests ends the processes that run in a space but aren't its owner.
func (r *runner) endGuests(index int32) {
	if k.spaces.Index(index).guests == 0 {
		return
	}
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		if q := k.processes.Index(i); q.guest && q.memory == index {
			r.endProcess(q, killed)
		}
	}
}

// needed reports whether a space that is to be given back still has to stay: somebody runs there, or
// a later one of its process is still to be given back.
func (s *Space) needed() bool { return s.guests != 0 || s.others != 0 && !s.hollow }

// reapedPart deals with a space whose content has been given back, if it isn't its process's first one, or
// that goes on.
func (r *runner) reapedPart(s *Space) bool {
	switch {
	case s.hollow:
		s.seen, s.large = 0, 0 // counted
		return true
	case s.base != 0:
		k.spaces.Index(s.base-1).others--
		k.spaces.Put(s.handle)
		r.maybeFinish()
		return true
	}
	return false
}
