//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/ipc"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// The calls about endpoints, under the kernel lock: all that ipcnow.go leaves.

const (
	ipcIdle    = ipc.Idle
	ipcSending = ipc.Sending
	ipcCalling = ipc.Calling
)

func loamEndpointCreate(r *runner, c *metal.Context) uint64 {
	i, e := r.newHeader(abi.KindEndpoint)
	if e != 0 {
		return e.Result()
	}
	n, ok := k.ipc.Open(i)
	if !ok {
		k.objects.Release(i)
		return abi.ENOSPC.Result()
	}
	k.objects.At(i).Record = n
	return r.give(i)
}

// readMessage reads the options of the current thread's message, if there are any,
// and checks all that can be checked now.
func (r *runner) readMessage(addr uint64, sends bool) (deadline int64, e abi.Errno) {
	m := &r.t.message
	switch {
	case addr == 0:
		*m = message{}
		return decode.Never, 0
	case addr&abi.MessageSame != 0: // and nothing goes with the words
		if addr != m.same || addr == noneSame {
			return 0, abi.EINVAL
		}
		m.sendBytes, m.handles, m.flags = 0, 0, 0
		return decode.Never, 0
	}
	var head [abi.MessageHeadWords]uint64
	if e := r.as.ReadWords(abi.UserAddr(addr), head[:]); e != 0 {
		return 0, e
	}
	o := abi.GetMessageHead(&head)
	const flags = abi.MessageCancel | abi.MessageInterrupted
	switch {
	case o.Deadline < 0 || o.Flags&^flags != 0 || max(o.SendHandles, o.Accept) > abi.MaxMessageHandles:
		return 0, abi.EINVAL
	case max(o.SendBytes, o.ReceiveBytes) > abi.MaxMessageBytes:
		return 0, abi.EMSGSIZE
	}
	if e := r.messagePresent(addr, &o); e != 0 {
		return 0, e
	}
	if !sends {
		o.SendBytes, o.SendHandles = 0, 0
	}
	if o.SendHandles > 0 {
		if e := r.readHands(addr, o.SendHandles); e != 0 {
			return 0, e
		}
	}
	m.options, m.same, m.flags = addr, noneSame, o.Flags
	if o.Deadline == decode.Never {
		m.same = addr | abi.MessageSame
	}
	m.send, m.sendBytes, m.handles = o.SendAddr, o.SendBytes, o.SendHandles
	m.receive, m.receiveBytes, m.accept = o.ReceiveAddr, o.ReceiveBytes, o.Accept
	return o.Deadline, 0
}

// readHands reads what the current thread's message hands on, n handles at most, and
// checks it.
func (r *runner) readHands(options uint64, n uint32) abi.Errno {
	var w [2 * abi.MaxMessageHandles]uint64
	if e := r.as.ReadWords(abi.UserAddr(options+abi.SendOffset), w[:2*n]); e != 0 {
		return e
	}
	hands := abi.GetMessageSend(&w, n)
	for i, on := range hands[:n] {
		if e := r.handles().CheckHandOn(on); e != 0 {
			return e
		}
		for _, other := range hands[:i] {
			if other.Handle == on.Handle && (other.Flags|on.Flags)&abi.HandOnMove != 0 {
				return abi.EINVAL
			}
		}
	}
	r.t.message.hands = hands
	return 0
}

// noneSame is no address of options.
const noneSame = ^uint64(0)

// endpoint gives the header and the number of the endpoint that a handle names.
func (r *runner) endpoint(h uint64, need abi.Rights) (object, endpoint int32, e abi.Errno) {
	if object, e = r.object(h, abi.KindEndpoint, need); e != 0 {
		return 0, 0, e
	}
	endpoint = k.objects.At(object).Record
	r.reachHome(k.ipc.Endpoint(endpoint).Home)
	return object, endpoint, 0
}

// mostFailed is how many messages are tried in one call that have bad memory, each of which may
// have been copied nearly whole.
const mostFailed = 4

// passed reports whether a deadline has.
func passed(deadline int64) bool { return deadline != decode.Never && deadline <= metal.Now() }

