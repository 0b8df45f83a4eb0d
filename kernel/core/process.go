//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/futex"
	"loam/kernel/memory"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/kernel/sched"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/machine/metal"
)

// Process is what threads share but for their memory. Its index in k.processes
// names it.
type Process struct {
	handle    pool.Handle
	pid       uint32 // the id of its first thread
	parentPID uint32 // 0: none
	space     int32  // index: of its handles, and of its memory as it was made
	memory    int32  // index of the space in which its threads run: another after calls_clone.go
	leader    int32  // index of the first thread

	members pool.List // threads, linked by k.siblings
	count   int32     // of members that live

	ended   bool // its threads run no more
	zombie  bool // nothing is left but status and times
	stopped bool // by SIGSTOP and the like
	guest   bool // memory is another process's
	renewed bool // it is being given another space: no thread begins

	news       uint8 // abi.NewsEnded and the like, that nobody has been told of
	stopSignal abi.Signal

	vdso      uint64 // address of the image of package vdso, 0: none
	essential bool   // never ended for want of memory
	refused   bool   // a page, because of a limit
	serves    bool   // it has received a call
	highest   uint32 // fixed priority that its threads may have
	failed    int32  // threads that failCalls has looked at
	status    abi.ExitStatus
	objects   object.Process
	forward   forwardTo

	sig       signal.Process
	timers    [timersPerProcess]itimer
	childTime int64 // of children that were waited for
	name      [16]byte
}

// Space is an address space and who uses it.
type Space struct {
	space.Space
	handle pool.Handle
	ending bool   // nobody is to load it any more
	hollow bool   // only what is in it goes: its process has another one, and still the handles of this index
	base   int32  // of such another one: the index of the first one plus 1
	others int32  // such others
	guests int32  // processes that run here but aren't the owner
	seen   uint64 // page faults, while it is destroyed
	large  uint64 // large pages made for it, as well

	owner object.Process // whose it is
}

// newThread makes a thread of p that is not runnable yet. EDQUOT: the process
// has as many as it may have; ENOSPC: one above it has; ENOMEM: no frame.
func (k *kernel) newThread(p *Process) (int32, *Thread, abi.Errno) {
	if p.renewed {
		return 0, nil, abi.EAGAIN
	}
	if k.frames.Low() {
		return 0, nil, abi.ENOMEM
	}
	object, e := k.objects.New(abi.KindThread, pool.Nil, p.objects.Account)
	if e != 0 {
		return 0, nil, e
	}
	h, t, ok := k.threads.Get()
	if !ok {
		k.objects.DropRecord(object)
		return 0, nil, abi.ENOSPC
	}
	c := metal.NewContext()
	if c == nil {
		k.threads.Put(h)
		k.objects.DropRecord(object)
		return 0, nil, abi.ENOMEM
	}
	i := h.Index
	t.object, t.fault = object, trace{} // the last field: all pages of the record have memory now
	k.objects.At(object).Record = i
	k.contexts[i] = c
	k.seats[i] = k.seatOf(i, t, p)
	k.sched.Reset(i)
	k.sched.SetGroup(i, p.handle.Index, 0, 0)
	k.ipc.Reset(i)
	t.handle, t.process, t.deadline = h, p.handle.Index, decode.Never
	t.setSlack(abi.TimerSlack)
	t.tid = k.nextTID(i)
	p.members.PushBack(k.siblings, i)
	p.count++
	return i, t, 0
}

// freeThread undoes newThread. The thread is in no queue.
func (k *kernel) freeThread(i int32) {
	t := k.threads.Index(i)
	p := k.processes.Index(t.process)
	p.members.Remove(k.siblings, i)
	p.count--
	metal.FreeContext(k.contexts[i])
	k.contexts[i] = nil
	k.objects.DropRecord(t.object)
	k.threads.Put(t.handle)
}

// bury takes thread i out of everything it is in and gives back what it has.
// The slot of a leader stays until its process ends, so that its id, the
// process's, is not given again.
func (r *runner) bury(i int32, keepLeader bool) {
	t := k.threads.Index(i)
	p := k.processes.Index(t.process)
	if !t.gone {
		r.takeOut(i, t)
		p.count--
		t.wait, t.gone = forNothing, true
		r.threadEnded(t.object)
	}
	if i == p.leader && keepLeader {
		return
	}
	p.members.Remove(k.siblings, i)
	k.objects.DropRecord(t.object)
	k.threads.Put(t.handle)
}

// takeOut takes thread i out of everything it is in, and frees its context.
func (r *runner) takeOut(i int32, t *Thread) {
	now := r.time()
	r.reach(i)
	switch t.wait {
	case forFutex:
		k.futexes.Remove(i)
	case forChange:
		k.poll.Cancel(i)
	case forChild:
		k.waiting.Remove(k.links, i)
	case forObject:
		k.leaveObject(i, t)
	case forSend, forReceive, forReply:
		r.leaveEndpoint(i, t)
	}
	r.endLending(i)
	r.unbind(i, t)
	r.dropMaking(t)
	k.timers.Remove(i)
	k.sched.Retire(i, now, int(r.id))
	switch o := t.runner(); o {
	case nil:
		metal.FreeContext(k.contexts[i])
	case r:
		r.drop() // keeps the context until its call has returned
	default: // so does the other CPU's
		o.entity, o.index = sched.None, sched.None
		r.order(o, orderEnd)
	}
	t.on = 0
	k.contexts[i] = nil
}

