// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Service is what a server serves: an interface and an implementation. Generated
// code makes it.
type Service struct {
	Name    string   // of the interface
	ID      uint32   // of its name and methods: another version has another
	Methods []string // method 1 is the first
	Handles int      // how many come with a request at most
	Handler Handler
}

// Handler handles requests for methods from 1 to as many as the service has, and
// answers each before it returns.
type Handler interface{ Handle(*Request) }

// Server receives calls to an endpoint and has a service handle them. Its fields are
// not to be changed after Serve has begun.
type Server struct {
	Endpoint Endpoint
	Service  Service

	// Receivers is how many threads receive, and so how many requests are handled at
	// once; 0 means 1. Cancelling reaches a method only while another thread
	// receives.
	Receivers int

	// Async has requests for these methods handled by goroutines of their own, any
	// number at once.
	Async []string

	// Threads is how many more receivers there may be for methods of Async: a request is handled by its
	// receiver, without a change of goroutines, as long as another one receives or can be started. 0: none.
	Threads int

	// OnCancel is called when a request has been cancelled, after its context is: for methods that wait for
	// something else. It is called by a receiver, and mustn't wait.
	OnCancel func()

	// Notification is bound to the first receiver, and OnBits is called there with
	// the bits that came; 0: none.
	Notification object.Notification
	OnBits       func(bits uint64)

	// OnPage is called for pages that are wanted (abi.ReceivedPage), when the
	// endpoint is a pager's. When it returns who waits for the page goes on.
	OnPage func(key, offset, access uint64)

	// Alone has receivers keep their place on the CPU while they wait, which makes receiving
	// cheaper, until Go's monitor finds that they have it for 10 ms: then they give it away,
	// up to the end of that wait. Until then no other goroutine runs there, and the collector
	// waits: it is for programs that only serve.
	Alone bool

	// Yields has a receiver let other goroutines run on its own thread before it waits, if any can: without that a
	// receiver that is Alone leaves them its thread's place after 10 ms, and another thread takes it, which takes two
	// changes of threads each time. It is for programs with one place (GOMAXPROCS is 1) and one receiver.
	Yields bool

	async    [4]uint64 // a bit for each method
	closing  atomic.Bool
	received atomic.Bool    // something has come
	running  sync.WaitGroup // requests of Async, and receivers that were started for them
	ready    atomic.Int32   // receivers that receive

	mu        sync.Mutex
	receivers []*receiver                // guarded by mu, and so is what follows
	live      map[uint64]*requestContext // of Async, by token
	early     Early                      // tokens that were cancelled before they were here
	hasEarly  atomic.Bool
	more      int // receivers that were started
}

// Serve receives and handles calls until Shutdown, until ctx is done, or until the
// endpoint can't be received from any more, and then until the requests that are
// being handled have been answered. The error is nil if that was intended: after
// Shutdown, or when the endpoint was closed.
func (s *Server) Serve(ctx context.Context) error {
	if err := s.prepare(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, s.Shutdown)
	defer stop()
	errs := make(chan error)
	first := s.receivers // more may come as soon as they run
	for _, r := range first {
		go func() { errs <- r.run() }()
	}
	var err error
	for range first {
		if e := <-errs; e != nil && err == nil {
			err = e
			s.Shutdown()
		}
	}
	s.running.Wait()
	return err
}

func (s *Server) prepare() error {
	if s.Service.Handler == nil || len(s.Service.Methods) > 255 {
		return errors.New("ipc: the service has no handler, or too many methods")
	}
	for _, name := range s.Async {
		i := slices.Index(s.Service.Methods, name)
		if i < 0 {
			return fmt.Errorf("ipc: %s has no method %s", s.Service.Name, name)
		}
		s.async[(i+1)/64] |= 1 << ((i + 1) % 64)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receivers != nil {
		return errors.New("ipc: the server serves already")
	}
	s.live = map[uint64]*requestContext{}
	for i := range max(s.Receivers, 1) {
		s.receivers = append(s.receivers, &receiver{s: s, first: i == 0, ctx: new(requestContext)})
	}
	return nil
}

// Shutdown has Serve return when the requests that are being handled have been
// answered. Calls that haven't been received wait at the endpoint, until somebody else
// receives them or the last handle to receive by is closed. It may be called more
// than once, from any goroutine.
func (s *Server) Shutdown() {
	if s.closing.Swap(true) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.receivers {
		go r.watch.interrupt()
	}
}

// another reports whether a receiver is free but for the one that asks, and starts one where there may
// be more.
func (s *Server) another() bool {
	if s.ready.Load() > 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more == s.Threads || s.closing.Load() {
		return false
	}
	s.more++
	r := &receiver{s: s, ctx: new(requestContext)}
	s.receivers = append(s.receivers, r)
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		if r.run() != nil { // the others hear of it, too
			s.Shutdown()
		}
	}()
	return true
}

