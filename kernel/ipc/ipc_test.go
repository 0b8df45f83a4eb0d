// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"loam/kernel/pool"
)

// driver makes what package core makes of the system's functions, on the system
// and on the model.
type driver struct {
	s    *System
	m    *model
	next func(n int) int
	past []uint64 // tokens
	seen map[string]int
}

const (
	testThreads   = 2*MaxDepth + 8
	testProcesses = 6
	testEndpoints = 5
	testCPUs      = 2
)

func newDriver(next func(n int) int) *driver {
	d := &driver{s: New(nil, testThreads, testEndpoints+1), next: next, seen: map[string]int{},
		m: &model{tokens: map[uint64]bool{}}}
	for i := range int32(testThreads) {
		d.s.Reset(i)
		d.m.threads = append(d.m.threads, &modelThread{index: i, process: i % testProcesses})
	}
	for range testEndpoints {
		d.open()
	}
	return d
}

func (d *driver) open() {
	i, ok := d.s.Open(7)
	if !ok {
		panic("no room for an endpoint")
	}
	d.m.endpoints = append(d.m.endpoints, &modelEndpoint{index: i})
}

func (d *driver) thread() *modelThread     { return d.m.threads[d.next(len(d.m.threads))] }
func (d *driver) endpoint() *modelEndpoint { return d.m.endpoints[d.next(len(d.m.endpoints))] }

// find gives a thread in a state, or nil.
func (d *driver) find(state State) *modelThread {
	from := d.next(len(d.m.threads))
	for i := range d.m.threads {
		if t := d.m.threads[(from+i)%len(d.m.threads)]; t.state == state {
			return t
		}
	}
	return nil
}

func (d *driver) step() error {
	ops := []struct {
		name string
		run  func() (done bool, err error)
	}{
		{"call", d.call}, {"call", d.call}, {"call", d.call}, {"call", d.call},
		{"receive", d.receive}, {"receive", d.receive}, {"receive", d.receive},
		{"reply", d.reply}, {"reply", d.reply}, {"answer receive", d.answerReceive}, {"answer receive", d.answerReceive}, {"park", d.park},
		{"tell", d.tell}, {"leave", d.leaves}, {"die", d.die}, {"process dies", d.processDies}, {"fail", d.fail}, {"home", d.home}, {"home", d.home},
	}
	op := ops[d.next(len(ops))]
	done, err := op.run()
	if done {
		d.seen[op.name]++
	}
	if err == nil {
		err = d.tokens()
	}
	if err == nil {
		err = d.m.check(d.s)
	}
	if broken, at := d.s.Check(everybody); err == nil && broken != "" {
		err = fmt.Errorf("%s: %d", broken, at)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op.name, err)
	}
	return nil
}

// home brings a party or endpoint to a CPU, as far as the rules allow, and what has lent to it too.
func (d *driver) home() (bool, error) {
	cpu := int32(d.next(testCPUs + 1))
	if e := d.endpoint(); d.next(2) == 0 && len(e.senders)+len(e.cancels) == 0 {
		d.s.Endpoint(e.index).Home = cpu
	}
	d.bring(d.thread(), cpu)
	return true, nil
}

func (d *driver) bring(t *modelThread, cpu int32) {
	for ; t != nil; t = t.client {
		d.s.Parties[t.index].Home = cpu
	}
}

// received is what follows each receiving of a call.
func (d *driver) received(c *modelThread) error {
	c.token = d.s.Token(c.index)
	if d.m.tokens[c.token] {
		return fmt.Errorf("token %#x is given again", c.token)
	}
	d.m.tokens[c.token] = true
	d.past = append(d.past, c.token)
	return nil
}

func (d *driver) call() (bool, error) {
	c, e := d.find(Idle), d.endpoint()
	if c == nil {
		return false, nil
	}
	if t := e.receiver(); t != nil && d.next(2) == 0 && len(e.senders)+len(e.cancels) == 0 { // all on one CPU
		d.bring(c, 1)
		d.bring(t, 1)
		d.s.Endpoint(e.index).Home = 1
	}
	home := d.s.Parties[c.index].Home
	ready := d.s.Ready(c.index, e.index, home)
	want := d.s.Endpoint(e.index).Receiver
	if want != pool.Nil {
		_, depth := c.entity()
		if d.s.Endpoint(e.index).Home != home || d.s.Parties[want].Home != home || depth >= MaxDepth {
			want = pool.Nil
		}
	}
	if ready != want {
		return false, fmt.Errorf("ready is %d, not %d", ready, want)
	}
	if home != 0 && ready != pool.Nil {
		t := d.m.threads[ready]
		token := d.s.Call(c.index, ready, e.index, t.process)
		d.m.take(c, t, e)
		d.seen["call without lock"]++
		if token != d.s.Token(c.index) {
			return true, fmt.Errorf("the token is %#x and %#x", token, d.s.Token(c.index))
		}
		return true, d.received(c)
	}
	c.priority = int32(max(0, d.next(6)-2))
	d.s.Parties[c.index].Priority = c.priority
	if t := e.receiver(); t != nil {
		d.take(c, t, e)
		return true, d.received(c)
	}
	d.s.Queue(c.index, e.index)
	c.state, c.at = Sending, e
	e.senders = append(e.senders, c)
	d.seen["queued"]++
	return true, nil
}

