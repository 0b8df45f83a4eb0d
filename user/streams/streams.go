// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"errors"
	"io"
	"sync"

	"loam/internal/terminal"
	"loam/user/streams/ring"
)

// ErrEnded: the driver has ended, and doesn't come back.
var ErrEnded = errors.New("streams: the driver has ended")

// Streams are the three streams and their terminal.
type Streams struct {
	In       *Input
	Out, Err *Output

	signal func() // the driver

	mu       sync.Mutex // guards all that follows, and the streams
	cond     sync.Cond  // broadcast at each Wake
	err      error      // why nothing works any more
	controls ring.Taker
	requests ring.Putter
	part     [terminal.MessageSize]byte // of the message that comes
	partSize int
	total    uint32 // of bytes of stdin, if ended
	ended    bool
	facts    terminal.Message
	told     bool // Facts have come
	number   uint32
	waiting  map[uint32]chan terminal.Message
	event    func(Event)
}

// Input is stdin.
type Input struct {
	s     *Streams
	taker ring.Taker
	armed bool // OnReady is to be called
	ready func()
}

// Output is stdout or stderr.
type Output struct {
	s      *Streams
	putter ring.Putter
	armed  bool
	ready  func()
}

// New makes Streams of the rings in a memory, and says Hello to the host. signal signals the driver; who
// calls New calls Wake when the driver signals, and after New. It is for tests, and for
// who waits for the notification among other things; see Open.
func New(mem []byte, signal func()) *Streams {
	s := &Streams{signal: signal, controls: *ring.NewTaker(mem, ring.ControlIn), requests: *ring.NewPutter(mem, ring.ControlOut),
		waiting: map[uint32]chan terminal.Message{}}
	s.cond.L = &s.mu
	s.In = &Input{s: s, taker: *ring.NewTaker(mem, ring.Stdin)}
	s.Out = &Output{s: s, putter: *ring.NewPutter(mem, ring.Stdout)}
	s.Err = &Output{s: s, putter: *ring.NewPutter(mem, ring.Stderr)}
	s.mu.Lock()
	s.send(terminal.Message{Kind: terminal.Hello})
	s.mu.Unlock()
	return s
}

// Failure gives why the streams don't work any more: ErrEnded, ring.ErrBroken, terminal.ErrMessage. nil
// while they do.
func (s *Streams) Failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// fail ends everything; s.mu is held.
func (s *Streams) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	for n, c := range s.waiting {
		close(c)
		delete(s.waiting, n)
	}
	s.cond.Broadcast()
}

// Fail has all that waits, and all that comes, end with an error.
func (s *Streams) Fail(err error) {
	s.mu.Lock()
	s.fail(err)
	s.mu.Unlock()
	s.Wake()
}

// Wake looks at what the driver has done, and calls what is to be called. One goroutine at a time
// may call it.
func (s *Streams) Wake() {
	var calls [3]func()
	s.mu.Lock()
	events := s.listen()
	s.cond.Broadcast()
	signal := false
	if i := s.In; i.armed && i.rearm(&signal) {
		i.armed, calls[0] = false, i.ready
	}
	for k, o := range [2]*Output{s.Out, s.Err} {
		if o.armed && o.rearm(&signal) {
			o.armed, calls[1+k] = false, o.ready
		}
	}
	tell := s.event
	s.mu.Unlock()
	s.signalIf(signal)
	for _, f := range calls {
		if f != nil {
			f()
		}
	}
	for _, e := range events {
		if e == Suspend {
			go s.suspend(tell)
		} else if tell != nil {
			tell(e)
		}
	}
}

// suspend has the client get ready to be stopped, for which it may need what Wake brings, and says so.
func (s *Streams) suspend(tell func(Event)) {
	if tell != nil {
		tell(Suspend)
	}
	s.mu.Lock()
	signal := s.send(terminal.Message{Kind: terminal.Suspended})
	s.mu.Unlock()
	s.signalIf(signal)
}

func (s *Streams) signalIf(signal bool) {
	if signal {
		s.signal()
	}
}

// TryRead takes what has come, up to len(p) bytes. n 0: nothing has, and with eof nothing
// will. After a failure it is the end.
func (i *Input) TryRead(p []byte) (n int, eof bool) {
	s := i.s
	s.mu.Lock()
	n, eof, signal := i.try(p)
	s.mu.Unlock()
	s.signalIf(signal)
	return n, eof
}

