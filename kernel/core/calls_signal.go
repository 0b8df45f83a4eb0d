//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/pool"
	"loam/kernel/signal"
	"loam/machine/metal"
)

// sysSigaction: signal, new action, where to put the old one, size of the set.
func sysSigaction(r *runner, c *metal.Context) uint64 {
	s := abi.Signal(int32(c.Arg0()))
	if c.Arg3() != abi.SigsetSize {
		return abi.EINVAL.Result()
	}
	old, e := r.p.sig.Action(s)
	if e != 0 {
		return e.Result()
	}
	var b [abi.SigactionSize]byte
	if c.Arg1() != 0 {
		if e := r.as.ReadUser(abi.UserAddr(c.Arg1()), b[:]); e != 0 {
			return e.Result()
		}
		if s == abi.SIGKILL || s == abi.SIGSTOP {
			return abi.EINVAL.Result()
		}
	}
	set := abi.GetSigaction(b[:])
	if c.Arg2() != 0 {
		abi.PutSigaction(b[:], old)
		if e := r.as.WriteUser(abi.UserAddr(c.Arg2()), b[:]); e != 0 {
			return e.Result()
		}
	}
	if c.Arg1() == 0 {
		return 0
	}
	discard, e := r.p.sig.SetAction(s, set)
	if e != 0 {
		return e.Result()
	}
	if discard {
		for i := r.p.members.First(); i != pool.Nil; i = r.p.members.Next(k.siblings, i) {
			k.threads.Index(i).sig.Discard(s)
		}
	}
	return 0
}

// sigset reads a set of signals from the caller's memory.
func (r *runner) sigset(addr, size uint64) (abi.Sigset, abi.Errno) {
	if size != abi.SigsetSize {
		return 0, abi.EINVAL
	}
	v, e := r.as.ReadUint64(abi.UserAddr(addr))
	return abi.Sigset(v), e
}

// sysSigprocmask: how, new set, where to put the old one, size of the set.
func sysSigprocmask(r *runner, c *metal.Context) uint64 {
	if c.Arg3() != abi.SigsetSize {
		return abi.EINVAL.Result()
	}
	old := r.t.sig.Mask()
	set := old
	if c.Arg1() != 0 {
		var e abi.Errno
		if set, e = r.sigset(c.Arg1(), c.Arg3()); e != 0 {
			return e.Result()
		}
		if c.Arg0() > abi.SIG_SETMASK {
			return abi.EINVAL.Result()
		}
	}
	if c.Arg2() != 0 {
		var b [abi.SigsetSize]byte
		putWord(b[:], uint64(old))
		if e := r.put(c.Arg2(), b[:]); e != 0 {
			return e
		}
	}
	if c.Arg1() != 0 {
		r.t.sig.SetMask(c.Arg0(), set)
		if r.t.due(r.p) {
			r.work |= workSignal
		}
	}
	return 0
}

func sysSigpending(r *runner, c *metal.Context) uint64 {
	if c.Arg1() > abi.SigsetSize {
		return abi.EINVAL.Result()
	}
	var b [abi.SigsetSize]byte
	putWord(b[:], uint64(signal.Pending(&r.p.sig, &r.t.sig)))
	return r.put(c.Arg0(), b[:c.Arg1()])
}

// sysSigtimedwait: set, where to put the signal's information, time-out, size.
func sysSigtimedwait(r *runner, c *metal.Context) uint64 {
	t := r.t
	set, e := r.sigset(c.Arg0(), c.Arg3())
	if e != 0 {
		return e.Result()
	}
	deadline := decode.Never
	if c.Arg2() != 0 {
		ns, e := r.timespec(c.Arg2())
		if e != 0 {
			return e.Result()
		}
		deadline = r.until(decode.After(metal.Now(), ns))
	}
	if e := r.present(c.Arg1(), abi.SiginfoSize); e != 0 { // a signal that is taken can't be put back
		return e.Result()
	}
	var info abi.Siginfo
	var ok bool
	if t.resumed {
		info, ok = signal.EndAwait(&r.p.sig, &t.sig)
	} else {
		info, ok = signal.Await(&r.p.sig, &t.sig, set)
	}
	switch {
	case ok:
		if c.Arg1() != 0 {
			var b [abi.SiginfoSize]byte
			info.Put(b[:])
			if e := r.put(c.Arg1(), b[:]); e != 0 {
				return e
			}
		}
		return uint64(info.Signo)
	case deadline <= metal.Now():
		signal.EndAwait(&r.p.sig, &t.sig)
		return abi.EAGAIN.Result()
	case t.resumed:
		r.work |= workSignal
		return abi.EINTR.Result()
	}
	return r.pause(forSignal, deadline)
}

