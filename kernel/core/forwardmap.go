//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// What a server does to who has made a forwarded call, beside answering it: files that are
// mapped, signals.

// forwarder gives the thread that has made a forwarded call with a token.
func (r *runner) forwarder(token uint64) (i int32, t *Thread, e abi.Errno) {
	if i = r.caller(token); i == pool.Nil {
		return i, nil, abi.ESRCH
	}
	t = k.threads.Index(i)
	if !t.forwarded || k.processes.Index(t.process).ended {
		return i, t, abi.ESRCH
	}
	return i, t, 0
}

// loamMessageMap: token, memory, address, offset, length, protection and flags.
func loamMessageMap(r *runner, c *metal.Context) uint64 {
	_, t, e := r.forwarder(c.Arg0())
	if e != 0 {
		return e.Result()
	}
	prot, flags := c.Arg5()&0xffff_ffff, c.Arg5()>>32
	if prot&abi.MapPrivate != 0 {
		return abi.EINVAL.Result()
	}
	if flags&abi.MAP_TYPE == abi.MAP_PRIVATE {
		prot |= abi.MapPrivate
	}
	a, e := r.asked(c.Arg1(), prot)
	size := (c.Arg4() + abi.PageSize - 1) &^ (abi.PageSize - 1)
	switch {
	case e != 0:
		return e.Result()
	case size == 0 || c.Arg3()%abi.PageSize != 0 || c.Arg3()+size < size:
		return abi.EINVAL.Result()
	case r.low():
		return abi.ENOMEM.Result()
	}
	a.End, a.Offset = size, c.Arg3()
	s := &k.spaces.Index(k.processes.Index(t.process).memory).Space
	return r.piece(s.MapFile(&r.t.memory, a, c.Arg2(), flags))
}

// loamMessageSignal: token, signal.
func loamMessageSignal(r *runner, c *metal.Context) uint64 {
	i, t, e := r.forwarder(c.Arg0())
	switch {
	case e != 0:
		return e.Result()
	case c.Arg1() == 0 || c.Arg1() > abi.NumSignals:
		return abi.EINVAL.Result()
	}
	pid := k.processes.Index(t.process).pid
	r.postThread(i, abi.SentInfo(abi.Signal(c.Arg1()), abi.SI_USER, uint32(pid), 0))
	return 0
}

// sysMsync: address, length, flags. Who has mapped a host's file may have to write it.
func sysMsync(r *runner, c *metal.Context) uint64 {
	e := r.as.MSync(abi.UserAddr(c.Arg0()), c.Arg1(), c.Arg2())
	if e == 0 && r.p.forward.endpoint != 0 {
		return r.forward(c)
	}
	return e.Result()
}

// Masks of signals for the time of a call that waits: the kernel puts them in place before
// it forwards the call, and ends that with the answer.

// maskOf gives where a forwarded call has such a mask, and its size; 0: there is none.
func maskOf(c *metal.Context) uint64 {
	switch c.Number() {
	case abi.SYS_EPOLL_PWAIT, abi.SYS_EPOLL_PWAIT2:
		return c.Arg4()
	case abi.SYS_PPOLL:
		return c.Arg3()
	case abi.SYS_PSELECT6:
		return c.Arg5()
	}
	return 0
}

// forwardMasked puts the mask of a call in place, if it has one. A signal that is due with it doesn't keep the server from
// looking once: it is told to who receives the call (tellCall), and ends it if it has to wait.
func (r *runner) forwardMasked(c *metal.Context) abi.Errno {
	at, size := maskOf(c), uint64(abi.SigsetSize)
	switch {
	case at == 0:
		return 0
	case c.Number() == abi.SYS_PPOLL:
		size = c.Arg4()
	case c.Number() != abi.SYS_PSELECT6:
		size = c.Arg5()
	default: // an address and a size are there
		var e abi.Errno
		if size, e = r.as.ReadUint64(abi.UserAddr(at + 8)); e != 0 {
			return e
		}
		if at, e = r.as.ReadUint64(abi.UserAddr(at)); e != 0 {
			return e
		}
	}
	return r.suspendFor(at, size)
}

// endMask ends what forwardMasked began for t, whose call has a result, and gives that: at once, or when a
// handler runs that has ended it. To ppoll(2) and pselect(2) a signal goes before a time that is up.
func (t *Thread) endMask(p *Process, call, result uint64) uint64 {
	if result == 0 && (call == abi.SYS_PPOLL || call == abi.SYS_PSELECT6) && t.due(p) {
		result = abi.EINTR.Result()
	}
	if result != abi.EINTR.Result() {
		t.sig.RestoreMask()
	}
	t.signalled = t.signalled || t.sig.Masked() || t.due(p)
	return result
}
