//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"math"

	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/poll"
	"loam/machine/metal"
)

func sysEventfd(r *runner, c *metal.Context) uint64 { return r.eventfd(uint32(c.Arg0()), 0) }

func sysEventfd2(r *runner, c *metal.Context) uint64 {
	return r.eventfd(uint32(c.Arg0()), uint32(c.Arg1()))
}

func (r *runner) eventfd(initial, flags uint32) uint64 {
	fd, e := k.poll.Eventfd(r.table(), initial, flags)
	return valueOr(uint64(fd), e)
}

func sysEpollCreate(r *runner, c *metal.Context) uint64 {
	if int32(c.Arg0()) <= 0 {
		return abi.EINVAL.Result()
	}
	fd, e := k.poll.Epoll(r.table(), 0)
	return valueOr(uint64(fd), e)
}

func sysEpollCreate1(r *runner, c *metal.Context) uint64 {
	fd, e := k.poll.Epoll(r.table(), uint32(c.Arg0()))
	return valueOr(uint64(fd), e)
}

// sysEpollCtl: epoll, operation, descriptor, event.
func sysEpollCtl(r *runner, c *metal.Context) uint64 {
	var event abi.EpollEvent
	if c.Arg1() != abi.EPOLL_CTL_DEL {
		var b [abi.EpollEventSize]byte
		if e := r.as.ReadUser(abi.UserAddr(c.Arg3()), b[:]); e != 0 {
			return e.Result()
		}
		event = abi.GetEpollEvent(b[:])
		if k.frames.Low() {
			return abi.ENOMEM.Result()
		}
	}
	e := k.poll.EpollCtl(r.table(), int32(c.Arg0()), uint32(c.Arg1()), int32(c.Arg2()), event)
	r.settle()
	return e.Result()
}

// sysEpollWait: epoll, events, how many, milliseconds.
func sysEpollWait(r *runner, c *metal.Context) uint64 { return r.epollWait(c) }

// sysEpollPwait: besides, a mask for the time of the call, and its size.
func sysEpollPwait(r *runner, c *metal.Context) uint64 {
	if e := r.maskFor(c.Arg4(), c.Arg5()); e != 0 {
		return e.Result()
	}
	v := r.epollWait(c)
	r.unmask()
	return v
}

// maskFor puts the mask at addr, if there is one, in place of the caller's for
// the time of a call. EINTR: with it a signal is due.
func (r *runner) maskFor(addr, size uint64) abi.Errno {
	if addr == 0 || r.t.resumed {
		return 0
	}
	if e := r.suspendFor(addr, size); e != 0 {
		return e
	}
	if r.t.due(r.p) {
		r.work |= workSignal
		return abi.EINTR
	}
	return 0
}

// suspendFor puts the mask at addr in place of the caller's for the time of a call.
func (r *runner) suspendFor(addr, size uint64) abi.Errno {
	set, e := r.sigset(addr, size)
	if e == 0 {
		r.t.sig.Suspend(set)
	}
	return e
}

// unmask ends what maskFor began, unless the call waits.
func (r *runner) unmask() {
	if r.t.wait == running {
		r.t.sig.RestoreMask()
		if r.t.due(r.p) {
			r.work |= workSignal
		}
	}
}

// mostEvents is how many events one epoll_wait gives at most.
const mostEvents = 64

func (r *runner) epollWait(c *metal.Context) uint64 {
	fd, most := int32(c.Arg0()), int32(c.Arg2())
	if most <= 0 || most > math.MaxInt32/abi.EpollEventSize { // Linux's EP_MAX_EVENTS
		return abi.EINVAL.Result()
	}
	if e := r.present(c.Arg1(), uint64(min(most, mostEvents))*abi.EpollEventSize); e != 0 { // events are told once
		return e.Result()
	}
	var events [mostEvents]abi.EpollEvent
	n, e := k.poll.EpollWait(r.table(), fd, events[:min(most, mostEvents)])
	if e != 0 {
		return e.Result()
	}
	if n == 0 {
		now := metal.Now()
		deadline := r.until(decode.Millis(now, int32(c.Arg3())))
		if deadline <= now {
			return 0
		}
		if e := k.poll.Wait(r.index, r.table(), fd, abi.EPOLLIN); e != 0 {
			return e.Result()
		}
		r.pause(forChange, deadline)
		r.settle()
		return 0
	}
	var b [mostEvents * abi.EpollEventSize]byte
	for i := range events[:n] {
		abi.PutEpollEvent(b[i*abi.EpollEventSize:], events[i])
	}
	if e := r.as.WriteUser(abi.UserAddr(c.Arg1()), b[:n*abi.EpollEventSize]); e != 0 {
		return e.Result()
	}
	return uint64(n)
}

// sysPoll: descriptors, how many, milliseconds.
func sysPoll(r *runner, c *metal.Context) uint64 {
	return r.pollFor(c.Arg0(), c.Arg1(), decode.Millis(metal.Now(), int32(c.Arg2())))
}

// sysPpoll: descriptors, how many, time-out, mask, its size.
func sysPpoll(r *runner, c *metal.Context) uint64 {
	deadline := decode.Never
	if c.Arg2() != 0 {
		ns, e := r.timespec(c.Arg2())
		if e != 0 {
			return e.Result()
		}
		deadline = decode.After(metal.Now(), ns)
	}
	if e := r.maskFor(c.Arg3(), c.Arg4()); e != 0 {
		return e.Result()
	}
	v := r.pollFor(c.Arg0(), c.Arg1(), deadline)
	r.unmask()
	return v
}

// pollFor looks at n descriptors until something is there to tell.
func (r *runner) pollFor(at, n uint64, deadline int64) uint64 {
	if n > poll.MaxFD {
		return abi.EINVAL.Result()
	}
	found := uint64(0)
	for i := range n {
		addr := abi.UserAddr(at + i*abi.PollFDSize)
		var b [abi.PollFDSize]byte
		if e := r.as.ReadUser(addr, b[:]); e != 0 {
			return e.Result()
		}
		p := abi.GetPollFD(b[:])
		p.Revents = 0
		if p.FD >= 0 {
			const always = abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLNVAL
			p.Revents = uint16(k.poll.Events(r.table(), p.FD)) & (p.Events | always)
		}
		if p.Revents != 0 {
			found++
		}
		p.Put(b[:])
		if e := r.as.WriteUser(addr, b[:]); e != 0 {
			return e.Result()
		}
	}
	deadline = r.until(deadline)
	if found > 0 || deadline <= metal.Now() {
		return found
	}
	k.poll.WaitAny(r.index, r.table())
	return r.pause(forChange, deadline)
}
