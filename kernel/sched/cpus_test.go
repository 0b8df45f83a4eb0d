// SPDX-License-Identifier: Apache-2.0

package sched

import "testing"

// busy makes a scheduler whose CPU i runs or has waiting load[i] threads of nice
// 0, numbered upward; the threads behind them sleep.
func busy(cpus, threads int, load ...int) *Scheduler {
	s := New(nil, cpus, threads, 4)
	next := int32(0)
	for cpu, n := range load {
		for range n {
			s.Reset(next)
			s.Queue(cpu).Enqueue(next, 0)
			next++
		}
		s.Queue(cpu).chooseQuietly()
	}
	return s
}

// chooseQuietly is Pick without an eye on other CPUs.
func (q *Queue) chooseQuietly() {
	q.choose()
	q.live = q.current
}

// TestWakePlaces: where a thread wakes, or begins.
func TestWakePlaces(t *testing.T) {
	const fresh = -1
	for _, x := range []struct {
		name       string
		load       []int
		last, here int
		allowed    uint64
		want       int
	}{
		{"last is idle, so is here", []int{0, 0, 0}, 2, 1, 7, 2},
		{"last is busy, here is idle", []int{0, 0, 1}, 2, 1, 7, 1},
		{"the lowest idle", []int{1, 0, 0, 1}, 3, 0, 15, 1},
		{"the lowest idle that is allowed", []int{1, 0, 0, 1}, 3, 0, 12, 2},
		{"none is idle: stay", []int{1, 1, 1}, 1, 0, 7, 1},
		{"a quarter more: stay", []int{4, 5, 4}, 1, 0, 7, 1},
		{"clearly more: go", []int{2, 2, 1}, 1, 0, 7, 2},
		{"clearly more, but bound", []int{1, 2, 1}, 1, 0, 2, 1},
		{"last is forbidden: here among equals", []int{1, 1, 1}, 1, 2, 5, 2},
		{"last is forbidden, idle as it is", []int{1, 0, 1}, 1, 2, 5, 2},
		{"new: an idle one", []int{1, 0, 0}, fresh, 0, 7, 1},
		{"new: the least loaded", []int{2, 2, 1}, fresh, 0, 7, 2},
		{"new: here among equals", []int{1, 1, 1}, fresh, 1, 7, 1},
		{"new: not where its number ran last", []int{1, 1, 0, 0}, fresh, 1, 15, 2},
	} {
		s := busy(4, 32, x.load...)
		for i := len(x.load); i < 4; i++ { // there are no more CPUs in this case
			s.idle &^= 1 << i
		}
		const th = 31
		s.SetAffinity(th, x.allowed, 0, 0)
		s.threads[th].queue = 3
		if x.last != fresh {
			s.threads[th].queue, s.threads[th].v = int32(x.last), 0
		}
		if cpu, _ := s.Wake(th, 0, x.here); cpu != x.want || s.CPU(th) != x.want {
			t.Errorf("%s: CPU %d, want %d", x.name, cpu, x.want)
		}
	}
}

// TestWhoHasToLook: which calls kick which CPU.
func TestWhoHasToLook(t *testing.T) {
	s := busy(2, 9, 1, 4) // thread 0 on CPU 0, 1 to 4 on CPU 1
	running := s.Queue(1).Current()
	kicks := func(name string, want uint64) {
		t.Helper()
		if k := s.TakeKicks(); k != want {
			t.Errorf("%s: kicks %b, want %b", name, k, want)
		}
	}
	s.SetNice(3, 1, 0, 0)
	kicks("nice of a thread of another CPU", 2)
	s.SetNice(8, 1, 0, 0)
	kicks("nice of a sleeping thread", 0)
	s.Queue(1).chooseQuietly()
	s.Dequeue(running^7, 0, 0)
	kicks("a waiting or no thread stopped", 0)
	s.Dequeue(s.Queue(1).Current(), 0, 1)
	kicks("by its own CPU", 0)
	s.Queue(1).chooseQuietly()
	s.Retire(s.Queue(1).Current(), 0, 0)
	kicks("the running thread of another CPU", 2)

	s = busy(2, 9, 1, 1)
	s.SetAffinity(8, 2, 0, 0)
	s.threads[1].d = 0 // nobody preempts it
	if cpu, look := s.Wake(8, 0, 0); cpu != 1 || !look {
		t.Error("CPU 1 has no timer, and must look")
	}
	kicks("nobody waited there", 2)
	s.SetAffinity(7, 2, 0, 0)
	if cpu, look := s.Wake(7, 0, 0); cpu != 1 || look {
		t.Error("CPU 1 has a timer, and needn't look")
	}
	kicks("somebody waited there", 0)
	s.SetAffinity(6, 1, 0, 0)
	s.threads[0].d = 0
	if cpu, look := s.Wake(6, 0, 0); cpu != 0 || look {
		t.Error("CPU 0 can set its timer itself")
	}
}

