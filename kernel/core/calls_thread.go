//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"
	"math"

	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/futex"
	"loam/machine/metal"
)

func sysGetpid(r *runner, c *metal.Context) uint64 { return uint64(r.p.pid) }

func sysGettid(r *runner, c *metal.Context) uint64 { return uint64(r.t.tid) }

func sysGetppid(r *runner, c *metal.Context) uint64 { return uint64(r.p.parentPID) }

// sysClone: flags, stack, where the parent and where the child find the thread
// id, thread-local storage. Only threads are made so.
func sysClone(r *runner, c *metal.Context) uint64 {
	flags := c.Arg0()
	if e := decode.Clone(flags); e != 0 {
		if r.p.forward.endpoint != 0 { // a new process, perhaps
			return r.forward(c)
		}
		return e.Result()
	}
	if flags&abi.CLONE_SETTLS != 0 && badTLS(cloneTLS(c)) {
		return abi.EPERM.Result()
	}
	i, t, e := k.newThread(r.p)
	if e != 0 {
		return abi.EAGAIN.Result() // whatever there is too little of
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], t.tid)
	if flags&abi.CLONE_PARENT_SETTID != 0 {
		e = r.as.WriteUser(abi.UserAddr(c.Arg2()), b[:])
	}
	if flags&abi.CLONE_CHILD_SETTID != 0 && e == 0 {
		e = r.as.WriteUser(abi.UserAddr(cloneChildTID(c)), b[:])
	}
	if e != 0 {
		k.freeThread(i)
		return e.Result()
	}
	// Nothing fails from here on.
	if flags&abi.CLONE_CHILD_CLEARTID != 0 {
		t.clearTID = abi.UserAddr(cloneChildTID(c))
	}
	child := k.contexts[i]
	inherit(child, c)
	if sp := c.Arg1(); sp != 0 {
		child.SetSP(sp)
	}
	if flags&abi.CLONE_SETTLS != 0 {
		child.SetTLS(cloneTLS(c))
	}
	t.sig.Clone(&r.t.sig)
	t.keepCaps = r.t.keepCaps
	t.setSlack(r.t.slack)
	tid := t.tid
	k.sched.SetAffinity(i, k.sched.Affinity(r.index), r.time(), int(r.id))
	r.enqueue(i, r.time())
	return uint64(tid)
}

func sysSetTidAddress(r *runner, c *metal.Context) uint64 {
	r.t.clearTID = abi.UserAddr(c.Arg0())
	return uint64(r.t.tid)
}

func sysSetRobustList(r *runner, c *metal.Context) uint64 {
	const headSize = 24 // struct robust_list_head
	if c.Arg1() != headSize {
		return abi.EINVAL.Result()
	}
	r.t.robust = abi.UserAddr(c.Arg0())
	return 0
}

func sysPrctl(r *runner, c *metal.Context) uint64 {
	switch c.Arg0() {
	case abi.PR_SET_NAME:
		var name [16]byte
		for i := range name[:15] { // it may end right before an unmapped page
			if e := r.as.ReadUser(abi.UserAddr(c.Arg1()+uint64(i)), name[i:i+1]); e != 0 {
				return e.Result()
			}
			if name[i] == 0 {
				break
			}
		}
		r.p.name = name
		return 0
	case abi.PR_GET_NAME:
		name := r.p.name
		return r.put(c.Arg1(), name[:])
	case abi.PR_GET_DUMPABLE, abi.PR_SET_NO_NEW_PRIVS:
		return 0
	case abi.PR_GET_KEEPCAPS:
		return uint64(r.t.keepCaps)
	case abi.PR_SET_KEEPCAPS: // there are no users that it would matter for
		if c.Arg1() > 1 {
			return abi.EINVAL.Result()
		}
		r.t.keepCaps = uint8(c.Arg1())
		return 0
	case abi.PR_GET_TIMERSLACK:
		return uint64(r.t.slack)
	case abi.PR_SET_TIMERSLACK:
		if r.t.slack = int64(min(c.Arg1(), math.MaxInt64)); r.t.slack == 0 {
			r.t.slack = r.t.usual
		}
		return 0
	case abi.PR_SET_PDEATHSIG, abi.PR_GET_PDEATHSIG, abi.PR_SET_CHILD_SUBREAPER, abi.PR_GET_CHILD_SUBREAPER:
		if r.p.forward.endpoint != 0 {
			return r.forward(c)
		}
	}
	// Also PR_SET_VMA: an answer of ENOSYS would make Go's runtime ask again.
	return abi.EINVAL.Result()
}

// sysSchedGetaffinity: thread, size, mask.
func sysSchedGetaffinity(r *runner, c *metal.Context) uint64 {
	if c.Arg1() < 8 || c.Arg1()%8 != 0 {
		return abi.EINVAL.Result()
	}
	t := r.t
	if tid := uint32(c.Arg0()); tid != 0 {
		if t = k.find(tid); t == nil {
			return abi.ESRCH.Result()
		}
	}
	var b [8]byte
	putWord(b[:], k.sched.Affinity(t.handle.Index))
	if e := r.put(c.Arg2(), b[:]); e != 0 {
		return e
	}
	return 8
}

