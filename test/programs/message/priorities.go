// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/test/programs/smp/low"
	"loam/user/object"
)

// Crossings: a client of a fixed priority waits behind another one, which so gets that priority, until its call
// ends, in whichever way.
func priorityCases() []cases.Case {
	var all []cases.Case
	for _, w := range append(waysToEnd(), way{name: "nobody's", idle: true}) {
		if runtime.NumCPU() == 1 { // this process needs one for itself, to look on
			break
		}
		all = append(all, cases.Case{Name: "a raised priority: " + w.name, Run: func() error { return raised(w) }})
	}
	return append(all, cases.Case{Name: "a quota that is used up while a server has it", Run: quotaUsedUp})
}

// race is a CPU with two clients of one server on it, and somebody else who wants to run there.
type race struct {
	e, two                    abi.Handle
	server, low, high, others *actor
	second                    *actor // of the server's process
	wake                      object.Notification
}

// way is how the call of the client that was raised ends.
type way struct {
	name string
	end  func(r *race)
	// call are the options of its call.
	call *abi.MessageOptions
	idle bool // there is no such call: the server works for itself
}

// quick is how many calls are answered at once, so that the next one needs no lock.
const quick = 4

// Steps of the server.
const (
	raceReceive = 1 + quick + iota // the call that it works for
	raceWork                       // until it is told to go on
	raceAnswer
	raceAnswerHigh
	raceSpin // for ever
)

// Steps of the client that is raised.
const (
	raceCall = 1 + quick + iota
	raceAfter
)

func waysToEnd() []way {
	answer := func(r *race) { r.server.steps[raceWork].next = r.server.places[raceAnswer] }
	answered := func(r *race) {
		answer(r)
		r.high.result(1)
	}
	within := abi.DefaultOptions()
	within.Deadline = 1 // set when it is used
	return []way{
		{name: "an answer", end: answered},
		{name: "an answer under the lock", call: forever(), end: answered},
		{name: "an answer, and the server goes to another endpoint", end: func(r *race) {
			r.server.steps[raceAnswer].to = given(2)
			answer(r)
			r.low.result(raceCall)
		}},
		{name: "an answer by another thread", end: func(r *race) {
			ok(r.wake.Signal(1))
			r.second.result(1)
		}},
		// The other client still waits, so that the server stays raised until it receives.
		{name: "a deadline", call: &within, end: func(r *race) {
			sleep(400 * time.Millisecond)
			answered(r)
			r.low.result(raceCall)
		}},
		{name: "the client's death", end: func(r *race) {
			r.low.over()
			answered(r)
		}},
		{name: "the client's death as a thread", end: func(r *race) {
			ok(r.low.thread.End())
			answered(r)
		}},
		{name: "the server's death", end: func(r *race) { r.server.over() }},
		{name: "the server's death as a thread, then as a process", end: func(r *race) {
			ok(r.server.thread.End())
			r.server.over()
		}},
		{name: "the other client's death, and an answer", end: func(r *race) {
			r.high.over()
			answer(r)
			r.low.result(raceCall)
		}},
		{name: "a stop, and an answer", end: func(r *race) {
			ok(r.low.thread.Stop())
			ok(r.low.thread.Resume())
			answered(r)
		}},
		{name: "other priorities of the client, and an answer", end: func(r *race) {
			ok(r.low.thread.Schedule(1, 0))
			ok(r.low.thread.Schedule(0, 5))
			answered(r)
			ok(r.low.thread.Schedule(0, 0))
		}},
		{name: "other priorities of the server, and an answer", end: func(r *race) {
			ok(r.server.thread.Schedule(1, 0))
			ok(r.server.thread.Schedule(0, 5))
			answered(r)
		}},
	}
}

// spins is a step that runs for a while, again and again.
func spins() do { return do{nr: ownSpin, to: 1000} }

