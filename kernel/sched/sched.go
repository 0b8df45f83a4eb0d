// SPDX-License-Identifier: Apache-2.0

// Package sched decides which thread a CPU runs next and for how long. It is
// policy only: no clock, no interrupt, no context switch; the caller brings the
// time and does what it is told. So the kernel's scheduler runs, unchanged, in
// simulations on a laptop.
//
// # Policy
//
// A thread has a fixed priority, 1 to 31, or is of the fair class. Fixed ones are
// for drivers and the system: the highest runs, in order of their coming within a
// priority, and fair threads get what is left, which may be nothing.
//
// Fair: earliest eligible virtual deadline first (I. Stoica and H. Abdel-Wahab,
// "Earliest Eligible Virtual Deadline First: A Flexible and Accurate Mechanism
// for Proportional Share Resource Allocation", Old Dominion University
// TR-95-22, 1995). A thread has a weight, from its nice value. Its virtual time
// v is the CPU time it has got, divided by its weight. V, the queue's virtual
// time, is the mean of v over all runnable threads, by weight: where everybody
// would be on a perfectly divided CPU. A thread asks for CPU time in requests of
// one slice; a request's virtual deadline d is v at its start plus the slice
// divided by the weight. A thread is eligible while v <= V: it has got no more
// than its share. Of the eligible threads the one with the earliest deadline
// runs, to the end of its request.
//
// What follows from it, and is tested: nobody starves; a thread that never
// sleeps is never further than about a slice from its share; a request that
// becomes eligible is served by its deadline, late by at most one slice.
//
// Placement. A thread that wakes is placed at max(v, V): sleep earns no credit,
// and a debt is not slept away, it fades as V passes it. Its first request is
// short (wakeFraction of a slice), which gives it an early deadline: who
// sleeps much is served soon, who computes is not robbed, since eligibility
// stays as it is. That is the paper's own way to trade latency for overhead.
//
// Yield gives up the rest of a request, as if it had been used, and lets
// another runnable thread run whenever there is one, eligible or not.
//
// Fixed: a thread that wakes goes behind the others of its priority, one that a
// higher one takes the CPU from stays before them, Yield goes behind them. Several
// of one priority take turns of a slice. One that nobody competes with runs until
// it waits. The fair class's time stands still meanwhile, and the turn that was
// broken into goes on afterwards: a driver that runs a thousand times a second
// costs fair threads its time, and no change of their order.
//
// Groups. Threads are counted by groups (a process is one), and a group may have a
// quota of CPU time, on all CPUs together, for each of its periods. When it is used
// up, the group's threads are parked, fixed ones too, until the period ends; so
// quotas bound what fixed priorities take. A period's overrun is at most minSlice
// and the lateness of one timer interrupt for each CPU that can run threads of the
// group at once. What it was over is taken from the next period, so in the mean a
// group never has more. Periods follow each other without a gap from SetQuota on; an
// unused quota is lost.
//
// # Mechanism
//
// Runnable threads that aren't running are in one of two heaps: ready, by
// deadline, and early, by v. A thread moves from early to ready when V passes
// its v; a thread found in ready that isn't eligible any more (V falls when a
// thread in debt leaves) moves back. V itself is never stored: the queue keeps
// W, the sum of weights, and S, the sum of weight*(v-base), so that "v <= V"
// is (v-base)*W <= S: exact, with no division. (S is a little more after threads
// ended in debt, see Retire.) Picking costs O(log n). The
// commonest case, one thread waiting, stays out of the heaps: a yield between
// two threads is about a hundred instructions.
//
// Fixed threads wait in a list for each priority, with a bitmap of those that
// aren't empty: O(1). Their weight is 0 and their deadline never comes, so that
// the fair class finds out about them where it looks anyway, and pays nothing.
//
// A CPU that chooses a thread of a group with a quota charges all CPUs that run
// such, and takes a slice of what is left divided by the number of CPUs that can
// use it at once: then it can't be used up before the last of them looks again,
// and no CPU has to interrupt another. A thread is parked when it is chosen, and
// goes on by Refill, a few of them in one call, first come, first served: groups
// have thousands of threads, and a call must not take long. While no group has a
// quota this costs nothing but the counting.
//
// Time is charged to the thread number that Pick answered, whatever the kernel runs
// on it: it is a scheduling entity, which a client may lend to a server. When it is
// parked the caller is told (TakeParked), so that the server need not wait for it.
//
// # Several CPUs
//
// There is a Queue for each CPU, and one table of threads, indexed by thread
// number, behind all of them. Nothing here locks: every call is made under the
// kernel lock (docs/concurrency.md). So a CPU may change another's queue; what
// the other then has to do is in TakeKicks. It may not take the thread that
// another is executing: what a CPU's last Pick answered stays with that CPU
// until it calls Pick again, even if it is dequeued and woken meanwhile.
//
// Wake chooses, of the CPUs that the thread's affinity allows: the one where it
// ran last if that is idle, for what is left in its cache; the waker's if that
// is idle, since it is awake; the lowest-numbered idle one, so that few CPUs are
// used much and the others sleep long. If none is idle it stays, unless that CPU
// has a quarter more weight than the least loaded one: a smaller difference comes
// and goes with each sleeper, and would drive threads around. A thread that never
// ran goes to the least loaded, its creator's among equals.
//
// No CPU idles while a thread waits that it may run. A CPU that has nothing to
// run takes a waiting thread from the most loaded queue that has one for it; of
// those it looks at, the one of the least virtual time, to whom most is owed. A
// CPU whose threads wait gives them to idle ones at each choice: so it is also
// when the idle one looked too early, or affinity changed. Both look at no more
// than a few threads of a queue at once (looks), at others the next time.
//
// Shares are equal across CPUs too. The queues' virtual times are on a common
// scale (V plus an offset); a thread that moves among the runnable keeps its
// place on that scale, a sleeper its distance to V, as far as it is a debt. Every
// few slices a CPU where threads wait compares its V with those of others, and
// moves one waiting thread to a less loaded CPU whose V is clearly ahead (behind).
// So three threads on two CPUs take turns: about 55 moves a second, shares within
// 1 %. The one who is behind does it, not the one ahead: its timer comes anyway,
// and a thread alone on its CPU is never interrupted to look. What can't be made
// up for, since affinity forbids it or a thread would need more than one CPU, is
// forgotten beyond maxBehind.
//
// Measured by the tests, for threads that don't sleep: equal threads are within
// 1 % of their share over a second (100 threads on 8 CPUs: 6 %, two slices), those
// of unequal weight within 3 % and six slices over five seconds, on 2 to 8 CPUs
// (of 4,000 random machines' 40,000 threads 20 are further off, the worst by 5 %);
// nobody waits longer than three rounds of all threads on one CPU; equal numbers
// of equal threads never move, any others 2 times a second and CPU in the mean.
//
// Yield chooses only among the threads of its CPU.
//
// Fixed threads: as many of the highest run as there are CPUs. None waits while a
// CPU that it may run on has something lower, but for the time until that CPU has
// looked. Who wakes goes to an idle CPU, chosen as for fair threads, else to one
// that runs the fair class, else to the one with the lowest priority under its
// own; the waker's before the one where it ran last, for it needs no interrupt.
// Who has to give way is pushed to such a CPU, and a CPU that comes to something
// lower pulls. When who waits is bound to one CPU, and who runs there isn't, that
// one moves; longer chains are not looked for, nor more than a few threads of a
// queue at once (looks). Equal ones are not balanced. Fair threads that had nothing
// of their CPU for an interval (balanceInterval) since fixed ones kept it are given
// to others.
//
// # Rejected
//
// A pool of the quota for each CPU, filled in slices (P. Turner, B. Rao and N. Rao,
// "CPU bandwidth control for CFS", Linux Symposium 2010): it saves a lock that
// there isn't here, and leaves unused time on CPUs that sleep. Scheduling groups
// first and then their threads: programs would share by their number, and each
// choice would be two.
//
// Multi-level feedback queues: they guess what a thread is from its past, by
// constants nobody can defend, and can be gamed. Lottery and stride scheduling:
// no latency bound. Least virtual time first (CFS, start-time fair queueing):
// half the code, but latency and share can't be chosen apart. Earliest deadline
// first for drivers: it needs to be told each one's period and cost, and who is
// late is not known beforehand. One queue for all CPUs: each choice would touch
// the others' cache lines, and threads would move at each. Balancing by load
// alone (Linux): three threads on two CPUs are as balanced as can be, yet one has
// twice the share of the others. Rounds by all CPUs (T. Li, D. Baumberger and S.
// Hahn, "Efficient and Scalable Multiprocessor Fair Scheduling Using Distributed
// Weighted Round-Robin", PPoPP 2009): the same aim, but threads wait for the end
// of a round, and each CPU needs a timer.
package sched

