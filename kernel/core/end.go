//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/pool"
	"loam/kernel/sched"
	"loam/machine/metal"
)

// endProcess ends a process: none of its threads runs any more. They and what it
// has go piece by piece (reap); what remains until a parent has asked for it is
// its status.
func (r *runner) endProcess(p *Process, status abi.ExitStatus) {
	if p.ended {
		return
	}
	me := p.handle.Index
	if p.refused && status != (abi.ExitStatus{}) {
		k.tellLimit(p)
	}
	if k.several { // no CPU is in a call without lock, about to switch to one of its threads
		r.barrier(nil)
	}
	p.ended, p.stopped, p.status = true, false, status
	if !p.guest {
		r.endGuests(p.memory)
	}
	k.processEnding(p)
	if me == k.first {
		k.draw(channel.MapAtEnd)
	}
	for i := range int32(timersPerProcess) {
		k.timers.Remove(int32(k.threads.Cap()) + me*timersPerProcess + i)
	}
	for i := range k.runners {
		if o := &k.runners[i]; o.p == p && o.index != sched.None {
			r.bury(o.index, true)
		}
	}
	k.leaving.PushBack(k.leavingLinks, me)
	r.work |= workChoose
}

// buryThreads takes a piece of the threads of the first process that is leaving,
// and ends the process with the last one.
func (r *runner) buryThreads() {
	const atOnce = 16
	me := k.leaving.First()
	p := k.processes.Index(me)
	i := p.members.First()
	for n := 0; n < atOnce && i != pool.Nil; n++ {
		next := p.members.Next(k.siblings, i)
		if i != p.leader { // its slot holds the process's id
			r.bury(i, false)
		}
		i = next
	}
	if i != pool.Nil {
		return
	}
	r.bury(p.leader, true) // before failCalls: what it receives would be failed by nobody
	if r.failCalls(p) {
		k.leaving.Remove(k.leavingLinks, me)
		r.leave(p)
	}
}

// leave gives back what a process without threads has, but for its memory and its
// handles, and lets those know who have to.
func (r *runner) leave(p *Process) {
	me := p.handle.Index
	p.zombie = true
	k.poll.FreeTable(k.tables[me])
	k.tables[me] = nil
	if !r.keepNews(p) {
		r.dropForward(p)
	}
	r.settle()
	r.leaveMemory(p)
	r.endSpace(p.space)
	r.abandonChildren(p)
	r.tellParent(p)
	if me == k.first {
		k.ending = true
		r.endOthers()
	}
}

// endSpace has every CPU leave a space that no thread runs in any more, and puts
// it among those to be given back.
func (r *runner) endSpace(index int32) {
	s := k.spaces.Index(index)
	s.ending = true
	r.leaveSpace(index)
	if s.hollow { // what was in it is going
		s.hollow = false
		if k.dyingLinks[index].Linked() {
			return
		}
	}
	k.dying.PushBack(k.dyingLinks, index)
}

// leaveSpace has every CPU leave a space that no thread runs in any more.
func (r *runner) leaveSpace(index int32) {
	if r.loaded == index {
		r.unload()
	}
	for i := range k.runners {
		if o := &k.runners[i]; o != r && o.loaded == index {
			r.order(o, orderLeave)
		}
	}
}

// abandonChildren makes p nobody's parent. Those of its children that have
// ended are forgotten.
func (r *runner) abandonChildren(p *Process) {
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		child := k.processes.Index(i)
		if child.parentPID != p.pid {
			continue
		}
		child.parentPID = 0
		if child.zombie {
			k.freeProcess(child)
		}
	}
}

// tellParent lets p's parent know of its end; without one it is forgotten at
// once, but for the first process, whose status the host gets.
func (r *runner) tellParent(p *Process) {
	if p.parentPID == 0 {
		if p.handle.Index != k.first && p.news == 0 {
			k.freeProcess(p)
		}
		return
	}
	code := int32(abi.CLD_EXITED)
	if p.status.Kind != abi.Exited {
		code = abi.CLD_KILLED
	}
	info := abi.SentInfo(abi.SIGCHLD, code, p.pid, 0)
	info.B = uint64(p.status.Value)
	if parent := k.findProcess(p.parentPID); parent != nil {
		r.postProcess(parent, info)
	}
	r.childEnded()
}

