//go:build loam && loamcheck

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/decode"
	"loam/kernel/ipc"
	"loam/kernel/object"
	"loam/kernel/pool"
	"loam/machine/bootinfo"
	"loam/machine/metal"
)

// The kernel's invariants, which kernels with the tag loamcheck look at when the machine ends and, with audit=1 on
// the command line, now and then before a thread runs. What packages object, ipc, sched,
// timeq and memory can say of themselves, they say (their Check); here is what holds
// between them. Whatever isn't so is a panic that says what it is.

// audited: the kernel looks at its invariants while it runs.
const audited = true

// auditPeriod is how often at most, ns; auditShare is the part of the time that it may take, as 1
// of so many: what is tested is to go on at its usual pace.
const (
	auditPeriod = 50_000_000
	auditShare  = 32
)

var auditor struct {
	next    int64 // when it is time to
	objects *object.Audit
}

// setUpAudit also looks at all tables that are looked at as a whole: there is memory behind
// them from then on, and a walk takes none.
func setUpAudit() {
	if on, _ := bootinfo.Flag(metal.CommandLine(), "audit"); !on {
		auditor.next = decode.Never
	}
	auditor.objects = k.objects.NewAudit()
	auditor.objects.Begin()
	must(k.ipc.Check(func(int32) bool { return false }))
	must(k.sched.Check())
	must(k.timers.Check())
	for i := range k.pagers {
		k.touched += k.pagers[i].key
	}
	linked := 0
	for _, links := range [][]pool.Link{k.links, k.siblings, k.orphanLinks} {
		for i := range links {
			if links[i].Linked() {
				linked++
			}
		}
	}
	for i := range int32(k.threads.Cap()) {
		if _, ok := k.futexes.Waiting(i); ok {
			linked++
		}
	}
	if linked != 0 {
		broken("core: somebody waits before there is anybody", int32(linked))
	}
}

// audit looks at the invariants if it is time to, when the current thread is about to
// run. No other CPU is out then, nor in the middle of anything: each has the lock only to
// change from one state that is well formed to another.
func (r *runner) audit() {
	now := metal.Now()
	if r.work|k.dirty != 0 || now < auditor.next {
		return
	}
	r.barrier(nil)
	walk()
	end := metal.Now()
	auditor.next = end + max(auditPeriod, auditShare*(end-now))
}

// broken ends the machine: what was found isn't so.
func broken(what string, at int32) {
	var l line
	l.text("broken invariant: ")
	l.text(what)
	l.text(": ")
	if at < 0 {
		l.text("-")
		at = -at
	}
	l.number(uint64(at))
	metal.Fatal(string(l.done()))
}

// must is broken, unless there is nothing to be said.
func must(what string, at int32) {
	if what != "" {
		broken(what, at)
	}
}

// walk looks at everything, and takes no memory for that: a table that it touches
// where nothing was ever in use would.
func walk() {
	tables := metal.Machine().TableBytes
	must(k.ipc.Check(func(t int32) bool { _, ok := k.threads.HandleOf(t); return ok }))
	must(k.sched.Check())
	must(k.timers.Check())
	if !k.threads.Check() || !k.processes.Check() || !k.spaces.Check() || !k.clocks.Check() {
		broken("a pool", 0)
	}
	must(k.memories.Check(func(i int32) uint32 {
		if k.objects.At(k.memoryHeaders[i]).References() > 0 {
			return 1
		}
		return 0
	}))
	deadlines := 0
	for i := k.threads.Next(pool.Nil); i != pool.Nil; i = k.threads.Next(i) {
		t := k.threads.Index(i)
		must(k.checkThread(i, t), i)
		if _, ok := k.timers.Deadline(i); ok {
			deadlines++
		}
	}
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		must(k.checkProcess(k.processes.Index(i)), i)
	}
	for i := range k.runners {
		must(k.checkRunner(&k.runners[i]), int32(i))
	}
	must(k.checkObjects())
	if metal.Machine().TableBytes != tables {
		broken("core: the walk takes memory", 0)
	}
}

