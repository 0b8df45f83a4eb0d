//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"sync/atomic"

	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/kernel/sched"
	"loam/kernel/space"
	"loam/machine/metal"
	"loam/machine/phys"
)

// Threads that wait at endpoints, and the entities that they run on: what package
// ipc says is carried out here. An entity is runnable exactly if the thread that runs on it
// is (settleEntity).

// message is what a thread's call has beside words, while it waits: its options,
// read and checked once.
type message struct {
	options      uint64 // their address, 0: there are none
	send         uint64
	receive      uint64
	same         uint64 // what says that the options are as before: them and 1, 0 without any; noneSame
	sendBytes    uint32
	receiveBytes uint32
	handles      uint32
	accept       uint32
	flags        uint32
	hands        [abi.MaxMessageHandles]abi.HandOn
}

// reach has thread i be as it seems: if another CPU may be changing it without the
// kernel lock, that CPU is brought in, and stays so until the lock is given back.
func (r *runner) reach(i int32) { r.reachHome(k.ipc.Parties[i].Home) }

// reachHome is reach for whatever has that home.
func (r *runner) reachHome(home int32) {
	if home == 0 || home == r.id+1 || !k.several {
		return
	}
	if o := &k.runners[home-1]; atomic.LoadUint32(&o.out) != 0 {
		r.order(o, orderLook)
		await(1 << o.id)
	}
}

// comeHome says that this CPU has the current thread, and who has lent it its entity.
func (r *runner) comeHome() {
	p := r.party
	p.Home = r.id + 1
	for p.Client != pool.Nil {
		if p = &k.ipc.Parties[p.Client]; p.Home != 0 {
			p.Home = r.id + 1
		}
	}
}

// leaveHome says that the current thread isn't this CPU's any more, but where it is
// parked so that a call without lock may go on with it.
func (r *runner) leaveHome() {
	if p := r.party; p.State == ipcIdle || p.State == ipcSending {
		p.Home = 0
	}
}

// leaveTrack says that thread i, which reach was called for, must not go on by a call
// without lock: there is something to be looked at before.
func (r *runner) leaveTrack(i int32) {
	if k.threads.Index(i).on == 0 {
		k.ipc.Parties[i].Home = 0
	}
}

// runs reports whether thread i may run on an entity.
func (k *kernel) runs(i, entity int32) bool {
	t := k.threads.Index(i)
	return k.ipc.Parties[i].Entity == entity && t.wait == running && !t.stopped && !t.held && !t.gone
}

// settleEntity makes an entity runnable or not, as the thread is that runs on it.
func (r *runner) settleEntity(entity int32) {
	r.reach(k.ipc.Runs[entity])
	i := k.ipc.Runs[entity]
	switch want := k.runs(i, entity); {
	case want == k.sched.Runnable(entity):
		// As it is. But a CPU may have the entity, and another thread on it.
		if o := k.has(entity); o != nil && o.index != i {
			r.lookAgain(o)
		}
	case !want:
		k.sched.Dequeue(entity, r.time(), int(r.id))
		r.kick()
		r.work |= workChoose
	default:
		o := k.threads.Index(i).runner()
		switch {
		case o == nil || o.entity == entity: // the scheduler leaves it to the CPU that has it
			r.enqueue(entity, r.time())
		case o == r:
			r.queue.Enqueue(entity, r.time())
			r.work |= workChoose
		default: // whose CPU does it when it has left the old one
			r.lookAgain(o)
		}
	}
}

// has gives the runner whose current entity it is, or nil.
func (k *kernel) has(entity int32) *runner {
	for i := range k.runners {
		if k.runners[i].entity == entity {
			return &k.runners[i]
		}
	}
	return nil
}

// lookAgain has a CPU choose again.
func (r *runner) lookAgain(o *runner) {
	if o == r {
		r.work |= workChoose
		return
	}
	r.order(o, orderLook)
}

// endLending gives back what thread i, which ends, has lent and was lent.
func (r *runner) endLending(i int32) {
	if e := r.recall(i); e != pool.Nil {
		if o := k.has(i); o != nil { // it goes on with another
			o.entity = sched.None
			r.lookAgain(o)
		}
		r.settleEntity(e)
	}
	r.giveBack(i)
}

// recall is System.Recall. The CPU where somebody runs on the entity of thread i is brought
// in first, for it may be lending it on without the kernel lock: reach of i isn't enough, since
// a caller with a deadline has no home.
func (r *runner) recall(i int32) int32 {
	e := k.ipc.Parties[i].Entity
	r.reach(k.ipc.Runs[e])
	own := k.ipc.Recall(i)
	if own != pool.Nil && k.threads.Index(e).boost != 0 { // others wait for whom it had called
		from, to := k.threads.Index(i), k.threads.Index(own)
		to.raised, from.raised = max(to.raised, from.raised), 0
		r.settleBoost(e)
		r.settleBoost(own)
	}
	return own
}