// raised: while the client is raised nobody else runs there. Afterwards everybody does.
func raised(w way) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	me := object.Thread(abi.HandleThread)
	ok(me.Schedule(3, 0))
	defer func() { ok(me.Schedule(0, 0)) }()
	sleep = low.Sleep // time.Sleep needs threads without a fixed priority
	defer func() { sleep = time.Sleep }()
	cpu := lastCPU()
	r := &race{e: endpoint(), two: endpoint(), wake: must(object.NewNotification())}
	s := newProcess(2*buffers, to(r.e, waitRights), to(abi.Handle(r.wake), abi.RightWait), to(r.two, waitRights))
	steps := []do{s.pin(cpu), receive(given(0))}
	for i := range quick {
		steps = append(steps, do{nr: abi.CallEndpointReplyReceive, to: given((i + 1) % 2 * 2), answer: true})
	}
	r.server = s.add(append(steps, spins(), do{nr: abi.CallEndpointReplyReceive, to: given(0)}, do{nr: abi.CallEndpointReply, answer: true}, spins())...)
	r.server.steps[raceAnswer].in = r.server.places[raceReceive] + againOffset
	for _, i := range []int{raceWork, raceSpin} {
		r.server.steps[i].next = r.server.places[i]
	}
	r.second = s.add(pause(given(1)), do{nr: abi.CallEndpointReply}, pause(given(1)))
	r.second.steps[1].in = r.server.places[raceReceive] + againOffset
	ok(r.second.start().thread.Schedule(3, 0))

	l := newProcess(2*buffers, to(r.e, callRights), to(r.two, callRights))
	one := do{nr: abi.CallEndpointCall, to: given(0), options: w.call, failed: true}
	if w.call != nil && w.call.Deadline == 1 {
		o := *w.call
		o.Deadline, one.options = object.After(300*time.Millisecond), &o
	}
	steps = []do{l.pin(cpu)}
	for i := range quick {
		steps = append(steps, call(given(i%2), uint64(i)))
	}
	r.low = l.add(append(steps, one, spins())...)
	if w.idle {
		r.server.steps[raceReceive].nr, r.low.steps[raceCall].nr = abi.CallEndpointReply, syscall.SYS_GETPID
	}
	r.low.steps[raceAfter].next = r.low.places[raceAfter]
	l.add(pause(given(0)))
	h := newProcess(2*buffers, to(r.e, callRights), to(abi.Handle(r.wake), abi.RightWait))
	r.high = h.add(h.pin(cpu), do{nr: abi.CallEndpointCall, to: given(0), failed: true}, pause(given(1)))
	o := newProcess(buffers)
	r.others = o.add(o.pin(cpu), spins())
	r.others.steps[1].next = r.others.places[1]

	defer func() {
		for _, p := range []*actorProcess{s, l, h, o} {
			p.over()
		}
		ok(r.wake.Close())
		ok(object.Close(r.e))
		ok(object.Close(r.two))
	}()
	r.server.start().waits(1, 2)
	r.others.start()
	r.low.start()
	gets := func(a *actor, step int, least uint64) bool {
		from := a.steps[step].finished()
		for range 100 {
			if a.steps[step].finished() >= from+least {
				return true
			}
			sleep(10 * time.Millisecond)
		}
		return false
	}
	if !gets(r.server, raceWork, 10) || !gets(r.others, 1, 10) {
		return fmt.Errorf("before: not everybody runs")
	}
	ok(r.high.thread.Schedule(2, 0))
	r.high.start().waits(1, 1)
	from := r.others.steps[1].finished()
	if !gets(r.server, raceWork, 20) {
		return fmt.Errorf("the client is raised, and the server doesn't run")
	}
	// Its deadline may have passed on a slow host.
	if n := r.others.steps[1].finished() - from; n > 2 && !w.idle && one.options == w.call {
		return fmt.Errorf("while the client is raised others run, %d times", n)
	}
	if !w.idle {
		w.end(r)
	}
	if !gets(r.others, 1, 10) {
		return fmt.Errorf("afterwards others don't run any more")
	}
	return nil
}

// quotaUsedUp: a server works for a client with a small quota, and goes on with its own when that one goes.
func quotaUsedUp() error {
	e := endpoint()
	s := newProcess(2*buffers, to(e, waitRights))
	server := s.add(receive(given(0)), do{nr: ownSpin, to: 40_000}, do{nr: abi.CallEndpointReplyReceive, to: given(0)})
	server.answering(0, 2)
	server.steps[2].next = server.places[1]
	server.start()
	for round := range 12 {
		poor := newProcess(2*buffers, to(e, callRights))
		one := poor.add(poor.pin(round%runtime.NumCPU()), do{nr: abi.CallEndpointCall, to: given(0), loop: true})
		ok(poor.Process.SetQuota(time.Millisecond, 5*time.Millisecond))
		rich := newProcess(2*buffers, to(e, callRights))
		other := rich.add(rich.pin(lastCPU()), call(given(0), 5))
		one.start()
		eventually(fmt.Sprintf("round %d: the poor one is served", round), func() bool { return one.steps[1].started() > 0 })
		time.Sleep(time.Duration(round) * 2 * time.Millisecond)
		other.start()
		switch round % 4 {
		case 0: // it waits until that one has worked it off
		case 1:
			poor.over()
		case 2:
			ok(poor.Process.SetQuota(0, 0))
		case 3:
			ok(one.thread.Stop())
			time.Sleep(time.Millisecond)
			ok(one.thread.Resume())
		}
		if o := other.result(1); o.result != 0 || o.words[0] != 5 {
			return fmt.Errorf("round %d: %+v", round, o)
		}
		if round%4 != 1 {
			poor.over()
		}
		rich.over()
	}
	s.over()
	return object.Close(e)
}
