// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Stress: teams of clients and servers, which call without a pause, mostly without the kernel
// lock, while each team's disturber stops, resumes, ends and kills them, revokes and
// closes handles, signals what is bound to them and calls itself. Every now and then the disturber
// rests, and wants each client to get on; and no answer may ever be another's.

// team has two clients, which call a server, every other team's by way of a middle one.
type team struct {
	r       *rand.Rand
	front   abi.Handle // where the clients call, the middle's or the server's; all rights
	back    abi.Handle // the server's
	send    abi.Handle // of which the clients' handles are derived
	bound   object.Notification
	middle  *actor
	server  *actor // the first of two threads
	second  *actor
	clients [2]*actor
	calls   uint64 // of clients that are no more
}

var clientNumber atomic.Uint64

// stress runs for some seconds.
func stress(words []string) error {
	if len(words) != 3 {
		return errors.New("stress SECONDS SEED TEAMS")
	}
	seconds, _ := strconv.ParseFloat(words[0], 64)
	seed, _ := strconv.ParseUint(words[1], 0, 64)
	teams, _ := strconv.Atoi(words[2])
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	before := used()
	prepareText()
	var all sync.WaitGroup
	var calls, ops atomic.Uint64
	failures := make(chan error, teams)
	for n := range teams {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					failures <- fmt.Errorf("team %d: %v", n, v)
				}
			}()
			t := &team{r: rand.New(rand.NewPCG(seed, uint64(n)))}
			t.build(n%2 == 1)
			for i := 0; time.Now().Before(until) && len(failures) == 0; i++ {
				t.disturb()
				ops.Add(1)
				if i%50 == 49 {
					t.rest()
				}
			}
			t.rest()
			t.end()
			calls.Add(t.calls)
		})
	}
	all.Wait()
	if len(failures) > 0 {
		return <-failures
	}
	fmt.Printf("stress: done, seed %d, %d calls, %d disturbances\n", seed, calls.Load(), ops.Load())
	return nothingLeft(before)
}

// build makes a team.
func (t *team) build(nested bool) {
	t.back, t.bound = endpoint(), must(object.NewNotification())
	t.front = t.back
	t.newServer()
	if nested {
		t.front = endpoint()
		t.newMiddle()
	}
	t.send = must(object.Duplicate(t.front, callRights|transferred))
	for i := range t.clients {
		t.newClient(i)
	}
}

func (t *team) newServer() {
	p := newProcess(2*buffers, to(t.back, waitRights), to(abi.Handle(t.bound), abi.RightWait))
	t.server = p.add(append([]do{{nr: abi.CallThreadBind, to: given(1)}}, echo(given(0))...)...)
	t.second = p.add(echo(given(0))...)
	for _, a := range []*actor{t.server, t.second} {
		last := len(a.steps) - 1
		a.steps[last].failed = a.places[last-1] // receive
		a.start()
	}
}

// newMiddle makes a server that passes the words on, and answers with its caller's.
func (t *team) newMiddle() {
	t.middle = newProcess(2*buffers, to(t.front, waitRights), to(t.back, callRights)).add(
		receive(given(0)), do{nr: abi.CallEndpointCall, to: given(1), answer: true, failed: true}, do{nr: abi.CallEndpointReplyReceive, to: given(0)})
	m := t.middle
	m.steps[2].in, m.steps[2].out = m.places[0]+againOffset, m.places[0]+outputOffset
	m.steps[2].next, m.steps[2].failed = m.places[1], m.places[0]
	m.start()
}

// newClient makes one that calls for ever, with words of its own.
func (t *team) newClient(i int) {
	n := clientNumber.Add(1)
	d := call(given(0), n, ^n, n*3, n*5, n*7, n*11, n*13, n*17)
	if t.r.IntN(4) == 0 {
		d.options = forever() // under the lock
	}
	c := newProcess(2*buffers, to(t.send, callRights)).add(d)
	c.steps[0].next, c.steps[0].failed = c.places[0], c.places[0]
	t.clients[i] = c.start()
}