// TestSetAffinityMoves: what is to be done at once.
func TestSetAffinityMoves(t *testing.T) {
	s := busy(3, 9, 2, 1)
	waits := s.Queue(0).waiter(0)
	if s.SetAffinity(waits, 8, 0, 0) || s.Affinity(waits) != 7 {
		t.Fatal("a mask without a CPU")
	}
	s.SetAffinity(waits, 2, 0, 0)
	if s.CPU(waits) != 1 || s.TakeKicks() != 2 || s.Queue(1).Len() != 2 {
		t.Fatal("a thread that waits where it may not")
	}
	s.SetAffinity(waits, 6, 0, 0)
	if s.CPU(waits) != 2 || s.TakeKicks() != 4 {
		t.Fatal("a thread that waits, and could go to an idle CPU")
	}
	s.Queue(2).Pick(0)
	s.SetAffinity(waits, 3, 0, 0)
	if cpu, ok := s.Running(waits); cpu != 2 || !ok || s.TakeKicks() != 4 {
		t.Fatal("a thread that runs where it may not: its CPU has to look")
	}
	if th, _ := s.Queue(2).Pick(0); th != None || s.CPU(waits) != 0 || s.TakeKicks() != 1 {
		t.Fatal("when it looks, the thread goes")
	}
	s = busy(2, 3, 2)
	runs := s.Queue(0).Current()
	for i := range int32(2) {
		s.SetAffinity(i, 1, 0, 1)
	}
	s.SetAffinity(runs, 3, 0, 1)
	if s.TakeKicks() != 1 {
		t.Fatal("a thread that runs, makes others wait and could go to an idle CPU")
	}
	s.Queue(0).Pick(0)
	if s.CPU(runs) != 1 || s.TakeKicks() != 2 || s.Queue(0).Current() == runs {
		t.Fatal("when the CPU looks, the thread goes")
	}
}

// TestSteal: what an idle CPU takes, and what not.
func TestSteal(t *testing.T) {
	s := busy(4, 32, 2, 5, 4)
	if th, _ := s.Queue(3).Pick(0); th < 2 || th > 6 || s.Queue(1).Len() != 4 {
		t.Errorf("took %d, not one of the most loaded CPU's", th)
	}
	s = busy(3, 32, 2, 5)
	for i := range int32(7) {
		if i >= 2 {
			s.threads[i].allowed = 3
		}
	}
	if th, _ := s.Queue(2).Pick(0); th < 0 || th > 1 {
		t.Errorf("took %d, which is bound elsewhere, or nothing", th)
	}
	s = New(nil, 2, 4, 4)
	s.Queue(0).Enqueue(1, 0)
	if th, _ := s.Queue(1).Pick(0); th != None {
		t.Errorf("took %d, which CPU 0 is about to run", th)
	}
	// CPU 0 runs 1; it is stopped and woken by CPU 1, as another is: CPU 0 hasn't
	// looked, and still has 1's registers.
	s.Queue(0).Pick(0)
	s.Dequeue(1, 0, 1)
	s.SetAffinity(2, 1, 0, 1)
	s.Wake(2, 0, 1)
	s.threads[2].allowed = 1
	s.Wake(1, 0, 1)
	if cpu, ok := s.Running(1); cpu != 0 || !ok {
		t.Error("CPU 0 has it")
	}
	if th, _ := s.Queue(1).Pick(0); th != None {
		t.Errorf("took %d, whose registers are on CPU 0", th)
	}
}