// checkThread looks at what thread i says of its wait, and at who should know of it.
func (k *kernel) checkThread(i int32, t *Thread) (broken string) {
	p := &k.ipc.Parties[i]
	_, futex := k.futexes.Waiting(i)
	at, timer := k.timers.Deadline(i)
	waits := t.wait != running && t.wait != forStart && t.wait != forNothing
	known := t.wait != forReply && t.wait != forReceive // a call without lock leaves what the deadline was before
	object := k.objects.At(t.object)
	switch {
	case (t.wait == forSend) != (p.State == ipcSending), (t.wait == forReply) != (p.State == ipcCalling),
		(t.wait == forReceive) != (p.State == ipc.Receiving):
		return "core: a thread waits for another message than package ipc says"
	case futex != (t.wait == forFutex):
		return "core: a thread waits for a futex, or doesn't"
	case k.links[i].Linked() != (t.wait == forObject || t.wait == forChild):
		return "core: a thread waits for an object or a child, or doesn't"
	case timer && (!waits || at != t.deadline), waits && known && !timer && t.deadline != decode.Never:
		return "core: the deadline of a thread"
	case t.gone != (t.wait == forNothing), t.gone != (object.Record == pool.Nil), !t.gone && object.Record != i:
		return "core: a thread is gone, or isn't"
	case t.bound != 0 && k.objects.At(t.bound-1).Bound != i+1:
		return "core: the notification that is bound to a thread"
	case t.on != 0 && k.runners[t.on-1].index != i:
		return "core: a thread is on a CPU that has another"
	case p.Entity == i && t.boost != k.raisedTo(i), p.Entity != i && t.boost != 0:
		return "core: an entity is raised to what none of its threads is"
	}
	return k.checkEntity(i)
}

// checkEntity: an entity is runnable exactly if the thread is that runs on it. A CPU that
// has this thread on another entity sees to that when it has left it (settleEntity).
func (k *kernel) checkEntity(e int32) (broken string) {
	i := k.ipc.Runs[e]
	if k.runs(i, e) == k.sched.Runnable(e) {
		return ""
	}
	if o := k.threads.Index(i).runner(); o != nil && o.entity != e {
		return ""
	}
	if k.sched.Runnable(e) {
		return "core: an entity is runnable, and the thread isn't that runs on it"
	}
	return "core: an entity isn't runnable, and the thread is that runs on it"
}

// checkProcess looks at a process's threads.
func (k *kernel) checkProcess(p *Process) (broken string) {
	n, ok := p.members.Check(k.siblings)
	if !ok {
		return "core: the list of a process's threads"
	}
	live := int32(0)
	for i := p.members.First(); i != pool.Nil; i = p.members.Next(k.siblings, i) {
		t := k.threads.Index(i)
		if t.process != p.handle.Index {
			return "core: a thread in the list of a process is another's"
		}
		if !t.gone {
			live++
		}
	}
	switch {
	case live != p.count || n == 0:
		return "core: the count of a process's threads"
	case !p.ended && p.count == 0:
		return "core: a process without threads hasn't ended"
	}
	return ""
}

// checkRunner looks at what a CPU has.
func (k *kernel) checkRunner(o *runner) (broken string) {
	if o.index < 0 {
		return ""
	}
	t := k.threads.Index(o.index)
	switch {
	case o.t != t || o.p != k.processes.Index(t.process) || o.c != k.contexts[o.index]:
		return "core: the current thread of a CPU"
	case t.on != o.id+1:
		return "core: the current thread of a CPU is on another"
	case o.pair.state != apart:
		return "core: a CPU that is in has a pair"
	}
	return ""
}

