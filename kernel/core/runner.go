//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/exception"
	"loam/kernel/sched"
	"loam/kernel/space"
	"loam/machine/metal"
)

// runner is the state of one CPU's loop. t to c describe the current thread
// and are nil (index sched.None) when there is none.
type runner struct {
	work uint32 // why the loop can't enter the current thread again at once

	t     *Thread
	p     *Process
	as    *space.Space
	c     *metal.Context
	index int32 // of t

	moved bool // the call has moved bytes already: it ends rather than wait

	corpse *metal.Context // of a current thread that ended: the call still writes to it

	queue *sched.Queue
	now   int64 // the time of this trap, 0 until somebody asks
	since int64 // when the current thread was last charged for its time
	armed int64 // the deadline that the timer has, decode.Never without one
	calls uint64

	// buf is where data stays between a program's memory and a device.
	buf [bufSize]byte
}

const bufSize = 4096

// Bits of runner.work.
const (
	workChoose = 1 << iota // another thread may have to run, or the timer to be set
	workSignal             // the current thread may have a signal to take
	workFlush              // translations of some space are not so any more
)

// loop runs the CPU's threads for ever.
//
//loam:noalloc
//loam:indirect table=calls
func (r *runner) loop() {
	for {
		r.choose()
		for r.work == 0 {
			c := r.c
			if trap := metal.Enter(c); trap != metal.TrapSyscall {
				r.trap(trap)
				continue
			}
			r.calls++
			f := rareCall
			if nr := c.OrigRAX; nr < uint64(len(calls)) {
				f = calls[nr]
			}
			c.RAX = f(r, c)
		}
	}
}

// trap handles an exception or an interrupt in the current thread.
//
//loam:noalloc
func (r *runner) trap(trap metal.Trap) {
	switch {
	case trap == exception.PageFault:
		r.pageFault()
	case trap < firstInterrupt:
		r.exception()
	default:
		r.happened(metal.Interrupt(trap))
		if metal.TurnDue() {
			metal.Turn()
			r.happened(metal.Pending())
		}
		r.work |= workChoose
	}
}

const firstInterrupt = 32

// choose makes the thread that should run the current one, ready to enter. It
// waits until there is one.
//
//loam:noalloc
func (r *runner) choose() {
	for {
		if r.work&workSignal != 0 && r.t != nil && r.t.wait == running {
			r.takeSignals()
		}
		if r.work&workFlush != 0 {
			r.flush()
		}
		r.work = 0
		if r.corpse != nil {
			metal.FreeContext(r.corpse)
			r.corpse = nil
		}
		if !k.dying.Empty() {
			r.reap()
		}
		now := r.time()
		i, slice := r.queue.Pick(now)
		if i != r.index {
			r.change(i, now)
		}
		r.arm(now, slice)
		r.now = 0
		if i == sched.None {
			if k.dying.Empty() {
				r.happened(metal.Idle())
			}
			continue
		}
		if r.work == 0 && r.t.retry {
			r.again()
		}
		if r.work == 0 {
			return
		}
	}
}

// change makes thread i, or none, the current one.
func (r *runner) change(i int32, now int64) {
	if r.t != nil {
		r.t.cpuTime += now - r.since
		r.t.switches++
	}
	r.since = now
	r.index = i
	if i == sched.None {
		r.t, r.p, r.as, r.c = nil, nil, nil, nil
		return
	}
	r.t = k.threads.Index(i)
	r.p = k.processes.Index(r.t.process)
	r.as = &k.spaces.Index(r.p.space).Space
	r.c = k.contexts[i]
	if r.t.signalled || r.t.due(r.p) {
		r.work |= workSignal
	}
	if r.as.FlushDue() {
		r.work |= workFlush
	}
}

// time gives the time of this trap: the clock is read once between two entries
// into user mode, when a thread starts or stops to wait or another is chosen.
func (r *runner) time() int64 {
	if r.now == 0 {
		r.now = metal.Now()
	}
	return r.now
}

// drop says that the current thread is no more.
func (r *runner) drop() {
	r.corpse = r.c
	r.flush()
	r.since = r.time()
	r.index = sched.None
	r.t, r.p, r.as, r.c = nil, nil, nil, nil
	r.work |= workChoose
}

// arm sets the timer for the end of the slice or the first deadline. A timer
// that comes too early is left: it costs one interrupt, a new one each switch
// costs more.
func (r *runner) arm(now, slice int64) {
	at := decode.Never
	if first, ok := k.timers.Next(); ok {
		at = first
	}
	if slice != sched.Forever {
		at = min(at, now+slice)
	}
	r.armBy(at)
}

// armBy makes sure that the timer comes at the time at or before. That it comes
// is what clears r.armed.
func (r *runner) armBy(at int64) {
	if at < r.armed {
		r.armed = at
		metal.SetDeadline(at)
	}
}

// happened acts on what an interrupt brought.
func (r *runner) happened(e metal.Event) {
	if e&metal.EventTimer != 0 {
		r.armed = decode.Never
		r.expire(metal.Now())
	}
	if e&metal.EventInput != 0 {
		r.inputChanged()
	}
}

// again makes the current thread's call once more: it waited for something
// that has changed.
//
//loam:noalloc
//loam:indirect table=calls
func (r *runner) again() {
	r.t.retry = false
	r.t.resumed = true
	f := rareCall
	if nr := r.c.OrigRAX; nr < uint64(len(calls)) {
		f = calls[nr]
	}
	c := r.c
	c.RAX = f(r, c)
	if r.t != nil && r.t.wait == running {
		r.t.resumed = false
	}
}

// flush makes the processor forget translations of the current space that are
// not so any more. A space that isn't loaded has none.
func (r *runner) flush() {
	const few = 32 // pages: beyond that forgetting all costs less
	if r.as == nil {
		return // the space says so again when one of its threads is chosen
	}
	f := r.as.TakeFlush()
	if !f.Any() || r.as.Root() != metal.LoadedRoot() {
		return
	}
	if f.Pages() > few {
		metal.FlushAll()
		return
	}
	for va := f.Start; va < f.End; va += abi.PageSize {
		metal.FlushPage(va)
	}
}