func sysSigsuspend(r *runner, c *metal.Context) uint64 {
	if r.t.resumed {
		return r.suspended()
	}
	set, e := r.sigset(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	r.t.sig.Suspend(set)
	if r.t.due(r.p) {
		return r.suspended()
	}
	return r.pause(forSignal, decode.Never)
}

func sysPause(r *runner, c *metal.Context) uint64 {
	if r.t.resumed {
		return r.suspended()
	}
	return r.pause(forSignal, decode.Never)
}

// suspended ends a wait for any signal, which goes on if no handler runs.
func (r *runner) suspended() uint64 {
	r.t.restart = ifNotHandled
	r.work |= workSignal
	return abi.EINTR.Result()
}

// sysSigaltstack: new stack, where to put the old one.
func sysSigaltstack(r *runner, c *metal.Context) uint64 {
	old := r.t.sig.AltStack(c.SP())
	var b [abi.SigStackSize]byte
	if e := r.present(c.Arg1(), abi.SigStackSize); e != 0 {
		return e.Result()
	}
	if c.Arg0() != 0 {
		if e := r.as.ReadUser(abi.UserAddr(c.Arg0()), b[:]); e != 0 {
			return e.Result()
		}
		if e := r.t.sig.SetAltStack(abi.GetSigStack(b[:]), c.SP()); e != 0 {
			return e.Result()
		}
	}
	if c.Arg1() != 0 {
		old.Put(b[:])
		return r.put(c.Arg1(), b[:])
	}
	return 0
}

// sysKill: process, signal. 0 and -1 mean the caller's own process here: there
// are no groups, unless somebody else knows of them.
func sysKill(r *runner, c *metal.Context) uint64 {
	pid, s := int32(c.Arg0()), abi.Signal(int32(c.Arg1()))
	if r.p.forward.endpoint != 0 && uint32(pid) != r.p.pid {
		return r.forward(c)
	}
	if s != 0 && !s.Valid() {
		return abi.EINVAL.Result()
	}
	p := r.p
	if pid > 0 {
		if p = k.findProcess(uint32(pid)); p == nil {
			return abi.ESRCH.Result()
		}
	} else if pid < -1 && uint32(-pid) != p.pid {
		return abi.ESRCH.Result()
	}
	if !r.maySignal(p) {
		return abi.EPERM.Result()
	}
	if s != 0 {
		r.postProcess(p, abi.SentInfo(s, abi.SI_USER, r.p.pid, 0))
	}
	return 0
}

func sysTkill(r *runner, c *metal.Context) uint64 {
	if r.isOthers(uint32(c.Arg0())) {
		return r.forward(c)
	}
	return r.sendThread(0, int32(c.Arg0()), abi.Signal(int32(c.Arg1())))
}

// isOthers reports whether no thread of the current process has that id, and somebody else knows
// of other processes.
func (r *runner) isOthers(tid uint32) bool {
	if r.p.forward.endpoint == 0 {
		return false
	}
	t := k.find(tid)
	return t == nil || t.process != r.t.process
}

// sysTgkill: process, thread, signal.
func sysTgkill(r *runner, c *metal.Context) uint64 {
	if uint32(c.Arg0()) != r.p.pid && r.isOthers(uint32(c.Arg1())) {
		return r.forward(c)
	}
	if int32(c.Arg0()) <= 0 {
		return abi.EINVAL.Result()
	}
	return r.sendThread(uint32(c.Arg0()), int32(c.Arg1()), abi.Signal(int32(c.Arg2())))
}

// sendThread sends a signal to a thread, of process pid unless that is 0.
func (r *runner) sendThread(pid uint32, tid int32, s abi.Signal) uint64 {
	if tid <= 0 || s != 0 && !s.Valid() {
		return abi.EINVAL.Result()
	}
	t := k.find(uint32(tid))
	if t == nil {
		return abi.ESRCH.Result()
	}
	p := k.processes.Index(t.process)
	if pid != 0 && p.pid != pid {
		return abi.ESRCH.Result()
	}
	if !r.maySignal(p) {
		return abi.EPERM.Result()
	}
	if s != 0 && !t.gone {
		r.postThread(t.handle.Index, abi.SentInfo(s, abi.SI_TKILL, r.p.pid, 0))
	}
	return 0
}

// maySignal says whether the current process may send p a signal: to itself
// and to its children. Everybody is the same user, so users decide nothing.
func (r *runner) maySignal(p *Process) bool {
	return p == r.p || p.parentPID == r.p.pid
}
