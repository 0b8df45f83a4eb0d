// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func handleCases() []cases.Case {
	return []cases.Case{
		{Name: "handles copied and moved, both ways", Run: handlesBothWays},
		{Name: "endpoint_call ENOBUFS", Run: notAccepted},
		{Name: "endpoint_reply ENOBUFS", Run: answerNotAccepted},
		{Name: "no room in the receiver's table", Run: fullTable},
		{Name: "an answer takes the right to receive along", Run: receiverSent},
		{Name: "a handle that is closed while the call waits", Run: closedMeanwhile},
	}
}

// sending are options with handles to be sent, and room for those that come.
func sending(accept uint32, hands ...abi.HandOn) *abi.MessageOptions {
	o := &abi.MessageOptions{Deadline: object.Forever, SendHandles: uint32(len(hands)), Accept: accept}
	copy(o.Send[:], hands)
	return o
}

// sent are the options of a message of this process's own.
func sent(accept uint32, hands ...abi.HandOn) *sys.MessageOptions {
	o := &sys.MessageOptions{Deadline: object.Forever, SendHandles: uint32(len(hands)), Accept: accept}
	copy(o.Send[:], hands)
	return o
}

// handlesBothWays sends four to this process and back, copied and moved: the receiver has
// the rights that are said, and the sender has what it has copied.
func handlesBothWays() error {
	e := endpoint()
	n := must(object.NewNotification())
	id := must(object.Info(abi.Handle(n))).ID
	all := abi.RightsOf(abi.KindNotification)
	p := newProcess(2*buffers, to(e, callRights), to(abi.Handle(n), all), to(abi.Handle(n), all))
	one, two := abi.GivenHandle(1), abi.GivenHandle(2)
	o := sending(2,
		abi.HandOn{Handle: one, Rights: abi.RightWait}, abi.HandOn{Handle: two, Rights: all, Flags: abi.HandOnMove},
		abi.HandOn{Handle: one, Rights: 0}, abi.HandOn{Handle: one, Rights: abi.RightWrite})
	c := p.add(do{nr: abi.CallEndpointCall, to: given(0), options: o}, do{nr: abi.CallNotificationSignal, to: given(1), value: 4},
		do{nr: abi.CallNotificationSignal, to: given(2), value: 8}).start()
	m := sys.Message{To: uint64(e), Options: sent(4)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		return err
	}
	if m.Came != abi.CameWith(0, 4) {
		return fmt.Errorf("came %#x", m.Came)
	}
	came := m.Options.Given
	for i, rights := range []abi.Rights{abi.RightWait, all, 0, abi.RightWrite} {
		if info := must(object.Info(came[i])); info.ID != id || info.Rights != rights {
			return fmt.Errorf("handle %d: %+v", i, info)
		}
	}
	m.Options = sent(0, abi.HandOn{Handle: came[1], Rights: abi.RightWait}, abi.HandOn{Handle: came[1], Rights: 0})
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	if r := c.result(0); r.result != 0 || r.came != abi.CameWith(0, 2) {
		return fmt.Errorf("the caller: %+v", r)
	}
	if r := c.result(1); r.result != 0 { // what it has copied it still has
		return fmt.Errorf("the copied handle: %v", r.errno())
	}
	if r := c.result(2); r.errno() != syscall.EBADF {
		return fmt.Errorf("the moved handle: %v", r.errno())
	}
	for _, h := range came {
		ok(object.Close(h))
	}
	p.over()
	if i := must(object.Info(abi.Handle(n))); i.References != 1 {
		return fmt.Errorf("%d references", i.References)
	}
	ok(n.Close())
	return object.Close(e)
}

// notAccepted: the receiver takes fewer. Nothing is lost, moved handles neither, and the receiver goes on waiting.
func notAccepted() error {
	e, n := endpoint(), must(object.NewNotification())
	all := abi.RightsOf(abi.KindNotification)
	for _, first := range []bool{false, true} {
		p := newProcess(2*buffers, to(e, callRights), to(abi.Handle(n), all))
		o := sending(0, abi.HandOn{Handle: abi.GivenHandle(1), Rights: all, Flags: abi.HandOnMove})
		c := p.add(do{nr: abi.CallEndpointCall, to: given(0), options: o, failed: true}, do{nr: abi.CallNotificationSignal, to: given(1), value: 1}, call(given(0), 5))
		s := begin([]abi.HandOn{to(e, waitRights)}, receive(given(0)), reply())
		if !first {
			s.waits(0, 1)
		}
		c.start()
		if r := c.result(0); r.errno() != syscall.ENOBUFS {
			return fmt.Errorf("%v", r.errno())
		}
		if r := c.result(1); r.result != 0 {
			return fmt.Errorf("its handle: %v", r.errno())
		}
		if r := c.result(2); r.result != 0 || r.words[0] != 5 {
			return fmt.Errorf("the next call: %+v", r)
		}
		p.over()
		s.over()
	}
	ok(n.Close())
	return object.Close(e)
}

