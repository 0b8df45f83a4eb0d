//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"sync/atomic"

	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/bootinfo"
	"loam/machine/metal"
)

// How processes, spaces, threads and notifications are objects: their headers
// and handles (package object) beside the records, and waiting for them. The
// calls are in calls_object.go.
//
// A record has the index of its header, and the header the record's while there
// is one. A process's table of handles has the index of its space, since both
// are given back in pieces after the process's own record may have gone.

// origin says where a new process comes from.
type origin struct {
	parent  uint32 // process id of who may wait for it by wait4, 0: nobody
	account int32  // that it is charged to, pool.Nil for the first process
	limits  abi.Limits

	essential bool
	highest   uint32 // fixed priority
}

// firstOrigin is where the first process comes from: the command line says how
// much memory it may have (limit=SIZE), and that it is essential (essential=1).
func (k *kernel) firstOrigin() origin {
	from := origin{account: pool.Nil, limits: k.objectLimits(), highest: abi.MaxPriority}
	from.essential, _ = bootinfo.Flag(metal.CommandLine(), "essential")
	k.memoryLimit = uint64(from.limits[abi.LimitPages])
	if n, code := bootinfo.Size(metal.CommandLine(), "limit"); code == bootinfo.OK {
		k.memoryLimit = min(k.memoryLimit, n/abi.PageSize)
		from.limits[abi.LimitPages] = uint32(k.memoryLimit)
	}
	return from
}

// limited reports whether the first process may have less than there is.
func (k *kernel) limited() bool { return k.memoryLimit < k.stats.freeAtStart }

// setUpObjects makes the tables.
func (k *kernel) setUpObjects(threads, spaces int) {
	limits := k.objectLimits()
	k.objects.Init(tableSource, &limits, spaces, abi.MaxHandles)
	k.handles = k.objects.Tables()
	k.setUpMemory(threads)
}

// objectLimits are those of the first process, and so of all together: no pool
// is full before its account is. The first process itself is charged to nobody.
func (k *kernel) objectLimits() (l abi.Limits) {
	l.Set(abi.KindProcess, uint32(k.processes.Cap())-1)
	l.Set(abi.KindSpace, uint32(k.spaces.Cap()))
	l.Set(abi.KindThread, uint32(k.threadLimit))
	l.Set(abi.KindNotification, uint32(k.threads.Cap()))
	l.Set(abi.KindMemory, uint32(k.threads.Cap()))
	l.Set(abi.KindEndpoint, uint32(k.threads.Cap())/2)
	l.Set(abi.KindTimer, uint32(k.threads.Cap()/timerShare))
	l.Set(abi.KindInterrupt, mostInterrupts)
	l.Set(abi.KindPorts, mostPorts)
	l.Set(abi.KindRegisters, metal.MaxRegisters)
	l.Set(abi.KindMachine, 1)
	const inAdvance = 32 // frames, that a space may be charged for at most
	l[abi.LimitPages] = uint32(min(k.stats.freeAtStart+inAdvance*uint64(k.spaces.Cap()), abi.LimitDefault-1))
	return l
}

// newProcessObjects makes what a new process and its space have in k.objects.
func (k *kernel) newProcessObjects(p *Process, s *Space, from *origin) (e abi.Errno) {
	p.objects, e = k.objects.NewProcess(p.handle.Index, s.handle.Index, from.account, &from.limits)
	s.owner = p.objects
	return e
}

// handles gives those of the current process.
func (r *runner) handles() *object.Table { return &k.handles[r.p.space] }

// object gives the header that one of the current process's handles names. EBADF,
// ENOTSUP, EACCES.
func (r *runner) object(h uint64, kind abi.Kind, need abi.Rights) (int32, abi.Errno) {
	return k.objects.Get(r.handles(), abi.Handle(h), kind, need)
}

// process gives the process that a handle names. ESRCH: it has ended.
func (r *runner) process(h uint64, need abi.Rights) (*Process, abi.Errno) {
	i, e := r.object(h, abi.KindProcess, need)
	if e != 0 {
		return nil, e
	}
	o := k.objects.At(i)
	if o.State != abi.ProcessRunning {
		return nil, abi.ESRCH
	}
	return k.processes.Index(o.Record), 0
}