// giveBack gives back the entity that was lent to thread i, if one was.
func (r *runner) giveBack(i int32) {
	r.unraise(i)
	c := k.ipc.Parties[i].Client
	if c == pool.Nil {
		return
	}
	r.unraise(c)
	r.recall(c)
	r.settleEntity(k.ipc.Parties[c].Entity)
	r.work |= workChoose
}

// leaveEndpoint takes thread i out of its wait at an endpoint.
func (r *runner) leaveEndpoint(i int32, t *Thread) {
	t.forwarded = false
	if p := &k.ipc.Parties[i]; t.wait != forReply {
		endpoint, urgent := p.Endpoint, p.State == ipcSending && p.Priority > 0
		k.ipc.Leave(i)
		if urgent {
			r.lower(endpoint)
		}
		return
	}
	e := r.recall(i)
	k.ipc.Answer(i)
	if e == pool.Nil {
		r.unraise(i)
		return
	}
	r.settleEntity(e)
	r.settleEntity(k.ipc.Parties[i].Entity)
}

// resumes has thread i, whose wait is over, go on as its registers say.
func (r *runner) resumes(i int32, t *Thread) {
	r.endWait(i, t)
	r.leaveTrack(i)
	r.settleEntity(k.ipc.Parties[i].Entity)
}

// endWait says that thread i doesn't wait any more, and for no deadline.
func (r *runner) endWait(i int32, t *Thread) {
	if t.deadline != decode.Never {
		k.timers.Remove(i)
		t.deadline = decode.Never
	}
	t.wait = running
}

// receiver gives a thread that receives at endpoint e, pool.Nil if there is none.
func (r *runner) receiver(e int32) int32 {
	for t := k.ipc.Waiting(e); t != pool.Nil; t = k.ipc.Waiting(e) {
		r.reach(t)
		if !k.processes.Index(k.threads.Index(t).process).ended {
			return t
		}
		k.ipc.Leave(t) // it is being taken away
	}
	return pool.Nil
}

// deliver copies the bytes and hands on the handles of the message of thread from to
// thread to. Of the errors one is the sender's, the other the receiver's; then nothing
// was handed on.
func (r *runner) deliver(from, to int32) (came uint64, sender, receiver abi.Errno) {
	f := k.threads.Index(from)
	m, d := &f.message, &k.threads.Index(to).message
	if m.sendBytes|m.handles == 0 || f.forwarded {
		return 0, 0, 0
	}
	a, b := k.threads.Index(from).process, k.threads.Index(to).process
	pa, pb := k.processes.Index(a), k.processes.Index(b)
	n := uint64(min(m.sendBytes, d.receiveBytes))
	source, target := &k.spaces.Index(pa.memory).Space, &k.spaces.Index(pb.memory).Space
	if _, sender, receiver = copyBytes(source, m.send, target, d.receive, n); sender|receiver != 0 {
		return 0, ofAnother(source, sender), ofAnother(target, receiver)
	}
	if m.handles > 0 {
		if sender, receiver = r.deliverHandles(m, d, pa.space, pb); sender|receiver != 0 {
			return 0, sender, receiver
		}
	}
	return abi.CameWith(uint64(m.sendBytes), int(m.handles)), 0, 0
}

// deliverHandles is deliver's part with handles: all or none.
func (r *runner) deliverHandles(m, d *message, from int32, receives *Process) (sender, receiver abi.Errno) {
	to := receives.space
	if m.handles > d.accept || k.handles[to].Room() < int(m.handles) {
		return abi.ENOBUFS, 0
	}
	for _, on := range m.hands[:m.handles] { // they may be closed by now
		if e := k.handles[from].CheckHandOn(on); e != 0 {
			return e, 0
		}
	}
	into := &k.spaces.Index(receives.memory).Space
	at := d.options + abi.GivenOffset
	var b [abi.GivenSize]byte
	if e := into.WriteUser(abi.UserAddr(at), b[:8*m.handles]); e != 0 {
		return 0, ofAnother(into, e)
	}
	for i, on := range m.hands[:m.handles] {
		h, e := r.handOn(from, to, on)
		if e != 0 {
			panic("core: no room for a handle that is handed on")
		}
		putWord(b[8*i:], uint64(h))
	}
	into.WriteUser(abi.UserAddr(at), b[:8*m.handles])
	return 0, 0
}

