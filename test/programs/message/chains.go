// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
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

// Crossings: servers that call servers, with what happens to one of them while all go on.
func chainCases() []cases.Case {
	return []cases.Case{
		{Name: "a chain: deadlines at each depth", Run: func() error { return deadlineInChain(false) }},
		{Name: "a chain: deadlines at each depth, while that one runs", Run: func() error { return deadlineInChain(true) }},
		{Name: "a chain: deadlines at any moment", Run: deadlinesInChain},
		{Name: "a chain: each is stopped and continued", Run: stoppedInChain},
		{Name: "a chain: each is killed", Run: killedInChain},
	}
}

// line is a chain of servers, each of which calls the next one with what it has received, and
// answers with that.
type line struct {
	ends    []abi.Handle
	servers []*actor
	wake    object.Notification // for a server that is to wait
}

// Steps of a server in a line.
const (
	lineReceive = iota
	lineWork    // usually nothing
	lineCall    // the last one doesn't
)

func newLine(n int) *line {
	l := &line{wake: must(object.NewNotification())}
	for range n {
		l.ends = append(l.ends, endpoint())
		l.servers = append(l.servers, nil)
	}
	for i := range l.servers {
		l.start(i)
	}
	return l
}

// start makes server i.
func (l *line) start(i int) {
	hands := []abi.HandOn{to(l.ends[i], waitRights), to(abi.Handle(l.wake), abi.RightWait)}
	steps := []do{receive(given(0)), pause(given(1))}
	if i+1 < len(l.ends) {
		hands = append(hands, to(l.ends[i+1], callRights))
		steps = append(steps, do{nr: abi.CallEndpointCall, to: given(2), failed: true})
	}
	s := newProcess(2*buffers, hands...).add(append(steps, do{nr: abi.CallEndpointReplyReceive, to: given(0)})...)
	last := len(s.steps) - 1
	s.answering(lineReceive, last)
	s.steps[last].next = s.places[lineWork]
	if last > lineCall {
		s.steps[lineCall].in = s.places[lineReceive] + againOffset
	}
	s.steps[lineWork].nr = syscall.SYS_GETPID
	l.servers[i] = s.start()
}

// hold has the next call wait, or run, at server i; goOn ends that.
func (l *line) hold(i int, runs bool) {
	work := l.servers[i].steps[lineWork]
	work.to, work.nr = given(1), abi.CallNotificationWait
	if runs {
		work.to, work.nr = 10_000, ownSpin
		work.next = l.servers[i].places[lineWork]
	}
}

func (l *line) goOn(i int) {
	work := l.servers[i].steps[lineWork]
	work.nr, work.next = syscall.SYS_GETPID, l.servers[i].places[lineWork+1]
	ok(l.wake.Signal(1))
}

// call makes a call of this process's own.
func (l *line) call(word uint64, deadline int64) syscall.Errno {
	m := sys.Message{To: uint64(l.ends[0]), Words: [8]uint64{word, ^word}, Options: &sys.MessageOptions{Deadline: deadline}}
	_, err := message(abi.CallEndpointCall, &m)
	if err == 0 && (m.Words[0] != word || m.Words[1] != ^word) {
		panic(fmt.Sprintf("%d came back as %d", word, m.Words[0]))
	}
	return err
}

// client makes an actor that calls for ever.
func (l *line) client(cpu int) *actor {
	p := newProcess(2*buffers, to(l.ends[0], callRights))
	return p.add(p.pin(cpu), do{nr: abi.CallEndpointCall, to: given(0), loop: true}).start()
}

func (l *line) end() {
	for i, s := range l.servers {
		s.over()
		ok(object.Close(l.ends[i]))
	}
	ok(l.wake.Close())
}

