//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// timer is a timer object. It keeps the reference to its notification when its time
// has come, for mostly it is set again with the same.
type timer struct {
	handle       pool.Handle
	notification int32 // header, pool.Nil: it was never set, or is stopped
	bits         uint64
	next         int64 // when it is due
	period       int64 // ns, 0: once
}

// timerShare is how many threads the tables have room for for each timer.
const timerShare = 4

// timerOwner is the place of timer i in k.timers.
func (k *kernel) timerOwner(i int32) int32 { return k.firstTimer + i }

func loamTimerCreate(r *runner, c *metal.Context) uint64 {
	header, e := r.newHeader(abi.KindTimer)
	if e != 0 {
		return e.Result()
	}
	h, t, ok := k.clocks.Get()
	if !ok {
		k.objects.Release(header)
		return abi.ENOSPC.Result()
	}
	*t = timer{handle: h, notification: pool.Nil}
	k.objects.At(header).Record = h.Index
	return r.give(header)
}

// loamTimerSet: timer, notification, bits, time, period.
func loamTimerSet(r *runner, c *metal.Context) uint64 {
	at, period := int64(c.Arg3()), int64(c.Arg4())
	i, e := r.object(c.Arg0(), abi.KindTimer, abi.RightManage)
	if e != 0 {
		return e.Result()
	}
	t := k.clocks.Index(k.objects.At(i).Record)
	if at == decode.Never {
		r.stopTimer(t)
		return 0
	}
	n, e := r.target(c.Arg1(), c.Arg2())
	switch {
	case e != 0:
		return e.Result()
	case at < 0 || period < 0 || period > 0 && period < abi.MinTimerPeriod:
		return abi.EINVAL.Result()
	}
	if n != t.notification {
		k.objects.Refer(n)
		r.forgetTarget(&t.notification)
	}
	t.notification, t.bits, t.next, t.period = n, c.Arg2(), at, period
	k.timers.Set(k.timerOwner(t.handle.Index), at)
	r.work |= workChoose // to arm the CPU's timer
	return 0
}

// stopTimer makes t one that isn't set.
func (r *runner) stopTimer(t *timer) {
	k.timers.Remove(k.timerOwner(t.handle.Index))
	r.forgetTarget(&t.notification)
}

// forgetTarget gives back a reference to a notification, if there is one.
func (r *runner) forgetTarget(at *int32) {
	if i := *at; i != pool.Nil {
		*at = pool.Nil
		r.unrefer(i)
	}
}

// renew sets a timer with a period, whose time has come, once more.
func (t *timer) renew(now int64) {
	if t.next = decode.Next(t.next, t.period, now); t.next != decode.Never {
		k.timers.Set(k.timerOwner(t.handle.Index), t.next)
	}
}

// dropTimer gives back the record of a timer that nobody can name any more.
func (r *runner) dropTimer(o *object.Header) {
	t := k.clocks.Index(o.Record)
	o.Record = pool.Nil
	r.stopTimer(t)
	k.clocks.Put(t.handle)
}
