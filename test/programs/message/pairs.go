// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// Crossings: what happens to two that call and answer without the kernel lock, and are so used to
// each other that not even handles are looked up, when something else does happen.
func pairCases() []cases.Case {
	return []cases.Case{
		{Name: "a pair: the server revokes the client's handle", Run: revokedByServer},
		{Name: "a pair: the client's handle is closed", Run: func() error { return handleGone("closed") }},
		{Name: "a pair: the client's handle is replaced", Run: func() error { return handleGone("replaced") }},
		{Name: "a pair: the client's handle is revoked", Run: func() error { return handleGone("revoked") }},
		{Name: "a pair: the client's handle is closed by its process", Run: closedHere},
		{Name: "a pair: the server's handle is closed", Run: func() error { return handleGone("the server's") }},
		{Name: "a pair: who comes in the client's place", Run: forgedHandle},
		{Name: "a pair: the server goes to another endpoint", Run: otherEndpoint},
		{Name: "a pair: the server calls itself", Run: func() error { return ownEndpoint(false) }},
		{Name: "a pair: the server calls its own endpoint, and another thread answers", Run: func() error { return ownEndpoint(true) }},
		{Name: "a pair: another call of the endpoint is cancelled", Run: cancelBesides},
	}
}

// lastCPU is where the parties of a pair are, on several CPUs not where this process's first threads are.
func lastCPU() int { return runtime.NumCPU() - 1 }

// pin is a step: the actor stays on a CPU.
func (p *actorProcess) pin(cpu int) do {
	b, at := p.room(8)
	b[0] = 1 << cpu
	return do{nr: syscall.SYS_SCHED_SETAFFINITY, value: 8, token: at}
}

// echoes are n steps that receive a call and answer it, but for the last call.
func echoes(h uint64, n int) []do {
	steps := []do{receive(h)}
	for range n - 1 {
		steps = append(steps, do{nr: abi.CallEndpointReplyReceive, to: h, answer: true})
	}
	return steps
}

// calls are n calls.
func calls(h uint64, n int) (steps []do) {
	for i := range uint64(n) {
		steps = append(steps, call(h, i, ^i))
	}
	return steps
}

// revokedByServer: the call after the revocation is none.
func revokedByServer() error {
	const n = 8
	for range 10 {
		e := endpoint()
		send := must(object.Duplicate(e, callRights|transferred))
		c := newProcess(2*buffers, to(send, callRights))
		client := c.add(append([]do{c.pin(lastCPU())}, calls(given(0), n+2)...)...)
		s := newProcess(2*buffers, to(e, waitRights), abi.HandOn{Handle: send, Rights: callRights | transferred, Flags: abi.HandOnMove})
		server := s.add(append(echoes(given(0), n), do{nr: abi.CallHandleRevoke, to: given(1)}, do{nr: abi.CallEndpointReplyReceive, to: given(0)})...)
		server.steps[n+1].in = server.places[n-1] + againOffset
		server.start().waits(0, 1)
		client.start()
		if o := client.result(n); o.result != 0 || o.words[0] != n-1 {
			return fmt.Errorf("the call that was served: %+v", o)
		}
		if o := client.result(n + 1); o.errno() != syscall.EBADF {
			return fmt.Errorf("the next call: %+v", o)
		}
		if server.steps[n+1].finished() != 0 {
			return fmt.Errorf("the server has received a call by it")
		}
		c.over()
		s.over()
		ok(object.Close(e))
	}
	return nil
}