// onEachCPU runs f on one CPU after the other.
func onEachCPU(rounds int, f func(round int) error) error {
	done := make(chan error)
	for round := range rounds {
		go func() {
			runtime.LockOSThread() // for ever: the thread ends with it
			setAffinity(round % runtime.NumCPU())
			defer func() {
				if v := recover(); v != nil {
					done <- fmt.Errorf("round %d: %v", round, v)
				}
			}()
			done <- f(round)
		}()
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// deadlineInChain: the deadline passes while the call is at each server in turn, which waits, or runs.
func deadlineInChain(runs bool) error {
	const depth = 4
	l := newLine(depth)
	err := onEachCPU(3*depth, func(round int) error {
		at := round % depth
		for i := range uint64(30) { // all are parked where calls need no lock
			m := sys.Message{To: uint64(l.ends[0]), Words: [8]uint64{i}}
			if r := sys.MessageWait(abi.CallEndpointCall, &m); r != 0 || m.Words[0] != i {
				return fmt.Errorf("call %d: %d, %v", i, int64(r), m.Words)
			}
		}
		l.hold(at, runs)
		if err := l.call(5, object.After(time.Millisecond)); err != syscall.ETIMEDOUT {
			return fmt.Errorf("held at %d: %v", at, err)
		}
		if !runs && round%2 == 0 { // who calls now waits until it is over
			if err := l.call(6, object.After(time.Millisecond)); err != syscall.ETIMEDOUT {
				return fmt.Errorf("behind what is held at %d: %v", at, err)
			}
		}
		l.goOn(at)
		for i := range uint64(5) {
			if err := l.call(i, soon()); err != 0 {
				return fmt.Errorf("after one held at %d: call %d: %v", at, i, err)
			}
		}
		_, _ = l.wake.Wait(1, object.Now)
		return nil
	})
	if err == nil {
		l.end()
	}
	return err
}

// deadlinesInChain: they pass wherever the call is.
func deadlinesInChain() error {
	l := newLine(4)
	r := rand.New(rand.NewPCG(5, 5))
	other := l.client(lastCPU())
	late := 0
	err := onEachCPU(2*runtime.NumCPU(), func(round int) error {
		for i := range uint64(50) {
			switch err := l.call(i, object.After(time.Duration(r.IntN(400))*time.Microsecond)); {
			case err == syscall.ETIMEDOUT:
				late++
			case err != 0:
				return fmt.Errorf("round %d, call %d: %v", round, i, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if e := l.call(7, soon()); e != 0 {
		return fmt.Errorf("the last call, after %d that were late: %v", late, e)
	}
	before := other.steps[1].finished()
	eventually("the other client gets on", func() bool { return other.steps[1].finished() > before+10 })
	other.over()
	l.end()
	return nil
}

// stoppedInChain stops each party. The client stops, too, and goes on when the party does.
func stoppedInChain() error {
	l := newLine(3)
	for _, cpu := range []int{0, lastCPU()} {
		c := l.client(cpu)
		for round := range 32 {
			who := c
			if n := round % 4; n < 3 {
				who = l.servers[n]
			}
			before := c.steps[1].finished()
			eventually("the client gets on", func() bool { return c.steps[1].finished() > before+10+uint64(round) })
			ok(who.thread.Stop())
			time.Sleep(time.Duration(round*10) * time.Microsecond)
			stopped := c.steps[1].finished() // it may have been about to
			time.Sleep(2 * time.Millisecond)
			if now := c.steps[1].finished(); now > stopped+1 {
				return fmt.Errorf("round %d: there were %d calls while one was stopped", round, now-stopped)
			}
			ok(who.thread.Resume())
		}
		before := c.steps[1].finished()
		eventually("the client gets on", func() bool { return c.steps[1].finished() > before+10 })
		c.over()
	}
	l.end()
	return nil
}

// killedInChain kills a party and makes another one, while two clients call.
func killedInChain() error {
	l := newLine(3)
	clients := []*actor{l.client(0), l.client(lastCPU())}
	r := rand.New(rand.NewPCG(6, 6))
	for round := range 80 {
		time.Sleep(time.Duration(r.IntN(500)) * time.Microsecond)
		if n := r.IntN(5); n < 3 {
			l.servers[n].over()
			l.start(n)
		} else {
			clients[n-3].over()
			clients[n-3] = l.client((n - 3) * lastCPU())
		}
		if round%10 != 9 {
			continue
		}
		for i, c := range clients {
			if c.steps[1].output.errno() != 0 { // its server was killed
				c.over()
				clients[i] = l.client(i * lastCPU())
				continue
			}
			before := c.steps[1].finished()
			eventually("a client gets on", func() bool {
				return c.steps[1].finished() > before+3 || c.steps[1].output.errno() == syscall.ECONNRESET
			})
		}
	}
	if err := l.call(9, soon()); err != 0 {
		return fmt.Errorf("the last call: %v", err)
	}
	for _, c := range clients {
		c.over()
	}
	l.end()
	return nil
}