// sysExit ends the calling thread, and with the last one its process.
func sysExit(r *runner, c *metal.Context) uint64 {
	p := r.p
	if p.count == 1 {
		return sysExitGroup(r, c)
	}
	if e := r.leaveFutexes(); e != 0 {
		return e.Result()
	}
	r.bury(r.index, true)
	return 0
}

func sysExitGroup(r *runner, c *metal.Context) uint64 {
	if e := r.leaveFutexes(); e != 0 {
		return e.Result()
	}
	r.endProcess(r.p, abi.ExitStatus{Kind: abi.Exited, Value: uint32(c.Arg0()) & 0xff})
	return 0
}

// leaveFutexes does what a thread asked for at its end: clear a word and wake
// who waits for it (set_tid_address(2)), and mark the robust futexes that it
// held (Linux Documentation/locking/robust-futex-ABI.rst). More: that was a piece.
// Absent: a page has to come before; the piece is done again then, and does no harm to what is done.
func (r *runner) leaveFutexes() abi.Errno {
	r.as.TakeAbsent()
	t := r.t
	next, left := t.robustNext, t.robustLeft
	more := t.robust != 0 && r.leaveRobust(t)
	if !more && t.clearTID != 0 && r.as.WriteUint32(t.clearTID, 0) == 0 {
		r.wakeWord(t.clearTID)
	}
	if r.as.Missed() && r.mustWait(memory.Absent) {
		t.robustNext, t.robustLeft = next, left
		return memory.Absent
	}
	if more {
		r.unfinished()
		return memory.More
	}
	return 0
}

// leaveRobust walks a piece of a list in user memory: bounded, and every word of it as
// the program left it. It reports whether there is more.
func (r *runner) leaveRobust(t *Thread) (more bool) {
	const (
		longest    = 2048
		atOnce     = 16
		offOffset  = 8
		offPending = 16
	)
	offset, e := r.as.ReadUint64(t.robust + offOffset)
	if e != 0 {
		return false
	}
	pending, _ := r.as.ReadUint64(t.robust + offPending)
	next := t.robustNext
	if t.robustLeft == 0 {
		if next, e = r.as.ReadUint64(t.robust); e != 0 {
			return false
		}
		t.robustLeft = longest
	}
	for n := 0; e == 0 && t.robustLeft > 0 && abi.UserAddr(next) != t.robust; n++ {
		if n == atOnce {
			t.robustNext = next
			return true
		}
		entry := next &^ 1
		next, e = r.as.ReadUint64(abi.UserAddr(entry))
		if entry != pending {
			r.leaveLock(t, abi.UserAddr(entry+offset))
		}
		t.robustLeft--
	}
	t.robustLeft = 0
	if pending != 0 {
		r.leaveLock(t, abi.UserAddr(pending&^1+offset))
	}
	return false
}

// leaveLock marks the lock in word, if t holds it, as its dead owner's, and
// wakes one who waits for it.
func (r *runner) leaveLock(t *Thread, word abi.UserAddr) {
	const (
		waiters   = 1 << 31
		ownerDied = 1 << 30
		ownerMask = 1<<30 - 1
	)
	if !word.Aligned(4) {
		return
	}
	v, e := r.as.LoadUint32(word)
	if e != 0 || v&ownerMask != t.tid {
		return
	}
	if r.as.WriteUint32(word, v&waiters|ownerDied) == 0 && v&waiters != 0 {
		r.wakeWord(word)
	}
}

// wakeWord wakes one waiter on a word, by either kind of key.
func (r *runner) wakeWord(word abi.UserAddr) {
	for _, private := range [2]bool{true, false} {
		if key, e := r.futexKey(decode.Futex{Private: private}, word); e == 0 {
			r.wake(key, 1, futex.Any)
		}
	}
}

// sysWait4: process, where to put the status, options, where to put the usage.
func sysWait4(r *runner, c *metal.Context) uint64 {
	const noHang = 1
	pid, options := int32(c.Arg0()), c.Arg2()
	if options&^(noHang|2|8|1<<29|1<<30|1<<31) != 0 {
		return abi.EINVAL.Result()
	}
	found := false
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		p := k.processes.Index(i)
		if p.parentPID != r.p.pid || pid > 0 && p.pid != uint32(pid) {
			continue
		}
		found = true
		if p.zombie {
			return r.collect(c, p)
		}
	}
	switch {
	case !found:
		return abi.ECHILD.Result()
	case options&noHang != 0:
		return 0
	}
	return r.pause(forChild, decode.Never)
}

// collect answers wait4 with a child that has ended, and forgets the child.
func (r *runner) collect(c *metal.Context, p *Process) uint64 {
	if c.Arg1() != 0 {
		if e := r.as.WriteUint32(abi.UserAddr(c.Arg1()), p.status.Wait()); e != 0 {
			return e.Result()
		}
	}
	if c.Arg3() != 0 {
		u := abi.Rusage{Utime: abi.TimevalOf(processTime(p, 0))}
		var b [abi.RusageSize]byte
		u.Put(b[:])
		if e := r.put(c.Arg3(), b[:]); e != 0 {
			return e
		}
	}
	r.p.childTime += processTime(p, 0) + p.childTime
	pid := p.pid
	k.freeProcess(p)
	return uint64(pid)
}