// loamEndpointCall: endpoint, options; words.
func loamEndpointCall(r *runner, c *metal.Context) uint64 {
	i, e, errno := r.endpoint(c.Arg0(), abi.RightWrite)
	if errno != 0 {
		return errno.Result()
	}
	deadline, errno := r.readMessage(c.Arg1(), true)
	switch {
	case errno != 0:
		return errno.Result()
	case k.objects.At(i).Receivers() == 0:
		return abi.ECONNREFUSED.Result()
	case passed(deadline):
		return abi.ETIMEDOUT.Result()
	}
	_, _, badge, _ := object.Look(r.handles(), abi.Handle(c.Arg0()))
	p := &k.ipc.Parties[r.index]
	p.Badge, p.Priority = badge, int32(k.sched.Priority(r.entity))
	k.ipc.Endpoint(e).From = r.id + 1
	failed := 0
	for t := r.receiver(e); t != pool.Nil; t = r.receiver(e) {
		came, sender, receiver := r.deliver(r.index, t)
		if receiver != 0 { // its memory is not as it said
			r.finish(t, receiver.Result())
			if failed++; failed == mostFailed {
				r.work |= workChoose
				return c.Rewind()
			}
			continue
		}
		if sender != 0 {
			return sender.Result()
		}
		return r.callTo(c, t, e, came, deadline)
	}
	r.queueCall(e)
	return r.pause(forSend, deadline)
}

// callTo has thread t, which waits, receive the current thread's call.
func (r *runner) callTo(c *metal.Context, i, e int32, came uint64, deadline int64) uint64 {
	me, t := r.index, k.threads.Index(i)
	p := k.processes.Index(t.process)
	k.ipc.Take(me, i, e, t.process)
	r.handTo(i, t, c, me, came)
	lent := k.ipc.Lend(me, i)
	if !lent || p.ended || t.stopped || t.held || r.t.stopped {
		k.ipc.Parties[me].Home = 0
		r.pause(forReply, deadline)
		r.settleEntity(k.ipc.Parties[i].Entity)
		return 0
	}
	// The entity that is current goes on with the other thread.
	r.t.wait, r.t.deadline = forReply, deadline
	if deadline != decode.Never {
		k.timers.Set(me, deadline)
		r.work |= workChoose // the timer
	}
	if deadline != decode.Never || r.t.message.options != 0 || r.t.forwarded {
		k.ipc.Parties[me].Home = 0
	}
	r.cpu.Leave() // nobody waits for this CPU who ends the caller
	r.hop(&k.seats[i])
	r.comeHome()
	if t.signalled || t.due(p) {
		r.work |= workSignal
	}
	return 0
}

// handTo tells thread i, which receives, of the call of thread from.
func (r *runner) handTo(i int32, t *Thread, c *metal.Context, from int32, came uint64) {
	to := k.contexts[i]
	to.SetResult(k.threads.Index(from).tellCall(to, c, from, came))
	r.endWait(i, t)
	k.processes.Index(t.process).serves = true
}

// loamEndpointReceive: endpoint, options.
func loamEndpointReceive(r *runner, c *metal.Context) uint64 {
	_, e, errno := r.endpoint(c.Arg0(), abi.RightWait)
	if errno != 0 {
		return errno.Result()
	}
	deadline, errno := r.readMessage(c.Arg1(), true)
	if errno != 0 {
		return errno.Result()
	}
	r.giveBack(r.index)
	return r.receive(c, e, deadline)
}

