// SPDX-License-Identifier: Apache-2.0

package sched

import (
	"math/rand/v2"
	"testing"
)

// kernelModel is what the kernel around the scheduler knows: who should be
// runnable where, what each CPU executes, and which CPUs have been told to look.
type kernelModel struct {
	t        *testing.T
	r        *rand.Rand
	s        *Scheduler
	now      int64
	runnable []bool
	allowed  []uint64
	cpus     []modelCPU
	fixed    bool // some threads have fixed priorities
	limits   bool // some groups have quotas
}

type modelCPU struct {
	oracle
	executes int32 // what the last Pick answered
	timer    bool  // set for the end of a slice
	due      int64 // when it comes
	told     bool  // to call Pick
}

func newKernelModel(t *testing.T, seed uint64, r *rand.Rand) *kernelModel {
	cpus, threads := 1+r.IntN(8), 1+r.IntN(14)
	m := &kernelModel{
		t: t, r: r, s: New(nil, cpus, threads, 4), now: int64(r.Uint64() >> 8),
		runnable: make([]bool, threads), allowed: make([]uint64, threads), cpus: make([]modelCPU, cpus),
		fixed: seed%2 == 0, limits: seed%3 == 0,
	}
	for i := range m.cpus {
		m.cpus[i] = modelCPU{oracle: oracle{t: t, q: m.s.Queue(i)}, executes: None}
		m.s.Queue(i).since = m.now
		if seed%5 == 0 { // virtual time is about to start again
			m.s.Queue(i).base = maxVirtual - 1<<31
		}
	}
	for i := range m.allowed {
		m.allowed[i] = m.s.all
	}
	return m
}

// clock gives the time as a CPU reads it: a little more or less than others.
func (m *kernelModel) clock() int64 { return m.now + m.r.Int64N(2000) - 1000 }

// step has a random CPU make a random call.
func (m *kernelModel) step() {
	here := m.r.IntN(len(m.cpus))
	th := int32(m.r.IntN(len(m.runnable)))
	switch m.r.IntN(15) {
	case 13, 14:
		m.changeGroup(th, here)
	case 12:
		if m.fixed {
			m.s.SetPriority(th, m.r.IntN(9)-4, m.clock(), here)
			m.cpus[here].told = true
		}
	case 0, 1, 2, 3:
		m.wake(th, here)
	case 4:
		m.stop(th, here, m.s.Dequeue)
	case 5:
		m.stop(th, here, m.s.Retire)
		if m.s.threads[th].group != 0 {
			m.t.Fatal("a retired thread is in a group")
		}
		if m.r.IntN(2) == 0 {
			m.s.Reset(th)
			m.allowed[th] = m.s.all
		}
	case 6: // the usual way: who runs goes to sleep
		if x := &m.cpus[here]; x.q.current != None && x.executes == x.q.current {
			m.stop(x.q.current, here, m.s.Dequeue)
		}
	case 7:
		m.cpus[here].told = m.cpus[here].told || m.cpus[here].q.Current() != None
		m.s.Queue(here).Yield(m.clock())
	case 8:
		m.s.SetNice(th, m.r.IntN(60)-30, m.clock(), here)
		m.lookIf(th, here)
		if cpu := m.s.CPU(th); m.s.threads[th].state >= spare && cpu != here && m.s.kicks>>cpu&1 == 0 {
			m.t.Fatal("a runnable thread's weight changes, and its CPU needn't look")
		}
	case 9:
		m.setAffinity(th, here)
	default:
		m.look(here)
	}
	k := m.s.TakeKicks()
	if k>>here&1 != 0 {
		m.t.Fatal("a CPU is told to kick itself")
	}
	for i := range m.cpus {
		if k>>i&1 != 0 {
			m.cpus[i].told = true
		}
	}
	m.check()
}

func (m *kernelModel) wake(th int32, here int) {
	was, last := m.runnable[th], m.s.CPU(th)
	cpu, look := m.s.Wake(th, m.clock(), here)
	m.runnable[th] = true
	switch {
	case cpu != m.s.CPU(th) || was && (cpu != last || look):
		m.t.Fatalf("Wake of %d, runnable %v, on CPU %d: %d, %v", th, was, last, cpu, look)
	case cpu != here:
		if told := m.s.kicks>>cpu&1 != 0; told != look {
			m.t.Fatalf("Wake: look is %v, kick is %v", look, told)
		}
	case look:
		m.cpus[here].told = true
	default:
		m.arm(here, m.s.Queue(here).Slice())
	}
}

func (m *kernelModel) stop(th int32, here int, call func(int32, int64, int)) {
	m.lookIf(th, here)
	call(th, m.clock(), here)
	m.runnable[th] = false
}

