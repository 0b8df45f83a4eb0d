// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func waitCases() []cases.Case {
	return []cases.Case{
		{Name: "deadlines", Run: deadlines},
		{Name: "deadlines that pass while the server calls another one", Run: deadlinesBelow},
		{Name: "EINTR and SA_RESTART while a call isn't received", Run: interruptedQueued},
		{Name: "EINTR and SA_RESTART while receiving", Run: interruptedReceive},
		{Name: "a signal while a call is served", Run: signalWhileServed},
		{Name: "a cancelled call", Run: cancelled},
		{Name: "a cancelled call, another process receives too", Run: cancelledAmongOthers},
		{Name: "bits of the bound notification", Run: boundBits},
		{Name: "a notification that another thread of the process binds", Run: boundAnew},
		{Name: "stopped and resumed at each stage", Run: stopped},
		{Name: "CPU time is the caller's", Run: charged},
	}
}

func deadlines() error {
	e := endpoint()
	const short = 20 * time.Millisecond
	within := func(d int64) *sys.MessageOptions { return &sys.MessageOptions{Deadline: d} }
	for _, nr := range []uint64{abi.CallEndpointReceive, abi.CallEndpointReplyReceive, abi.CallEndpointCall} {
		for _, d := range []time.Duration{0, -time.Second, short} {
			from := time.Now() // before the deadline is reckoned
			o := within(object.Now)
			if d != 0 {
				o = within(max(1, object.After(d)))
			}
			m := sys.Message{To: uint64(e), Options: o}
			_, err := message(nr, &m)
			if took := time.Since(from); err != syscall.ETIMEDOUT || took < d || d <= 0 && took > 5*time.Second {
				return fmt.Errorf("call %#x, deadline %v: %v after %v", nr, d, err, took)
			}
		}
	}
	// While it is served: the answer comes too late.
	n := must(object.NewNotification())
	s := begin([]abi.HandOn{to(e, waitRights), to(abi.Handle(n), abi.RightWait)}, receive(given(0)), pause(given(1)), reply())
	s.steps[2].in = s.places[0] + againOffset
	s.waits(0, 1)
	for tries := 0; s.steps[0].finished() == 0; tries++ { // on a busy host the time may be over before it is received
		m := sys.Message{To: uint64(e), Options: within(object.After(short))}
		if _, err := message(abi.CallEndpointCall, &m); err != syscall.ETIMEDOUT || tries == 500 {
			return fmt.Errorf("while it was served: %v", err)
		}
	}
	ok(n.Signal(1))
	if r := s.result(2); r.errno() != syscall.ESRCH {
		return fmt.Errorf("the late answer: %v", r.errno())
	}
	s.over()
	// In time, both where the receiver waits and where the call does.
	s = begin([]abi.HandOn{to(e, waitRights)}, echo(given(0))...)
	for i := range uint64(20) {
		m := sys.Message{To: uint64(e), Options: within(soon()), Words: [8]uint64{i}}
		if _, err := message(abi.CallEndpointCall, &m); err != 0 || m.Words[0] != i {
			return fmt.Errorf("in time: %v", err)
		}
	}
	s.over()
	ok(n.Close())
	return object.Close(e)
}