// receive takes what is next at endpoint e for the current thread, or waits for it.
func (r *runner) receive(c *metal.Context, e int32, deadline int64) uint64 {
	if t := r.t; t.bound != 0 {
		if o := k.objects.At(t.bound - 1); o.Bits != 0 {
			giveBits(c, o.Bits)
			o.Bits = 0
			return abi.ReceivedBits
		}
	}
	if told := k.ipc.Cancelled(e, r.t.process); told != pool.Nil {
		c.SetReceived(0, 0, k.ipc.Token(told))
		return abi.ReceivedCancel
	}
	const atOnce = 16
	needless, failed := 0, 0
	for from := k.ipc.Sender(e); from != pool.Nil; from = k.ipc.Sender(e) {
		if t := k.threads.Index(from); t.ask.why != noAsk {
			if needless == atOnce || !t.needless() {
				return r.accept(c, from, e, 0)
			}
			needless++
			r.askAgain(from, t)
			continue
		}
		came, sender, receiver := r.deliver(from, r.index)
		if receiver != 0 {
			return receiver.Result()
		}
		if sender != 0 {
			r.finish(from, sender.Result())
			if failed++; failed == mostFailed { // what is answered is answered already
				r.work |= workChoose
				return c.Rewind()
			}
			continue
		}
		return r.accept(c, from, e, came)
	}
	if passed(deadline) {
		return abi.ETIMEDOUT.Result()
	}
	k.ipc.Park(r.index, e)
	r.p.serves = true // callNow doesn't say it
	ep := k.ipc.Endpoint(e)
	if me := r.id + 1; deadline == decode.Never && ep.Pending == 0 && (ep.From == me || ep.From == 0) {
		ep.Home = me
		k.ipc.Parties[r.index].Home = me
	} else {
		ep.Home = 0
		k.ipc.Parties[r.index].Home = 0
	}
	r.t.wait, r.t.deadline = forReceive, deadline
	if deadline != decode.Never {
		k.timers.Set(r.index, deadline)
	}
	switch {
	case r.party.Entity != r.entity:
		r.work |= workChoose
	case deadline == decode.Never:
		me := r.index
		if r.giveWay() && r.alerts.calls+1 == r.calls {
			r.setUpAlerts(c, me, e)
		}
	default:
		r.queue.Dequeue(r.entity, r.time())
		r.work |= workChoose
	}
	return abi.ReceivedCall
}

// accept has the current thread receive the call of a thread that waits for that.
func (r *runner) accept(c *metal.Context, from, e int32, came uint64) uint64 {
	t := k.threads.Index(from)
	k.ipc.Take(from, r.index, e, r.t.process)
	t.wait = forReply
	var result uint64
	if t.ask.why != noAsk {
		result = t.tellPage(c, from)
	} else {
		result = t.tellCall(c, k.contexts[from], from, came)
	}
	r.p.serves = true
	if k.ipc.Lend(from, r.index) {
		r.settleEntity(r.index) // its own
		r.settleEntity(k.ipc.Parties[from].Entity)
		r.work |= workChoose
	}
	return result
}

// caller gives the thread whose call a token names, if it waits for the current
// process; else pool.Nil. Another CPU may have had that call received without the kernel lock.
func (r *runner) caller(token uint64) int32 {
	if i := k.ipc.Named(token); i != pool.Nil {
		r.reach(i)
	}
	return k.ipc.Caller(token, r.t.process)
}

// answer ends the call with that token by the current thread's message.
func (r *runner) answer(c *metal.Context, token uint64) abi.Errno {
	x := r.caller(token)
	if x == pool.Nil || k.processes.Index(k.threads.Index(x).process).ended {
		return abi.ESRCH
	}
	t := k.threads.Index(x)
	if t.ask.why != noAsk {
		r.pagerAnswered(x, t)
		return 0
	}
	if t.forwarded {
		return r.forwardAnswered(c, x, t)
	}
	came, sender, receiver := r.deliver(r.index, x)
	if sender != 0 {
		return sender
	}
	result := receiver.Result()
	if r.t.message.flags&abi.MessageInterrupted != 0 {
		result = abi.EINTR.Result()
		t.restart, t.signalled = ifRestart, true
	}
	to := k.contexts[x]
	if receiver == 0 && result == 0 {
		to.TakeWords(c)
		to.SetCame(came)
	}
	r.endCall(x)
	to.SetResult(result)
	r.resumes(x, t)
	return 0
}