import (
	"loam/kernel/pool"
	"loam/kernel/timeq"
	"loam/machine/tables"
)

// Limits.
const (
	// MaxThreads bounds the table, so that S can't overflow; see virtual.go.
	MaxThreads = 1 << 14
	// MaxCPUs is the width of the masks of CPUs.
	MaxCPUs = 64
	// DefaultSlice is the length of a request in nanoseconds of CPU time.
	DefaultSlice = 3_000_000
	// Forever is the slice of a thread that nobody competes with.
	Forever = 1<<63 - 1

	// wakeFraction: the first request after a sleep is a slice divided by this.
	wakeFraction = 8
	// minSlice, in nanoseconds, is the least that Pick answers: a timer set
	// closer than that costs more than the imprecision.
	minSlice = 20_000
	// None is the thread number that means no thread.
	None = int32(-1)
)

// state says where a thread is.
type state uint8

const (
	asleep  state = iota // not runnable
	parked               // in the list of its group
	queued               // in a list of Queue.level
	ruling               // Queue.current, and of a fixed priority
	spare                // Queue.spare; from here on W and S count it
	ready                // in Queue.ready
	early                // in Queue.early
	running              // Queue.current
)

// thread is what the policy knows of one thread.
type thread struct {
	v      int64 // virtual time, in nanoseconds of a thread of weight 1024
	d      int64 // virtual deadline of the request
	part   int64 // what is left of the division by weight, 0 to weight-1; of a fixed thread, of its turn
	weight int64 // 0 while the priority is fixed
	queue  int32 // the CPU that has it or had it last, whose virtual time v is measured in
	state  state
	nice   int8
	prio   int8 // 0: the fair class

	allowed uint64 // CPUs it may run on, as bits; 0 in an entry never used
	used    int64  // CPU time in nanoseconds
	group   int32  // number of its group plus 1, 0: none
	_       int32  // a power of 2 in all: found by a shift
}

