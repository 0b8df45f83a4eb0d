// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// Crossings: the registers of floating point, which nobody moves in a call without the kernel lock,
// of who goes on elsewhere, and of who ends.
func registerCases() []cases.Case {
	return []cases.Case{
		{Name: "registers of a server whose clients are on all CPUs", Run: registersAcross},
		{Name: "registers of new threads", Run: registersOfNew},
		{Name: "registers of who has ended", Run: registersOfEnded},
	}
}

// Multiples of these are in the registers, so that no two threads have the same.
const (
	patternA, patternB = 0x1111_0000_0001, 0x2222_0000_0001
	patternC           = 0x3333_0000_0001
)

func fill(pattern uint64) do  { return do{nr: ownFill, token: pattern} }
func check(pattern uint64) do { return do{nr: ownCheck, token: pattern} }

// answering has steps from i on receive and answer by one place of tokens and words.
func (a *actor) answering(steps ...int) {
	for _, i := range steps {
		a.steps[i].in, a.steps[i].out = a.places[steps[0]]+againOffset, a.places[steps[0]]+outputOffset
	}
}

// registersAcross has clients on every CPU call two servers, which change their registers with each call.
func registersAcross() error {
	const least = 1500
	e := endpoint()
	s := newProcess(2*buffers, to(e, waitRights))
	for range 2 {
		server := s.add(receive(given(0)),
			fill(patternA), do{nr: abi.CallEndpointReplyReceive, to: given(0)}, check(patternA),
			fill(patternB), do{nr: abi.CallEndpointReplyReceive, to: given(0)}, check(patternB))
		server.answering(0, 2, 5)
		server.steps[6].next = server.places[1]
		server.start()
	}
	c := newProcess(2*buffers, to(e, callRights))
	var clients []*actor
	for cpu := range max(2, runtime.NumCPU()) {
		pattern := patternC + uint64(cpu)<<32
		client := c.add(c.pin(cpu%runtime.NumCPU()), fill(pattern), call(given(0)), check(pattern))
		client.steps[3].next = client.places[2]
		clients = append(clients, client.start())
	}
	// A call under the lock every now and then has the servers receive elsewhere.
	eventually("all get on", func() bool {
		m := sys.Message{To: uint64(e), Options: &sys.MessageOptions{Deadline: soon()}}
		if _, err := message(abi.CallEndpointCall, &m); err != 0 {
			panic(err)
		}
		for _, a := range clients {
			if a.steps[2].finished() < least && a.steps[3].output.result == 0 {
				return false
			}
		}
		return true
	})
	for i, a := range clients {
		if a.steps[3].output.result != 0 {
			return fmt.Errorf("the client on CPU %d has lost its registers", i)
		}
	}
	if n := must(s.Process.Info()).Threads; n != 2 {
		return fmt.Errorf("a server has lost its registers")
	}
	c.over()
	s.over()
	return object.Close(e)
}

// registersOfNew: a thread begins with zeros, whoever has ended before.
func registersOfNew() error {
	e := endpoint()
	s := newProcess(2*buffers, to(e, waitRights))
	server := s.add(receive(given(0)), fill(patternA), do{nr: abi.CallEndpointReplyReceive, to: given(0)})
	server.answering(0, 2)
	server.steps[2].next = server.places[1]
	server.start()
	for round := range 60 {
		c := newProcess(2*buffers, to(e, callRights))
		var all []*actor
		for range 3 {
			all = append(all, c.add(check(0), fill(patternC), call(given(0)), check(patternC), call(given(0)), check(patternC)))
		}
		for _, a := range all {
			a.start()
		}
		must(c.Process.Wait(soon()))
		for i, a := range all {
			for n := 1; n < 6; n += 2 {
				if a.steps[n].finished() == 0 && n > 1 || a.steps[n&^1].output.result != 0 || a.steps[n].output.result != 0 {
					return fmt.Errorf("round %d, thread %d: step %d: %d", round, i, n, int64(a.steps[n].output.result))
				}
			}
		}
		c.forget()
	}
	s.over()
	return object.Close(e)
}

// registersOfEnded has a client end a server that has just answered it, and go on with a new thread, whose
// registers are where that one's were: it has none of them.
func registersOfEnded() error {
	for round := range 40 {
		e := endpoint()
		s := newProcess(2*buffers, to(e, waitRights))
		s.add(pause(given(0))) // keeps the process
		server := s.add(receive(given(0)), fill(patternA), do{nr: abi.CallEndpointReplyReceive, to: given(0)})
		server.answering(0, 2)
		server.steps[2].next = server.places[1]
		server.start().waits(0, 2)
		runtime.LockOSThread()
		for range 4 {
			m := sys.Message{To: uint64(e)}
			if r := sys.MessageCall(abi.CallEndpointCall, &m); r != 0 {
				return syscall.Errno(-int64(r))
			}
		}
		err := server.thread.End()
		next := s.add(check(0), check(0)).start()
		for range 3 {
			_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
		}
		runtime.UnlockOSThread()
		ok(err)
		if next.result(0).result != 0 || next.result(1).result != 0 {
			return fmt.Errorf("round %d: a new thread has registers of one that ended", round)
		}
		s.over()
		ok(object.Close(e))
	}
	return nil
}
