//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/pool"
	"loam/kernel/sched"
	"loam/kernel/signal"
	"loam/kernel/space"
	"loam/kernel/victim"
	"loam/machine/metal"
)

// What happens when there is no memory for a page that a program touches. Over a
// limit of its own the program gets a signal. When the machine is short, some
// process is ended (package victim says which), and who wanted the page makes the
// access again until it succeeds or comes here again: it waits for nobody and
// holds nothing. Calls that need memory answer ENOMEM and end nobody.

// noMemory deals with the current thread's access to a page that there is no
// frame for: the thread tries again, or its process ends.
func (r *runner) noMemory(page uint64) {
	if r.t.short.Again(page, k.anythingLeft(), k.pieces, k.mostPieces()) {
		r.work |= workChoose // which gives back a piece
		return
	}
	var c victim.Choice
	k.candidates(&c)
	logCandidates(&c)
	p := r.p
	if c.Len() > 0 {
		p = k.processes.Index(c.At(0).Process)
	}
	k.tellVictim(p)
	r.endProcess(p, killed)
}

// mostPieces is a number of pieces in which all that programs have has been given
// back, for certain: there is a frame, or an area, of which there are as many, in
// nearly all of them.
func (k *kernel) mostPieces() uint64 { return 2*k.stats.freeAtStart + uint64(k.threads.Cap()) }

// candidates offers every process to the choice.
func (k *kernel) candidates(c *victim.Choice) {
	k.objects.OwnPages(k.own)
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		p := k.processes.Index(i)
		c.Add(victim.Candidate{Process: i, Frames: k.memoryOf(p), Born: k.objects.At(p.objects.Object).ID(),
			Exempt: p.ended || p.essential})
	}
}

// memoryOf is how many frames a process has, as of the last candidates.
func (k *kernel) memoryOf(p *Process) uint64 {
	if p.ended {
		return 0
	}
	return k.own[p.objects.Account]
}

// tellVictim tells the host and the log of a process that is to be ended for want
// of memory, and what would help.
func (k *kernel) tellVictim(p *Process) {
	var l line
	l.text("out of memory: ")
	l.process(p, k.memoryOf(p))
	l.text(" was killed; the machine has ")
	l.number(k.stats.memoryMiB)
	l.text(" MiB (-m gives it more)")
	metal.HostWrite(channel.Notice, l.done())
	metal.LogLine(l.done())
}

// logCandidates writes to the log who was to choose from.
func logCandidates(c *victim.Choice) {
	for i := range c.Len() {
		var l line
		l.text("out of memory: candidate ")
		l.number(uint64(i) + 1)
		l.text(": ")
		l.process(k.processes.Index(c.At(i).Process), c.At(i).Frames)
		metal.LogLine(l.done())
	}
}

// process writes which process it is, and how many frames it has.
func (l *line) process(p *Process, frames uint64) {
	l.name(p)
	l.text(", ")
	l.size(frames)
	l.text(")")
}

// name writes which process it is, without the last parenthesis.
func (l *line) name(p *Process) {
	if name := p.programName(); len(name) > 0 {
		l.bytes(name)
	} else {
		l.text("a process") // made empty
	}
	l.text(" (pid ")
	l.number(uint64(p.pid))
}

// size writes what so many frames are.
func (l *line) size(frames uint64) {
	const perMiB = 1 << 20 / abi.PageSize
	if frames < perMiB {
		l.number(frames * abi.PageSize >> 10)
		l.text(" KiB")
		return
	}
	l.number(frames / perMiB)
	l.text(" MiB")
}

// lent is how many frames a process may have beyond its limit when it has met that:
// a handler has to run, and may need a page of its stack and of what it reads.
const lent = 16

// overLimit notes that the current process was refused a page because of a limit.
// Once in its life the log gets to know.
func (r *runner) overLimit() {
	r.as.Lend(lent)
	if r.p.refused {
		return
	}
	r.p.refused = true
	var l line
	k.limitReached(&l, r.p)
	metal.LogLine(l.done())
}

// limitReached writes which process met a limit, and what would help if it is the
// one that the machine was started with.
func (k *kernel) limitReached(l *line, p *Process) {
	l.text("memory limit: ")
	l.name(p)
	l.text(") wanted more than the ")
	limit := k.objects.Tightest(p.objects.Account)
	l.size(limit)
	l.text(" that it may have")
	if limit == k.memoryLimit && k.limited() {
		l.text(" (--memory-limit gives it more)")
	}
}

// tellLimit tells the host why a process may have failed that was refused a page.
func (k *kernel) tellLimit(p *Process) {
	var l line
	k.limitReached(&l, p)
	metal.HostWrite(channel.Notice, l.done())
}

// noRoomForFrame deals with a handler's frame that there is no memory for. When
// the machine is short, the thread takes the signal later.
func (r *runner) noRoomForFrame(d *signal.Delivery) {
	place, _ := r.handlerFrame(d)
	page, out := r.missing(place.SP, uint64(place.Bytes))
	if out == space.OverQuota {
		r.overLimit()
		page, out = r.missing(place.SP, uint64(place.Bytes))
	}
	if out == space.OverQuota {
		over := signal.Delivery{Info: abi.FaultInfo(abi.SIGBUS, abi.BUS_ADRERR, abi.UserAddr(page))}
		r.endBySignal(r.p, &over)
		return
	}
	t, p := r.t, r.p
	if out == space.NoMemory {
		r.noMemory(page)
	}
	if p.ended {
		return
	}
	signal.PutBack(&p.sig, &t.sig, d)
	r.stepAside()
}

// missing gives the first page of a range of user memory that can't be had for
// writing, and why; of none, Resolved.
func (r *runner) missing(start, n uint64) (page uint64, why space.Outcome) {
	for page = start &^ (abi.PageSize - 1); page < start+n; page += abi.PageSize {
		if why = r.as.Fault(page, space.Write); why != space.Resolved {
			return page, why
		}
	}
	return 0, space.Resolved
}

// stepAside makes no thread the current one, so that the choice that is under way
// looks at all anew, at the signals of the one that was too. It does what would
// else be done between two choices.
func (r *runner) stepAside() {
	if k.dirty != 0 {
		r.flush()
	}
	r.change(sched.None)
	r.reap()
	r.breathe()
}