// checkObjects counts references and charges.
func (k *kernel) checkObjects() (broken string, at int32) {
	a := auditor.objects
	a.Begin()
	refer := func(i int32) {
		if i != pool.Nil {
			a.Refer(i)
		}
	}
	for i := k.threads.Next(pool.Nil); i != pool.Nil; i = k.threads.Next(i) {
		t := k.threads.Index(i)
		refer(t.object)
		refer(t.bound - 1)
		refer(t.making - 1)
	}
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		p := k.processes.Index(i)
		refer(p.objects.Object)
		refer(p.forward.endpoint - 1)
	}
	for i := k.spaces.Next(pool.Nil); i != pool.Nil; i = k.spaces.Next(i) {
		s := k.spaces.Index(i)
		refer(s.owner.Space)
		a.Pages(s.owner.Account, s.Charged())
	}
	for i := k.clocks.Next(pool.Nil); i != pool.Nil; i = k.clocks.Next(i) {
		t := k.clocks.Index(i)
		refer(t.notification)
		if _, set := k.timers.Deadline(k.timerOwner(i)); set && t.notification == pool.Nil {
			return "core: a timer is set for nothing", i
		}
	}
	for i := range k.lines {
		x := &k.lines[i]
		refer(x.notification)
		if x.again && !x.unserved || x.unserved && !x.message {
			return "core: an interrupt that waits to be served", int32(i)
		}
	}
	for i := range k.watches {
		refer(k.watches[i].notification)
	}
	for i := range k.pagers {
		refer(k.pagers[i].endpoint - 1)
	}
	return k.checkEndpoints(a)
}

// checkEndpoints goes on with the objects that have records of their own.
func (k *kernel) checkEndpoints(a *object.Audit) (broken string, at int32) {
	for e := k.orphans.First(); e != pool.Nil; e = k.orphans.Next(k.orphanLinks, e) {
		a.Refer(k.ipc.Endpoint(e).Object)
	}
	claims := 0
	for i := k.objects.Next(pool.Nil); i != pool.Nil; i = k.objects.Next(i) {
		h := k.objects.At(i)
		if h.Kind() == abi.KindPorts || h.Kind() == abi.KindRegisters {
			claims++
		}
		n, ok := h.Waiters.Check(k.links)
		if !ok || n != int(h.Waiting) {
			return "core: those who wait for an object", i
		}
		for t := h.Waiters.First(); t != pool.Nil; t = h.Waiters.Next(k.links, t) {
			if k.threads.Index(t).waits != i {
				return "core: one who waits for an object says that it is for another", i
			}
		}
		if broken = k.checkRecord(a, i, h); broken != "" {
			return broken, i
		}
	}
	if claims != k.ports.Len()+k.registers.Len() {
		return "core: ports or registers are claimed by no object, or by several", int32(claims)
	}
	return a.Check()
}

// checkRecord looks at what is behind object i.
func (k *kernel) checkRecord(a *object.Audit, i int32, h *object.Header) (broken string) {
	switch h.Kind() {
	case abi.KindEndpoint:
		ep := k.ipc.Endpoint(h.Record)
		if ep.Object != i {
			return "core: an endpoint is another object's"
		}
		if ep.Watch != 0 {
			a.Refer(ep.Watch - 1)
		}
		if ep.News != 0 {
			a.Refer(ep.News - 1)
		}
		// Who is to be told of a cancelled call may still be in a queue: the call has its answer all the same.
		if h.Receivers() == 0 && !k.orphanLinks[h.Record].Linked() {
			switch {
			case k.ipc.Sender(h.Record) != pool.Nil:
				return "core: a call waits at an endpoint where nobody can receive"
			case k.ipc.Waiting(h.Record) != pool.Nil:
				return "core: a thread receives at an endpoint where nobody can"
			}
		}
	case abi.KindMemory:
		if h.Record == pool.Nil {
			return "core: memory without a record"
		}
		if k.memoryHeaders[h.Record] != i {
			return "core: memory is another object's"
		}
		a.Pages(h.Account(), k.memories.Frames(h.Record))
	case abi.KindPorts:
		if k.ports.At(h.Record).Count == 0 {
			return "core: ports that aren't claimed"
		}
	case abi.KindRegisters:
		if k.registers.At(h.Record).Count == 0 {
			return "core: registers that aren't claimed"
		}
	case abi.KindNotification:
		if h.Bound != 0 && k.threads.Index(h.Bound-1).bound != i+1 {
			return "core: a notification is bound to a thread that doesn't know"
		}
	}
	return ""
}
