//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/pool"
	"loam/kernel/signal"
)

// How signals reach threads: making them pending, finding the thread that is to
// take one, and the handler's frame on its stack. What a signal does is package
// signal's to say.

// due reports whether the thread has a signal to take before it goes on.
func (t *Thread) due(p *Process) bool { return signal.Deliverable(&p.sig, &t.sig) }

// postThread sends a signal to thread i.
func (r *runner) postThread(i int32, info abi.Siginfo) {
	t := k.threads.Index(i)
	p := k.processes.Index(t.process)
	sent := signal.SendThread(&p.sig, &t.sig, info)
	r.tellSent(p, info.Signo, sent)
	if sent == signal.Resumed {
		r.resume(p)
	}
	if sent != signal.Queued && sent != signal.Resumed {
		return
	}
	if info.Signo == abi.SIGKILL {
		r.endProcess(p, abi.ExitStatus{Kind: abi.Signalled, Value: uint32(abi.SIGKILL)})
		return
	}
	r.look(i, t, p, info.Signo)
}

// postProcess sends a signal to a process: to the first of its threads that
// wants it, the current one before the others.
func (r *runner) postProcess(p *Process, info abi.Siginfo) {
	if p.ended {
		return
	}
	blocked := ^abi.Sigset(0)
	for i := p.members.First(); i != pool.Nil; i = p.members.Next(k.siblings, i) {
		blocked &= k.threads.Index(i).sig.Mask()
	}
	sent := signal.SendProcess(&p.sig, blocked, info)
	r.tellSent(p, info.Signo, sent)
	if sent == signal.Resumed {
		r.resume(p)
	}
	if sent != signal.Queued && sent != signal.Resumed {
		return
	}
	if info.Signo == abi.SIGKILL {
		r.endProcess(p, abi.ExitStatus{Kind: abi.Signalled, Value: uint32(abi.SIGKILL)})
		return
	}
	if r.p == p && r.t.sig.Wants(info.Signo) {
		r.look(r.index, r.t, p, info.Signo)
		return
	}
	for i := p.members.First(); i != pool.Nil; i = p.members.Next(k.siblings, i) {
		if t := k.threads.Index(i); !t.gone && t.sig.Wants(info.Signo) {
			r.look(i, t, p, info.Signo)
			return
		}
	}
}

// tellSent tells who watches it of a signal that has become pending.
func (r *runner) tellSent(p *Process, s abi.Signal, sent signal.Sent) {
	if p.sig.Watches(s) && (sent == signal.Queued || sent == signal.Resumed) {
		r.tellNews(p, abi.NewsSignal)
	}
}

// look has thread i look at its signals, if s is one for it.
func (r *runner) look(i int32, t *Thread, p *Process, s abi.Signal) {
	if !t.sig.Wants(s) || t.gone {
		return
	}
	if t.wait == forSignal {
		t.retry = true // it finds out whether it waited for this one
		r.unpause(i, t)
		return
	}
	if t.due(p) {
		r.interrupt(i, t)
	}
}

// force makes the current thread take a signal that its own instruction caused.
func (r *runner) force(info abi.Siginfo) {
	signal.Force(&r.p.sig, &r.t.sig, info)
	r.work |= workSignal
}

// stop takes the threads of a process off the CPU until SIGCONT.
func (r *runner) stop(p *Process) { r.setStopped(p, true) }

// resume lets a stopped process go on.
func (r *runner) resume(p *Process) { r.setStopped(p, false) }

func (r *runner) setStopped(p *Process, stopped bool) {
	if p.stopped == stopped {
		return
	}
	p.stopped = stopped
	if stopped {
		r.tellNews(p, abi.NewsStopped)
	} else {
		r.tellNews(p, abi.NewsContinued)
	}
	for i := p.members.First(); i != pool.Nil; i = p.members.Next(k.siblings, i) {
		t := k.threads.Index(i)
		r.reach(i)
		t.stopped = stopped
		r.leaveTrack(i)
		r.settleEntity(k.ipc.Parties[i].Entity)
	}
	r.work |= workChoose
}

// takeSignals has the current thread take the signals that are due: it enters
// handlers, ends or stops the process, or goes on with a call that a signal
// interrupted for nothing.
func (r *runner) takeSignals() {
	t, p := r.t, r.p
	t.signalled = false
	if !t.due(p) && t.restart == noRestart {
		t.sig.RestoreMask()
		return
	}
	for {
		d := signal.Next(&p.sig, &t.sig)
		switch d.Verdict {
		case signal.Nothing:
			r.restartCall()
			t.sig.RestoreMask()
			if t.due(p) {
				continue
			}
			return
		case signal.Terminate:
			r.endBySignal(p, &d)
			return
		case signal.Stop:
			t.signalled = true // its call starts again afterwards
			p.stopSignal = d.Info.Signo
			r.stop(p)
			return
		}
		if t.retry { // what it waited for has changed, but the signal goes first
			t.retry, t.resumed = false, false
			r.c.SetResult(abi.EINTR.Result())
			if restartable(r.c.Number()) {
				t.restart = ifRestart
			}
		}
		if t.restart == always || t.restart == ifRestart && d.Action.Flags&abi.SA_RESTART != 0 {
			r.restartCall()
		}
		t.restart = noRestart
		switch r.enterHandler(&d) {
		case 0:
			signal.Entered(&t.sig, &d)
		case abi.ENOMEM:
			r.noRoomForFrame(&d)
			return
		case memory.Absent:
			if r.frameMissed(&d) {
				return
			}
			signal.FrameFailed(&p.sig, &t.sig, &d)
		default:
			signal.FrameFailed(&p.sig, &t.sig, &d)
		}
	}
}

// restartCall makes the current thread's interrupted call start again.
func (r *runner) restartCall() {
	if r.t.restart == noRestart {
		return
	}
	r.t.restart = noRestart
	r.c.Rewind()
}
