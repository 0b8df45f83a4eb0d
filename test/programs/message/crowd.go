// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// Crossings: bits that come while a receiver is anywhere in its loop, drivers that are awaited no more, and
// clients by the hundred.
func crowdCases() []cases.Case {
	return []cases.Case{
		{Name: "no bit is lost, wherever the receiver is", Run: bitsAnywhere},
		{Name: "a driver and who signals it, and what comes between", Run: disturbedAlerts},
		{Name: "more than a hundred clients, and random deaths", Run: crowd},
	}
}

// bitsAnywhere signals bits from all CPUs to a thread that serves clients meanwhile: each bit comes once.
func bitsAnywhere() error {
	e, n := endpoint(), must(object.NewNotification())
	var got, served atomic.Uint64
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and the thread ends with it
		setAffinity(lastCPU())
		if _, err := sys.ObjectCall(abi.CallThreadBind, uint64(n)); err != nil {
			ended <- err
			return
		}
		m := sys.Message{}
		for nr := uint64(abi.CallEndpointReceive); ; nr = abi.CallEndpointReplyReceive {
			m.To = uint64(e)
			switch r := sys.MessageWait(nr, &m); r {
			case abi.ReceivedCall:
				served.Add(1)
			case abi.ReceivedBits:
				if m.Words[0]>>63 != 0 || m.Words[0] == 1<<62 {
					ended <- nil
					return
				}
				got.Add(uint64(bits.OnesCount64(m.Words[0])))
				m.Token = 0
			default:
				ended <- fmt.Errorf("the receiver: %d", int64(r))
				return
			}
		}
	}()
	c := newProcess(2*buffers, to(e, callRights))
	var clients []*actor
	for cpu := range runtime.NumCPU() {
		clients = append(clients, c.add(c.pin(cpu), do{nr: abi.CallEndpointCall, to: given(0), loop: true}).start())
	}
	sent := uint64(0)
	err := onEachCPU(3*runtime.NumCPU(), func(int) error {
		for range 10 {
			for bit := range 60 {
				ok(n.Signal(1 << bit))
			}
			sent += 60
			eventually(fmt.Sprintf("all of %d bits come", sent), func() bool { return got.Load() >= sent })
			if got.Load() != sent {
				return fmt.Errorf("%d bits came, of %d", got.Load(), sent)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range clients {
		before := a.steps[1].finished()
		eventually("the clients get on", func() bool { return a.steps[1].finished() > before+2 })
	}
	c.over()
	ok(n.Signal(1 << 62))
	if err := <-ended; err != nil {
		return err
	}
	ok(n.Close())
	return object.Close(e)
}

// disturbedAlerts has a driver of a fixed priority and a thread that signals it go back and forth, while one thing
// after the other happens to them. The driver wakes for each signal on one CPU, and never sleeps for ever.
func disturbedAlerts() error {
	e, n := endpoint(), must(object.NewNotification())
	send := must(object.Duplicate(abi.Handle(n), abi.RightWrite|transferred))
	var driver, signaller *actor
	newDriver := func() {
		p := newProcess(2*buffers, to(e, waitRights), to(abi.Handle(n), abi.RightWait))
		driver = p.add(p.pin(lastCPU()), do{nr: abi.CallThreadBind, to: given(1)}, receive(given(0)))
		driver.steps[2].next = driver.places[2]
		ok(driver.start().thread.Schedule(1, 0))
	}
	newSignaller := func() {
		p := newProcess(2*buffers, to(send, abi.RightWrite))
		signaller = p.add(p.pin(lastCPU()), do{nr: abi.CallNotificationSignal, to: given(0), value: 2, loop: true}).start()
	}
	goesOn := func(what string) {
		from, woken := signaller.steps[1].finished(), driver.steps[2].finished()
		eventually("the driver wakes after "+what, func() bool {
			return signaller.steps[1].finished() > from+20 && driver.steps[2].finished() > woken+20
		})
	}
	newDriver()
	newSignaller()
	things := []struct {
		name string
		do   func()
	}{
		{"the driver's stop", func() { ok(driver.thread.Stop()); ok(driver.thread.Resume()) }},
		{"the signaller's stop", func() { ok(signaller.thread.Stop()); ok(signaller.thread.Resume()) }},
		{"another priority", func() { ok(driver.thread.Schedule(0, 0)); ok(driver.thread.Schedule(2, 0)) }},
		{"a nicer signaller", func() { ok(signaller.thread.Schedule(0, 3)) }},
		{"the driver's death", func() { driver.over(); newDriver() }},
		{"the signaller's death", func() { signaller.over(); newSignaller() }},
		{"the handle's revocation", func() { ok(object.Revoke(send)); signaller.over(); newSignaller() }},
		{"signals of somebody else", func() {
			for range 20 {
				ok(n.Signal(4))
			}
		}},
		{"a call", func() {
			m := sys.Message{To: uint64(e), Options: &sys.MessageOptions{Deadline: object.After(200 * time.Microsecond)}}
			_, _ = message(abi.CallEndpointCall, &m) // nobody answers it
		}},
	}
	for round := range 3 {
		for _, t := range things {
			goesOn("nothing")
			t.do()
			goesOn(fmt.Sprintf("%s, round %d", t.name, round))
		}
	}
	signaller.over()
	driver.over()
	ok(object.Close(send))
	ok(n.Close())
	return object.Close(e)
}

// crowd has 300 clients, 100 of them in processes of their own, call three servers, and ends some of them.
// In the end all that are left get on.
func crowd() error {
	const alone, together, disturbed = 50, 100, 40
	r := rand.New(rand.NewPCG(11, 11))
	var ends [3]abi.Handle
	var servers [3]*actor
	newServer := func(i int) {
		p := newProcess(2*buffers, to(ends[i], waitRights))
		servers[i] = p.add(echo(given(0))...).start()
		p.add(echo(given(0))...).start()
	}
	for i := range ends {
		ends[i] = endpoint()
		newServer(i)
	}
	calling := func(p *actorProcess, cpu int) *actor {
		a := p.add(p.pin(cpu), do{nr: abi.CallEndpointCall, to: given(0)})
		a.steps[1].next, a.steps[1].failed = a.places[1], a.places[1]
		return a.start()
	}
	newClient := func(i int) *actor {
		p := newProcess(page, to(ends[i%len(ends)], callRights))
		ok(object.Close(abi.Handle(p.Space))) // there is no room for so many
		ok(p.memory.Close())
		p.Space, p.memory = 0, 0
		return calling(p, i%runtime.NumCPU())
	}
	var clients []*actor
	for i := range alone {
		clients = append(clients, newClient(i))
	}
	var one *actorProcess
	for i := range together {
		if i%50 == 0 {
			one = newProcess(2*buffers, to(ends[0], callRights))
		}
		a := calling(one, i%runtime.NumCPU())
		if i%50 != 0 {
			ok(a.thread.Close())
			one.threads[i%50] = 0
		}
		clients = append(clients, a)
	}
	for range disturbed {
		switch i := r.IntN(alone); i % 8 {
		case 0:
			n := r.IntN(len(servers))
			servers[n].over()
			newServer(n)
		case 1:
			ok(clients[i].thread.Stop())
			ok(clients[i].thread.Resume())
		default:
			clients[i].over()
			clients[i] = newClient(i)
		}
	}
	for i, a := range clients {
		before := a.steps[1].finished()
		eventually(fmt.Sprintf("client %d gets on", i), func() bool { return a.steps[1].finished() > before && a.steps[1].output.result == 0 })
	}
	for _, a := range clients {
		a.over()
	}
	for i, s := range servers {
		s.over()
		ok(object.Close(ends[i]))
	}
	return nil
}
