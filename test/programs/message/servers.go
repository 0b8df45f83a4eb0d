// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"sync/atomic"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func serverCases() []cases.Case {
	return []cases.Case{
		{Name: "answered by another thread", Run: func() error { return answeredElsewhere(false) }},
		{Name: "answered by another thread while the first one runs", Run: func() error { return answeredElsewhere(true) }},
		{Name: "answered by another thread, after calls without lock", Run: answeredAfterPairs},
		{Name: "endpoint_call ECONNRESET: called while the server ends", Run: calledWhileEnding},
		{Name: "several receivers", Run: severalReceivers},
		{Name: "a server receives again before it has answered", Run: receivesAgain},
		{Name: "a chain of servers", Run: chain},
		{Name: "a process calls itself", Run: callsItself},
	}
}

// answeredElsewhere has a thread receive a call, and another one answer it, while the
// first one waits for something else, or runs.
func answeredElsewhere(runs bool) error {
	e, n := endpoint(), must(object.NewNotification())
	p := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait))
	busy := pause(given(1))
	if runs {
		busy = do{nr: syscall.SYS_SCHED_YIELD, loop: true}
	}
	first := p.add(receive(given(0)), busy)
	first.steps[0].out = first.places[0] + outputOffset
	first.start()
	c := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 3))
	token := first.result(0).token
	if runs {
		eventually("the server runs", func() bool { return first.steps[1].finished() > 1 })
	} else {
		first.waits(1, 1)
	}
	second := p.add(do{nr: abi.CallEndpointReply, token: token, words: [8]uint64{4}}).start()
	if o := second.result(0); o.result != 0 {
		return fmt.Errorf("the answer: %v", o.errno())
	}
	if o := c.result(0); o.result != 0 || o.words[0] != 4 {
		return fmt.Errorf("the caller: %+v", o)
	}
	c.over()
	p.over()
	ok(n.Close())
	return object.Close(e)
}

// answeredAfterPairs does that with a call that was received without the kernel lock, whose CPU
// has not come in since.
func answeredAfterPairs() error {
	const calls = 30
	for range 10 {
		e, n := endpoint(), must(object.NewNotification())
		p := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait))
		steps := []do{receive(given(0))}
		for range calls - 1 {
			steps = append(steps, do{nr: abi.CallEndpointReplyReceive, to: given(0), answer: true})
		}
		first := p.add(append(steps, do{nr: syscall.SYS_GETPID, loop: true})...)
		// The loop must not overwrite the token.
		first.steps[calls-1].out = first.places[calls-1] + outputOffset
		second := p.add(pause(given(1)), do{nr: abi.CallEndpointReply}).start()
		second.steps[1].in = first.places[calls-1] + againOffset
		second.waits(0, 2)
		first.start()
		var all []do
		for i := range uint64(calls) {
			all = append(all, call(given(0), i))
		}
		c := begin([]abi.HandOn{to(e, callRights)}, all...)
		for atomic.LoadUint64(&first.steps[calls].done) < 100 {
		}
		ok(n.Signal(1))
		if o := second.result(1); o.result != 0 {
			return fmt.Errorf("the answer: %v", o.errno())
		}
		if o := c.result(calls - 1); o.result != 0 || o.words[0] != calls-1 {
			return fmt.Errorf("the caller: %+v", o)
		}
		c.over()
		p.over()
		ok(n.Close())
		ok(object.Close(e))
	}
	return nil
}

// calledWhileEnding calls a server that was killed, while what it had is given back:
// the call is received or not, and ends in any case.
func calledWhileEnding() error {
	for i := range 20 {
		e := endpoint()
		s := begin([]abi.HandOn{to(e, waitRights)}, receive(given(0)))
		e = must(object.Replace(e, callRights))
		s.waits(0, 1)
		m := sys.Message{To: uint64(e), Options: &sys.MessageOptions{Deadline: soon()}}
		ok(s.Process.Kill())
		_, err := message(abi.CallEndpointCall, &m)
		if err != syscall.ECONNRESET && err != syscall.ECONNREFUSED {
			return fmt.Errorf("call %d: %v", i, err)
		}
		must(s.Process.Wait(soon()))
		s.forget()
		ok(object.Close(e))
	}
	return nil
}

