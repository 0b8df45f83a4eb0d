//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/pool"
	"loam/kernel/sched"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/kernel/victim"
	"loam/machine/metal"
)

// Thread is a thread of a process. Its index in k.threads names it in every
// table: scheduler, futexes, timers, links, contexts.
type Thread struct {
	tid     uint32
	process int32 // index
	handle  pool.Handle
	object  int32 // header

	on      int32 // the CPU that it is the current thread of plus 1, 0: none
	wait    waitKind
	retry   bool // make the call again when the thread runs next
	resumed bool // the call is being made again: deadline is from the first time
	leader  bool // the process's first thread: its slot is kept to the end
	gone    bool // an ended leader
	stopped bool // its process is
	held    bool // ThreadStop has stopped it
	// signalled: a signal ended its wait. It has to look at its signals before
	// it goes on, also if another thread has taken that one: its call may have
	// to start again, and not at some later signal, where it goes on elsewhere.
	signalled bool
	restart   restart
	waits     int32        // forObject: for which, its header
	mask      uint64       // forObject: a notification's bits
	deadline  int64        // of the wait, decode.Never without one
	slack     int64        // ns, how much later its waits may end than it has asked for
	usual     int64        // slack that prctl can go back to
	remain    abi.UserAddr // nanosleep: where the rest goes, 0 nowhere

	switches uint64

	clearTID abi.UserAddr // set to 0 and woken at the thread's end
	robust   abi.UserAddr // head of the list of robust futexes

	robustNext uint64 // of it: where an unfinished end of the thread goes on
	robustLeft int32  // 0: it hasn't begun

	unfinished bool       // its call goes on before it does anything else (goOn)
	done       int32      // by an unfinished futex call: threads woken
	making     int32      // by an unfinished MemoryCreateDMA: the object's header plus 1
	memory     space.Call // of the mmap family that it makes, in pieces

	short victim.Wait // for memory

	message         message // what its call has beside words
	priority, boost int8    // fixed, of its entity: its own, and of those who wait for whom it works for
	raised          int8    // of those who wait for who works for its call
	bound           int32   // header of the notification that is bound to it plus 1, 0: none

	ask ask // for a page

	forwarded bool  // it waits for the answer to a call that was forwarded
	keepCaps  uint8 // PR_SET_KEEPCAPS, which means nothing

	sig   signal.Thread
	fault trace // what the last exception left behind, for its signal
}

// waitKind is what a thread that is not runnable waits for.
type waitKind uint8

const (
	running    waitKind = iota // it doesn't wait
	forTime                    // nanosleep
	forFutex                   // a wake, in k.futexes
	forChange                  // some descriptor to change: the call is made again
	forSignal                  // one of a set, or any
	forChild                   // a child to end
	forObject                  // a notification's bits, or the end of a process or thread
	forStart                   // ThreadStart
	forSend                    // a receiver of its call
	forReply                   // the answer
	forReceive                 // a call, or bits of its notification
	forNothing                 // an ended leader
)

// restart says how a call that a signal interrupted goes on.
type restart uint8

const (
	noRestart    restart = iota
	ifRestart            // again if the handler has SA_RESTART, or no handler ran
	ifNotHandled         // again only if no handler ran
	always               // again in any case: it hadn't begun
)

// pause parks the current thread until deadline at the latest. The return value
// is for the call's result, which the waker replaces.
func (r *runner) pause(kind waitKind, deadline int64) uint64 {
	t := r.t
	t.wait = kind
	if deadline != decode.Never {
		deadline = t.lax(deadline)
		k.timers.Set(r.index, deadline)
	}
	t.deadline = deadline
	if kind == forChild {
		k.waiting.PushBack(k.links, r.index)
	}
	if kind == forFutex && deadline == decode.Never {
		r.giveWay()
		return 0
	}
	r.queue.Dequeue(r.entity, r.time())
	r.work |= workChoose
	return 0
}

// lax adds the thread's slack to the deadline of a call of Linux's, once: many threads sleep for some
// microseconds, as Go's monitors do, and an alarm for each leaves the CPU no time for what they look after. Urgent threads
// have none, nor have waits for messages and objects, which end late only if something is wrong. A short sleep ends soon
// whatever the slack: it is meant for another thread to get on, and who sleeps keeps others from it meanwhile.
func (t *Thread) lax(deadline int64) int64 {
	if t.wait > forSignal || t.resumed {
		return deadline
	}
	slack := t.slackNow()
	if slack > abi.TimerSlack && t.wait == forTime && deadline-metal.Now() < abi.ShortSleep {
		slack = abi.TimerSlack
	}
	return decode.After(deadline, slack)
}

func (t *Thread) slackNow() int64 {
	if t.priority != 0 {
		return 0
	}
	return t.slack
}

// setSlack sets the slack, and what it is by default.
func (t *Thread) setSlack(ns int64) { t.slack, t.usual = ns, ns }