// isAsync reports whether requests for a method have goroutines of their own.
func (s *Server) isAsync(method uint8) bool { return s.async[method/64]>>(method%64)&1 != 0 }

// handle handles a request. What is no request for the service is answered too.
func (s *Server) handle(q *Request) {
	v := &s.Service
	switch h := q.header; {
	case uint32(h>>serviceShift) != v.ID || h&unusedBits != 0:
		q.Malformed()
	case q.Method() == 0 || int(q.Method()) > len(v.Methods):
		q.Malformed()
	default:
		v.Handler.Handle(q)
	}
}

// handleAsync handles a request in a goroutine of its own.
func (s *Server) handleAsync(q *Request) {
	defer s.running.Done()
	s.handle(q)
	s.mu.Lock()
	delete(s.live, q.token)
	s.mu.Unlock()
	q.ctx.end()
	if !q.kept {
		q.reply()
	}
}

// cancel cancels the request with a token.
func (s *Server) cancel(token uint64) {
	if s.OnCancel != nil {
		defer s.OnCancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.live[token]; c != nil {
		c.cancel(token)
		return
	}
	for _, r := range s.receivers {
		if r.ctx.cancel(token) {
			return
		}
	}
	// Either it has been answered, or its receiver hasn't got to it.
	s.early.Add(token)
	s.hasEarly.Store(true)
}

// takeEarly cancels a request that has just begun, if it was cancelled before.
func (s *Server) takeEarly(q *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.early.Take(q.token) {
		s.hasEarly.Store(!s.early.Empty())
		q.ctx.cancel(q.token)
	}
}

// reply answers without receiving. A caller who is no more needs no answer.
func (r *Request) reply() {
	r.m.To, r.m.Token, r.m.Options = 0, r.token, nil
	if r.options {
		r.buffer.options.Deadline, r.buffer.options.Accept = abi.WaitForever, 0
		r.buffer.options.ReceiveAddr, r.buffer.options.ReceiveBytes = nil, 0
		r.m.Options = &r.buffer.options
	}
	result := call(abi.CallEndpointReply, &r.m)
	if result == 0 || kernelError(result) == syscall.ESRCH {
		return
	}
	// The client doesn't take the answer: too many handles, or no memory of its own.
	r.m.Options = nil
	r.m.Token = r.token
	r.m.Words[0] = uint64(-result)<<serviceShift | answerErrno
	call(abi.CallEndpointReply, &r.m)
}

// begin takes the thread of the goroutine for a receiver.
func (r *receiver) begin() error {
	runtime.LockOSThread()
	r.watch.begin()
	if r.s.Alone && fake == nil {
		if err := sys.PrepareMonitor(); err != nil {
			return err
		}
	}
	return r.bind()
}

// bind binds the notification to the thread, if that is for this receiver to do.
func (r *receiver) bind() error {
	if !r.first || r.s.Notification == 0 {
		return nil
	}
	_, err := objectCall(abi.CallThreadBind, uint64(r.s.Notification))
	return err
}

// yield lets other goroutines run. If one of them keeps the thread, for it waits in the kernel, this one
// goes on with another one.
func (r *receiver) yield() error {
	runtime.UnlockOSThread()
	runtime.Gosched()
	runtime.LockOSThread()
	if !r.watch.moved() {
		return nil
	}
	return r.bind()
}