// severalReceivers: each of many calls is received once, by somebody.
func severalReceivers() error {
	e := endpoint()
	p := newProcess(2*buffers, to(e, waitRights))
	var servers, clients []*actor
	for range 5 {
		servers = append(servers, p.add(echo(given(0))...).start())
	}
	other := begin([]abi.HandOn{to(e, waitRights)}, echo(given(0))...)
	const calls = 20
	for range 8 {
		var all []do
		for i := range uint64(calls) {
			all = append(all, call(given(0), i, ^i))
		}
		clients = append(clients, begin([]abi.HandOn{to(e, callRights)}, all...))
	}
	for _, c := range clients {
		for i := range uint64(calls) {
			if o := c.result(int(i)); o.result != 0 || o.words[0] != i || o.words[1] != ^i {
				return fmt.Errorf("call %d: %+v", i, o)
			}
		}
	}
	sum := uint64(0)
	for _, s := range append(servers, other) {
		sum += s.steps[0].finished() + s.steps[1].finished()
	}
	if sum != calls*8 {
		return fmt.Errorf("%d calls were received, of %d", sum, calls*8)
	}
	for _, c := range clients {
		c.over()
	}
	p.over()
	other.over()
	return object.Close(e)
}

// receivesAgain: two calls are received before either is answered, then in the other order.
func receivesAgain() error {
	e := endpoint()
	s := begin([]abi.HandOn{to(e, waitRights)}, receive(given(0)), receive(given(0)), reply(), reply())
	s.steps[3].in = s.places[0] + againOffset
	a := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 1))
	s.result(0)
	b := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 2))
	for i, c := range []*actor{a, b} {
		if o := c.result(0); o.result != 0 || o.words[0] != uint64(i+1) {
			return fmt.Errorf("caller %d: %+v", i, o)
		}
	}
	a.over()
	b.over()
	s.over()
	return object.Close(e)
}

// chain is of 20 servers, each the client of the next: more than an entity is lent on.
func chain() error {
	const n = 20
	var ends []abi.Handle
	for range n {
		ends = append(ends, endpoint())
	}
	var servers []*actor
	for i := range n {
		hands := []abi.HandOn{to(ends[i], waitRights)}
		steps := []do{receive(given(0))}
		if i+1 < n {
			hands = append(hands, to(ends[i+1], callRights))
			steps = append(steps, do{nr: abi.CallEndpointCall, to: given(1), answer: true})
		}
		s := newProcess(2*buffers, hands...).add(append(steps, do{nr: abi.CallEndpointReplyReceive, to: given(0), answer: true})...)
		last := len(s.steps) - 1
		s.steps[last].in = s.places[0] + againOffset // the token; its own words go back
		s.steps[last].out = s.places[0] + outputOffset
		s.steps[last].next = s.places[min(1, last)]
		servers = append(servers, s.start())
	}
	for i := range uint64(50) {
		m := sys.Message{To: uint64(ends[0]), Words: [8]uint64{i, ^i, 2, 3, 4, 5, 6, 7}}
		want := m.Words
		if _, err := message(abi.CallEndpointCall, &m); err != 0 || m.Words != want {
			return fmt.Errorf("call %d: %v, %v", i, err, m.Words)
		}
	}
	for _, s := range servers {
		s.over()
	}
	for _, e := range ends {
		ok(object.Close(e))
	}
	return nil
}

// callsItself has two threads of a process call each other, words and bytes.
func callsItself() error {
	e := endpoint()
	p := newProcess(3*buffers, to(e, callRights|waitRights))
	o := abi.DefaultOptions()
	o.SendAddr, o.SendBytes, o.ReceiveAddr, o.ReceiveBytes = dataAt+buffers, 5000, dataAt+buffers+10000, 5000
	in := abi.DefaultOptions()
	in.ReceiveAddr, in.ReceiveBytes = dataAt+buffers+20000, 5000
	in.SendAddr, in.SendBytes = in.ReceiveAddr, 5000
	for i := range 5000 {
		p.data[buffers+i] = byte(i * 7)
	}
	s := p.add(do{nr: abi.CallEndpointReceive, to: given(0), options: &in}, do{nr: abi.CallEndpointReply, options: &in, answer: true}).start()
	c := p.add(do{nr: abi.CallEndpointCall, to: given(0), options: &o}).start()
	if r := c.result(0); r.result != 0 {
		return fmt.Errorf("%v; the answer: %v", r.errno(), s.result(1).errno())
	}
	for _, at := range []int{10000, 20000} {
		for i := range 5000 {
			if p.data[buffers+at+i] != byte(i*7) {
				return fmt.Errorf("byte %d at %d is %d", i, at, p.data[buffers+at+i])
			}
		}
	}
	p.over()
	return object.Close(e)
}