// TestTake: a thread that moves keeps its place on the machine's time scale,
// within bounds, and the rest of its request; a credit makes no deadline early.
func TestTake(t *testing.T) {
	for _, x := range []struct{ ahead, want int64 }{
		{0, 0}, {ms, -ms}, {-ms, ms}, {5 * ms, -5 * ms},
		{100 * ms, -maxCredit}, {-100 * ms, maxCredit},
	} {
		s := busy(2, 3, 2, 1)
		from, to := s.Queue(0), s.Queue(1)
		th := from.waiter(0)
		to.offset = x.ahead
		left := s.threads[th].d - s.threads[th].v
		to.take(th, from, ms) // what runs on both CPUs is charged first
		got, v := &s.threads[th], int64(ms)
		if x.want != maxCredit && x.want != -maxCredit {
			v = 0 // it is behind by what the other has run
		}
		if got.v != x.want+v || got.d-max(got.v, ms) != left || s.threads[from.current].v != ms || s.threads[to.current].v != ms {
			t.Errorf("ahead %d: v %d, d %d, want v %d, left %d", x.ahead, got.v, got.d, x.want+v, left)
		}
	}
	s := busy(2, 3, 3) // an empty queue takes over the time of who comes
	from, to := s.Queue(0), s.Queue(1)
	from.offset, to.base = 77*ms, 5*ms
	th := from.waiter(0)
	to.take(th, from, 0)
	if to.machineTime() != from.machineTime() {
		t.Errorf("machine time %d became %d", from.machineTime(), to.machineTime())
	}
}

// TestMachineTimeGoesOn when virtual time starts again.
func TestMachineTimeGoesOn(t *testing.T) {
	s := busy(2, 3, 2, 1)
	q := s.Queue(0)
	q.base += maxVirtual
	for i := range int32(2) {
		s.threads[i].v += maxVirtual
		s.threads[i].d += maxVirtual
	}
	before := q.machineTime()
	q.rebase()
	if q.base != 0 || q.machineTime() != before {
		t.Errorf("base %d, machine time %d became %d", q.base, before, q.machineTime())
	}
}

// TestClocksApart: time that two CPUs see a little differently counts once.
func TestClocksApart(t *testing.T) {
	s := busy(2, 3, 1, 1)
	q := s.Queue(0)
	now := int64(0)
	for range 100 {
		now += 1000
		q.charge(now + 300) // by the other CPU
		q.charge(now)
		q.charge(now - 200)
	}
	if got := s.threads[0].v; got != now+300 {
		t.Errorf("%d ns were counted as %d", now+300, got)
	}
	s.Dequeue(0, now+5000, 1)
	s.Queue(0).Enqueue(2, now)
	s.Queue(0).Pick(now)
	s.Queue(0).Pick(now + 6000)
	if got := s.threads[2].v - s.threads[0].v; got > 1000 {
		t.Errorf("1000 ns were counted as %d", got)
	}
}

// TestBalanceWaits: one move an interval, and none without need.
func TestBalanceWaits(t *testing.T) {
	s := busy(2, 8, 4, 1)
	q, other := s.Queue(0), s.Queue(1)
	other.offset = 100 * ms
	now := int64(balanceInterval)
	step := func(want int, why string) {
		t.Helper()
		now += ms
		q.renew = true
		q.Pick(now)
		if q.Len() != want {
			t.Fatalf("%s: %d threads left, want %d", why, q.Len(), want)
		}
	}
	step(3, "another CPU is ahead")
	other.offset += 100 * ms
	step(3, "it is soon after the last move")
	now += balanceInterval
	step(2, "an interval later")
	other.offset += 100 * ms
	now += balanceInterval
	step(2, "the other CPU has more load")
	s.Dequeue(other.waiter(0), now, 1)
	other.chooseQuietly()
	other.offset = q.machineTime() - other.virtualTime() + behind/2
	now += balanceInterval
	step(2, "hardly ahead")
}

// TestRefilled: a CPU that was idle, and whose time stood still, begins again at
// the time of the others.
func TestRefilled(t *testing.T) {
	s := busy(3, 8, 1)
	s.Queue(0).Pick(15 * ms)
	s.Wake(6, 15*ms, 0) // by CPU 0
	s.Wake(7, 15*ms, 2) // by a CPU that idles itself
	for i := range s.queues {
		if got := s.Queue(i).machineTime(); got != 15*ms {
			t.Errorf("CPU %d begins at %d us", i, got/1000)
		}
	}
}