// take receives a call under the lock.
func (d *driver) take(c, t *modelThread, e *modelEndpoint) {
	d.s.Take(c.index, t.index, e.index, t.process)
	lent := d.s.Lend(c.index, t.index)
	d.m.take(c, t, e)
	if !lent {
		d.seen["too deep to lend"]++
	}
}

// giveBack gives back what was lent to t.
func (d *driver) giveBack(t *modelThread) {
	if c := d.s.Parties[t.index].Client; c != pool.Nil {
		d.s.Recall(c)
		t.client = nil
	}
}

func (d *driver) receive() (bool, error) {
	t, e := d.find(Idle), d.endpoint()
	if t == nil {
		return false, nil
	}
	d.giveBack(t)
	return true, d.await(t, e)
}

func (d *driver) await(t *modelThread, e *modelEndpoint) error {
	told := pool.Nil
	for _, c := range e.cancels {
		if c.server == t.process {
			told = c.index
			e.cancels = without(e.cancels, c)
			break
		}
	}
	if got := d.s.Cancelled(e.index, t.process); got != told {
		return fmt.Errorf("told of %d, not %d", got, told)
	}
	if told != pool.Nil {
		d.seen["told"]++
		return nil
	}
	if c := e.sender(); c != nil {
		d.take(c, t, e)
		return d.received(c)
	}
	d.s.Park(t.index, e.index)
	t.state, t.at = Receiving, e
	e.receivers = append([]*modelThread{t}, e.receivers...)
	return nil
}

// reply answers by a token, its own, another one's, or an old one.
func (d *driver) reply() (bool, error) {
	t := d.find(Idle)
	if t == nil {
		return false, nil
	}
	token := uint64(d.next(1<<20))<<tokenBits | uint64(d.next(1<<tokenBits))
	if c := d.find(Calling); c != nil {
		token = c.token
		if other := d.m.threads[c.server]; d.next(3) > 0 && other.state == Idle { // thread n is of process n
			t = other
		}
	} else if len(d.past) > 0 {
		token = d.past[d.next(len(d.past))]
	}
	x := d.s.Caller(token, t.process)
	if x == pool.Nil {
		return false, nil // tokens has compared that
	}
	d.s.Recall(x)
	d.s.Answer(x)
	d.m.end(d.m.threads[x])
	if d.s.Caller(token, t.process) != pool.Nil {
		return true, fmt.Errorf("token %#x is good twice", token)
	}
	return true, nil
}

// answerReceive is a server that answers whom it serves and receives again.
func (d *driver) answerReceive() (bool, error) {
	from := d.next(len(d.m.threads))
	for i := range d.m.threads {
		t := d.m.threads[(from+i)%len(d.m.threads)]
		if t.state != Idle || t.client == nil {
			continue
		}
		c, e := t.client, t.client.at
		if e.gone || d.next(8) == 0 {
			e = d.endpoint()
		}
		home := d.s.Parties[t.index].Home
		if x := d.s.Answerable(c.token, t.index, e.index, t.process, home); home != 0 && x != pool.Nil {
			if x != c.index || d.s.Endpoint(e.index).Pending != 0 || c.told {
				return true, fmt.Errorf("answerable is %d", x)
			}
			d.s.AnswerReceive(x, t.index, e.index)
			d.m.end(c)
			t.state, t.at = Receiving, e
			e.receivers = append([]*modelThread{t}, e.receivers...)
			d.seen["answered without lock"]++
			return true, nil
		}
		if c.server == t.process {
			d.s.Recall(c.index)
			d.s.Answer(c.index)
			d.m.end(c)
		}
		d.giveBack(t)
		return true, d.await(t, e)
	}
	return false, nil
}

// park is a server that receives again while its caller goes on waiting, without the lock if it can.
func (d *driver) park() (bool, error) {
	from := d.next(len(d.m.threads))
	for i := range d.m.threads {
		t := d.m.threads[(from+i)%len(d.m.threads)]
		if t.state != Idle || t.client == nil {
			continue
		}
		e := d.endpoint()
		home := d.s.Endpoint(e.index).Home
		_, depth := t.entity()
		last := d.m.last(t) == t
		if got, want := d.s.Parkable(t.index, e.index, home), depth == 1 && last && len(e.senders)+len(e.cancels) == 0; got != want {
			return true, fmt.Errorf("parkable: %v, not %v", got, want)
		} else if !got || home == 0 {
			return false, nil
		}
		if d.s.Parkable(t.index, e.index, home+1) {
			return true, fmt.Errorf("parkable from elsewhere")
		}
		d.s.ParkNow(t.index, e.index)
		t.client = nil
		t.state, t.at = Receiving, e
		e.receivers = append([]*modelThread{t}, e.receivers...)
		return true, nil
	}
	return false, nil
}