// endCall ends the call of thread x, which the current thread answers, and takes back what the
// two were raised to and what x has lent.
func (r *runner) endCall(x int32) {
	r.unraise(r.index)
	r.unraise(x)
	lent := r.recall(x) // perhaps not to this thread
	k.ipc.Answer(x)
	if lent != pool.Nil {
		if lent != r.index { // its own is settled before the next choice
			r.settleEntity(lent)
		}
		r.work |= workChoose
	}
}

// loamEndpointReply: nothing, options, token; words.
func loamEndpointReply(r *runner, c *metal.Context) uint64 {
	if _, e := r.readMessage(c.Arg1(), true); e != 0 {
		return e.Result()
	}
	return r.answer(c, c.Arg2()).Result()
}

// loamEndpointReplyReceive: endpoint, options, token; words.
func loamEndpointReplyReceive(r *runner, c *metal.Context) uint64 {
	i, e, errno := r.endpoint(c.Arg0(), abi.RightWait)
	if errno != 0 {
		return errno.Result()
	}
	token := c.Arg2()
	// Nothing is sent to who is no more. So it is when the call is made again after a signal:
	// the handles that went with the answer may be gone.
	deadline, errno := r.readMessage(c.Arg1(), token == 0 || r.caller(token) != pool.Nil)
	if errno != 0 {
		return errno.Result()
	}
	if token != 0 {
		if errno := r.answer(c, token); errno != 0 && errno != abi.ESRCH {
			return errno.Result()
		}
		if k.objects.At(i).Receivers() == 0 { // the last handle has gone with the answer
			return abi.ECANCELED.Result()
		}
	}
	r.giveBack(r.index)
	return r.receive(c, e, deadline)
}

// loamMessageRead and loamMessageWrite: token, offset, address, length.
func loamMessageRead(r *runner, c *metal.Context) uint64  { return r.moveMessage(c, false) }
func loamMessageWrite(r *runner, c *metal.Context) uint64 { return r.moveMessage(c, true) }

func (r *runner) moveMessage(c *metal.Context, write bool) uint64 {
	x := r.caller(c.Arg0())
	if x == pool.Nil {
		return abi.ESRCH.Result()
	}
	t := k.threads.Index(x)
	p := k.processes.Index(t.process)
	offset, addr, n := c.Arg1(), c.Arg2(), c.Arg3()
	switch {
	case p.ended:
		return abi.ESRCH.Result()
	case n > abi.MaxMessageBytes:
		return abi.EINVAL.Result()
	case t.forwarded:
		return r.moveForwarded(p, offset, addr, n, write)
	}
	theirs, room := t.message.send, uint64(t.message.sendBytes)
	if write {
		theirs, room = t.message.receive, uint64(t.message.receiveBytes)
	}
	if t.ask.why != noAsk { // it isn't a message of its
		room = 0
	}
	if offset > room {
		return abi.EINVAL.Result()
	}
	n = min(n, room-offset)
	s := &k.spaces.Index(p.memory).Space
	var mine, other abi.Errno
	if write {
		_, mine, other = copyBytes(r.as, addr, s, theirs+offset, n)
	} else {
		_, other, mine = copyBytes(s, theirs+offset, r.as, addr, n)
	}
	switch {
	case mine != 0:
		return mine.Result()
	case ofAnother(s, other) != 0:
		return abi.ENXIO.Result()
	}
	return n
}

// loamThreadBind: notification, or 0.
func loamThreadBind(r *runner, c *metal.Context) uint64 {
	if c.Arg0() == 0 {
		r.unbind(r.index, r.t)
		return 0
	}
	i, e := r.object(c.Arg0(), abi.KindNotification, abi.RightWait)
	if e != 0 {
		return e.Result()
	}
	o := k.objects.At(i)
	if w := o.Bound - 1; w >= 0 && w != r.index {
		before := k.threads.Index(w)
		if before.process != r.t.process {
			return abi.EBUSY.Result()
		}
		r.reach(w)
		r.unbind(w, before)
	}
	if o.Bound == 0 {
		r.unbind(r.index, r.t)
		k.objects.Refer(i)
		o.Bound, r.t.bound = r.index+1, i+1
	}
	return 0
}
