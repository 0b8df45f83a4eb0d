//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"math"

	"loam/abi"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// The calls about handles, notifications and threads. What each takes, answers
// and refuses is in package abi, beside its number.

func loamHandleDuplicate(r *runner, c *metal.Context) uint64 {
	if c.Arg1() > math.MaxUint32 {
		return abi.EACCES.Result() // no handle has such rights
	}
	h, e := k.objects.Duplicate(r.handles(), abi.Handle(c.Arg0()), abi.Rights(c.Arg1()))
	return valueOr(uint64(h), e)
}

func loamHandleReplace(r *runner, c *metal.Context) uint64 {
	if c.Arg1() > math.MaxUint32 {
		return abi.EACCES.Result()
	}
	h, e := k.objects.Replace(r.handles(), abi.Handle(c.Arg0()), abi.Rights(c.Arg1()))
	if e == 0 {
		r.changed(r.handles(), h)
	}
	return valueOr(uint64(h), e)
}

func loamHandleClose(r *runner, c *metal.Context) uint64 {
	i, e := k.objects.Remove(r.handles(), abi.Handle(c.Arg0()))
	if e != 0 {
		return e.Result()
	}
	r.removed(i)
	r.unrefer(i)
	return 0
}

func loamHandleInfo(r *runner, c *metal.Context) uint64 {
	i, rights, badge, ok := object.Look(r.handles(), abi.Handle(c.Arg0()))
	if !ok {
		return abi.EBADF.Result()
	}
	o := k.objects.At(i)
	var b [abi.HandleInfoSize]byte
	abi.HandleInfo{Kind: o.Kind(), Rights: rights, ID: o.ID(),
		References: o.References(), Waiters: uint32(o.Waiting), Badge: badge}.Put(b[:])
	return r.put(c.Arg1(), b[:])
}

// handleTo makes a handle of the current process to an object, with all rights.
// The caller has seen that there is room.
func (r *runner) handleTo(i int32) abi.Handle {
	k.objects.Refer(i)
	h, e := k.objects.Insert(r.handles(), i, abi.RightsOf(k.objects.At(i).Kind()))
	if e != 0 {
		panic("core: no room for a handle")
	}
	return h
}

// newHeader makes the header of an object, which the caller is charged for, if there is
// room for a handle to it. EMFILE, ENOMEM, EDQUOT, ENOSPC.
func (r *runner) newHeader(kind abi.Kind) (int32, abi.Errno) {
	switch {
	case r.handles().Room() == 0:
		return pool.Nil, abi.EMFILE
	case k.frames.Low():
		return pool.Nil, abi.ENOMEM
	}
	return k.objects.New(kind, pool.Nil, r.p.objects.Account)
}

// give gives the caller a handle to an object in place of a reference to it. There
// is room.
func (r *runner) give(header int32) uint64 {
	h := r.handleTo(header)
	k.objects.Release(header)
	return uint64(h)
}

func loamNotificationCreate(r *runner, c *metal.Context) uint64 {
	i, e := r.newHeader(abi.KindNotification)
	if e != 0 {
		return e.Result()
	}
	return r.give(i)
}

func loamNotificationSignal(r *runner, c *metal.Context) uint64 {
	i, e := r.object(c.Arg0(), abi.KindNotification, abi.RightWrite)
	switch {
	case e != 0:
		return e.Result()
	case c.Arg1() == 0 || c.Arg1()&^abi.NotificationBits != 0:
		return abi.EINVAL.Result()
	}
	_, _, mask, _ := object.Look(r.handles(), abi.Handle(c.Arg0()))
	if mask != 0 && c.Arg1()&^mask != 0 {
		return abi.EACCES.Result()
	}
	me, entity := r.index, r.entity
	if o := k.objects.At(i); o.Bound == 0 || o.Waiting != 0 || !r.wakeAtOnce(o, c.Arg1()) {
		r.signal(i, c.Arg1())
		return 0
	}
	r.alerts.begin(r.calls, c.Arg0(), mask, me, entity)
	return 0
}

// signal sets bits of notification i, and ends the wait of those who wait for them.
//
//loam:noalloc
func (r *runner) signal(i int32, bits uint64) {
	o := k.objects.At(i)
	o.Bits |= bits
	if o.Bound != 0 {
		r.wakeBound(o)
	}
	for w := o.Waiters.First(); w != pool.Nil && o.Bits != 0; {
		next := o.Waiters.Next(k.links, w)
		t := k.threads.Index(w)
		if got := o.Bits & t.mask; got != 0 && !k.processes.Index(t.process).ended { // it would take them along
			o.Bits &^= got
			r.finish(w, got)
		}
		w = next
	}
}