// deadlinesBelow has deadlines pass while who has received the call calls on without the kernel
// lock, perhaps on another CPU.
func deadlinesBelow() error {
	front, back := endpoint(), endpoint()
	s := begin([]abi.HandOn{to(back, waitRights)}, echo(given(0))...)
	steps := []do{receive(given(0))}
	for i := range uint64(100) {
		steps = append(steps, call(given(1), i))
	}
	m := newProcess(2*buffers, to(front, waitRights), to(back, callRights)).add(append(steps, do{nr: abi.CallEndpointReplyReceive, to: given(0)})...)
	last := len(m.steps) - 1
	m.steps[last].in, m.steps[last].out = m.places[0]+againOffset, m.places[0]+outputOffset
	m.steps[last].next = m.places[1]
	m.start().waits(0, 1)
	r := rand.New(rand.NewPCG(3, 3))
	late := 0
	for i := range uint64(600) {
		o := &sys.MessageOptions{Deadline: object.After(time.Duration(50+r.IntN(2000)) * time.Microsecond)}
		q := sys.Message{To: uint64(front), Words: [8]uint64{i}, Options: o}
		switch _, err := message(abi.CallEndpointCall, &q); {
		case err == syscall.ETIMEDOUT:
			late++
		case err != 0 || q.Words[0] != i:
			return fmt.Errorf("call %d: %v, %v", i, err, q.Words)
		}
	}
	q := sys.Message{To: uint64(front), Words: [8]uint64{7}, Options: &sys.MessageOptions{Deadline: soon()}}
	if _, err := message(abi.CallEndpointCall, &q); err != 0 || q.Words[0] != 7 {
		return fmt.Errorf("the last call, after %d that were late: %v", late, err)
	}
	m.over()
	s.over()
	ok(object.Close(back))
	return object.Close(front)
}

// thread is a call that a thread of this process makes, which signals interrupt.
type thread struct {
	tid  int
	done chan outcome
}

type outcome struct {
	m      sys.Message
	result uint64
	err    syscall.Errno
}

func (o outcome) String() string { return fmt.Sprintf("%d %v %v", o.result, o.err, o.m.Words) }

func startThread(nr uint64, m sys.Message) thread {
	tids, t := make(chan int), thread{done: make(chan outcome, 1)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tids <- syscall.Gettid()
		r, err := message(nr, &m)
		t.done <- outcome{m, r, err}
	}()
	t.tid = <-tids
	return t
}

// over reports whether the call has returned within a while.
func (t thread) over(d time.Duration) (outcome, bool) {
	select {
	case o := <-t.done:
		return o, true
	case <-time.After(d):
		return outcome{}, false
	}
}

// interrupted signals a thread 10 times. It must not return, or it must, by EINTR.
func (t thread) interrupted(restarts bool) error {
	for range 10 {
		tgkill(t.tid, syscall.SIGURG)
		if o, over := t.over(5 * time.Millisecond); over {
			if restarts || o.err != syscall.EINTR {
				return fmt.Errorf("it returned %v", o)
			}
			return nil
		}
	}
	if !restarts {
		return fmt.Errorf("it didn't return")
	}
	return nil
}

func interruptedQueued() error {
	e := endpoint()
	defer setRestart(syscall.SIGURG, true)
	setRestart(syscall.SIGURG, false)
	if err := startThread(abi.CallEndpointCall, sys.Message{To: uint64(e)}).interrupted(false); err != nil {
		return err
	}
	setRestart(syscall.SIGURG, true)
	t := startThread(abi.CallEndpointCall, sys.Message{To: uint64(e), Words: [8]uint64{1, 2, 3, 4, 5, 6, 7, 8}})
	if err := t.interrupted(true); err != nil {
		return err
	}
	s := begin([]abi.HandOn{to(e, waitRights)}, receive(given(0)), reply())
	o := <-t.done
	if o.err != 0 || o.m.Words != [8]uint64{1, 2, 3, 4, 5, 6, 7, 8} {
		return fmt.Errorf("made again: %v", o)
	}
	s.over()
	return object.Close(e)
}

func interruptedReceive() error {
	e := endpoint()
	defer setRestart(syscall.SIGURG, true)
	for _, nr := range []uint64{abi.CallEndpointReceive, abi.CallEndpointReplyReceive} {
		setRestart(syscall.SIGURG, false)
		if err := startThread(nr, sys.Message{To: uint64(e)}).interrupted(false); err != nil {
			return err
		}
		setRestart(syscall.SIGURG, true)
		t := startThread(nr, sys.Message{To: uint64(e)})
		if err := t.interrupted(true); err != nil {
			return err
		}
		c := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 1, 2, 3))
		o := <-t.done
		if o.err != 0 || o.m.Words != [8]uint64{1, 2, 3} {
			return fmt.Errorf("made again: %v", o)
		}
		if _, err := message(abi.CallEndpointReply, &o.m); err != 0 {
			return err
		}
		c.result(0)
		c.over()
	}
	return object.Close(e)
}

