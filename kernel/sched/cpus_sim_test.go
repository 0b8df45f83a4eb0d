// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"testing"
)

// computer simulates several CPUs and their threads. Like the kernel it lets one
// CPU after the other into the scheduler; a kick takes a while to arrive, and
// the CPUs' clocks differ a little.
type computer struct {
	t    *testing.T
	s    *Scheduler
	r    *rand.Rand
	now  int64
	cpus []simCPU
	work []work
	lag  int64 // the longest that a kick is under way

	conflict int64  // the longest that a CPU idled while a thread waited for it
	watch    func() // after each event
	passes   func(to int64)
	late     func() int64 // how late timers come
	refill   bool
}

type simCPU struct {
	current  int32
	timer    int64 // when it looks next
	skew     int64
	conflict int64 // since when it has idled while a thread waits for it, or never
}

const never = 1<<63 - 1

func newComputer(t *testing.T, cpus, threads int, seed uint64) *computer {
	c := &computer{
		t: t, s: New(nil, cpus, threads, 4), r: rand.New(rand.NewPCG(seed, 1)), now: ms,
		cpus: make([]simCPU, cpus), work: make([]work, threads), lag: 20_000,
	}
	for i := range c.cpus {
		c.cpus[i] = simCPU{current: None, timer: never, skew: c.r.Int64N(1000), conflict: never}
	}
	return c
}

// start makes t runnable, by a call on CPU here.
func (c *computer) start(t int32, here int) {
	w := &c.work[t]
	w.left, w.wakes, w.since, w.last, w.waiting = w.burst, 0, c.now, c.now, true
	cpu, look := c.s.Wake(t, c.clock(here), here)
	switch {
	case cpu != here:
	case look:
		c.cpus[here].timer = c.now
	default:
		c.arm(here, c.s.Queue(here).Slice())
	}
	c.kick()
}

func (c *computer) startAll(cpu int) {
	for i := range c.work {
		c.start(int32(i), cpu)
	}
}

func (c *computer) clock(cpu int) int64 { return c.now + c.cpus[cpu].skew }

func (c *computer) arm(cpu int, slice int64) {
	if slice != Forever {
		if c.late != nil {
			slice += c.late()
		}
		c.cpus[cpu].timer = min(c.cpus[cpu].timer, c.now+slice)
	}
}

// kick delivers what the last call left for other CPUs.
func (c *computer) kick() {
	k := c.s.TakeKicks()
	for i := range c.cpus {
		if k>>i&1 != 0 {
			c.cpus[i].timer = min(c.cpus[i].timer, c.now+c.r.Int64N(c.lag+1))
		}
	}
}

// run simulates until the time end.
func (c *computer) run(end int64) {
	for c.now < end {
		c.advance(c.nextEvent(end))
		c.refillDue()
		for i := range c.work {
			if w := &c.work[i]; w.wakes != 0 && w.wakes <= c.now {
				c.start(int32(i), c.r.IntN(len(c.cpus)))
			}
		}
		for i := range c.cpus {
			c.step(i)
		}
		c.checkIdle()
		if c.watch != nil {
			c.watch()
		}
	}
}

// refillDue has some CPU serve NextRefill.
func (c *computer) refillDue() {
	if !c.refill {
		return
	}
	here := c.r.IntN(len(c.cpus))
	for at, ok := c.s.NextRefill(); ok && at <= c.now; at, ok = c.s.NextRefill() {
		c.s.Refill(c.now, here)
		c.cpus[here].timer = c.now
		c.kick()
	}
}

func (c *computer) nextEvent(end int64) int64 {
	if at, ok := c.s.NextRefill(); ok && c.refill {
		end = min(end, at)
	}
	for i := range c.work {
		if w := c.work[i].wakes; w != 0 {
			end = min(end, w)
		}
	}
	for i := range c.cpus {
		x := &c.cpus[i]
		end = min(end, x.timer)
		if x.current != None && c.work[x.current].burst > 0 {
			end = min(end, c.now+c.work[x.current].left)
		}
	}
	return max(end, c.now)
}

func (c *computer) advance(to int64) {
	if c.passes != nil {
		c.passes(to)
	}
	for i := range c.cpus {
		if t := c.cpus[i].current; t != None {
			w := &c.work[t]
			w.ran += to - c.now
			w.left -= to - c.now
			w.last = to
		}
	}
	c.now = to
}

// step lets CPU i into the kernel if it has a reason.
func (c *computer) step(i int) {
	x := &c.cpus[i]
	if t := x.current; t != None && c.work[t].burst > 0 && c.work[t].left <= 0 {
		c.s.Dequeue(t, c.clock(i), i)
		c.work[t].wakes = c.now + c.work[t].pause
		x.timer = c.now
	}
	if x.timer > c.now {
		return
	}
	t, slice := c.s.Queue(i).Pick(c.clock(i))
	c.kick()
	for j := range c.cpus {
		if t != None && j != i && c.cpus[j].current == t {
			c.t.Fatalf("thread %d is on CPUs %d and %d at once", t, i, j)
		}
	}
	x.current, x.timer = t, never
	c.arm(i, slice)
	if t == None {
		return
	}
	if c.s.Affinity(t)>>i&1 == 0 {
		c.t.Fatalf("thread %d may not run on CPU %d", t, i)
	}
	w := &c.work[t]
	if w.waiting {
		w.latency = max(w.latency, c.now-w.since)
		w.waiting = false
	}
	w.idle = max(w.idle, c.now-w.last)
	w.last = c.now
}

// checkIdle measures how long a CPU idles while a thread waits that may run
// there.
func (c *computer) checkIdle() {
	for i := range c.cpus {
		x := &c.cpus[i]
		x.conflict = min(x.conflict, c.now)
		if x.current != None || !c.waitsFor(i) {
			x.conflict = never
			continue
		}
		c.conflict = max(c.conflict, c.now-x.conflict)
	}
}

func (c *computer) waitsFor(cpu int) bool {
	for t := range c.s.threads {
		th := &c.s.threads[t]
		if g := &c.s.groups[th.group]; g.quota != 0 && g.left <= 0 {
			continue
		}
		if th.state > parked && !th.runs() && th.allowed>>cpu&1 != 0 {
			return true
		}
	}
	return false
}

func (m Moves) total() uint64 { return m.Woken + m.Stolen + m.Given + m.Balanced }

// setAffinity calls SetAffinity on CPU here, which then looks.
func (c *computer) setAffinity(t int32, mask uint64, here int) {
	c.s.SetAffinity(t, mask, c.clock(here), here)
	c.cpus[here].timer = c.now
	c.kick()
}
