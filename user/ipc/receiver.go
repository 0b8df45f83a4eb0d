// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"syscall"

	"loam/abi"
	"loam/user/sys"
)

// receiver is a thread that receives.
type receiver struct {
	s     *Server
	first bool
	watch watch           // by which Shutdown wakes it
	ctx   *requestContext // guarded by s.mu, but for reading by the receiver itself

	received bool // something has come here

	// patient says that a place on the CPU isn't worth keeping through the next wait:
	// the last was long, or there is something else to run.
	patient bool
	gave    uint64 // when the place was last given away
}

// keepsFor is how long a receiver that always has something to do keeps its place, a
// ms or two.
const keepsFor = 20 * sys.TicksLong

// run receives, and handles what comes, until the server closes.
func (r *receiver) run() error {
	if err := r.begin(); err != nil {
		return err
	}
	// The thread ends with the goroutine, which isn't unlocked: by then it may be
	// bound to the notification.
	defer r.watch.end()
	q := &Request{ctx: r.ctx}
	nr := uint64(abi.CallEndpointReceive)
	for {
		r.watch.outside.Store(false)
		if r.s.closing.Load() { // after that: who closes looks the other way round
			if nr == abi.CallEndpointReplyReceive {
				q.reply()
			}
			return nil
		}
		if r.s.Yields {
			if err := r.yield(); err != nil {
				return err
			}
		}
		r.ask(q)
		r.s.ready.Add(1)
		result := r.wait(nr, &q.m)
		r.s.ready.Add(-1)
		r.watch.outside.Store(true)
		switch {
		case result == abi.ReceivedCall:
			q, nr = r.call(q)
		case int64(result) >= 0:
			nr = r.other(result, q)
		default:
			if err := r.failed(nr, q, kernelError(result)); err != nil {
				return r.end(err)
			}
			nr = abi.CallEndpointReceive
		}
	}
}

// call takes a call, and says how to go on, with which request.
func (r *receiver) call(q *Request) (next *Request, nr uint64) {
	q.begin()
	if !r.received {
		r.received = true
		r.s.received.Store(true)
	}
	if r.s.hasEarly.Load() {
		r.s.takeEarly(q)
	}
	if r.s.isAsync(q.Method()) && !(r.s.Threads > 0 && r.s.another()) {
		return r.hand(q), abi.CallEndpointReceive
	}
	r.s.handle(q)
	r.finish(q)
	if q.kept {
		q.options = false
		return q, abi.CallEndpointReceive
	}
	return q, abi.CallEndpointReplyReceive
}

// other takes what isn't a call.
func (r *receiver) other(what uint64, q *Request) (nr uint64) {
	r.s.received.Store(true)
	switch what {
	case abi.ReceivedBits:
		if r.s.OnBits != nil {
			r.s.OnBits(q.m.Words[0])
		}
	case abi.ReceivedCancel:
		r.s.cancel(q.m.Token)
	case abi.ReceivedPage:
		return r.page(q)
	}
	return abi.CallEndpointReceive
}

// ask sets q's message up for the next receive, and for the answer before it.
func (r *receiver) ask(q *Request) {
	q.m.To, q.m.Token, q.m.Options = uint64(r.s.Endpoint), q.token, nil
	if q.options || r.s.Service.Handles > 0 {
		o := &q.buffer.options
		o.Deadline, o.Flags = abi.WaitForever, 0
		o.ReceiveAddr, o.ReceiveBytes = nil, 0
		o.Accept = uint32(r.s.Service.Handles)
		if !q.options {
			o.SendAddr, o.SendBytes, o.SendHandles = nil, 0, 0
		}
		q.m.Options = o
	}
}

// wait makes a call that receives. Package documentation says why it may keep its
// place on the CPU and why it may not.
func (r *receiver) wait(nr uint64, m *Message) (result uint64) {
	switch {
	case fake != nil:
		return fakeMessage(nr, m)
	case r.s.Alone && !r.patient:
		result = sys.MessageCall(nr, m)
		r.patient = result == abi.EINTR.Result() // by Go's monitor, after 10 ms
		return result
	}
	begin := sys.Ticks()
	if r.s.Threads == 0 && (r.patient || begin-r.gave > keepsFor) {
		r.gave = begin
		result = sys.MessageBlock(nr, m)
	} else {
		result = sys.MessageWait(nr, m)
	}
	r.patient = !r.s.Alone && sys.Ticks()-begin > sys.TicksLong
	return result
}

// call makes a call that doesn't wait.
func call(nr uint64, m *Message) (result uint64) {
	if fake != nil {
		return fakeMessage(nr, m)
	}
	return sys.MessageCall(nr, m)
}

// hand gives a request to a goroutine, and gives the next.
func (r *receiver) hand(q *Request) *Request {
	r.s.mu.Lock()
	r.s.live[q.token] = q.ctx
	r.ctx = new(requestContext)
	r.s.mu.Unlock()
	r.s.running.Add(1)
	go r.s.handleAsync(q)
	r.patient = true
	return &Request{ctx: r.ctx}
}

// finish takes q's context back.
func (r *receiver) finish(q *Request) {
	if !q.ctx.end() {
		q.ctx = new(requestContext)
		r.s.mu.Lock()
		r.ctx = q.ctx
		r.s.mu.Unlock()
	}
}

// page handles what a pager gets, and says how to go on.
func (r *receiver) page(q *Request) (nr uint64) {
	q.token, q.options = q.m.Token, false
	if f := r.s.OnPage; f != nil {
		f(q.m.Words[0], q.m.Words[1], q.m.Words[2])
	}
	q.m.Words = [abi.MessageWords]uint64{}
	return abi.CallEndpointReplyReceive
}

// failed looks at the error of a receive, nr, that may have answered before. The
// result is nil if another may do better.
func (r *receiver) failed(nr uint64, q *Request, err error) error {
	switch err {
	case syscall.EINTR, syscall.ETIMEDOUT: // of the receive
		return nil
	case syscall.ECANCELED:
		return err
	}
	if nr != abi.CallEndpointReplyReceive {
		return err
	}
	// The answer's or the receive's? If it was given, this one finds nobody.
	q.m.Words[0] = uint64(err.(syscall.Errno))<<serviceShift | answerErrno
	q.options = false
	q.reply()
	return nil
}

// end gives what Serve says to an error of a receive. A handle that was one is so no more
// because somebody has closed it.
func (r *receiver) end(err error) error {
	if err == syscall.ECANCELED || r.s.closing.Load() || err == syscall.EBADF && r.s.received.Load() {
		return nil
	}
	return err
}