// signalWhileServed: without MessageCancel it waits until the answer is there.
func signalWhileServed() error {
	e := endpoint()
	defer setRestart(syscall.SIGURG, true)
	setRestart(syscall.SIGURG, false)
	t := startThread(abi.CallEndpointCall, sys.Message{To: uint64(e)})
	m := sys.Message{To: uint64(e)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		return err
	}
	if err := t.interrupted(true); err != nil {
		return err
	}
	m.Words[0] = 9
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	if o := <-t.done; o.err != 0 || o.m.Words[0] != 9 {
		return fmt.Errorf("the answer: %v", o)
	}
	return object.Close(e)
}

// cancelled: the server is told once, and its answer counts, whichever it is.
func cancelled() error {
	e := endpoint()
	defer setRestart(syscall.SIGURG, true)
	for _, c := range []struct {
		waits    bool // the server receives again before the signal comes
		flags    uint32
		restarts bool
		want     syscall.Errno
	}{
		{false, 0, false, 0}, {true, 0, false, 0}, {true, 0, true, 0},
		{true, abi.MessageInterrupted, false, syscall.EINTR}, {false, abi.MessageInterrupted, false, syscall.EINTR},
		{false, abi.MessageInterrupted, true, 0},
	} {
		setRestart(syscall.SIGURG, c.restarts)
		t := startThread(abi.CallEndpointCall, sys.Message{To: uint64(e), Words: [8]uint64{3}, Options: &sys.MessageOptions{Deadline: object.Forever, Flags: abi.MessageCancel}})
		m := sys.Message{To: uint64(e)}
		if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
			return err
		}
		token := m.Token
		var again thread
		if c.waits {
			again = startThread(abi.CallEndpointReceive, sys.Message{To: uint64(e)})
			time.Sleep(5 * time.Millisecond)
		}
		for range 3 {
			tgkill(t.tid, syscall.SIGURG)
		}
		if !c.waits {
			time.Sleep(5 * time.Millisecond)
			again = startThread(abi.CallEndpointReceive, sys.Message{To: uint64(e), Options: &sys.MessageOptions{Deadline: soon()}})
		}
		if o := <-again.done; o.result != abi.ReceivedCancel || o.m.Token != token {
			return fmt.Errorf("%+v: %v, token %#x; not %#x", c, o, o.m.Token, token)
		}
		// Once.
		tgkill(t.tid, syscall.SIGURG)
		m = sys.Message{To: uint64(e), Options: &sys.MessageOptions{Deadline: object.After(5 * time.Millisecond)}}
		if r, err := message(abi.CallEndpointReceive, &m); err != syscall.ETIMEDOUT {
			return fmt.Errorf("%+v: told again: %d, %v", c, r, err)
		}
		m = sys.Message{Token: token, Words: [8]uint64{7}, Options: &sys.MessageOptions{Flags: c.flags}}
		if _, err := message(abi.CallEndpointReply, &m); err != 0 {
			return err
		}
		if c.flags != 0 && c.restarts { // it is made again
			m := sys.Message{To: uint64(e)}
			if _, err := message(abi.CallEndpointReceive, &m); err != 0 || m.Words[0] != 3 || m.Token == token {
				return fmt.Errorf("made again: %v %v", err, m)
			}
			m.Words[0] = 7
			if _, err := message(abi.CallEndpointReply, &m); err != 0 {
				return err
			}
		}
		if o := <-t.done; o.err != c.want || o.err == 0 && o.m.Words[0] != 7 {
			return fmt.Errorf("%+v: the caller has %v", c, o)
		}
	}
	return object.Close(e)
}

