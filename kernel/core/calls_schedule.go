//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/pool"
	"loam/kernel/sched"
	"loam/machine/metal"
)

// The calls about scheduling. What a thread is given is its entity's (package ipc):
// who works for it meanwhile has it, too.

// loamThreadSchedule: thread, fixed priority, nice value, timer slack.
func loamThreadSchedule(r *runner, c *metal.Context) uint64 {
	i, t, e := r.thread(c.Arg0(), abi.RightManage)
	nice := int64(c.Arg2())
	switch {
	case e != 0:
		return e.Result()
	case c.Arg1() > abi.MaxPriority || nice < -20 || nice > 19 || c.Arg3() > abi.MaxTimerSlack:
		return abi.EINVAL.Result()
	case c.Arg1() > uint64(k.processes.Index(t.process).highest):
		return abi.EPERM.Result()
	}
	k.sched.SetNice(i, int(nice), r.time(), int(r.id))
	t.priority = int8(c.Arg1())
	t.setSlack(int64(c.Arg3()))
	if t.slack == 0 {
		t.setSlack(abi.TimerSlack)
	}
	r.reprioritize(i)
	return 0
}

// reprioritize has the scheduler know the priority of entity i.
func (r *runner) reprioritize(i int32) {
	t := k.threads.Index(i)
	if p := int(max(t.priority, t.boost)); p != k.sched.Priority(i) {
		k.sched.SetPriority(i, p, r.time(), int(r.id))
	}
	r.kick()
	r.work |= workChoose
}

// boost raises whom the last receiver at an endpoint works for to a priority, as long
// as that takes: a caller waits for that receiver, and must not wait for threads that
// are less urgent than itself. Who that waits for in turn is raised, too.
func (r *runner) boost(endpoint int32, priority int8) {
	for range boostChain {
		client, ok := r.taken(endpoint)
		if !ok {
			return
		}
		k.threads.Index(client).raised = max(k.threads.Index(client).raised, priority)
		k.ipc.Parties[client].Home = 0 // the answer takes it back, with the lock
		if endpoint, ok = r.settleBoost(k.ipc.Parties[client].Entity); !ok {
			return
		}
	}
}

const boostChain = 16

// lower is boost's contrary, when a caller doesn't wait at an endpoint any more.
func (r *runner) lower(endpoint int32) {
	priority := int8(0)
	for range boostChain {
		client, ok := r.taken(endpoint)
		if !ok {
			return
		}
		if i := k.ipc.Sender(endpoint); i != pool.Nil {
			priority = max(priority, int8(k.ipc.Parties[i].Priority))
		}
		if k.threads.Index(client).raised <= priority {
			return
		}
		k.threads.Index(client).raised = priority
		e := k.ipc.Parties[client].Entity
		if endpoint, ok = r.settleBoost(e); !ok {
			return
		}
		priority = int8(k.sched.Priority(e))
	}
}

// taken gives the client whose call the last receiver at an endpoint works for, if it
// still does.
func (r *runner) taken(endpoint int32) (client int32, ok bool) {
	i := k.ipc.Endpoint(endpoint).Taker
	if i == pool.Nil {
		return pool.Nil, false
	}
	r.reach(i)
	// It may have answered since, or be another thread by now.
	client = k.ipc.Parties[i].Client
	return client, client != pool.Nil && k.ipc.Parties[client].Endpoint == endpoint
}

// settleBoost gives an entity the highest priority that one of the threads which have it
// is raised to. If the last of them waits to be received, it gives the endpoint where.
func (r *runner) settleBoost(e int32) (endpoint int32, sends bool) {
	r.reach(k.ipc.Runs[e])
	boost := k.raisedTo(e)
	if t := k.threads.Index(e); t.boost != boost {
		t.boost = boost
		r.reprioritize(e)
	}
	last := &k.ipc.Parties[k.ipc.Runs[e]]
	return last.Endpoint, last.State == ipcSending
}

// raisedTo is the highest priority that one of the threads of an entity is raised to.
func (k *kernel) raisedTo(e int32) (boost int8) {
	for i := k.ipc.Runs[e]; i != pool.Nil; i = k.ipc.Parties[i].Client {
		boost = max(boost, k.threads.Index(i).raised)
	}
	return boost
}

// unraise says that nobody works for a call of thread i any more.
func (r *runner) unraise(i int32) {
	if t := k.threads.Index(i); t.raised != 0 {
		t.raised = 0
		r.settleBoost(k.ipc.Parties[i].Entity)
	}
}

// recallParked takes from entities that have just used up their quota those who run on
// them: a server would not answer before the client's next period, and others wait for it, too. It goes
// on by its own. It reports whether there was one.
func (r *runner) recallParked() (recalled bool) {
	for e := k.sched.TakeParked(); e != sched.None; e = k.sched.TakeParked() {
		r.reach(e)
		own := r.recall(e)
		if own == pool.Nil {
			continue
		}
		r.settleEntity(own)
		r.settleEntity(e)
		recalled = true
	}
	return recalled
}

func loamThreadInfo(r *runner, c *metal.Context) uint64 {
	i, t, e := r.thread(c.Arg0(), abi.RightRead)
	if e != 0 {
		return e.Result()
	}
	return r.tellThread(i, t, c.Arg1())
}

// tellThread puts what a thread does at an address.
func (r *runner) tellThread(i int32, t *Thread, to uint64) uint64 {
	r.reach(i)
	info := abi.ThreadInfo{
		Priority: uint32(t.priority), Nice: int32(k.sched.Nice(i)), CPU: uint32(k.sched.CPU(i)),
		Time: uint64(r.threadTime(i)), Switches: t.switches, ID: t.tid,
	}
	switch {
	case t.wait == forStart:
		info.State = abi.ThreadNew
	case t.stopped || t.held:
		info.State = abi.ThreadStopped
	case t.wait != running:
		info.State = abi.ThreadWaiting
	case t.on == 0:
		info.State = abi.ThreadReady
	}
	var b [abi.ThreadInfoSize]byte
	info.Put(b[:])
	return r.put(to, b[:])
}

// threadTime is the CPU time that thread i has paid for, ns.
func (r *runner) threadTime(i int32) int64 { return k.sched.Used(i, r.time()) }

// loamProcessQuota: process, time, period.
func loamProcessQuota(r *runner, c *metal.Context) uint64 {
	p, e := r.process(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	if quota, _ := k.sched.Quota(p.handle.Index); quota != 0 && p == r.p {
		return abi.EPERM.Result()
	}
	// What is too large to be a time is negative, and refused.
	if !k.sched.SetQuota(p.handle.Index, int64(c.Arg1()), int64(c.Arg2()), r.time(), int(r.id)) {
		return abi.EINVAL.Result()
	}
	r.kick()
	r.work |= workChoose
	return 0
}
