//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/memory"
	"loam/kernel/pool"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/machine/metal"
)

// Pagers. A page that its memory object has not got, and that comes from a pager, is
// asked for by a call to the pager's endpoint which the kernel makes in the name of
// the thread that touched it: the thread waits and lends as in any other call (package
// ipc), and the kernel waits for nothing. Each thread asks for itself, even if others
// have asked for the same page, so that its priority goes where the work is done; an
// ask that has become needless before it is received is seldom received.
//
// The answer brings no words. If the page is there the thread goes on, and does again what it
// did; if not, the pager can't bring it. A pager that dies before it answers, and an
// endpoint that nobody receives from any more, end the wait in the same way as a page that is
// there: the thread finds out when it asks again.
//
// Three kinds of access meet an absent page. An instruction is made again. A call that
// got memory.Absent from package space has changed nothing that
// matters, and starts again from the program's instruction (missedInCall): for that,
// a call which has something to lose touches what it is going to write before it takes
// it (present). A handler's frame is written again, the signal pending meanwhile.
//
// A thread's message is that of its last call meanwhile, which the pager has nothing to do with.
//
// Nobody waits for a page of somebody else's memory. What a message needs
// of a thread's memory is made present before the thread waits, and a page that is
// there stays for as long as it is mapped (package memory); where that is not so any more,
// because another thread has mapped something else there, it is that thread's bad address.

// askFor is for what a thread has asked for a page.
type askFor uint8

const (
	noAsk    askFor = iota
	askFault        // its instruction
	askCall         // its call
	askFrame        // a handler's frame
)

// ask is what a thread wants of a pager, or wanted last.
type ask struct {
	why askFor
	// lost: the page won't come. It is what enterHandler, or a call that can't say
	// so by an error, is to know when it comes there again.
	lost bool
	page space.MissingPage
}

// pager is who brings the pages of a memory object.
type pager struct {
	endpoint int32  // header, with a reference, plus 1; 0: nobody
	key      uint64 // that it is told
	badge    uint64 // as well: of the handle that named it
}

// pageMissed deals with a fault of the current thread's at an absent page.
func (r *runner) pageMissed(at uint64, access space.Prot) {
	m := r.as.TakeAbsent()
	m.Addr, m.Access = at, access
	r.t.ask = ask{why: askFault, page: m}
	if !r.askPager(m) {
		r.endAsk(r.index, r.t, false)
		r.work |= workSignal
	}
}

// missedInCall is called after a call of the current thread's in which the kernel has
// missed a page, and has the thread wait for it if the call failed by that.
func (r *runner) missedInCall() {
	m := r.as.TakeAbsent()
	if !m.Any || r.c.Result() != memory.Absent.Result() {
		return // the call has done without, or a part of what it was to do
	}
	lost := r.t.ask.lost
	r.t.ask = ask{why: askCall, page: m, lost: lost}
	if !r.askPager(m) {
		r.endAsk(r.index, r.t, false)
	}
}

// frameMissed has the current thread wait for a page that a handler's frame needs; the signal
// is to be taken afterwards. It reports false if the page won't come.
func (r *runner) frameMissed(d *signal.Delivery) bool {
	m := r.as.TakeAbsent()
	if r.t.ask.lost {
		r.t.ask.lost = false
		return false
	}
	r.t.ask = ask{why: askFrame, page: m}
	if !r.askPager(m) {
		r.t.ask = ask{}
		return false
	}
	signal.PutBack(&r.p.sig, &r.t.sig, d)
	return true
}

// attend is the part of choose for the current thread, before another may be chosen.
func (r *runner) attend() {
	if r.work&workAbsent != 0 {
		r.missedInCall()
	}
	if r.work&workSignal != 0 && r.t.wait == running {
		r.takeSignals()
	}
}

// mustWait reports whether a call that can't answer an error is to wait for a page: e says
// that it has missed one, and it may still come.
func (r *runner) mustWait(e abi.Errno) bool {
	if e != memory.Absent {
		return false
	}
	lost := r.t.ask.lost
	r.t.ask.lost = false
	return !lost
}

// present has n bytes at addr, if there is anything at addr, ready to be written,
// as far as that takes a pager: the only error is memory.Absent.
func (r *runner) present(addr, n uint64) abi.Errno {
	if addr == 0 || !r.as.Paged() {
		return 0
	}
	return onlyAbsent(r.accessible(addr, n, space.Write))
}

func onlyAbsent(e abi.Errno) abi.Errno {
	if e != memory.Absent {
		return 0
	}
	return e
}

// messagePresent has the memory of the current thread's message present, where others
// will go when they can't wait for a page of it.
func (r *runner) messagePresent(options uint64, o *abi.MessageHead) abi.Errno {
	if !r.as.Paged() {
		return 0
	}
	if e := r.accessible(o.SendAddr, uint64(o.SendBytes), space.Read); e == memory.Absent {
		return e
	}
	given := r.accessible(options+abi.GivenOffset, 8*uint64(o.Accept), space.Write)
	if given == memory.Absent {
		return given
	}
	return onlyAbsent(r.accessible(o.ReceiveAddr, uint64(o.ReceiveBytes), space.Write))
}

