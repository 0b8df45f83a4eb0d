// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// The death matrix: each party is killed at each stage of a call. What both sides have of it
// then is printed as the rows of a table; the test that runs the program compares
// them with docs/ipc-death-matrix.md.

// scene is a client, a server and who has made the endpoint between them. The processes
// have a thread more, so that they outlive one.
type scene struct {
	owner, client, server, middle *actor
	closer                        *actor // closes the server's handle
	signaller                     *actor // signals the client
	send                          abi.Handle
	notifications                 []object.Notification
	clientGo, serverGo            object.Notification // what the parties wait for between their calls
	closeGo, signalGo, bound      object.Notification
}

// stage says what has happened before the death.
type stage struct {
	name   string
	server []do // a pause follows each
	step   int  // the server's that the death is seen by
	call   *abi.MessageOptions
	calls  int // the client's before the death
	ready  func(s *scene)
	then   func(s *scene) // after the death
}

func stages() []stage {
	goOn := func(s *scene) { ok(s.serverGo.Signal(1)) }
	begin := func(s *scene) { ok(s.clientGo.Signal(1)) }
	received := func(s *scene) { s.server.waits(1, 2) }
	cancel, bytes := forever(), options(dataAt+outOffset, abi.MaxMessageBytes, 0, 0)
	cancel.Flags = abi.MessageCancel
	return []stage{
		{name: "before the call", server: []do{receive(given(0)), reply()},
			ready: func(s *scene) { s.server.waits(0, 2) }, then: begin},
		{name: "queued", server: []do{pause(given(1)), receive(given(0)), reply()}, step: 1, calls: 1,
			ready: func(s *scene) { s.client.waits(1, 2) }, then: goOn},
		{name: "received", server: []do{receive(given(0)), pause(given(1)), reply()}, step: 2, calls: 1, ready: received, then: goOn},
		{name: "received, before its bytes are read", step: 2, calls: 1, call: bytes, then: goOn,
			server: []do{{nr: abi.CallEndpointReceive, to: given(0), options: options(0, 0, dataAt+inOffset, 100)}, pause(given(1)), {nr: abi.CallMessageRead}},
			ready: func(s *scene) {
				received(s)
				read := s.server.steps[2]
				read.to, read.options = s.server.steps[0].output.token, 0
				read.input = input{dataAt + inOffset, [8]uint64{abi.MaxMessageBytes}}
			}},
		{name: "cancelled", server: []do{receive(given(0)), receive(given(0)), pause(given(1)), reply()}, step: 3, calls: 1, call: cancel,
			ready: func(s *scene) {
				received(s)
				ok(s.signalGo.Signal(1))
				s.server.waits(2, 2)
			}, then: goOn},
		{name: "answered, before the next call", server: []do{receive(given(0)), reply(), receive(given(0)), reply()}, step: 2, calls: 1,
			ready: func(s *scene) { s.client.waits(2, 2); s.server.waits(2, 2) }, then: begin},
		{name: "receiving, then bits of the bound notification", server: []do{{nr: abi.CallThreadBind, to: given(2)}, receive(given(0)), receive(given(0)), reply()}, step: 1,
			ready: func(s *scene) { s.server.waits(1, 2) }, then: func(s *scene) { ok(s.bound.Signal(3)); begin(s) }},
		{name: "nested", server: []do{receive(given(0)), pause(given(1)), reply()}, step: 2, calls: 1, ready: received, then: goOn},
	}
}

// victim is who is killed, or what is taken away.
type victim struct {
	name string
	kill func(s *scene)
}