// sysSchedSetaffinity: thread, size, mask.
func sysSchedSetaffinity(r *runner, c *metal.Context) uint64 {
	t := r.t
	if tid := uint32(c.Arg0()); tid != 0 {
		if t = k.find(tid); t == nil {
			return abi.ESRCH.Result()
		}
	}
	if t.process != r.t.process {
		return abi.EPERM.Result()
	}
	var b [8]byte
	if e := r.as.ReadUser(abi.UserAddr(c.Arg2()), b[:min(c.Arg1(), 8)]); e != 0 {
		return e.Result()
	}
	if !r.setAffinity(t.handle.Index, binary.LittleEndian.Uint64(b[:])) {
		return abi.EINVAL.Result()
	}
	return 0
}

func sysSchedGetparam(r *runner, c *metal.Context) uint64 {
	var b [4]byte // struct sched_param: priority 0
	return r.put(c.Arg1(), b[:])
}

// sysGetpriority answers 20 - nice, so that the value is never negative.
func sysGetpriority(r *runner, c *metal.Context) uint64 {
	i, ok := r.prioritized(c)
	if !ok {
		return abi.ESRCH.Result()
	}
	return uint64(20 - k.sched.Nice(i))
}

func sysSetpriority(r *runner, c *metal.Context) uint64 {
	i, ok := r.prioritized(c)
	if !ok {
		return abi.ESRCH.Result()
	}
	k.sched.SetNice(i, int(min(max(int32(c.Arg2()), -20), 19)), r.time(), int(r.id))
	r.kick()
	r.work |= workChoose
	return 0
}

// prioritized gives the thread that the "which" and "who" of setpriority(2)
// mean: PRIO_PROCESS, a thread of the caller's process.
func (r *runner) prioritized(c *metal.Context) (int32, bool) {
	who := uint32(c.Arg1())
	if c.Arg0() != 0 {
		return 0, false
	}
	if who == 0 {
		return r.index, true
	}
	t := k.find(who)
	if t == nil || t.process != r.t.process {
		return 0, false
	}
	return t.handle.Index, true
}

func sysGetcpu(r *runner, c *metal.Context) uint64 {
	var b [4]byte // one node
	if c.Arg1() != 0 {
		if e := r.put(c.Arg1(), b[:]); e != 0 {
			return e
		}
	}
	if c.Arg0() == 0 {
		return 0
	}
	binary.LittleEndian.PutUint32(b[:], uint32(r.id))
	return r.put(c.Arg0(), b[:])
}

// sysMembarrier: whoever runs in the space comes into the kernel and goes out
// again, which is a barrier; the others had theirs when they came in.
func sysMembarrier(r *runner, c *metal.Context) uint64 {
	const has = abi.MEMBARRIER_CMD_GLOBAL | abi.MEMBARRIER_CMD_PRIVATE_EXPEDITED |
		abi.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
	switch c.Arg0() {
	case abi.MEMBARRIER_CMD_QUERY:
		return has
	case abi.MEMBARRIER_CMD_GLOBAL:
		r.barrier(nil)
		return 0
	case abi.MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		r.barrier(r.as)
		return 0
	case abi.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		return 0
	}
	return abi.EINVAL.Result()
}

// sysFutex: word, operation, value, time-out or second value, second word,
// third value.
//
//loam:noalloc
func sysFutex(r *runner, c *metal.Context) uint64 {
	op, e := decode.FutexOp(c.Arg1())
	if e != 0 {
		return e.Result()
	}
	addr := abi.UserAddr(c.Arg0())
	if e := futex.CheckAddr(addr); e != 0 {
		return e.Result()
	}
	switch op.Cmd {
	case abi.FUTEX_WAKE:
		return r.futexWake(op, addr, int32(c.Arg2()), futex.Any)
	case abi.FUTEX_WAKE_BITSET:
		return r.futexWake(op, addr, int32(c.Arg2()), uint32(c.Arg5()))
	case abi.FUTEX_WAIT:
		return r.futexWait(c, op, addr, futex.Any)
	case abi.FUTEX_WAIT_BITSET:
		return r.futexWait(c, op, addr, uint32(c.Arg5()))
	case abi.FUTEX_WAKE_OP:
		return r.futexWakeOp(c, op, addr)
	}
	return r.futexRequeue(c, op, addr)
}

// futexKey names the word: a private one by address space and address, others
// by the frame that holds it, where another address space may have it too.
func (r *runner) futexKey(op decode.Futex, addr abi.UserAddr) (futex.Key, abi.Errno) {
	if !addr.Below(abi.UserLimit, 4) {
		return futex.Key{}, abi.EFAULT
	}
	if op.Private {
		return futex.Private(uint64(r.p.memory)+1, addr), 0
	}
	physical, e := r.as.Physical(addr)
	return futex.Shared(physical), e
}