// copyBytes copies from one space to another, and tells how much it could. Of the errors one is about
// src's memory, one about dst's.
func copyBytes(src *space.Space, from uint64, dst *space.Space, to, n uint64) (done uint64, source, target abi.Errno) {
	if n > 0 && !abi.UserAddr(from).Below(abi.UserLimit, n) {
		return 0, abi.EFAULT, 0
	}
	if n > 0 && !abi.UserAddr(to).Below(abi.UserLimit, n) {
		return 0, 0, abi.EFAULT
	}
	for n > 0 {
		if c := copyRun(src, from, dst, to, n); c > 0 {
			from, to, n, done = from+c, to+c, n-c, done+c
			continue
		}
		v, e := dst.View(abi.UserAddr(to), n, space.Write)
		if e != 0 {
			return done, 0, e
		}
		b, e := src.View(abi.UserAddr(from), uint64(len(v)), space.Read)
		if e != 0 {
			return done, e, 0
		}
		if src == dst { // making the one ready may have changed the other
			if v, e = dst.View(abi.UserAddr(to), uint64(len(b)), space.Write); e != 0 {
				return done, 0, e
			}
		}
		c := uint64(copy(v, b))
		from, to, n, done = from+c, to+c, n-c, done+c
	}
	return done, 0, 0
}

// copyRun copies as much as is ready and lies in one piece on both sides.
func copyRun(src *space.Space, from uint64, dst *space.Space, to, n uint64) uint64 {
	v := dst.Run(abi.UserAddr(to), n, space.Write)
	return uint64(phys.Move(v, src.Run(abi.UserAddr(from), uint64(len(v)), space.Read)))
}

// cancel tells who has received the call of thread i that a signal has come, if the
// call wants that. The call goes on waiting: the answer is the one that counts.
func (r *runner) cancel(i int32, t *Thread) {
	r.leaveTrack(i)
	if t.message.flags&abi.MessageCancel == 0 && !t.forwarded {
		return
	}
	p := &k.ipc.Parties[i]
	e := p.Endpoint
	r.reachHome(k.ipc.Endpoint(e).Home)
	if !k.ipc.Tell(i) {
		return
	}
	const looks = 16
	w := k.ipc.Waiting(e)
	for n := 1; n < looks && w != pool.Nil && k.threads.Index(w).process != p.Server; n++ {
		w = k.ipc.WaitingNext(e, w)
	}
	if w == pool.Nil || k.threads.Index(w).process != p.Server {
		return
	}
	r.reach(w)
	if told := k.ipc.Cancelled(e, p.Server); told != pool.Nil {
		k.contexts[w].SetReceived(0, 0, k.ipc.Token(told))
		r.finish(w, abi.ReceivedCancel)
	}
}

// wakeBound gives the bits of a notification to the thread that it is bound to, if
// that receives.
func (r *runner) wakeBound(o *object.Header) {
	w := o.Bound - 1
	if k.several {
		r.reach(w)
	}
	s := &k.seats[w]
	t := s.t
	if t.wait != forReceive || s.p.ended {
		return
	}
	giveBits(s.c, o.Bits)
	s.c.SetResult(abi.ReceivedBits)
	o.Bits = 0
	k.ipc.LeaveReceive(w)
	if t.deadline != decode.Never {
		k.timers.Remove(w)
	}
	r.ready(w, t)
}

// giveBits puts bits of a notification into the registers of who receives them.
func giveBits(to *metal.Context, bits uint64) {
	to.SetWords(bits, 0, 0)
	to.SetReceived(0, 0, 0)
}

// unbind takes its notification from thread i.
func (r *runner) unbind(i int32, t *Thread) {
	if t.bound == 0 {
		return
	}
	o := t.bound - 1
	t.bound = 0
	k.objects.At(o).Bound = 0
	r.unrefer(o)
}

// failCalls ends a few of the calls that process p has received and can't answer any more;
// true when there are none left.
func (r *runner) failCalls(p *Process) (done bool) {
	const looks, atOnce = 512, 16
	if !p.serves {
		return true
	}
	n := int32(k.threads.Cap())
	for failed, end := 0, min(p.failed+looks, n); p.failed < end; p.failed++ {
		i := p.failed
		if c := &k.ipc.Parties[i]; c.State == ipcCalling && c.Server == p.handle.Index {
			if t := k.threads.Index(i); t.ask.why != noAsk {
				r.askAgain(i, t)
			} else if t.forwarded {
				r.forsake(k.processes.Index(t.process))
			} else {
				r.finish(i, abi.ECONNRESET.Result())
			}
			if failed++; failed == atOnce {
				break
			}
		}
	}
	return p.failed >= n
}

// failOrphan ends the wait of one at an endpoint that nobody can receive from any
// more, or gives the endpoint's reference back when there is no one.
func (r *runner) failOrphan() {
	e := k.orphans.First()
	ep := k.ipc.Endpoint(e)
	r.reachHome(ep.Home)
	t, sends, more := k.ipc.Fail(e)
	switch {
	case t != pool.Nil:
		r.reach(t)
		w := k.threads.Index(t)
		if w.ask.why != noAsk {
			r.askAgain(t, w)
			break
		}
		if w.forwarded {
			r.forsake(k.processes.Index(w.process))
			break
		}
		result := abi.ECANCELED
		if sends {
			result = abi.ECONNREFUSED
		}
		r.finish(t, result.Result())
	case !more:
		k.orphans.Remove(k.orphanLinks, e)
		r.unrefer(ep.Object)
	}
}