// thread gives the thread that a handle names. ESRCH: it has ended.
func (r *runner) thread(h uint64, need abi.Rights) (int32, *Thread, abi.Errno) {
	i, e := r.object(h, abi.KindThread, need)
	if e != 0 {
		return 0, nil, e
	}
	o := k.objects.At(i)
	if o.Record == pool.Nil {
		return 0, nil, abi.ESRCH
	}
	t := k.threads.Index(o.Record)
	if k.processes.Index(t.process).ended { // it is taken away in pieces
		return 0, nil, abi.ESRCH
	}
	return o.Record, t, 0
}

// unrefer gives back a reference to an object, that of a handle which is no more
// among them. Threads that wait for a notification that is no more find out.
func (r *runner) unrefer(i int32) {
	r.checkReceivers(i)
	if !k.objects.Release(i) {
		r.watchAlone(i)
		return
	}
	o := k.objects.At(i)
	switch o.Kind() {
	case abi.KindMemory: // which may still be mapped; its header goes after it
		k.memories.Release(o.Record)
		return
	case abi.KindMachine:
		o.Record = pool.Nil
		r.endWatches()
	case abi.KindTimer:
		r.dropTimer(o)
	case abi.KindInterrupt:
		r.dropInterrupt(o)
	case abi.KindPorts:
		k.dropPorts(o)
	case abi.KindRegisters:
		k.dropRegisters(o)
	}
	if o.Kind() == abi.KindEndpoint {
		r.endWatch(k.ipc.Endpoint(o.Record))
		r.endNews(k.ipc.Endpoint(o.Record))
		k.ipc.Close(o.Record)
		o.Record = pool.Nil
	}
	r.wakeWaiters(o, abi.ECANCELED.Result())
	k.objects.Free(i)
}

// waitFor parks the current thread until something happens to object i.
func (r *runner) waitFor(i int32, deadline int64) uint64 {
	o := k.objects.At(i)
	switch {
	case deadline != decode.Never && deadline <= metal.Now():
		return abi.ETIMEDOUT.Result()
	case o.Waiting == abi.MaxWaiters:
		return abi.EBUSY.Result()
	}
	r.t.waits = i
	o.Waiters.PushBack(k.links, r.index)
	o.Waiting++
	return r.pause(forObject, deadline)
}

// leaveObject takes thread i out of the waiters of its object.
func (k *kernel) leaveObject(i int32, t *Thread) {
	o := k.objects.At(t.waits)
	o.Waiters.Remove(k.links, i)
	o.Waiting--
}

// wakeWaiters ends the waits of all that wait for an object, MaxWaiters at most.
func (r *runner) wakeWaiters(o *object.Header, result uint64) {
	for i := o.Waiters.First(); i != pool.Nil; i = o.Waiters.First() {
		r.finish(i, result)
	}
}

// threadEnded says that the thread with this header has ended.
func (r *runner) threadEnded(i int32) {
	o := k.objects.At(i)
	o.Record = pool.Nil
	r.wakeWaiters(o, 0)
}

// processEnding says that p has ended, and how.
func (k *kernel) processEnding(p *Process) {
	o := k.objects.At(p.objects.Object)
	o.State, o.Status = abi.ProcessEnding, p.status
}

// closeHandles closes some handles of an ended process; true when none is left.
func (r *runner) closeHandles(t *object.Table) (done bool) {
	const atOnce = 8
	for range atOnce {
		i, ok := k.objects.Pop(t)
		if !ok {
			return true
		}
		r.unrefer(i)
	}
	return false
}

// processGone says that all that a process had is given back.
func (r *runner) processGone(p *object.Process) {
	o := k.objects.At(p.Object)
	o.State = abi.ProcessEnded
	r.wakeWaiters(o, o.Status.Result())
	k.objects.EndProcess(p)
}

// hold takes thread i off its CPU until letGo. When it returns the thread runs
// no more.
func (r *runner) hold(i int32, t *Thread) {
	if t.held {
		return
	}
	r.reach(i)
	t.held = true
	r.leaveTrack(i)
	r.settleEntity(k.ipc.Parties[i].Entity)
	r.bringIn(t)
	r.work |= workChoose
}

// letGo lets a thread that hold stopped go on.
func (r *runner) letGo(i int32, t *Thread) {
	if !t.held {
		return
	}
	t.held = false
	r.settleEntity(k.ipc.Parties[i].Entity)
}

// bringIn waits until t is not in user mode on another CPU. It comes out again only
// if it still may when the kernel lock is free.
func (r *runner) bringIn(t *Thread) {
	if o := t.runner(); o != nil && o != r && atomic.LoadUint32(&o.out) != 0 {
		r.order(o, orderLook)
		await(1 << o.id)
	}
}