func (r *runner) futexWait(c *metal.Context, op decode.Futex, addr abi.UserAddr, bitset uint32) uint64 {
	if bitset == 0 {
		return abi.EINVAL.Result()
	}
	deadline := decode.Never
	if c.Arg3() != 0 {
		ns, e := r.timespec(c.Arg3())
		if e != 0 {
			return e.Result()
		}
		switch {
		case op.Cmd == abi.FUTEX_WAIT:
			deadline = decode.After(metal.Now(), ns)
		case op.Real:
			deadline = decode.Until(ns, k.wallOffset)
		default:
			deadline = ns
		}
	}
	key, e := r.futexKey(op, addr)
	if e != 0 {
		return e.Result()
	}
	word, e := r.as.LoadUint32(addr)
	switch {
	case e != 0:
		return e.Result()
	case word != uint32(c.Arg2()):
		return abi.EAGAIN.Result()
	case deadline != decode.Never && deadline <= metal.Now():
		return abi.ETIMEDOUT.Result()
	}
	k.futexes.Wait(r.index, key, bitset)
	return r.pause(forFutex, deadline)
}

func (r *runner) futexWake(op decode.Futex, addr abi.UserAddr, n int32, bitset uint32) uint64 {
	if bitset == 0 {
		return abi.EINVAL.Result()
	}
	key, e := r.futexKey(op, addr)
	if e != 0 {
		return e.Result()
	}
	if n > 1 || bitset != futex.Any {
		return r.wakeMany(key, n, bitset)
	}
	for {
		i, ok := k.futexes.WakeOne(key)
		switch {
		case !ok:
			return 0
		case k.threads.Index(i).ended():
			continue // it waits no more, and is about to go
		}
		r.woken(i)
		return 1
	}
}

// ended reports whether the thread's process has.
func (t *Thread) ended() bool {
	return !k.leaving.Empty() && k.processes.Index(t.process).ended
}

// woken goes on with thread i, which was taken out of its futex's queue.
func (r *runner) woken(i int32) {
	k.contexts[i].SetResult(0)
	t := k.threads.Index(i)
	if t.deadline != decode.Never {
		k.timers.Remove(i)
	}
	r.ready(i, t)
}

// wake ends the waits of up to n threads on a word, of one at least, as Linux.
func (r *runner) wake(key futex.Key, n int32, bitset uint32) (woken int32) {
	n = max(n, 1)
	for w := k.futexes.Wake(key, bitset); woken < n; {
		i, ok := w.Next()
		if !ok {
			break
		}
		if !k.threads.Index(i).ended() {
			r.woken(i)
			woken++
		}
	}
	return woken
}

// wakeMany is wake for a call, in pieces.
func (r *runner) wakeMany(key futex.Key, n int32, bitset uint32) uint64 {
	const atOnce = 64
	t := r.t
	left := max(n, 1) - t.done
	woken := r.wake(key, min(left, atOnce), bitset)
	t.done += woken
	if woken == atOnce && left > atOnce {
		r.unfinished()
		return 0
	}
	woken, t.done = t.done, 0
	return uint64(woken)
}

// futexWakeOp changes a second word, wakes waiters on the first, and if the
// second word's old value passes a test, on the second too.
func (r *runner) futexWakeOp(c *metal.Context, op decode.Futex, addr abi.UserAddr) uint64 {
	second := abi.UserAddr(c.Arg4())
	change, e := futex.DecodeOp(uint32(c.Arg5()))
	if e == 0 {
		e = futex.CheckAddr(second)
	}
	if e != 0 {
		return e.Result()
	}
	key, e := r.futexKey(op, addr)
	if e != 0 {
		return e.Result()
	}
	key2, e := r.futexKey(op, second)
	if e != 0 {
		return e.Result()
	}
	old, e := r.as.LoadUint32(second)
	if e != 0 {
		return e.Result()
	}
	value, both := change.Apply(old)
	if e := r.as.WriteUint32(second, value); e != 0 {
		return e.Result()
	}
	woken := r.wake(key, int32(c.Arg2()), futex.Any)
	if both {
		woken += r.wake(key2, int32(c.Arg3()), futex.Any)
	}
	return uint64(woken)
}

func (r *runner) futexRequeue(c *metal.Context, op decode.Futex, from abi.UserAddr) uint64 {
	to, n, most := abi.UserAddr(c.Arg4()), int32(c.Arg2()), int32(c.Arg3())
	if e := futex.CheckAddr(to); e != 0 {
		return e.Result()
	}
	if n < 0 || most < 0 {
		return abi.EINVAL.Result()
	}
	source, e := r.futexKey(op, from)
	if e != 0 {
		return e.Result()
	}
	target, e := r.futexKey(op, to)
	if e != 0 {
		return e.Result()
	}
	if op.Cmd == abi.FUTEX_CMP_REQUEUE {
		word, e := r.as.LoadUint32(from)
		if e != 0 {
			return e.Result()
		}
		if word != uint32(c.Arg5()) {
			return abi.EAGAIN.Result()
		}
	}
	woken := int32(0)
	if n > 0 {
		woken = r.wake(source, n, futex.Any)
	}
	return uint64(int(woken) + k.futexes.Requeue(source, target, int(most)))
}
