//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/ipc"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// The calls by which the first process looks after the others and ends the machine.

// loamMachineEnd: machine, kind, value, reason, its length. See abi.CallMachineEnd.
func loamMachineEnd(r *runner, c *metal.Context) uint64 {
	if _, e := r.object(c.Arg0(), abi.KindMachine, abi.RightManage); e != 0 {
		return e.Result()
	}
	status, ok := endStatus(c.Arg1(), c.Arg2())
	first := k.processes.Index(k.first)
	switch {
	case !ok || c.Arg4() > abi.MaxEndReason:
		return abi.EINVAL.Result()
	case first.ended:
		return abi.ESRCH.Result()
	}
	reason := r.buf[:c.Arg4()]
	if e := r.as.ReadUser(abi.UserAddr(c.Arg3()), reason); e != 0 {
		return e.Result()
	}
	k.endReason = line{}
	k.endReason.bytes(reason)
	k.byInit = false
	r.endProcess(first, status)
	return 0
}

// endStatus is the status of a kind and a value, if the host takes it (channel.Exit).
func endStatus(kind, value uint64) (abi.ExitStatus, bool) {
	ok := false
	switch channel.Kind(kind) {
	case channel.Exited:
		ok = value <= 255
	case channel.Signalled:
		ok = value >= 1 && value <= 64
	case channel.NotStarted:
		ok = value < 1<<32
	}
	return abi.ExitStatus{Kind: abi.ExitKind(kind), Value: uint32(value)}, ok && kind <= uint64(channel.NotStarted)
}

// loamProcessUse: process, where to put a ProcessUse.
func loamProcessUse(r *runner, c *metal.Context) uint64 {
	p, e := r.process(c.Arg0(), abi.RightRead)
	if e != 0 {
		return e.Result()
	}
	use := abi.ProcessUse{Time: uint64(processTime(p, r.time()))}
	copy(use.Name[:], p.name[:])
	memory := k.spaces.Index(p.memory).Stats()
	use.Pages, use.Peak, use.Faults = memory.Frames, memory.Peak, memory.Faults
	for i := p.members.First(); i != pool.Nil; i = p.members.Next(k.siblings, i) {
		switch t := k.threads.Index(i); {
		case t.gone:
		case t.runner() != nil:
			use.Running++
		case t.held || t.stopped:
			use.Stopped++
		case t.wait == running:
			use.Ready++
		default:
			use.Waiting++
		}
	}
	var b [abi.ProcessUseSize]byte
	use.Put(b[:])
	return r.put(c.Arg1(), b[:])
}

// loamEndpointWatch: endpoint, notification or 0, bits. See abi.CallEndpointWatch.
func loamEndpointWatch(r *runner, c *metal.Context) uint64 {
	_, e, note, errno := r.watched(c)
	if errno != 0 {
		return errno.Result()
	}
	ep := k.ipc.Endpoint(e)
	r.endWatch(ep)
	switch {
	case note == pool.Nil:
	case k.ipc.Sender(e) != pool.Nil:
		r.signal(note, c.Arg2())
	default:
		k.objects.Refer(note)
		ep.Watch, ep.WatchBits = note+1, c.Arg2()
	}
	return 0
}

// watched decodes a call's endpoint, object i and endpoint e, and the notification that is told of it: pool.Nil for none.
func (r *runner) watched(c *metal.Context) (i, e, note int32, errno abi.Errno) {
	i, e, errno = r.endpoint(c.Arg0(), abi.RightWait)
	note = pool.Nil
	if errno == 0 && c.Arg1() != 0 {
		note, errno = r.target(c.Arg1(), c.Arg2())
	}
	return i, e, note, errno
}

// endWatch has nobody told any more of a call that waits.
func (r *runner) endWatch(ep *ipc.Endpoint) {
	if note := ep.Watch - 1; note >= 0 {
		ep.Watch = 0
		r.unrefer(note)
	}
}

// queueCall has the current thread's call wait at endpoint e, where nobody receives.
func (r *runner) queueCall(e int32) {
	k.ipc.Queue(r.index, e)
	if ep := k.ipc.Endpoint(e); ep.Watch != 0 {
		r.signal(ep.Watch-1, ep.WatchBits)
		r.endWatch(ep)
	}
	if p := r.party.Priority; p > 0 {
		r.boost(e, int8(p))
	}
}