func (d *driver) tell() (bool, error) {
	c := d.find(Calling)
	if c == nil {
		return false, nil
	}
	want := !c.told && !c.at.gone
	if got := d.s.Tell(c.index); got != want {
		return true, fmt.Errorf("told: %v, not %v", got, want)
	}
	if want {
		c.told = true
		c.at.cancels = append(c.at.cancels, c)
	}
	return want, nil
}

// finish is core's: the wait of t is over.
func (d *driver) finish(t *modelThread) {
	if t.state == Calling {
		d.s.Recall(t.index)
		d.s.Answer(t.index)
		d.m.end(t)
		return
	}
	d.s.Leave(t.index)
	d.m.leave(t)
}

func (d *driver) leaves() (bool, error) {
	t := d.thread()
	d.finishAny(t)
	return true, nil
}

func (d *driver) finishAny(t *modelThread) {
	if t.state != Idle {
		d.finish(t)
	}
}

func (d *driver) die() (bool, error) {
	d.dies(d.thread())
	return true, nil
}

func (d *driver) dies(t *modelThread) {
	d.finishAny(t)
	d.s.Recall(t.index)
	if s := d.m.servant(t); s != nil {
		s.client = nil
	}
	d.giveBack(t)
	d.s.Reset(t.index)
	*t = modelThread{index: t.index, process: t.process}
}

func (d *driver) processDies() (bool, error) {
	if d.next(4) > 0 {
		return false, nil
	}
	p := int32(d.next(testProcesses))
	for _, t := range d.m.threads {
		if t.process == p {
			d.dies(t)
		}
	}
	for _, t := range d.m.threads {
		if t.state == Calling && t.server == p {
			d.finish(t)
		}
	}
	return true, nil
}

// fail has everybody leave an endpoint, closes it, and opens another one.
func (d *driver) fail() (bool, error) {
	if d.next(4) > 0 {
		return false, nil
	}
	at := d.next(len(d.m.endpoints))
	e := d.m.endpoints[at]
	for {
		t, sends, more := d.s.Fail(e.index)
		if t == pool.Nil && !more {
			break
		}
		if t == pool.Nil {
			continue
		}
		x := d.m.threads[t]
		if sends != (x.state == Sending) || x.at != e {
			return true, fmt.Errorf("thread %d, which sends: %v", t, sends)
		}
		d.finish(x)
	}
	if len(e.senders)+len(e.receivers) > 0 {
		return true, fmt.Errorf("%d still send and %d receive", len(e.senders), len(e.receivers))
	}
	e.cancels, e.gone = nil, true
	d.s.Close(e.index)
	d.m.endpoints = append(d.m.endpoints[:at], d.m.endpoints[at+1:]...)
	d.open()
	return true, nil
}

// tokens compares what tokens are good for, those of calls that wait, old and invented ones.
func (d *driver) tokens() error {
	try := []uint64{uint64(d.next(1 << 16)), 1<<tokenBits | uint64(d.next(1<<tokenBits))}
	if n := len(d.past); n > 0 {
		try = append(try, d.past[d.next(n)], d.past[n-1])
	}
	for _, token := range try {
		for p := range int32(testProcesses) {
			if got, want := d.s.Caller(token, p), d.m.caller(token, p); got != want {
				return fmt.Errorf("token %#x names %d for process %d, not %d", token, got, p, want)
			}
		}
	}
	return nil
}

// TestModel compares random sequences with the model after each step.
func TestModel(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := newDriver(r.IntN)
		for step := range 1500 {
			if err := d.step(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
		}
		for name, n := range d.seen {
			seen[name] += n
		}
	}
	for _, name := range []string{"call", "receive", "reply", "answer receive", "tell", "leave", "die", "process dies", "fail",
		"call without lock", "queued", "told", "answered without lock", "park"} {
		if seen[name] < 100 {
			t.Errorf("%s: only %d times", name, seen[name])
		}
	}
	t.Log(seen)
}

// FuzzModel does what the input says, a byte or two for each choice.
func FuzzModel(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10, 100, 1000, 4000} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		d := newDriver(func(n int) int {
			v := 0
			for limit := 1; limit < n && len(input) > 0; limit <<= 8 {
				v = v<<8 | int(input[0])
				input = input[1:]
			}
			return v % n
		})
		for step := 0; len(input) > 0; step++ {
			if err := d.step(); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
		}
	})
}

// TestDeepChain lends an entity on until it isn't any more, and cuts the chain at each place.
func TestDeepChain(t *testing.T) {
	const n = MaxDepth + 5
	for cut := range n {
		d := newDriver(rand.New(rand.NewPCG(uint64(cut), 3)).IntN)
		for i := range n - 1 {
			d.take(d.m.threads[i], d.m.threads[i+1], d.m.endpoints[0])
			d.received(d.m.threads[i])
			if err := d.m.check(d.s); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		if got := d.s.Runs[0]; got != MaxDepth {
			t.Fatalf("thread %d runs on the first entity", got)
		}
		if got := d.s.Runs[MaxDepth+1]; got != n-1 {
			t.Fatalf("thread %d runs on that of the first one to which nothing was lent", got)
		}
		d.dies(d.m.threads[cut])
		if err := d.m.check(d.s); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}