// endOthers kills what is left when the first process has ended.
func (r *runner) endOthers() {
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		if i != k.first {
			p := k.processes.Index(i)
			p.parentPID = 0
			if p.zombie {
				r.dropNews(p)
				k.freeProcess(p)
			} else {
				r.endProcess(p, abi.ExitStatus{Kind: abi.Signalled, Value: uint32(abi.SIGKILL)})
			}
		}
	}
}

// freeProcess forgets a process that has ended.
func (k *kernel) freeProcess(p *Process) {
	leader := k.threads.Index(p.leader)
	p.members.Remove(k.siblings, p.leader)
	k.objects.DropRecord(leader.object)
	k.objects.DropRecord(p.objects.Object)
	k.threads.Put(leader.handle)
	k.processes.Put(p.handle)
}

// anythingLeft reports whether ended processes, or objects that nobody can name, have
// something that reap has to give back.
func (k *kernel) anythingLeft() bool {
	return !k.dying.Empty() || !k.leaving.Empty() || !k.orphans.Empty() || k.memories.Dying()
}

// reap is reapPiece, counted.
func (r *runner) reap() bool {
	if !r.reapPiece() {
		return false
	}
	k.pieces++
	return true
}

// reapPiece gives back a piece of what an ended process has, its threads first, then its
// handles, then what its space has, and reports whether there was one: a space may have to wait
// until other CPUs have left it, which then come here. When the last one is done
// and the first process has ended, so does the machine.
func (r *runner) reapPiece() bool {
	if !k.leaving.Empty() {
		r.buryThreads()
		return true
	}
	if !k.orphans.Empty() {
		r.failOrphan()
		return true
	}
	i := k.dying.First()
	for i != pool.Nil && (k.loaders(i) != 0 || k.spaces.Index(i).needed()) {
		i = k.dying.Next(k.dyingLinks, i)
	}
	if i == pool.Nil {
		return r.reapMemory()
	}
	s := k.spaces.Index(i)
	if !s.hollow && s.base == 0 && !r.closeHandles(&k.handles[i]) {
		return true
	}
	if k.memoryTurn = !k.memoryTurn; k.memoryTurn && r.reapMemory() {
		return true
	}
	st := s.Stats()
	if !s.Destroy() {
		k.stats.peak = max(k.stats.peak, st.Peak)
		s.seen, s.large = max(s.seen, st.Faults), max(s.large, st.Made)
		return true
	}
	k.stats.faults += s.seen
	k.stats.large += s.large
	k.dying.Remove(k.dyingLinks, i)
	metal.ReportMistakes()
	if r.reapedPart(s) {
		return true
	}
	owner := s.owner
	k.spaces.Put(s.handle)
	r.processGone(&owner)
	r.maybeFinish()
	return true
}

// maybeFinish ends the machine if there is nothing left to be given back after the
// end of the first process.
func (r *runner) maybeFinish() {
	if k.ending && k.dying.Empty() && !k.memories.Dying() {
		finish()
	}
}

// exitFailed is the exit code of a machine that could not do its work: loam's own for that.
const exitFailed = 125

// finish tells the host how the first process ended and stops the machine.
func finish() {
	p := k.processes.Index(k.first)
	status := p.status
	k.freeProcess(p)
	k.readMallocs()
	if audited {
		walk()
	}
	report()
	if k.byInit && status.Kind == abi.Exited { // its status is not that of the program
		status.Value = exitFailed
		k.endReason.text("init has ended")
	}
	exit(channel.Kind(status.Kind), status.Value, k.endReason.done())
}

// exit sends the last frame and stops the machine.
func exit(kind channel.Kind, value uint32, reason []byte) {
	var b [channel.ExitSize + channel.MaxLine]byte
	channel.PutExit((*[channel.ExitSize]byte)(b[:]), kind, value)
	n := channel.ExitSize + copy(b[channel.ExitSize:], reason)
	metal.HostWrite(channel.Exit, b[:n])
	if kind == channel.NotStarted {
		var l line
		l.text("no program was started: ")
		l.bytes(reason)
		metal.LogLine(l.done())
		metal.ShowLog()
	}
	metal.Shutdown(metal.ShutdownOK)
}