// unpause takes thread i out of whatever it waits in and makes it runnable.
func (r *runner) unpause(i int32, t *Thread) {
	switch t.wait {
	case running, forStart, forNothing:
		return
	case forObject:
		k.leaveObject(i, t)
	case forFutex:
		k.futexes.Remove(i)
	case forChange:
		k.poll.Cancel(i)
	case forChild:
		k.waiting.Remove(k.links, i)
	case forSend, forReceive, forReply:
		r.leaveEndpoint(i, t)
	}
	if t.deadline != decode.Never {
		k.timers.Remove(i)
	}
	r.ready(i, t)
}

// ready makes thread i, which is in no queue, runnable.
func (r *runner) ready(i int32, t *Thread) {
	t.wait = running
	if t.stopped || t.held {
		return
	}
	e := k.ipc.Parties[i].Entity
	if r.entity == sched.None && r.queue.WakeAlone(e, r.time()) {
		r.work |= workChoose
		return
	}
	r.enqueue(e, r.time())
}

// finish ends the wait of thread i; its call answers result.
func (r *runner) finish(i int32, result uint64) {
	k.contexts[i].SetResult(result)
	r.unpause(i, k.threads.Index(i))
}

// settle starts the calls again that waited for what has just changed on some
// descriptor. It follows every operation on descriptors.
func (r *runner) settle() {
	for {
		i, ok := k.poll.NextWoken()
		if !ok {
			return
		}
		t := k.threads.Index(i)
		t.retry = true
		r.unpause(i, t)
	}
}

// childEnded lets those who wait for a child look again.
func (r *runner) childEnded() {
	for i := k.waiting.First(); i != pool.Nil; {
		next := k.waiting.Next(k.links, i)
		t := k.threads.Index(i)
		t.retry = true
		r.unpause(i, t)
		i = next
	}
}

// expire ends the waits whose time has come. It reports whether that was more than one, or
// a signal, which may be for thousands of threads.
func (r *runner) expire(now int64) (much bool) {
	const most = 64 // at a time; the timer comes again for the others
	for n := range most {
		i, ok := k.timers.Pop(now)
		if !ok {
			return much
		}
		much = much || n > 0
		if t := i - k.firstTimer; t >= 0 {
			it := k.clocks.Index(t)
			if o := k.objects.At(it.notification); o.Bound != 0 && o.Waiting == 0 { // as signal, without its loop
				o.Bits |= it.bits
				r.wakeBound(o)
			} else {
				r.signal(it.notification, it.bits)
			}
			if it.period > 0 {
				it.renew(now)
			}
		} else if t := i - int32(k.threads.Cap()); t >= 0 {
			much = r.alarm(t, now) || much
		} else {
			r.timeout(i)
		}
		if first, ok := k.timers.Next(); !ok || first > now {
			return much
		}
	}
	return much
}

// timeout ends the wait of thread i, whose time has come.
func (r *runner) timeout(i int32) {
	t := k.threads.Index(i)
	switch t.wait {
	case forTime:
		r.finish(i, 0)
	case forFutex, forObject, forSend, forReply, forReceive:
		r.finish(i, abi.ETIMEDOUT.Result())
	case forChange, forChild, forSignal:
		t.retry = true // it finds its deadline passed
		r.unpause(i, t)
	}
}

// interrupt ends the wait of thread i because a signal is to be taken.
func (r *runner) interrupt(i int32, t *Thread) {
	r.reach(i)
	result := abi.EINTR.Result()
	switch t.wait {
	case running, forStart, forNothing:
		if i == r.index {
			r.work |= workSignal
		} else if o := t.runner(); o != nil {
			r.order(o, orderSignal)
		}
		return
	case forTime:
		r.storeRemaining(t)
	case forFutex:
		if t.deadline == decode.Never {
			t.restart = ifRestart
		}
	case forChange:
		if restartable(k.contexts[i].Number()) {
			t.restart = ifRestart
		}
	case forChild, forObject, forSend, forReceive: // a deadline is a time, not a length
		switch {
		case t.ask.why != noAsk: // as for memory
			return
		case t.forwarded && t.sig.Masked(): // it waits for the signal, too, of which is told when it is received (tellCall)
			return
		}
		t.restart = ifRestart
		if t.forwarded { // nobody has begun with it
			t.restart = always
		}
	case forReply:
		if t.ask.why == noAsk {
			r.cancel(i, t)
		}
		return
	}
	t.retry, t.resumed, t.signalled = false, false, true
	if i == r.index {
		r.work |= workSignal
	}
	r.finish(i, result)
}

// restartable says whether a call that waits for a descriptor or a child starts again
// after a handler with SA_RESTART; those with a time-out never do (signal(7)).
func restartable(nr uint64) bool {
	switch nr {
	case abi.SYS_READ, abi.SYS_READV, abi.SYS_WRITE, abi.SYS_WRITEV, abi.SYS_WAIT4:
		return true
	}
	return false
}

// until gives the deadline of a call that waits: the one of its first try when
// it is made again.
func (r *runner) until(deadline int64) int64 {
	if r.t.resumed {
		return r.t.deadline
	}
	return deadline
}