// cancelledAmongOthers: who has received the call is told, though another process came to
// wait after it.
func cancelledAmongOthers() error {
	e := endpoint()
	t := startThread(abi.CallEndpointCall, sys.Message{To: uint64(e), Options: &sys.MessageOptions{Deadline: object.Forever, Flags: abi.MessageCancel}})
	m := sys.Message{To: uint64(e)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		return err
	}
	again := startThread(abi.CallEndpointReceive, sys.Message{To: uint64(e)})
	time.Sleep(10 * time.Millisecond)
	other := begin([]abi.HandOn{to(e, waitRights)}, receive(given(0)))
	other.waits(0, 1)
	tgkill(t.tid, syscall.SIGURG)
	if o, over := again.over(5 * time.Second); !over || o.result != abi.ReceivedCancel || o.m.Token != m.Token {
		return fmt.Errorf("told: %v, %v", over, o)
	}
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	if o := <-t.done; o.err != 0 {
		return fmt.Errorf("the caller has %v", o)
	}
	other.over()
	return object.Close(e)
}

// boundAnew: a thread takes the notification from another one of its process, which receives at the moment.
func boundAnew() error {
	e, n := endpoint(), must(object.NewNotification())
	p := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait))
	bind := do{nr: abi.CallThreadBind, to: given(1)}
	first := p.add(bind, receive(given(0)), receive(given(0)))
	second := p.add(bind, receive(given(0)), receive(given(0)))
	first.start().waits(1, 2) // the other one hasn't begun
	ok(n.Signal(1))
	if o := first.result(1); o.result != abi.ReceivedBits || o.words[0] != 1 {
		return fmt.Errorf("before: %+v", o)
	}
	first.waits(2, 2)
	second.start().waits(1, 2)
	ok(n.Signal(2))
	if o := second.result(1); o.result != abi.ReceivedBits || o.words[0] != 2 {
		return fmt.Errorf("after: %+v", o)
	}
	if first.steps[2].finished() != first.steps[1].finished() && first.steps[2].finished() != 0 {
		return errors.New("who had it before got bits, too")
	}
	p.over()
	return errors.Join(n.Close(), object.Close(e))
}

// boundBits end a receive, and wait while the thread is busy.
func boundBits() error {
	e, n, busy := endpoint(), must(object.NewNotification()), must(object.NewNotification())
	p := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait), to(abi.Handle(busy), abi.RightWait))
	s := p.add(do{nr: abi.CallThreadBind, to: given(1)}, receive(given(0)), pause(given(2)), receive(given(0)), receive(given(0)),
		do{nr: abi.CallEndpointReplyReceive, to: given(0), answer: true}, do{nr: abi.CallThreadBind, to: 0}, pause(given(2))).start()
	s.waits(1, 1)
	ok(n.Signal(5))
	if o := s.result(1); o.result != abi.ReceivedBits || o.words[0] != 5 {
		return fmt.Errorf("while it received: %+v", o)
	}
	ok(n.Signal(2))
	ok(n.Signal(8))
	ok(busy.Signal(1))
	if o := s.result(3); o.result != abi.ReceivedBits || o.words[0] != 10 {
		return fmt.Errorf("while it was busy: %+v", o)
	}
	another := begin([]abi.HandOn{to(abi.Handle(n), abi.RightWait)}, do{nr: abi.CallThreadBind, to: given(0), failed: true})
	if o := another.result(0); o.errno() != syscall.EBUSY {
		return fmt.Errorf("bound by two processes: %v", o.errno())
	}
	another.over()
	// While a call is served, which is answered then.
	s.waits(4, 1)
	c := begin([]abi.HandOn{to(e, callRights), to(abi.Handle(n), abi.RightWrite)}, call(given(0), 6))
	if o := c.result(0); o.result != 0 || o.words[0] != 6 {
		return fmt.Errorf("the caller: %+v", o)
	}
	ok(n.Signal(16))
	if o := s.result(5); o.result != abi.ReceivedBits || o.words[0] != 16 {
		return fmt.Errorf("after an answer: %+v", o)
	}
	s.result(6)
	ok(n.Signal(32))
	if bits, err := n.Wait(abi.NotificationBits, object.Now); err != nil || bits != 32 {
		return fmt.Errorf("after it was unbound: %d, %v", bits, err)
	}
	c.over()
	p.over()
	ok(n.Close())
	ok(busy.Close())
	return object.Close(e)
}