// handleGone has another thread, perhaps on another CPU, take one of a pair's handles away: from then on
// no call is made by it.
func handleGone(how string) error {
	for round := range 8 {
		e, n := endpoint(), must(object.NewNotification())
		send := must(object.Duplicate(e, callRights|transferred))
		c := newProcess(2*buffers, to(send, callRights), to(abi.Handle(n), abi.RightWait))
		s := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait), to(e, waitRights))
		client := c.add(c.pin(lastCPU()), do{nr: abi.CallEndpointCall, to: given(0), loop: true})
		server := s.add(echo(given(0))...)
		where, one, gone := c, client, client.steps[1]
		closing := do{nr: abi.CallHandleClose, to: given(0)}
		switch how {
		case "replaced":
			closing = do{nr: abi.CallHandleReplace, to: given(0), value: uint64(callRights)}
		case "the server's":
			where, one, gone = s, server, server.steps[1]
		}
		other := where.add(where.pin(0), pause(given(1)), closing, pause(given(1))).start()
		server.start()
		client.start()
		eventually("they go on", func() bool { return client.steps[1].finished() > 200+uint64(round)*17 })
		if how == "revoked" {
			ok(object.Revoke(send))
		} else {
			ok(n.Signal(1))
			if o := other.result(2); o.errno() != 0 {
				return fmt.Errorf("taking it away: %v", o.errno())
			}
		}
		begun := gone.started()
		ok(one.thread.Wait(object.After(2 * time.Second))) // at its error
		if e := gone.output.errno(); e != syscall.EBADF {
			return fmt.Errorf("round %d: it ended by %v", round, e)
		}
		if late := gone.started() - begun; late > 1 {
			return fmt.Errorf("round %d: it was used %d more times", round, late)
		}
		c.over()
		s.over()
		ok(object.Close(send))
		ok(object.Close(e))
		ok(n.Close())
	}
	return nil
}

// closedHere is handleGone of this process's own handle: it is known when it was closed.
func closedHere() error {
	e := endpoint()
	s := begin([]abi.HandOn{to(e, waitRights)}, echo(given(0))...)
	s.waits(0, 1)
	for round := range 1 + 8*min(2, lastCPU()) {
		h := must(object.Duplicate(e, callRights))
		var begun atomic.Uint64
		failed := make(chan syscall.Errno)
		go func() {
			runtime.LockOSThread() // and the thread ends with it
			setAffinity(lastCPU())
			for {
				begun.Add(1)
				m := sys.Message{To: uint64(h)}
				if r := sys.MessageCall(abi.CallEndpointCall, &m); r != 0 {
					failed <- syscall.Errno(-int64(r))
					return
				}
			}
		}()
		eventually("it goes on", func() bool { return begun.Load() > 100+uint64(round) })
		ok(object.Close(h))
		from := begun.Load()
		if e := <-failed; e != syscall.EBADF {
			return fmt.Errorf("round %d: it ended by %v", round, e)
		}
		if late := begun.Load() - from; late > 1 {
			return fmt.Errorf("round %d: it was used %d more times", round, late)
		}
	}
	s.over()
	return object.Close(e)
}

// forgedHandle: who gets the number in the kernel of a thread that was one of a pair has nothing of it.
func forgedHandle() error {
	e := endpoint()
	seven, nine := must(object.Mint(e, callRights|transferred, 7)), must(object.Mint(e, callRights|transferred, 9))
	n := abi.Handle(must(object.NewNotification()))
	s := begin([]abi.HandOn{to(e, waitRights)}, echo(given(0))...)
	s.waits(0, 1)
	for round := range 30 {
		x := newProcess(2*buffers, to(seven, callRights))
		one := x.add(append([]do{x.pin(lastCPU())}, calls(given(0), 5)...)...).start()
		if o := one.result(5); o.result != 0 {
			return fmt.Errorf("the first one: %+v", o)
		}
		x.over()
		y := newProcess(2*buffers, to(n, 0), to(nine, callRights))
		other := y.add(y.pin(lastCPU()), do{nr: abi.CallEndpointCall, to: given(1), options: forever()}, call(given(1)), call(given(0)))
		last := other.start().result(3)
		if badge := s.steps[1].output.badge; badge != 9 {
			return fmt.Errorf("round %d: called by badge 9, and received %d", round, badge)
		}
		if e := last.errno(); e == 0 {
			return fmt.Errorf("round %d: a call by no handle to the endpoint was answered", round)
		}
		y.over()
	}
	s.over()
	for _, h := range []abi.Handle{e, seven, nine, n} {
		ok(object.Close(h))
	}
	return nil
}