func victims(st stage) []victim {
	all := []victim{
		{"nobody", func(s *scene) {}},
		{"client thread", func(s *scene) { ok(s.client.thread.End()) }},
		{"client process", func(s *scene) { ok(s.client.Process.Kill()) }},
		{"server thread", func(s *scene) { ok(s.server.thread.End()) }},
		{"server process", func(s *scene) { ok(s.server.Process.Kill()) }},
		{"last receive handle", func(s *scene) {
			ok(s.closeGo.Signal(1))
			if o := s.closer.result(1); o.result != 0 {
				panic(o.errno())
			}
		}},
		{"send handle, revoked", func(s *scene) { ok(object.Revoke(s.send)) }},
		{"owner process", func(s *scene) { ok(s.owner.Process.Kill()); must(s.owner.Process.Wait(soon())) }},
	}
	if st.name == "nested" {
		all = append(all, victim{"middle process", func(s *scene) { ok(s.middle.Process.Kill()) }})
	}
	return all
}

func (s *scene) notification() object.Notification {
	n := must(object.NewNotification())
	s.notifications = append(s.notifications, n)
	return n
}

// makeOwner has a process make an endpoint, and send it here: its account pays.
func (s *scene) makeOwner() abi.Handle {
	box, ready := endpoint(), s.notification()
	o := sending(0, abi.HandOn{})
	s.owner = newProcess(2*buffers, to(box, callRights), to(abi.Handle(ready), abi.RightWait)).add(
		do{nr: abi.CallEndpointCreate}, pause(given(1)), do{nr: abi.CallEndpointCall, to: given(0), options: o}, pause(given(1))).start()
	o.Send[0] = abi.HandOn{Handle: abi.Handle(s.owner.result(0).result), Rights: abi.RightsOf(abi.KindEndpoint), Flags: abi.HandOnMove}
	o.Put(s.owner.data[s.owner.steps[2].options-dataAt:])
	ok(ready.Signal(1))
	m := sys.Message{To: uint64(box), Options: sent(1)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		panic(err)
	}
	e := m.Options.Given[0]
	m.Options = nil
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		panic(err)
	}
	ok(object.Close(box))
	return e
}

// goOnAfterErrors has an actor go on whatever its calls answer.
func (a *actor) goOnAfterErrors() *actor {
	for _, step := range a.steps {
		step.failed = step.next
	}
	return a
}

func setScene(st stage) *scene {
	s := &scene{}
	s.clientGo, s.serverGo, s.closeGo, s.signalGo, s.bound = s.notification(), s.notification(), s.notification(), s.notification(), s.notification()
	e := s.makeOwner()
	s.send = must(object.Duplicate(e, callRights|transferred))
	waitFor := func(n object.Notification) abi.HandOn { return to(abi.Handle(n), abi.RightWait) }

	p := newProcess(largeSize, abi.HandOn{Handle: e, Rights: waitRights, Flags: abi.HandOnMove}, waitFor(s.serverGo), waitFor(s.bound), waitFor(s.closeGo))
	s.server = p.add(append(st.server, pause(given(1)))...).goOnAfterErrors()
	first := slices.IndexFunc(st.server, func(d do) bool { return d.nr == abi.CallEndpointReceive })
	for i, d := range st.server {
		if i == 0 || d.nr != abi.CallEndpointReply {
			continue
		}
		if st.server[i-1].nr != abi.CallEndpointReceive || st.name == "cancelled" {
			s.server.steps[i].in = s.server.places[first] + againOffset
		}
	}
	s.closer = p.add(pause(given(3)), do{nr: abi.CallHandleClose, to: given(0)}, pause(given(3)))
	s.closer.start()

	send := s.send
	if st.name == "nested" {
		front := endpoint()
		send = must(object.Duplicate(front, callRights|transferred))
		m := newProcess(2*buffers, abi.HandOn{Handle: front, Rights: waitRights, Flags: abi.HandOnMove}, to(s.send, callRights), waitFor(s.notification()))
		s.middle = m.add(receive(given(0)), do{nr: abi.CallEndpointCall, to: given(1), answer: true}, reply(), pause(given(2))).goOnAfterErrors()
		s.middle.steps[2].in = s.middle.places[0] + againOffset
		s.middle.start()
	}
	q := newProcess(largeSize, to(send, callRights), waitFor(s.clientGo), waitFor(s.signalGo))
	if st.name == "nested" {
		ok(object.Close(send))
	}
	one := do{nr: abi.CallEndpointCall, to: given(0), words: [8]uint64{5}, options: st.call}
	s.client = q.add(pause(given(1)), one, pause(given(1)), one, pause(given(1))).goOnAfterErrors()
	pid := uint64(must(q.Process.Info()).PID)
	s.signaller = q.add(pause(given(2)), do{nr: syscall.SYS_TGKILL, to: pid, value: pid, token: uint64(syscall.SIGTERM)}, pause(given(2)))
	s.signaller.start()

	s.server.start()
	s.client.start()
	if st.calls > 0 {
		ok(s.clientGo.Signal(1))
	}
	st.ready(s)
	return s
}