func loamNotificationWait(r *runner, c *metal.Context) uint64 {
	i, e := r.object(c.Arg0(), abi.KindNotification, abi.RightWait)
	deadline := int64(c.Arg2())
	switch {
	case e != 0:
		return e.Result()
	case c.Arg1() == 0 || c.Arg1()&^abi.NotificationBits != 0 || deadline < 0:
		return abi.EINVAL.Result()
	}
	o := k.objects.At(i)
	if got := o.Bits & c.Arg1(); got != 0 {
		o.Bits &^= got
		return got
	}
	r.t.mask = c.Arg1()
	return r.waitFor(i, deadline)
}

func loamThreadCreate(r *runner, c *metal.Context) uint64 {
	p, e := r.process(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	if r.handles().Room() == 0 {
		return abi.EMFILE.Result()
	}
	i, t, e := k.newThread(p)
	if e != 0 {
		return e.Result()
	}
	t.stopped = p.stopped
	k.notBegun(i, t)
	return uint64(r.handleTo(t.object))
}

// notBegun has a new thread wait for ThreadStart. Signals go to threads that run.
func (k *kernel) notBegun(i int32, t *Thread) {
	t.wait = forStart
	t.sig.SetMask(abi.SIG_SETMASK, math.MaxUint64)
	k.contexts[i].SetStart(0, 0)
}

// loamThreadStart: thread, first instruction, stack, two words, thread-local
// storage.
func loamThreadStart(r *runner, c *metal.Context) uint64 {
	i, t, e := r.thread(c.Arg0(), abi.RightManage)
	switch {
	case e != 0:
		return e.Result()
	case max(c.Arg1(), c.Arg2(), c.Arg5()) >= abi.UserLimit:
		return abi.EINVAL.Result()
	case t.wait != forStart:
		return abi.EALREADY.Result()
	}
	to := k.contexts[i]
	to.SetStart(c.Arg1(), c.Arg2())
	to.SetArgs(c.Arg3(), c.Arg4())
	to.SetTLS(c.Arg5())
	t.sig.SetMask(abi.SIG_SETMASK, r.t.sig.Mask())
	r.ready(i, t)
	return 0
}

func loamThreadStop(r *runner, c *metal.Context) uint64 {
	i, t, e := r.thread(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	r.hold(i, t)
	return 0
}

func loamThreadResume(r *runner, c *metal.Context) uint64 {
	i, t, e := r.thread(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	r.letGo(i, t)
	return 0
}

func loamThreadEnd(r *runner, c *metal.Context) uint64 {
	i, t, e := r.thread(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	p := k.processes.Index(t.process)
	if p.count == 1 {
		r.endProcess(p, killed)
		return 0
	}
	r.bringIn(t)
	r.bury(i, true)
	return 0
}

// killed is the status of what ThreadEnd and ProcessKill end.
var killed = abi.ExitStatus{Kind: abi.Signalled, Value: uint32(abi.SIGKILL)}

func loamThreadWait(r *runner, c *metal.Context) uint64 {
	i, e := r.object(c.Arg0(), abi.KindThread, abi.RightWait)
	deadline := int64(c.Arg1())
	switch {
	case e != 0:
		return e.Result()
	case deadline < 0:
		return abi.EINVAL.Result()
	case k.objects.At(i).Record == pool.Nil:
		return 0
	}
	return r.waitFor(i, deadline)
}

func loamProcessKill(r *runner, c *metal.Context) uint64 {
	p, e := r.process(c.Arg0(), abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	r.endProcess(p, killed)
	return 0
}

func loamProcessWait(r *runner, c *metal.Context) uint64 {
	i, e := r.object(c.Arg0(), abi.KindProcess, abi.RightWait)
	deadline := int64(c.Arg1())
	switch {
	case e != 0:
		return e.Result()
	case deadline < 0:
		return abi.EINVAL.Result()
	}
	if o := k.objects.At(i); o.State == abi.ProcessEnded {
		return o.Status.Result()
	}
	return r.waitFor(i, deadline)
}

func loamProcessInfo(r *runner, c *metal.Context) uint64 {
	i, e := r.object(c.Arg0(), abi.KindProcess, abi.RightRead)
	if e != 0 {
		return e.Result()
	}
	o := k.objects.At(i)
	info := abi.ProcessInfo{State: o.State, Status: o.Status}
	if o.State == abi.ProcessRunning {
		p := k.processes.Index(o.Record)
		info.PID, info.Threads = p.pid, uint32(p.count)
		info.Handles = uint32(k.handles[p.space].Len())
		info.Used, info.Limits = k.objects.Usage(p.objects.Account)
	}
	var b [abi.ProcessInfoSize]byte
	info.Put(b[:])
	return r.put(c.Arg1(), b[:])
}