// receiverSent: a server gives the last handle to receive by away, without the right to, with an answer
// after which it wants to receive. Nobody can call it any more, so it doesn't wait.
func receiverSent() error {
	e := endpoint()
	mine := must(object.Duplicate(e, abi.RightWrite))
	all := abi.RightsOf(abi.KindEndpoint)
	last := sending(0, abi.HandOn{Handle: abi.GivenHandle(0), Rights: abi.RightWrite, Flags: abi.HandOnMove})
	s := begin([]abi.HandOn{{Handle: e, Rights: all, Flags: abi.HandOnMove}}, receive(given(0)),
		do{nr: abi.CallEndpointReplyReceive, to: given(0), options: last, answer: true})
	m := sys.Message{To: uint64(mine), Options: sent(1)}
	if _, err := message(abi.CallEndpointCall, &m); err != 0 {
		return err
	}
	if r := s.result(1); r.errno() != syscall.ECANCELED {
		return fmt.Errorf("the server: %v", r.errno())
	}
	s.over()
	again := sys.Message{To: uint64(mine)}
	if _, err := message(abi.CallEndpointCall, &again); err != syscall.ECONNREFUSED {
		return fmt.Errorf("a call: %v", err)
	}
	ok(object.Close(m.Options.Given[0]))
	return object.Close(mine)
}

// answerNotAccepted: the caller takes fewer than the answer has; it still waits, and another answer is good.
func answerNotAccepted() error {
	e, n := endpoint(), abi.Handle(must(object.NewNotification()))
	c := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 1))
	m := sys.Message{To: uint64(e)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		return err
	}
	token := m.Token
	for _, nr := range []uint64{abi.CallEndpointReply, abi.CallEndpointReplyReceive} {
		m := sys.Message{To: uint64(e), Token: token, Options: sent(0, abi.HandOn{Handle: n, Rights: 0, Flags: abi.HandOnMove})}
		if _, err := message(nr, &m); err != syscall.ENOBUFS {
			return fmt.Errorf("call %#x: %v", nr, err)
		}
		if i := must(object.Info(n)); i.References != 1 {
			return fmt.Errorf("%d references", i.References)
		}
	}
	m = sys.Message{Token: token, Words: [8]uint64{6}}
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	if r := c.result(0); r.result != 0 || r.words[0] != 6 {
		return fmt.Errorf("the caller: %+v", r)
	}
	c.over()
	ok(object.Close(n))
	return object.Close(e)
}

// fullTable: with room for fewer handles than are sent none is handed on.
func fullTable() error {
	e, n := endpoint(), abi.Handle(must(object.NewNotification()))
	all := abi.RightsOf(abi.KindNotification)
	c := newProcess(2*buffers, to(e, callRights), to(n, all)).add(
		do{nr: abi.CallEndpointCall, to: given(0), options: sending(0, abi.HandOn{Handle: abi.GivenHandle(1), Rights: 0}, abi.HandOn{Handle: abi.GivenHandle(1), Rights: 0, Flags: 0})},
	)
	c.steps[0].failed = c.places[0] // until there is room
	var fill []abi.Handle
	for {
		h, err := object.Duplicate(n, 0)
		if err != nil {
			break
		}
		fill = append(fill, h)
	}
	last := len(fill) - 1
	ok(object.Close(fill[last]))
	fill = fill[:last]
	before := must(object.Info(n)).References
	defer func() {
		for _, h := range fill {
			ok(object.Close(h))
		}
	}()
	c.start()
	m := sys.Message{To: uint64(e), Options: &sys.MessageOptions{Accept: 4}}
	for c.steps[0].finished() == 0 {
		m.To, m.Options.Deadline = uint64(e), object.After(30e6)
		if _, err := message(abi.CallEndpointReceive, &m); err != syscall.ETIMEDOUT {
			return fmt.Errorf("with room for one: %v", err)
		}
	}
	if got := must(object.Info(n)).References; got != before {
		return fmt.Errorf("%d references, before %d", got, before)
	}
	ok(object.Close(fill[last-1]))
	fill = fill[:last-1]
	m = sys.Message{To: uint64(e), Options: sent(4)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		return err
	}
	if c.steps[0].output.errno() != syscall.ENOBUFS || m.Came != abi.CameWith(0, 2) {
		return fmt.Errorf("the caller had %v; came %#x", c.steps[0].output.errno(), m.Came)
	}
	came := m.Options.Given
	m.Options = nil
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	fill = append(fill, came[0], came[1])
	c.over()
	ok(object.Close(n))
	return object.Close(e)
}

// closedMeanwhile: it is looked at again when the call is received.
func closedMeanwhile() error {
	e, n, go1 := endpoint(), must(object.NewNotification()), must(object.NewNotification())
	p := newProcess(2*buffers, to(e, callRights), to(abi.Handle(n), abi.RightsOf(abi.KindNotification)), to(abi.Handle(go1), abi.RightWait))
	c := p.add(do{nr: abi.CallEndpointCall, to: given(0), options: sending(0, abi.HandOn{Handle: abi.GivenHandle(1), Rights: 0})}, do{nr: syscall.SYS_GETPID}).start()
	c.steps[0].failed = c.places[1]
	d := p.add(pause(given(2)), do{nr: abi.CallHandleClose, to: given(1)}, pause(given(2))).start()
	c.waits(0, 2)
	ok(go1.Signal(1))
	if r := d.result(1); r.result != 0 {
		return r.errno()
	}
	m := sys.Message{To: uint64(e), Options: sent(4)}
	m.Options.Deadline = object.Now
	if _, err := message(abi.CallEndpointReceive, &m); err != syscall.ETIMEDOUT {
		return fmt.Errorf("received: %v", err)
	}
	if r := c.result(0); r.errno() != syscall.EBADF {
		return fmt.Errorf("the caller: %v", r.errno())
	}
	p.over()
	ok(n.Close())
	ok(go1.Close())
	return object.Close(e)
}