// seen is what an actor has of step i: what its call answered, or why it didn't; "" while that isn't known.
func (a *actor) seen(i int) string {
	if a.steps[i].finished() > 0 {
		return a.answered(i)
	}
	if info := must(a.Process.Info()); info.State != abi.ProcessRunning {
		switch {
		case info.State != abi.ProcessEnded:
			return ""
		case a.steps[i].finished() > 0:
			return a.answered(i)
		case info.Status.Value == uint32(syscall.SIGTERM):
			return "ended by the signal"
		}
		return "ended"
	}
	if a.thread.Wait(object.Now) == nil {
		return "ended"
	}
	u, err := a.Process.Use()
	if err != nil || u.Running+u.Ready != 0 {
		return ""
	}
	if a.steps[i].started() == 0 {
		return "not begun"
	}
	return "waits"
}

// answered names what the call of step i answered.
func (a *actor) answered(i int) string {
	o := a.steps[i].output
	switch e := o.errno(); {
	case e != 0:
		return named(e)
	case a.steps[i].nr == abi.CallEndpointCall:
		return "the answer"
	case a.steps[i].nr == abi.CallEndpointReply:
		return "has answered"
	case a.steps[i].nr == abi.CallMessageRead:
		return fmt.Sprint(o.result, " bytes")
	}
	return [...]string{"a call", "bits", "a cancel", "a page"}[o.result]
}

// outcome waits until nothing changes any more.
func (s *scene) outcome(st stage) []string {
	step := 1
	if st.name == "answered, before the next call" {
		step = 3
	}
	var last []string
	for same := 0; same < 20; time.Sleep(time.Millisecond) {
		now := []string{s.client.seen(step), s.server.seen(st.step), "-"}
		if s.middle != nil {
			now[2] = s.middle.seen(1)
		}
		if same++; slices.Contains(now, "") || !slices.Equal(now, last) {
			same = 0
		}
		last = now
	}
	return last
}

// end gives back everything.
func (s *scene) end() {
	for _, a := range []*actor{s.client, s.server, s.owner, s.middle} {
		if a != nil {
			a.over()
		}
	}
	for _, n := range s.notifications {
		ok(n.Close())
	}
	ok(object.Close(s.send))
}

func matrix() error {
	before := used()
	for _, st := range stages() {
		for _, v := range victims(st) {
			s := setScene(st)
			v.kill(s)
			st.then(s)
			o := s.outcome(st)
			s.end()
			fmt.Printf("| %s | %s | %s | %s | %s |\n", st.name, v.name, o[0], o[1], o[2])
		}
	}
	return nothingLeft(before)
}

// named gives an error's name.
func named(e syscall.Errno) string {
	for name, v := range map[string]syscall.Errno{
		"EBADF": syscall.EBADF, "ESRCH": syscall.ESRCH, "EINTR": syscall.EINTR, "ECANCELED": syscall.ECANCELED, "EACCES": syscall.EACCES,
		"ECONNREFUSED": syscall.ECONNREFUSED, "ECONNRESET": syscall.ECONNRESET, "ENXIO": syscall.ENXIO, "EINVAL": syscall.EINVAL,
	} {
		if v == e {
			return name
		}
	}
	return e.Error()
}