// Scheduler is the table of threads and the queue of each CPU.
type Scheduler struct {
	threads []thread
	links   []pool.Link // of threads in state queued or parked
	groups  []group
	queues  []Queue
	slice   int64

	all   uint64 // the CPUs there are, as bits
	idle  uint64 // those with nobody runnable
	kicks uint64 // those that have to look, until TakeKicks
	front int64  // a busy CPU's machineTime, of late
	moves Moves

	urgent  uint64 // the CPUs with a runnable fixed thread, as bits
	pending uint64 // those where one waits

	limited   int          // groups with a quota
	refills   *timeq.Queue // those with parked threads, by the end of their period
	late      pool.List    // parked threads that TakeParked hasn't given
	lateLinks []pool.Link
}

// New makes a scheduler for CPUs 0 to cpus-1, threads 0 to threads-1 and groups 0
// to groups-1, whose tables come from a source (nil: the Go heap). It panics when
// there are more than MaxCPUs or MaxThreads. All allocation happens here.
func New(from *tables.Source, cpus, threads, groups int) *Scheduler {
	if threads > MaxThreads || cpus > MaxCPUs {
		panic("sched: too many threads or CPUs")
	}
	s := &Scheduler{
		threads: tables.Make[thread](from, threads),
		links:   tables.Make[pool.Link](from, threads),
		groups:  tables.Make[group](from, groups+1),
		refills: timeq.New(from, groups+1),

		lateLinks: tables.Make[pool.Link](from, threads),
		queues:    make([]Queue, cpus),
		slice:     DefaultSlice,
		all:       ^uint64(0) >> (MaxCPUs - cpus),
	}
	s.idle = s.all
	for i := range s.queues {
		s.queues[i] = Queue{
			s: s, threads: s.threads, groups: s.groups, cpu: int32(i), current: None, spare: None, live: None, broken: None,
			bit: 1 << i, several: cpus > 1,
			ready: timeq.New(from, threads), early: timeq.New(from, threads),
		}
	}
	return s
}

// Queue gives the run queue of a CPU.
func (s *Scheduler) Queue(cpu int) *Queue { return &s.queues[cpu] }

// Reset makes t, a thread that isn't runnable, a new one of the fair class, of
// nice 0, that may run everywhere, has used no time and is in no group. A thread number is to be reset before it is used again; one that
// was never used needs it not, and its entry isn't touched before.
func (s *Scheduler) Reset(t int32) {
	th := &s.threads[t]
	s.leaveGroup(th)
	*th = thread{weight: niceWeight[0-MinNice], v: unplaced, queue: th.queue, allowed: s.all}
}

// Runnable reports whether t is running or waits to.
func (s *Scheduler) Runnable(t int32) bool { return s.threads[t].state != asleep }

// Nice gives t's nice value, -20 to 19.
func (s *Scheduler) Nice(t int32) int { return int(s.threads[t].nice) }

// unused reports whether th has not been used since New.
func (th *thread) unused() bool { return th.weight == 0 && th.prio == 0 }

// runs reports whether th is the current thread of its queue.
func (th *thread) runs() bool { return th.state == running || th.state == ruling }

const (
	// unplaced is a virtual time before every other: max(v, V) is V.
	unplaced = -1 << 62
	// unending is a deadline behind every other.
	unending = 1 << 62
)