// gone kills a client, looks at what it was answered last, and gives it back.
func (t *team) gone(i int) {
	c := t.clients[i]
	if err := c.Process.Kill(); err != syscall.ESRCH {
		ok(err)
	}
	must(c.Process.Wait(soon()))
	s := c.steps[0]
	t.calls += s.done
	// Its words are its own, unless it was just about to store them.
	if s.begun == s.done && s.done > 0 && s.output.result == 0 && s.output.words != s.input.words {
		panic(fmt.Sprintf("a client has sent %x and got %x", s.input.words, s.output.words))
	}
	c.forget()
}

// anybody gives one of the team's actors.
func (t *team) anybody() *actor {
	all := []*actor{t.server, t.second, t.clients[0], t.clients[1]}
	if t.middle != nil {
		all = append(all, t.middle)
	}
	return all[t.r.IntN(len(all))]
}

// disturb does one thing to the team.
func (t *team) disturb() {
	switch t.r.IntN(12) {
	case 0, 1, 2:
		a := t.anybody()
		ok(a.thread.Stop())
		time.Sleep(time.Duration(t.r.IntN(300)) * time.Microsecond)
		ok(a.thread.Resume())
	case 3:
		i := t.r.IntN(len(t.clients))
		t.gone(i)
		t.newClient(i)
	case 4:
		t.server.over()
		t.newServer()
	case 5: // a thread that may have a call
		ok(t.second.thread.End())
		time.Sleep(time.Duration(t.r.IntN(300)) * time.Microsecond)
		t.server.over()
		t.newServer()
	case 6:
		ok(object.Revoke(t.send))
		for i := range t.clients {
			t.gone(i)
			t.newClient(i)
		}
	case 7:
		if t.middle != nil {
			t.middle.over()
			t.newMiddle()
		}
	case 8:
		t.end()
		t.build(t.middle != nil)
	case 9:
		for range 20 {
			ok(t.bound.Signal(1 << t.r.IntN(60)))
		}
	default:
		t.callIt()
	}
}

// callIt makes calls of the disturber's own, with bytes and handles and deadlines, to the server.
func (t *team) callIt() {
	room := make([]byte, 100)
	for range 20 {
		var words [8]uint64
		for i := range words {
			words[i] = t.r.Uint64()
		}
		o := &sys.MessageOptions{Deadline: object.After(time.Duration(t.r.IntN(2000)) * time.Microsecond),
			SendAddr: &room[0], SendBytes: uint32(t.r.IntN(100)), ReceiveAddr: &room[0], ReceiveBytes: 100}
		if t.r.IntN(3) == 0 {
			o.SendHandles, o.Send[0] = 1, abi.HandOn{Handle: abi.Handle(t.bound), Rights: 0}
		}
		m := sys.Message{To: uint64(t.front), Options: o, Words: words}
		switch _, err := message(abi.CallEndpointCall, &m); err {
		case 0:
			if m.Words != words {
				panic(fmt.Sprintf("%x came back as %x", words, m.Words))
			}
		case syscall.ETIMEDOUT, syscall.ENOBUFS, syscall.ECONNRESET, syscall.EINTR:
		default:
			panic(fmt.Sprintf("a call: %v", err))
		}
		if e := must(sys.ObjectCall(abi.CallNotificationCreate)); e != 0 { // the table of handles changes
			ok(object.Close(abi.Handle(e)))
		}
		m = sys.Message{Token: t.r.Uint64() >> t.r.IntN(64)}
		if _, err := message(abi.CallEndpointReply, &m); err != syscall.ESRCH {
			panic(fmt.Sprintf("an answer to nobody: %v", err))
		}
	}
}

// rest wants all clients to get on, when nobody disturbs them.
func (t *team) rest() {
	for i, c := range t.clients {
		from := c.steps[0].finished()
		eventually(fmt.Sprintf("client %d gets on; it has begun %d calls, the last answer was %v", i, c.steps[0].started(), c.steps[0].output.errno()),
			func() bool { return c.steps[0].finished() > from+2 })
		if e := c.steps[0].output.errno(); e != 0 && !slices.Contains([]syscall.Errno{syscall.ECONNRESET, syscall.ECONNREFUSED}, e) {
			panic(fmt.Sprintf("client %d: %v", i, e))
		}
	}
}

// end gives back the team.
func (t *team) end() {
	for i := range t.clients {
		t.gone(i)
	}
	ok(object.Close(t.send))
	t.server.over()
	if t.middle != nil {
		t.middle.over()
		ok(object.Close(t.front))
	}
	ok(object.Close(t.back))
	ok(t.bound.Close())
}