// lookIf: CPU here knows that it has to look after a change of its own thread.
func (m *kernelModel) lookIf(th int32, here int) {
	if m.runnable[th] && m.s.CPU(th) == here {
		m.cpus[here].told = true
	}
}

func (m *kernelModel) setAffinity(th int32, here int) {
	mask := m.r.Uint64() & m.r.Uint64()
	if m.r.IntN(3) == 0 {
		mask = m.s.all
	}
	if ok := m.s.SetAffinity(th, mask, m.clock(), here); ok != (mask&m.s.all != 0) {
		m.t.Fatalf("SetAffinity of %x: %v", mask, ok)
	} else if ok {
		m.allowed[th] = mask & m.s.all
	}
	m.cpus[here].told = true
}

func (m *kernelModel) arm(cpu int, slice int64) {
	if slice != Forever {
		m.cpus[cpu].timer, m.cpus[cpu].due = true, m.now+slice
	}
}

// look has a CPU call Pick, and checks what it answers.
func (m *kernelModel) look(cpu int) {
	x := &m.cpus[cpu]
	now, moves := m.clock(), m.s.Moves()
	x.q.charge(now)
	decided := x.q.renew || x.q.current == None
	resumes := x.q.broken != None
	yielded := None
	if x.q.passed {
		yielded = x.q.current
	}
	th, slice := x.q.Pick(now)
	x.executes, x.told, x.timer = th, false, false
	m.arm(cpu, slice)
	switch {
	case th != x.q.Current(), (th == None) != (x.q.Len() == 0) && !x.q.more, (slice == Forever) == x.timed(), slice < minSlice:
		m.t.Fatalf("Pick gave %d for %d with %d runnable", th, slice, x.q.Len())
	case th != None && (!m.runnable[th] || m.allowed[th]>>cpu&1 == 0):
		m.t.Fatalf("Pick gave %d to CPU %d, runnable %v, allowed %x", th, cpu, m.runnable[th], m.allowed[th])
	}
	if decided && th != None && moves == m.s.Moves() && !resumes && m.s.limited == 0 {
		x.chosen(th, yielded)
	}
	if decided {
		m.conserved(x.q)
	}
}

// pass lets time pass, up to the first timer; a CPU whose time is over looks.
func (m *kernelModel) pass() {
	step := m.r.Int64N(4 * ms)
	switch m.r.IntN(20) {
	case 0:
		step += 60 * ms // the machine was stopped
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		step = m.r.Int64N(500)
	}
	m.now += step
	for i := range m.cpus {
		if x := &m.cpus[i]; x.told && m.r.IntN(2) == 0 || x.timer && x.due <= m.now {
			m.look(i)
			m.takeKicks()
			m.check()
		}
	}
	m.refill()
}

// TestSeveralAgainstOracle drives 1 to 8 CPUs with every operation in random
// order, on clocks that differ.
func TestSeveralAgainstOracle(t *testing.T) {
	total := Moves{}
	for seed := range uint64(120) {
		m := newKernelModel(t, seed, rand.New(rand.NewPCG(seed, 9)))
		for range 600 {
			m.step()
			m.pass()
		}
		x := m.s.Moves()
		total.Woken += x.Woken
		total.Stolen += x.Stolen
		total.Given += x.Given
		total.Balanced += x.Balanced
	}
	t.Logf("%+v", total)
	if min(total.Woken, total.Stolen, total.Given, total.Balanced) < 100 {
		t.Errorf("hardly tried: %+v", total)
	}
}

// bytes is a source of randomness that a fuzzer writes. Behind the end it goes on by
// itself: package rand tries again until it has a number that suits it.
type bytes struct {
	left  []byte
	state uint64
}

func (b *bytes) Uint64() uint64 {
	b.state = b.state*6364136223846793005 + 1442695040888963407
	if len(b.left) > 0 {
		b.state ^= uint64(b.left[0])
		b.left = b.left[1:]
	}
	x := b.state ^ b.state>>29
	return x * 0x9e3779b97f4a7c15
}

// FuzzSeveral is TestSeveralAgainstOracle of the calls that a fuzzer chooses.
func FuzzSeveral(f *testing.F) {
	for seed := range uint64(12) {
		data := make([]byte, 4000)
		r := rand.NewPCG(seed, 15)
		for i := range data {
			data[i] = byte(r.Uint64())
		}
		f.Add(seed, data)
	}
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		source := &bytes{left: data}
		m := newKernelModel(t, seed, rand.New(source))
		for range 600 {
			if len(source.left) == 0 {
				return
			}
			m.step()
			m.pass()
		}
	})
}