func (i *Input) try(p []byte) (n int, eof, signal bool) {
	s := i.s
	if s.err != nil {
		return 0, true, false
	}
	n, signal, err := i.taker.Read(p)
	if err != nil {
		s.fail(err)
		return n, n == 0, false
	}
	if n == 0 && len(p) > 0 {
		eof = i.over()
		i.armed = !eof
	}
	return n, eof, signal
}

// over reports whether all of stdin has been read.
func (i *Input) over() bool {
	s := i.s
	if s.err != nil {
		return true
	}
	if !s.ended {
		return false
	}
	n, err := i.taker.Count()
	if err != nil {
		s.fail(err)
		return true
	}
	return n == s.total
}

// isReady reports whether a read would not wait; s.mu is held.
func (i *Input) isReady() bool {
	if i.over() {
		return true
	}
	ready, err := i.taker.Ready()
	if err != nil {
		i.s.fail(err)
	}
	return ready || err != nil
}

// Ready reports whether there is something to be read, or the end. (A TryRead may find nothing all the same,
// as on Linux.) If not, OnReady is called when there is.
func (i *Input) Ready() bool {
	s := i.s
	s.mu.Lock()
	signal := false
	ready := i.rearm(&signal)
	i.armed = !ready
	s.mu.Unlock()
	s.signalIf(signal)
	return ready
}

// rearm is isReady, and asks the driver to tell when that changes: a driver that has died may
// have taken note of it, and done nothing.
func (i *Input) rearm(signal *bool) bool {
	if i.isReady() {
		return true
	}
	ready, wake, err := i.taker.Arm()
	if err != nil {
		i.s.fail(err)
	}
	*signal = *signal || wake
	return ready || err != nil
}

// OnReady has f called as package documentation says. It replaces what was called before.
func (i *Input) OnReady(f func()) {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	i.ready = f
}

// Read waits until something has come. io.EOF at the end.
func (i *Input) Read(p []byte) (int, error) {
	s := i.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n, eof, signal := i.try(p)
		s.signalIf(signal)
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case s.err != nil:
			return 0, s.err
		case eof:
			return 0, io.EOF
		}
		s.cond.Wait()
	}
}

// TryWrite gives as much of p as there is room for, and tells how much: it will be written
// unless the machine fails. After a failure all of it is thrown away.
func (o *Output) TryWrite(p []byte) (n int) {
	s := o.s
	s.mu.Lock()
	n, signal := o.try(p)
	s.mu.Unlock()
	s.signalIf(signal)
	return n
}

func (o *Output) try(p []byte) (n int, signal bool) {
	s := o.s
	if s.err != nil {
		return len(p), false
	}
	n, signal, err := o.putter.Write(p)
	if err != nil {
		s.fail(err)
		return len(p), false
	}
	o.armed = o.armed || n < len(p)
	return n, signal
}

func (o *Output) isReady() bool {
	room, err := o.putter.Room()
	if err != nil {
		o.s.fail(err)
	}
	return room > 0 || o.s.err != nil
}

// Ready reports whether there is room. If not, OnReady is called when there is.
func (o *Output) Ready() bool {
	s := o.s
	s.mu.Lock()
	signal := false
	ready := o.rearm(&signal)
	o.armed = !ready
	s.mu.Unlock()
	s.signalIf(signal)
	return ready
}

// rearm is as Input's.
func (o *Output) rearm(signal *bool) bool {
	if o.isReady() {
		return true
	}
	ready, err := o.putter.Arm()
	if err != nil {
		o.s.fail(err)
	}
	ready = ready || err != nil
	*signal = *signal || !ready
	return ready
}

// Room tells how many bytes TryWrite would take now.
func (o *Output) Room() int {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	room, err := o.putter.Room()
	if err != nil {
		o.s.fail(err)
	}
	return room
}

// OnReady has f called as package documentation says. It replaces what was called before.
func (o *Output) OnReady(f func()) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.ready = f
}

// Write waits until all of p is given.
func (o *Output) Write(p []byte) (int, error) {
	s := o.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for done := 0; ; {
		if s.err != nil {
			return done, s.err
		}
		n, signal := o.try(p[done:])
		if s.err != nil {
			return done, s.err
		}
		s.signalIf(signal)
		if done += n; done == len(p) {
			return done, nil
		}
		s.cond.Wait()
	}
}