// ofAnother is an error of memory that is not the current call's to wait for.
func ofAnother(s *space.Space, e abi.Errno) abi.Errno {
	if e != memory.Absent {
		return e
	}
	s.TakeAbsent()
	return abi.EFAULT
}

// askPager has the current thread ask for a page, as its ask says, and wait. It
// reports false if there is nobody to be asked.
func (r *runner) askPager(m space.MissingPage) bool {
	from := &k.pagers[m.Object.Index]
	if from.endpoint == 0 || k.objects.At(from.endpoint-1).Receivers() == 0 {
		return false
	}
	e := k.objects.At(from.endpoint - 1).Record
	r.reachHome(k.ipc.Endpoint(e).Home)
	p := &k.ipc.Parties[r.index]
	p.Badge, p.Priority = from.badge, int32(k.sched.Priority(p.Entity))
	if t := r.receiver(e); t != pool.Nil {
		r.tellPager(t, e)
		return true
	}
	r.queueCall(e)
	r.waitForPage(forSend)
	return true
}

// waitForPage parks the current thread. Whoever has its entity goes on.
func (r *runner) waitForPage(kind waitKind) {
	p := &k.ipc.Parties[r.index]
	p.Home = 0 // no answer without lock
	r.t.wait, r.t.deadline = kind, decode.Never
	r.settleEntity(p.Entity)
	r.work |= workChoose
}

// tellPager has thread i, which waits at endpoint e, receive the current thread's ask.
func (r *runner) tellPager(i, e int32) {
	me, t := r.index, k.threads.Index(i)
	k.ipc.Take(me, i, e, t.process)
	to := k.contexts[i]
	to.SetResult(r.t.tellPage(to, me))
	r.endWait(i, t)
	k.processes.Index(t.process).serves = true
	lent := k.ipc.Lend(me, i)
	r.waitForPage(forReply)
	if !lent {
		r.settleEntity(i)
	}
}

// tellPage puts the ask of t, thread i, into the registers of who receives it, and
// gives the result.
func (t *Thread) tellPage(to *metal.Context, i int32) uint64 {
	m := &t.ask.page
	to.SetWords(k.pagers[m.Object.Index].key, m.Page*abi.PageSize, uint64(m.Access))
	to.SetReceived(k.ipc.Parties[i].Badge, 0, k.ipc.Token(i))
	return abi.ReceivedPage
}

// needless reports whether t, which waits to be received, asks for a page that has
// come meanwhile.
func (t *Thread) needless() bool {
	return !k.memories.Wanted(t.ask.page.Object, t.ask.page.Page)
}

// pagerAnswered ends the wait of thread i for a page, which a thread of the pager's
// has answered, this one.
func (r *runner) pagerAnswered(i int32, t *Thread) {
	r.endCall(i)
	r.endAsk(i, t, !k.memories.Wanted(t.ask.page.Object, t.ask.page.Page))
	r.resumes(i, t)
}

// askAgain ends the wait of thread i for an answer that won't come. It may get another one.
func (r *runner) askAgain(i int32, t *Thread) {
	r.endAsk(i, t, true)
	r.unpause(i, t)
}

// endAsk has thread i do again what it asked for a page for, or find out that the page
// won't come.
func (r *runner) endAsk(i int32, t *Thread, again bool) {
	a, c := t.ask, k.contexts[i]
	t.ask = ask{}
	switch a.why {
	case askFault:
		if !again {
			t.fault = traceOf(c)
			signal.Force(&k.processes.Index(t.process).sig, &t.sig, abi.FaultInfo(abi.SIGBUS, abi.BUS_ADRERR, abi.UserAddr(a.page.Addr)))
		}
	case askCall:
		switch nr := c.Number(); {
		case again:
			t.ask.lost = a.lost
			c.SetResult(c.Rewind())
		case nr == abi.SYS_EXIT || nr == abi.SYS_EXIT_GROUP || nr == abi.SYS_RT_SIGRETURN:
			t.ask.lost = true
			c.SetResult(c.Rewind())
		default:
			c.SetResult(abi.EFAULT.Result())
		}
	case askFrame:
		t.ask.lost = !again
	}
}

// setPager has memory object i ask the thread that receives at an endpoint, which has
// a reference for that.
func (k *kernel) setPager(i, endpoint int32, key, badge uint64) {
	k.objects.Refer(endpoint)
	k.pagers[i] = pager{endpoint + 1, key, badge}
}

// dropPager forgets who brought the pages of memory object i, which is no more.
func (r *runner) dropPager(i int32) {
	p := k.pagers[i]
	if p.endpoint == 0 {
		return
	}
	k.pagers[i] = pager{}
	r.unrefer(p.endpoint - 1)
}