// stopped stops either side, by ThreadStop or SIGSTOP of its own, at each stage.
func stopped() error {
	e, n := endpoint(), must(object.NewNotification())
	for stage := range 4 {
		for _, server := range []bool{false, true} {
			s := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait)).add(receive(given(0)), pause(given(1)), reply())
			s.steps[2].in = s.places[0] + againOffset
			c := newProcess(2*buffers, to(e, callRights)).add(call(given(0), 5))
			who := c
			if server {
				who = s
			}
			switch stage {
			case 0: // the server waits
				s.start().waits(0, 1)
			case 1: // the call does
				c.start().waits(0, 1)
			case 2: // it is served
				s.start().waits(0, 1)
				c.start()
				s.waits(1, 1)
			case 3: // one after the other, neither has begun
			}
			ok(who.thread.Stop())
			if stage == 0 || stage == 3 {
				c.start()
			}
			if stage == 1 || stage == 3 {
				s.start()
			}
			if stage != 2 && !(stage == 1 && !server || stage == 0 && server) {
				time.Sleep(time.Millisecond)
			}
			ok(n.Signal(1))
			time.Sleep(10 * time.Millisecond)
			if c.steps[0].finished() != 0 && (stage != 2 || !server) {
				return fmt.Errorf("stage %d, server %v: the call returned, though one was stopped", stage, server)
			}
			ok(who.thread.Resume())
			if o := c.result(0); o.result != 0 || o.words[0] != 5 {
				return fmt.Errorf("stage %d, server %v: %+v", stage, server, o)
			}
			if o := s.result(2); o.result != 0 {
				return fmt.Errorf("stage %d, server %v: the answer: %v", stage, server, o.errno())
			}
			c.over()
			s.over()
			_, _ = n.Wait(1, object.Now)
		}
	}
	ok(n.Close())
	return object.Close(e)
}

// charged: what a server works for a call is on the caller's bill.
func charged() error {
	e := endpoint()
	steps := []do{receive(given(0))}
	for range 200 {
		steps = append(steps, do{nr: syscall.SYS_SCHED_YIELD})
	}
	s := newProcess(2*buffers, to(e, waitRights)).add(append(steps, reply())...)
	last := len(s.steps) - 1
	s.steps[last].in = s.places[0] + againOffset
	s.steps[last].next = s.places[0]
	s.start().waits(0, 1)
	c := newProcess(2*buffers, to(e, callRights)).add(do{nr: abi.CallEndpointCall, to: given(0), loop: true})
	// It has its own between an answer and the next call only. But its CPU may stand still just
	// there, so that it gets several chances.
	c.start()
	var mine, theirs uint64
	for range 10 {
		own, others, calls := must(c.Process.Use()).Time, must(s.Process.Use()).Time, c.steps[0].finished()
		eventually("there are 100 more calls", func() bool { return c.steps[0].finished() > calls+100 })
		ok(c.thread.Stop())
		mine, theirs = must(c.Process.Use()).Time-own, must(s.Process.Use()).Time-others
		ok(c.thread.Resume())
		if theirs <= mine {
			break
		}
	}
	if theirs > mine {
		return fmt.Errorf("the caller has used %d ns, the server, which did the work, %d ns", mine, theirs)
	}
	c.over()
	s.over()
	return object.Close(e)
}