// otherEndpoint: a server answers, and receives at another endpoint. A call of the first one waits.
func otherEndpoint() error {
	const n = 6
	one, two := endpoint(), endpoint()
	s := newProcess(2*buffers, to(one, waitRights), to(two, waitRights))
	steps := []do{receive(given(0))}
	for i := range n - 1 {
		steps = append(steps, do{nr: abi.CallEndpointReplyReceive, to: given((i + 1) % 2), answer: true})
	}
	server := s.add(steps...).start() // its last step receives at two
	c := newProcess(2*buffers, to(one, callRights), to(two, callRights))
	steps = []do{c.pin(lastCPU())}
	for i := range n - 1 {
		steps = append(steps, call(given(i%2), uint64(i)))
	}
	client := c.add(append(steps, call(given(0), 99))...)
	server.waits(0, 1)
	client.start()
	client.result(n - 1)
	client.waits(n, 1)
	server.waits(n-1, 1)
	s.over()
	client.over()
	ok(object.Close(one))
	return object.Close(two)
}

// ownEndpoint has a server call the endpoint that it receives from, while it serves. It waits, if
// nobody else receives there.
func ownEndpoint(others bool) error {
	const n = 8
	for range 10 {
		e := endpoint()
		s := newProcess(2*buffers, to(e, waitRights|callRights))
		server := s.add(append(echoes(given(0), n), call(given(0), 5), do{nr: abi.CallEndpointReply})...)
		server.steps[n+1].in = server.places[n-1] + againOffset
		server.start().waits(0, 1)
		c := newProcess(2*buffers, to(e, callRights))
		client := c.add(append([]do{c.pin(lastCPU())}, calls(given(0), n)...)...).start()
		server.waits(n, 1)
		if others {
			s.add(echo(given(0))...).start()
			if o := server.result(n); o.result != 0 || o.words[0] != 5 {
				return fmt.Errorf("its own call: %+v", o)
			}
			if o := client.result(n); o.result != 0 || o.words[0] != n-1 {
				return fmt.Errorf("the client's: %+v", o)
			}
		} else if client.steps[n].finished() != 0 {
			return fmt.Errorf("a call was answered by nobody")
		}
		c.over()
		s.over()
		ok(object.Close(e))
	}
	return nil
}

// cancelBesides: a server that has received a call serves another client meanwhile, again and again. The
// first call is cancelled: the server keeps its registers, and is told when it receives.
func cancelBesides() error {
	for round := range 15 {
		e := endpoint()
		s := newProcess(2*buffers, to(e, waitRights))
		server := s.add(receive(given(0)), receive(given(0)), do{nr: ownSpin, to: 300, token: 0x123456789abcdef}, do{nr: abi.CallEndpointReplyReceive, to: given(0)})
		last := server.steps[3]
		last.in, last.out, last.next = server.places[1]+againOffset, server.places[1]+outputOffset, server.places[2]
		server.start().waits(0, 1)
		t := startThread(abi.CallEndpointCall, sys.Message{To: uint64(e), Words: [8]uint64{7}, Options: &sys.MessageOptions{Deadline: soon(), Flags: abi.MessageCancel}})
		server.waits(1, 1)
		c := newProcess(2*buffers, to(e, callRights))
		client := c.add(c.pin(lastCPU()), do{nr: abi.CallEndpointCall, to: given(0), loop: true}).start()
		eventually("they go on", func() bool { return client.steps[1].finished() > 100+uint64(round) })
		tgkill(t.tid, syscall.SIGURG)
		if o, over := t.over(5 * time.Second); !over || o.err != 0 {
			return fmt.Errorf("round %d: what was cancelled: %v, %v", round, over, o)
		}
		before := client.steps[1].finished()
		eventually("the client gets on", func() bool { return client.steps[1].finished() > before+10 })
		if server.steps[2].output.result != 0 {
			return fmt.Errorf("round %d: the server's registers have changed", round)
		}
		c.over()
		s.over()
		ok(object.Close(e))
	}
	return nil
}
